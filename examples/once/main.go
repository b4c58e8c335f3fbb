// Command once keeps a stock in SQLite by messages such as
//
//	{"event": "8d1f", "sku": "teapot", "sold": 2}
//
// and counts each event once, however often it comes. What cannot be counted is parked and
// holds up nothing: "prismctl queue parked" shows it with the reason.
//
//	PRISM_URL=... PRISM_KEY=... PRISM_SECRET=... go run . stock.db
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"

	_ "modernc.org/sqlite"

	prism "github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: once FILE")
	}
	client, err := prism.New(prism.Config{Server: os.Getenv("PRISM_URL"), Key: os.Getenv("PRISM_KEY"), Secret: os.Getenv("PRISM_SECRET")})
	if err != nil {
		log.Fatal(err)
	}
	db, err := open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := consume(ctx, client, db); !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

func open(file string) (*sql.DB, error) {
	// A commit is on disk before the message is acknowledged.
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=synchronous(full)&_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	_, err = db.Exec(`
		CREATE TABLE IF NOT EXISTS stock (sku TEXT PRIMARY KEY, sold INTEGER NOT NULL);
		CREATE TABLE IF NOT EXISTS counted (event TEXT PRIMARY KEY) WITHOUT ROWID;`)
	return db, err
}

func consume(ctx context.Context, client *prism.Client, db *sql.DB) error {
	consumer, err := notify.NewConsumer(client, notify.ConsumerConfig{OnGiveUp: notify.Park})
	if err != nil {
		return err
	}
	return consumer.Run(ctx, func(ctx context.Context, d *notify.Delivery) error { return count(ctx, db, d) })
}

type sale struct {
	Event string
	SKU   string
	Sold  int
}

// count counts a sale, unless it was counted before. That it was is written in the same
// transaction, so neither is there without the other.
func count(ctx context.Context, db *sql.DB, d *notify.Delivery) error {
	var s sale
	if err := json.Unmarshal(d.Body, &s); err != nil {
		return notify.Permanent(err) // no further attempt would help
	}
	if s.Event == "" || s.SKU == "" {
		return notify.Permanent(fmt.Errorf("the message has no event or no sku"))
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	// By the number that the shop gave the event, and not by d.ID: a message that its
	// publisher sent twice has two of these.
	res, err := tx.ExecContext(ctx, "INSERT INTO counted VALUES (?) ON CONFLICT DO NOTHING", s.Event)
	if err != nil {
		return err
	}
	if isNew, err := res.RowsAffected(); err != nil || isNew == 0 {
		return err // nil: it was counted, and only the acknowledgement was lost
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO stock VALUES (?, ?) ON CONFLICT DO UPDATE SET sold = sold + excluded.sold", s.SKU, s.Sold)
	if err != nil {
		return err
	}
	return tx.Commit()
}
