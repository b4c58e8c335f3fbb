package memory

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/platform"
)

// Publish, fetch and ack of one message each, with so many in the queue. The
// messages are few and shared, so that the work is measured and not the cache
// misses of whatever they hold.
func BenchmarkPassThrough(b *testing.B) {
	for _, depth := range []int{0, 1000, 99_999} {
		for _, batch := range []int{1, 64} {
			b.Run(fmt.Sprintf("depth=%d/batch=%d", depth, batch), func(b *testing.B) { passThrough(b, depth, batch) })
		}
	}
}

func passThrough(b *testing.B, depth, batch int) {
	ctx := context.Background()
	q := New(Config{MaxMessages: -1})
	m := &platform.Message{Key: "order.new", Body: make([]byte, 100)}
	for range depth {
		if _, err := q.Publish(ctx, shop, m); err != nil {
			b.Fatal(err)
		}
	}
	c := consume(b, q, "")
	ids := make([]uint64, batch)
	b.ReportAllocs()
	for b.Loop() {
		for range batch {
			if _, err := q.Publish(ctx, shop, m); err != nil {
				b.Fatal(err)
			}
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
	q := New(Config{MaxMessages: -1})
	m := &platform.Message{Key: "order.new", Body: make([]byte, 100)}
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
			q.Publish(ctx, shop, m)
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
			routes.Add("order.#", newQueue(new(owner), ""))
			for i := range bindings {
				routes.Add(fmt.Sprintf("order.%d.*.new", i), newQueue(new(owner), "topic"))
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
			m := &platform.Message{Body: make([]byte, 100)}
			for range depth {
				write(b, q, "", m)
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
