package prismwatermill

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"github.com/shopex/prism-go/internal/patience"
)

// The story of TestReconnect of Watermill's suite: many publish while the connections are
// cut, and while the platform restarts, and everything arrives.
func TestEverythingComesThoughConnectionsEnd(t *testing.T) {
	const count, publishers = 3000, 20
	srv := newServer(t)
	pub, sub := pubSub(t, srv, "")
	ctx, cancel := context.WithTimeout(t.Context(), patience.Of(time.Minute))
	defer cancel()
	messages, err := sub.Subscribe(ctx, "reconnect")
	if err != nil {
		t.Fatal(err)
	}
	var published message.Messages
	for range count {
		published = append(published, message.NewMessage(watermill.NewUUID(), []byte("x")))
	}
	next := make(chan *message.Message)
	var senders, faults sync.WaitGroup
	for range publishers {
		senders.Go(func() {
			for m := range next {
				for pub.Publish("reconnect", m) != nil && ctx.Err() == nil {
				}
			}
		})
	}
	senders.Go(func() {
		defer close(next)
		for i, m := range published {
			switch i {
			case count / 3:
				faults.Go(func() { srv.Cut() })
			case count / 2:
				faults.Go(srv.Restart)
			}
			next <- m
		}
	})
	received := map[string]*message.Message{}
	for len(received) < count {
		select {
		case m := <-messages:
			received[m.UUID] = m // it may come twice
			m.Ack()
		case <-ctx.Done():
			t.Fatalf("%d of %d messages came", len(received), count)
		}
	}
	senders.Wait()
	faults.Wait()
	var all message.Messages
	for _, m := range received {
		all = append(all, m)
	}
	tests.AssertAllMessagesReceived(t, published, all)
}
