//go:build unix

package main

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/internal/postgres"
	"github.com/shopex/prism-go/prismtest"
)

func TestWhatIsCommittedIsPublishedAndNothingElse(t *testing.T) {
	address := postgres.Start(t)
	if address == "" {
		return
	}
	db, err := sql.Open("postgres", address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	srv := prismtest.NewServerConfig(t, prismtest.Config{Patience: patience.Of(30 * time.Second)})
	if err := prepare(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := order(cancelled, db, "never ordered"); err == nil {
		t.Error("an order whose context has ended was stored")
	}
	if _, err := db.Exec("CREATE FUNCTION no() RETURNS trigger AS $$ BEGIN RAISE 'sold out'; END $$ LANGUAGE plpgsql; " +
		"CREATE CONSTRAINT TRIGGER no AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.what = 'sold out') EXECUTE FUNCTION no()"); err != nil {
		t.Fatal(err)
	}
	if err := order(t.Context(), db, "sold out"); err == nil || !strings.Contains(err.Error(), "sold out") {
		t.Errorf("the commit that fails returned %v", err)
	}
	if err := order(t.Context(), db, "three teapots"); err != nil {
		t.Fatal(err)
	}
	var id string
	if err := db.QueryRow("SELECT id FROM orders").Scan(&id); err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- forward(ctx, db, srv.Client()) }()
	if m := srv.WaitPublished(1)[0].Message; string(m.Body) != `{"id":`+id+`}` || m.Key != "order.new" {
		t.Errorf("published %s: %s", m.Key, m.Body)
	}
	if err := order(t.Context(), db, "a cup"); err != nil { // while it runs
		t.Fatal(err)
	}
	srv.WaitPublished(2)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := len(srv.Published()); n != 2 {
		t.Errorf("%d messages were published, want 2", n)
	}
}
