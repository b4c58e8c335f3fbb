package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/notify"
)

// One subscriber is dead, one is full and one reads nothing of what it is sent. The others
// get every message, once and in order. With SUBSCRIBERS=200000 there are so many messages,
// and the log tells how fast it was without the three and with them.
func TestSubscribersThatDoNotReadTakeNothingFromTheOthers(t *testing.T) {
	messages := 2000
	if n, err := strconv.Atoi(os.Getenv("SUBSCRIBERS")); err == nil {
		messages = n
	}
	for name, args := range map[string][]string{"memory": nil, "data": {"--data", "DIR"}} {
		t.Run(name, func(t *testing.T) {
			args := append(made(t, args), "--limits-max-fan-out", "20")
			for i := range readers {
				args = append(args, "--bind", fmt.Sprintf("order.*=reader%d", i))
			}
			for i := range 990 {
				args = append(args, "--bind", fmt.Sprintf("stock.%d=other%d", i, i))
			}
			x := serveFlooded(t, flood{}, args)
			publish := x.publisher()
			before := x.publishToReaders(publish, messages)
			x.subscribeBadly()
			after := x.publishToReaders(publish, messages)
			t.Logf("%d messages to %d readers: %.0f a second each without the others, %.0f with them: %.2f",
				messages, readers, before, after, after/before)
			for topic, kept := range map[string]int{"dead": 100, "full": 10} {
				want := fmt.Sprintf(`"Messages":%d,`, kept)
				if _, text := x.call("GET", "platform/notify/status", url.Values{"topic": {topic}}); !strings.Contains(text, want) {
					t.Errorf("queue %s does not have %d messages: %s", topic, kept, text)
				}
			}
			x.end()
		})
	}
}

const readers = 4

// publisher returns a publisher of another key than that of the readers.
func (x *flooded) publisher() *notify.Publisher {
	x.t.Helper()
	key := x.another()
	client, err := prism.New(prism.Config{Server: x.URL, Key: key.ID, Secret: key.Secret})
	if err != nil {
		x.t.Fatal(err)
	}
	p, err := notify.NewPublisher(client, notify.PublisherConfig{})
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { _ = p.Close(context.Background()) })
	return p
}

// subscribeBadly binds three queues to what the readers get: two that nobody consumes,
// and one whose consumer reads nothing.
func (x *flooded) subscribeBadly() {
	x.t.Helper()
	for topic, limit := range map[string]url.Values{
		"dead": {"max_messages": {"100"}, "overflow": {"drop-oldest"}},
		"full": {"max_messages": {"10"}, "overflow": {"drop-newest"}},
		"slow": {"max_messages": {"1000"}},
	} {
		limit.Set("topic", topic)
		x.call("GET", "platform/notify/queue/create", url.Values{"topic": {topic}})
		if status, text := x.call("POST", "platform/notify/queue/limit", limit); status != http.StatusOK {
			x.t.Fatalf("answered with %d: %s", status, text)
		}
		if status, text := x.call("POST", "platform/notify/routing/set", url.Values{"topic": {topic}, "routing_key": {"order.*"}}); status != http.StatusOK {
			x.t.Fatalf("answered with %d: %s", status, text)
		}
	}
	command, err := wire.AppendConsume(nil, "slow")
	if err != nil {
		x.t.Fatal(err)
	}
	_, _ = x.opened(true).Write(append(frame(framePing, true, nil), frame(frameData, true, command)...))
}

// publishToReaders publishes messages and returns how many each reader got a second. It
// keeps the readers less than ten thousand messages behind, or their queues would drop.
func (x *flooded) publishToReaders(p *notify.Publisher, messages int) float64 {
	x.t.Helper()
	client, err := prism.New(prism.Config{Server: x.URL, Key: floodKey, Secret: floodSecret})
	if err != nil {
		x.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(x.t.Context())
	defer cancel()
	var got [readers]atomic.Int64
	var all sync.WaitGroup
	progress := make(chan struct{}, 1)
	for i := range readers {
		c, err := notify.NewConsumer(client, notify.ConsumerConfig{Topic: fmt.Sprint("reader", i)})
		if err != nil {
			x.t.Fatal(err)
		}
		all.Go(func() {
			_ = c.Run(ctx, func(_ context.Context, d *notify.Delivery) error {
				if n := got[i].Load(); string(d.Body) != strconv.FormatInt(n, 10) {
					x.t.Errorf("reader %d got %s as message %d", i, d.Body, n)
				}
				if n := got[i].Add(1); n%100 == 0 || n == int64(messages) {
					select {
					case progress <- struct{}{}:
					default:
					}
				}
				return nil
			})
		})
	}
	awaitAll := func(least int64) {
		for i := range readers {
			for got[i].Load() < least {
				select {
				case <-progress:
				case <-ctx.Done():
					return
				}
			}
		}
	}
	began := time.Now()
	for i := range messages {
		if err := p.PublishAsync(ctx, notify.Message{Key: "order.new", Body: strconv.AppendInt(nil, int64(i), 10)}, nil); err != nil {
			x.t.Fatal(err)
		}
		if i%1000 == 0 {
			awaitAll(int64(i - 10_000))
		}
	}
	if err := p.Flush(ctx); err != nil {
		x.t.Fatal(err)
	}
	awaitAll(int64(messages))
	rate := float64(messages) / time.Since(began).Seconds()
	cancel()
	all.Wait()
	return rate
}
