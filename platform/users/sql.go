package users

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopex/prism-go/platform"
)

// SQL asks a database who a user is. DB and Query are required. The fields must not be
// changed once it is used; its methods may be called from any number of goroutines.
type SQL struct {
	// DB is the database, with the driver of your choice. Its own settings bound the
	// number of connections.
	DB *sql.DB

	// Query returns the row of a user. Its one parameter, $1 or ? as the driver has it,
	// is the login; who may not log in, it leaves out. Of its columns one is the user's
	// ID, one is the hash of the password, and all others are the user's Data, by their
	// names. NULL is no value. More than one row is an error.
	Query string

	// IDColumn and HashColumn name the columns of the ID and the hash. Without them,
	// these are the first and the second of all columns.
	IDColumn, HashColumn string

	// Compare says that Query has the password as its second parameter, and returns a
	// row only if it is right, as in "... where login = $1 and password = crypt($2,
	// password)". There is no column with a hash then. The database gets the password,
	// so its log may, too; and it is up to the query that an unknown login takes as
	// long as a wrong password.
	Compare bool

	// Verify reports whether hash is one of password; an error says that it is no hash.
	// If nil, it is [platform.CheckPassword]. See [MD5] and [SHA1] for others.
	//
	// For an unknown login it checks the last hash that a user had, to take as long. If
	// nil, each login takes as long as the hash with the most iterations so far.
	Verify func(hash, password string) (bool, error)

	// Iterations are those of [platform.HashPassword] whose time a check takes at
	// least, until a hash has more. The default is 600,000; a negative number is none.
	Iterations int

	// OnSuccess and OnFailure are run after the password was right, or not, with the
	// login as their parameter, such as "update members set seen = now() where login =
	// $1". Empty is none. If OnSuccess fails, the user is not logged in; if OnFailure
	// does, it is logged.
	OnSuccess, OnFailure string

	// CheckEvery is how long it may take until a session ends whose user may not log in
	// any more, or has another ID or hash. The default is a minute; with a negative
	// number sessions end by their time only.
	CheckEvery time.Duration

	// CheckQuery says it in place of Query: its parameter is the login, and a session
	// ends when it has no row or any of its columns is another one, such as the time of
	// the last change of the password. With Compare, sessions end by their time only
	// without it.
	CheckQuery string

	// Timeout bounds a login, with all of its statements, and a check. The default is 10
	// seconds.
	Timeout time.Duration

	// Logger gets failures of OnFailure and of checks. If nil, nothing is logged.
	Logger *slog.Logger

	effort effort
	epochs epochs
}

const defaultTimeout = 10 * time.Second

// Check returns what is missing. [SQL.Authenticate] does, too.
func (s *SQL) Check() error {
	switch {
	case s.DB == nil || s.Query == "":
		return errors.New("users: SQL needs DB and Query")
	case s.Compare && (s.HashColumn != "" || s.Verify != nil):
		return errors.New("users: with Compare the query checks the password: there is no HashColumn and no Verify")
	}
	return nil
}

// Authenticate implements [platform.Users]. It returns [platform.ErrWrongPassword] for an
// unknown login, a wrong password, and a user without a hash. Any other error matches
// [ErrUnavailable], or is that of Check.
func (s *SQL) Authenticate(ctx context.Context, login, password string) (platform.User, error) {
	if err := s.Check(); err != nil {
		return platform.User{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.Timeout, defaultTimeout))
	defer cancel()
	user, err := s.find(ctx, login, password)
	switch {
	case err == nil:
		if err := s.run(ctx, s.OnSuccess, login); err != nil {
			return platform.User{}, unavailable(ctx, password, "OnSuccess failed", err)
		}
		s.epochs.learn(login, user.Epoch, s.every())
		return user, nil
	case !errors.Is(err, platform.ErrWrongPassword):
		return platform.User{}, err
	}
	if err := s.run(ctx, s.OnFailure, login); err != nil && s.Logger != nil {
		s.Logger.Warn("what is to be done after a wrong password failed", "error", unavailable(ctx, password, "OnFailure failed", err))
	}
	return platform.User{}, platform.ErrWrongPassword
}

