// Command outbox stores orders in PostgreSQL and tells Prism of each, so that neither
// happens without the other: the order and its message are written in one transaction, and
// Watermill's forwarder publishes what was committed.
//
//	PRISM_URL=... PRISM_KEY=... PRISM_SECRET=... DATABASE=postgres://... go run ./example/outbox 'three teapots'
//
// A message that was published and not yet marked as such when the program ends is
// published again by the next start: consumers must tolerate that.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/ThreeDotsLabs/watermill"
	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/components/forwarder"
	"github.com/ThreeDotsLabs/watermill/message"
	_ "github.com/lib/pq"

	prism "github.com/shopex/prism-go"
	prismwatermill "github.com/shopex/prism-go/contrib/watermill"
)

const outbox = "outbox" // the topic of Watermill, and with it the name of the table

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	db, err := sql.Open("postgres", os.Getenv("DATABASE"))
	if err != nil {
		log.Fatal(err)
	}
	client, err := prism.New(prism.Config{Server: os.Getenv("PRISM_URL"), Key: os.Getenv("PRISM_KEY"), Secret: os.Getenv("PRISM_SECRET")})
	if err != nil {
		log.Fatal(err)
	}
	if err := prepare(ctx, db); err != nil {
		log.Fatal(err)
	}
	for _, what := range os.Args[1:] {
		if err := order(ctx, db, what); err != nil {
			log.Fatal(err)
		}
	}
	log.Print("forwarding until Ctrl-C")
	if err := forward(ctx, db, client); err != nil {
		log.Fatal(err)
	}
}

// prepare makes the tables. Watermill makes its own outside of a transaction.
func prepare(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS orders (id SERIAL PRIMARY KEY, what TEXT NOT NULL)")
	if err != nil {
		return err
	}
	sub, err := subscriber(db)
	if err != nil {
		return err
	}
	return errors.Join(sub.SubscribeInitialize(outbox), sub.Close())
}

// order stores an order and its message, or neither.
func order(ctx context.Context, db *sql.DB, what string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var id int
	if err := tx.QueryRowContext(ctx, "INSERT INTO orders (what) VALUES ($1) RETURNING id", what).Scan(&id); err != nil {
		return err
	}
	table, err := wsql.NewPublisher(wsql.TxFromStdSQL(tx), wsql.PublisherConfig{SchemaAdapter: wsql.DefaultPostgreSQLSchema{}}, nil)
	if err != nil {
		return err
	}
	publisher := forwarder.NewPublisher(table, forwarder.PublisherConfig{ForwarderTopic: outbox})
	body := fmt.Appendf(nil, `{"id":%d}`, id)
	if err := publisher.Publish("order.new", message.NewMessage(watermill.NewUUID(), body)); err != nil {
		return err
	}
	return tx.Commit()
}

// forward publishes what is in the outbox, until ctx ends.
func forward(ctx context.Context, db *sql.DB, client *prism.Client) error {
	from, err := subscriber(db)
	if err != nil {
		return err
	}
	to, err := prismwatermill.NewPublisher(client, prismwatermill.PublisherConfig{
		Marshaler: prismwatermill.PlainMarshaler{ContentType: "application/json"}, // for consumers without Watermill
	})
	if err != nil {
		return err
	}
	f, err := forwarder.NewForwarder(from, to, watermill.NopLogger{}, forwarder.Config{ForwarderTopic: outbox})
	if err != nil {
		return err
	}
	return errors.Join(f.Run(ctx), to.Close())
}

func subscriber(db *sql.DB) (*wsql.Subscriber, error) {
	return wsql.NewSubscriber(wsql.BeginnerFromStdSQL(db), wsql.SubscriberConfig{
		SchemaAdapter: wsql.DefaultPostgreSQLSchema{}, OffsetsAdapter: wsql.DefaultPostgreSQLOffsetsAdapter{}, InitializeSchema: true,
	}, nil)
}
