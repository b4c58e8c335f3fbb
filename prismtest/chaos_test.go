package prismtest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/prismtest"
)

// All faults at random, again and again: whatever was confirmed is handled.
func TestNothingConfirmedIsLostByAnyFault(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *prismtest.Server) { anyFault(t, srv, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func anyFault(t *testing.T, srv *prismtest.Server, random *rand.Rand) {
	var mu sync.Mutex
	handled := map[string]bool{}
	for range 2 {
		consume(t, srv, notify.ConsumerConfig{Workers: 2}, func(_ context.Context, d *notify.Delivery) error {
			mu.Lock()
			defer mu.Unlock()
			handled[string(d.Body)] = true
			return nil
		})
	}
	var publishing sync.WaitGroup
	var confirmed []string
	for p := range 2 {
		pub := publisher(t, srv)
		publishing.Go(func() {
			for i := range 200 {
				body := fmt.Sprintf("%d-%d", p, i)
				if err := pub.Publish(t.Context(), "order.new", []byte(body)); err != nil {
					t.Errorf("Publish: %v", err)
				}
				mu.Lock()
				confirmed = append(confirmed, body)
				mu.Unlock()
				time.Sleep(time.Second)
			}
		})
	}
	for range 50 {
		fault(srv, random)
		time.Sleep(time.Duration(random.IntN(10000)) * time.Millisecond)
	}
	srv.Resume()
	srv.Refuse(false)
	srv.Delay(0)
	srv.LoseAcks(0)
	publishing.Wait()
	srv.Cut() // what was delivered and whose ack is lost comes again
	srv.WaitUntil("an empty queue", func() bool { return srv.Depth("") == 0 })
	mu.Lock()
	defer mu.Unlock()
	for _, body := range confirmed {
		if !handled[body] {
			t.Errorf("%s was confirmed and never handled", body)
		}
	}
}

func fault(srv *prismtest.Server, random *rand.Rand) {
	switch random.IntN(10) {
	case 0, 1:
		srv.Cut()
	case 2:
		srv.Stall()
	case 3:
		srv.Freeze()
	case 4, 5:
		srv.Resume()
	case 6:
		srv.Refuse(random.IntN(2) == 0)
	case 7:
		srv.Delay(time.Duration(random.IntN(2000)) * time.Millisecond)
	case 8:
		srv.Advance(time.Duration(random.IntN(7200)-3600) * time.Second)
		srv.Duplicate(3)
		srv.LoseAcks(3)
	case 9:
		srv.Restart()
	}
}
