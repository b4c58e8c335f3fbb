package memory

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/platform"
)

// Publish, fetch and ack of one message each, with so many in the queue. Messages share
// their body, so that the work is measured and not the cache misses of what they hold.
func BenchmarkPassThrough(b *testing.B) {
	for _, depth := range []int{0, 1000, 99_999} {
		for _, batch := range []int{1, 64} {
			b.Run(fmt.Sprintf("depth=%d/batch=%d", depth, batch), func(b *testing.B) { passThrough(b, depth, batch) })
		}
	}
}

func passThrough(b *testing.B, depth, batch int) {
	ctx := context.Background()
	q := newQueues(b, Config{MaxMessages: -1, MaxOwnerMessages: -1})
	body := make([]byte, 100)
	for range depth {
		publish(b, q, body)
	}
	c := consume(b, q, "")
	ids := make([]uint64, batch)
	b.ReportAllocs()
	for b.Loop() {
		for range batch {
			publish(b, q, body)
		}
		leases, err := c.Fetch(ctx, batch, math.MaxInt)
		if err != nil {
			b.Fatal(err)
		}
		for i, l := range leases {
			ids[i] = l.ID
		}
		if err := c.Ack(ctx, ids[:len(leases)]...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/message")
}

func publish(t testing.TB, q *Queues, body []byte) {
	m := &platform.Message{Key: "order.new", Body: body, ClientID: shop}
	if _, err := q.Publish(context.Background(), domain, m); err != nil {
		t.Fatal(err)
	}
}

// Publish to so many queues of other keys; the queues do not grow. "matching" says what
// each may listen to.
func BenchmarkFanOut(b *testing.B) {
	for _, listen := range []platform.Permission{nil, platform.Matching("stock.#", "order.#")} {
		for _, queues := range []int{1, 10, 100, 1000} {
			b.Run(fmt.Sprintf("listen=%d/queues=%d", len(listen), queues), func(b *testing.B) {
				q := New(Config{MaxMessages: 64, MaxOwnerMessages: -1})
				for i := range queues {
					o := platform.Owner{Exchange: domain, Listen: listen, Bindings: []platform.Binding{{Pattern: "order.*"}}}
					if err := q.Declare(b.Context(), fmt.Sprint("key", i), o); err != nil {
						b.Fatal(err)
					}
				}
				drain := func() {
					for i := range queues {
						if err := q.Purge(b.Context(), fmt.Sprint("key", i), ""); err != nil {
							b.Fatal(err)
						}
					}
				}
				body := make([]byte, 100)
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if i%60 == 59 {
						b.StopTimer()
						drain()
						b.StartTimer()
					}
					publish(b, q, body)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*queues), "ns/queue")
			})
		}
	}
}

// Publish, fetch and ack in an exchange of which a thousand other queues are full, and drop
// a message each, or have so many bindings that do not match.
func BenchmarkBeside(b *testing.B) {
	b.Run("full=1000", func(b *testing.B) {
		q := newQueues(b, Config{MaxMessages: 100})
		for i := range 1000 {
			declare(b, q, fmt.Sprint("full", i), "#")
		}
		pass(b, q, 100)
	})
	for _, bindings := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("bindings=%d", bindings), func(b *testing.B) {
			q := newQueues(b, Config{})
			for i := range bindings {
				name := fmt.Sprint("other", i/100)
				if i%100 == 0 {
					declare(b, q, name)
				}
				if err := q.Bind(b.Context(), name, "", fmt.Sprintf("stock.%d.low", i)); err != nil {
					b.Fatal(err)
				}
			}
			pass(b, q, 0)
		})
	}
}

// pass publishes some messages, and then measures how one passes.
func pass(b *testing.B, q *Queues, before int) {
	ctx, body := context.Background(), make([]byte, 100)
	c := consume(b, q, "")
	for range before {
		publish(b, q, body)
		ack(b, c, fetch(b, c, 1)...)
	}
	b.ReportAllocs()
	for b.Loop() {
		publish(b, q, body)
		leases, err := c.Fetch(ctx, 1, math.MaxInt)
		if err != nil {
			b.Fatal(err)
		}
		if err := c.Ack(ctx, leases[0].ID); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHandOver passes messages between goroutines: one publishes, the
// consumers fetch and ack, with as many messages between them as the limit
// allows.
func BenchmarkHandOver(b *testing.B) {
	for _, consumers := range []int{1, 8} {
		b.Run(fmt.Sprintf("consumers=%d", consumers), func(b *testing.B) { handOver(b, consumers) })
	}
}

func handOver(b *testing.B, consumers int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	q := newQueues(b, Config{MaxMessages: -1, MaxOwnerMessages: -1})
	body := make([]byte, 100)
	acked := make(chan int, 1000)
	for range consumers {
		c := consume(b, q, "")
		go func() {
			for {
				leases, err := c.Fetch(ctx, 64, math.MaxInt)
				if err != nil {
					acked <- 0
					return
				}
				for _, l := range leases {
					c.Ack(ctx, l.ID)
				}
				acked <- len(leases)
			}
		}()
	}
	b.ReportAllocs()
	b.ResetTimer()
	go func() {
		for range b.N {
			publish(b, q, body)
		}
	}()
	for left := b.N; left > 0; {
		left -= <-acked
	}
	b.StopTimer()
	cancel()
	for range consumers {
		<-acked
	}
}

// Routing one key that matches two of the bindings.
func BenchmarkRoute(b *testing.B) {
	for _, bindings := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("bindings=%d", bindings), func(b *testing.B) {
			var routes topic.Trie[*queue]
			routes.Add("order.#", new(queue))
			for i := range bindings {
				routes.Add(fmt.Sprintf("order.%d.*.new", i), new(queue))
			}
			var found []*queue
			b.ReportAllocs()
			for b.Loop() {
				found = routes.Match("order.0.shop.new", found[:0])
			}
			if len(found) != 2 {
				b.Fatalf("%d queues", len(found))
			}
		})
	}
}

// Close of a consumer that holds a whole window, in front of a deep queue.
func BenchmarkRedeliver(b *testing.B) {
	for _, depth := range []int{1000, 99_000} {
		b.Run(fmt.Sprintf("depth=%d/held=256", depth), func(b *testing.B) {
			q := New(Config{})
			body := make([]byte, 100)
			for range depth {
				write(b, q, "", &platform.Message{Body: body})
			}
			b.ReportAllocs()
			for b.Loop() {
				c := consume(b, q, "")
				fetch(b, c, 256)
				c.Close()
			}
		})
	}
}