// find returns the user with this login and password.
func (s *SQL) find(ctx context.Context, login, password string) (platform.User, error) {
	var user *row
	var epoch string
	if isText(login) && (!s.Compare || isText(password)) {
		var err error
		if epoch, err = s.epochAtLogin(ctx, login); err != nil {
			return platform.User{}, unavailable(ctx, password, "the database was asked by CheckQuery", err)
		}
		if user, err = s.query(ctx, login, password); err != nil {
			return platform.User{}, unavailable(ctx, password, "the database was asked for a user", err)
		}
	}
	right, err := s.right(user, password)
	switch {
	case err != nil:
		return platform.User{}, unavailable(ctx, password, "the hash of the user "+user.id, err)
	case !right || epoch == "" && s.CheckQuery != "" && s.checks():
		return platform.User{}, platform.ErrWrongPassword
	}
	if s.checks() {
		epoch = cmp.Or(epoch, user.epoch())
	}
	return platform.User{ID: user.id, Login: login, Data: user.data, Epoch: epoch}, nil
}

// right reports whether the password is that of user, who is nil if the login is unknown.
func (s *SQL) right(user *row, password string) (bool, error) {
	switch {
	case s.Compare:
		return user != nil, nil
	case user == nil || user.hash == "":
		s.effort.spend(s, password)
		return false, nil
	}
	return s.effort.check(s, user.hash, password)
}

// A row is what the database has of a user.
type row struct {
	id, hash string
	data     map[string]string
}

// query returns the row of a user, or nil if there is none.
func (s *SQL) query(ctx context.Context, login, password string) (*row, error) {
	parameters := []any{login}
	if s.Compare {
		parameters = append(parameters, password)
	}
	var user *row
	err := s.one(ctx, s.Query, parameters, func(rows *sql.Rows) (err error) {
		user, err = s.read(rows)
		return err
	})
	if err != nil {
		return nil, err
	}
	return user, nil
}

// one reads the row of a query, if there is one.
func (s *SQL) one(ctx context.Context, query string, parameters []any, read func(*sql.Rows) error) error {
	rows, err := s.DB.QueryContext(ctx, query, parameters...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		return rows.Err()
	}
	if err := read(rows); err != nil {
		return err
	}
	if rows.Next() {
		return errors.New("the query has more than one row for this login")
	}
	return rows.Err()
}

// scan returns the values of a row.
func scan(rows *sql.Rows, columns int) ([]sql.NullString, error) {
	values := make([]sql.NullString, columns)
	into := make([]any, columns)
	for i := range values {
		into[i] = &values[i]
	}
	return values, rows.Scan(into...)
}

// read reads one row.
func (s *SQL) read(rows *sql.Rows) (*row, error) {
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	id, hash, err := s.places(columns)
	if err != nil {
		return nil, err
	}
	values, err := scan(rows, len(columns))
	if err != nil {
		return nil, err
	}
	user := &row{id: values[id].String, data: make(map[string]string)}
	if hash >= 0 {
		user.hash = strings.TrimRight(values[hash].String, " ") // a column of a fixed width
	}
	for i, value := range values {
		if i != id && i != hash && value.Valid {
			user.data[columns[i]] = strings.ToValidUTF8(value.String, "\uFFFD")
		}
	}
	switch {
	case user.id == "":
		return nil, fmt.Errorf("the column %s has no ID", columns[id])
	case !fits(user.data):
		return nil, fmt.Errorf("the columns of a user have more than %d bytes: name those in the query that apps need", maxData)
	}
	return user, nil
}

// places returns where the ID and the hash are among the columns; hash is -1 if there is
// none.
func (s *SQL) places(columns []string) (id, hash int, err error) {
	id, hash = 0, -1
	if s.IDColumn != "" {
		id = slices.Index(columns, s.IDColumn)
	}
	switch {
	case s.Compare:
	case s.HashColumn != "":
		hash = slices.Index(columns, s.HashColumn)
	default:
		hash = 1
	}
	switch {
	case id < 0:
		return 0, 0, fmt.Errorf("the query has no column %s for the ID", s.IDColumn)
	case hash < 0 && !s.Compare:
		return 0, 0, fmt.Errorf("the query has no column %s for the hash of the password", s.HashColumn)
	case hash >= len(columns):
		return 0, 0, errors.New("the query has one column; it needs the ID and the hash of the password")
	case hash == id:
		return 0, 0, errors.New("the ID and the hash of the password are the same column: name both")
	}
	return id, hash, nil
}

func (s *SQL) run(ctx context.Context, statement, login string) error {
	if statement == "" || !isText(login) {
		return nil
	}
	_, err := s.DB.ExecContext(ctx, statement, login)
	return err
}

// isText reports whether a database can have s in a column of text.
func isText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }
