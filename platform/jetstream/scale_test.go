package jetstream

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// Each of these benchmarks does the same work on more and more queues, messages or
// consumers; docs/jetstream.md has the figures.

// BenchmarkDepth passes messages through a queue that holds so many others.
// Depths above a million take minutes to fill.
func BenchmarkDepth(b *testing.B) {
	for _, depth := range []int{1000, 1_000_000, 10_000_000} {
		b.Run(strconv.Itoa(depth), func(b *testing.B) {
			if depth > 1_000_000 && testing.Short() {
				b.Skip("takes minutes")
			}
			e := openEndless(b)
			before := heap()
			fillQueue(b, e, "", depth)
			grown := heap() - before
			pass(b, e, consume(b, e, ""), "")
			b.ReportMetric(float64(grown)/float64(depth), "B/queued")
		})
	}
}

func openEndless(b *testing.B) *Engine {
	return open(b, Config{
		Dir: b.TempDir(), SyncInterval: time.Minute,
		QueueBounds: platform.QueueBounds{MaxMessages: -1, MaxBytes: -1, MaxTopics: -1, MaxBindings: -1},
	})
}

// pass writes a message and takes the first one, over and over, in 16 goroutines
// that share as little as possible.
func pass(b *testing.B, e *Engine, c platform.Consumer, topic string) {
	m := &platform.Message{Body: make([]byte, 200)}
	ctx := context.Background()
	share(b, 16, func(int) func() error {
		return func() error {
			if err := e.Write(ctx, shop, topic, m); err != nil {
				return err
			}
			leases, err := c.Fetch(ctx, 1, math.MaxInt)
			if err != nil {
				return err
			}
			return c.Ack(ctx, leases[0].ID)
		}
	})
}

func fillQueue(b *testing.B, e *Engine, topic string, depth int) {
	b.Helper()
	const writers = 1000
	m := &platform.Message{Body: make([]byte, 200)}
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for range depth / writers {
				if err := e.Write(context.Background(), shop, topic, m); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

// heap returns the bytes of the heap that are in use after a collection.
func heap() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// BenchmarkQueues passes messages through one of so many queues, each of which
// holds one message.
func BenchmarkQueues(b *testing.B) {
	for _, queues := range []int{10, 1000, 100_000} {
		b.Run(strconv.Itoa(queues), func(b *testing.B) {
			e := openEndless(b)
			before := heap()
			for owner := range queues / 10 {
				for topic := range 10 {
					m := &platform.Message{Body: make([]byte, 200)}
					if err := e.Write(context.Background(), fmt.Sprint("owner", owner), fmt.Sprint("topic", topic), m); err != nil {
						b.Fatal(err)
					}
				}
			}
			grown := heap() - before
			pass(b, e, consume(b, e, "busy"), "busy")
			b.ReportMetric(float64(grown)/float64(queues), "B/queue")
		})
	}
}

// BenchmarkConsumers passes messages through a queue while so many consumers
// wait at others.
func BenchmarkConsumers(b *testing.B) {
	for _, consumers := range []int{10, 100, 10_000} {
		b.Run(strconv.Itoa(consumers), func(b *testing.B) {
			e := openEndless(b)
			before := heap()
			ctx, stop := context.WithCancel(context.Background())
			var waiting sync.WaitGroup
			for i := range consumers {
				c := consume(b, e, fmt.Sprint("idle", i%10))
				waiting.Go(func() { _, _ = c.Fetch(ctx, 1, math.MaxInt) })
			}
			grown := heap() - before
			pass(b, e, consume(b, e, "busy"), "busy")
			b.ReportMetric(float64(grown)/float64(consumers), "B/consumer")
			stop()
			waiting.Wait()
		})
	}
}
