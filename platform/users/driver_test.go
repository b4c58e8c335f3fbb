package users_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
)

// A table is a database with one table, which answers every query with its rows. Tests
// with a true database are in cmd/prismctl, as the drivers are.
type table struct {
	columns []string
	rows    [][]driver.Value
	err     error // of each query
	hangs   bool  // until the context ends

	execErr error // of each other statement
	mu      sync.Mutex
	ran     []string       // the statements
	args    []driver.Value // of the last one
}

func (tb *table) open(t *testing.T) *sql.DB {
	db := sql.OpenDB(tb)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func (tb *table) ask(statement string, args []driver.NamedValue) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.ran, tb.args = append(tb.ran, statement), nil
	for _, arg := range args {
		tb.args = append(tb.args, arg.Value)
	}
}

func (tb *table) Connect(context.Context) (driver.Conn, error) { return conn{tb}, nil }
func (tb *table) Driver() driver.Driver                        { return nil }

type conn struct{ *table }

func (conn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("not needed") }
func (conn) Begin() (driver.Tx, error)           { return nil, errors.New("not needed") }
func (conn) Close() error                        { return nil }

func (c conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.ask(query, args)
	if c.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &rows{c.columns, slices.Clone(c.rows)}, c.err
}

func (c conn) ExecContext(_ context.Context, statement string, args []driver.NamedValue) (driver.Result, error) {
	c.ask(statement, args)
	return driver.RowsAffected(1), c.execErr
}

type rows struct {
	columns []string
	left    [][]driver.Value
}

func (r *rows) Columns() []string { return r.columns }
func (r *rows) Close() error      { return nil }

func (r *rows) Next(into []driver.Value) error {
	if len(r.left) == 0 {
		return io.EOF
	}
	copy(into, r.left[0])
	r.left = r.left[1:]
	return nil
}
