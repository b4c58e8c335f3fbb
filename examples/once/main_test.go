package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/shopex/prism-go/internal/leak"
	"github.com/shopex/prism-go/prismtest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// Acknowledgements are lost, messages are stored twice, and between them are some that
// nobody can count.
func TestEachEventIsCountedOnce(t *testing.T) {
	srv := prismtest.NewServer(t)
	db, err := open(filepath.Join(t.TempDir(), "stock.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const events = 20
	srv.Duplicate(events / 2)
	for i := range events {
		srv.Publish("order.paid", fmt.Sprintf(`{"event":"e%d","sku":"teapot","sold":2}`, i))
	}
	srv.Publish("order.paid", "no JSON")
	srv.Publish("order.paid", `{"sku":"teapot","sold":100}`)
	srv.LoseAcks(5)

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- consume(ctx, srv.Client(), db) }()
	srv.WaitParked(2)
	srv.Cut() // what was not acknowledged comes again
	srv.WaitUntil("the queue is empty", func() bool { return srv.Depth("") == 0 })
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	var sold int
	if err := db.QueryRow("SELECT sold FROM stock WHERE sku = 'teapot'").Scan(&sold); err != nil || sold != 2*events {
		t.Errorf("%d teapots are sold, want %d (%v)", sold, 2*events, err)
	}
	if n := len(srv.Deliveries()); n <= events+events/2+2 {
		t.Errorf("only %d deliveries: nothing came twice", n)
	}
	if parked := srv.Parked(""); len(parked) != 2 || parked[0].Reason == "" {
		t.Errorf("parked: %+v", parked)
	}
}
