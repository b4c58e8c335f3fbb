package jetstream

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/shopex/prism-go/platform"
)

// Publish, fetch and ack of messages of 200 bytes, by so many goroutines that
// each wait for their own message, on this engine and on a work queue of
// JetStream as it is, in the same kind of server.
func BenchmarkPassThrough(b *testing.B) {
	for _, interval := range []time.Duration{0, time.Minute} {
		for _, workers := range []int{1, 16, 64} {
			name := fmt.Sprintf("workers=%d", workers)
			if interval == 0 {
				name += "/fsync"
			}
			b.Run("engine/"+name, func(b *testing.B) { passEngine(b, workers, interval) })
			b.Run("direct/"+name, func(b *testing.B) { passDirect(b, workers, interval) })
		}
	}
}

// share runs step b.N times on several goroutines.
func share(b *testing.B, workers int, begin func(worker int) (step func() error)) {
	steps := make([]func() error, workers)
	for i := range steps {
		steps[i] = begin(i)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var left atomic.Int64
	left.Store(int64(b.N))
	var group sync.WaitGroup
	for _, step := range steps {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if err := step(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

func passEngine(b *testing.B, workers int, interval time.Duration) {
	e := open(b, Config{Dir: b.TempDir(), SyncInterval: interval, QueueBounds: platform.QueueBounds{MaxMessages: -1, MaxOwnerMessages: -1}})
	m := &platform.Message{ClientID: shop, Key: "order.new", Body: make([]byte, 200)}
	ctx := context.Background()
	share(b, workers, func(int) func() error {
		c := consume(b, e, "")
		return func() error {
			if _, err := e.Publish(ctx, "", m); err != nil {
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

func passDirect(b *testing.B, workers int, interval time.Duration) {
	s, err := startServer(&Config{Dir: b.TempDir(), SyncInterval: interval, Logger: quiet(b)})
	if err != nil {
		b.Fatal(err)
	}
	defer s.stop()
	nc, err := nats.Connect("", nats.InProcessServer(s.current()))
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()
	js, _ := jetstream.New(nc)
	ctx := context.Background()
	stream, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "q", Subjects: []string{"q"}, Retention: jetstream.WorkQueuePolicy})
	if err != nil {
		b.Fatal(err)
	}
	queue, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "c", AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		b.Fatal(err)
	}
	body := make([]byte, 200)
	share(b, workers, func(int) func() error {
		return func() error {
			if _, err := js.Publish(ctx, "q", body); err != nil {
				return err
			}
			m, err := queue.Next(jetstream.FetchMaxWait(30 * time.Second))
			if err != nil {
				return err
			}
			return m.DoubleAck(ctx)
		}
	})
}

// BenchmarkPublish only stores messages of 200 bytes.
func BenchmarkPublish(b *testing.B) {
	for _, workers := range []int{1, 16, 64, 256} {
		b.Run("fsync/workers="+strconv.Itoa(workers), func(b *testing.B) {
			e := open(b, Config{Dir: b.TempDir(), QueueBounds: platform.QueueBounds{MaxMessages: -1, MaxBytes: -1, MaxOwnerMessages: -1, MaxOwnerBytes: -1}})
			must(b, e.Create(b.Context(), shop, ""))
			m := &platform.Message{ClientID: shop, Key: "order.new", Body: make([]byte, 200)}
			share(b, workers, func(int) func() error {
				return func() error { return errorOf(e.Publish(context.Background(), "", m)) }
			})
		})
	}
}

// BenchmarkMillion fills a queue with a million messages, opens it again and
// drains it.
func BenchmarkMillion(b *testing.B) {
	const n, batch = 1_000_000, 1000
	for range b.N {
		c := Config{Dir: b.TempDir(), SyncInterval: time.Minute, QueueBounds: platform.QueueBounds{MaxMessages: -1, MaxBytes: -1, MaxOwnerMessages: -1, MaxOwnerBytes: -1}}
		e := open(b, c)
		began := time.Now()
		var group sync.WaitGroup
		m := &platform.Message{Body: make([]byte, 200)}
		for range batch {
			group.Go(func() {
				for range n / batch {
					if err := e.Write(context.Background(), shop, "", m); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		group.Wait()
		b.ReportMetric(time.Since(began).Seconds(), "s-fill")
		e.Close()
		began = time.Now()
		e = open(b, c)
		b.ReportMetric(time.Since(began).Seconds(), "s-open")
		drain(b, e, n, batch)
		e.Close()
	}
}

func drain(b *testing.B, e *Engine, n, batch int) {
	began := time.Now()
	c := consume(b, e, "")
	for left := n; left > 0; {
		began := time.Now()
		_, err := e.Status(context.Background(), shop, "")
		if left == n {
			b.ReportMetric(float64(time.Since(began).Microseconds()), "µs-status")
		}
		leases, more := c.Fetch(context.Background(), batch, math.MaxInt)
		if err != nil || more != nil {
			b.Fatal(err, more)
		}
		if err := c.Ack(context.Background(), ids(leases)...); err != nil {
			b.Fatal(err)
		}
		left -= len(leases)
	}
	b.ReportMetric(time.Since(began).Seconds(), "s-drain")
}

// BenchmarkShared is PassThrough with two engines on servers of their own: one
// that syncs, and three that do not.
func BenchmarkShared(b *testing.B) {
	for _, workers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("one-fsync/workers=%d", workers), func(b *testing.B) {
			o := serverOptions(b)
			o.SyncAlways = true
			passShared(b, workers, Config{URL: startExternal(b, o).ClientURL()})
		})
	}
	for _, workers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("three/workers=%d", workers), func(b *testing.B) {
			_, url := cluster(b)
			passShared(b, workers, Config{URL: url, Replicas: 3})
		})
	}
}

func passShared(b *testing.B, workers int, c Config) {
	c.MaxMessages = -1
	engines := []*Engine{open(b, c), open(b, c)}
	m := &platform.Message{ClientID: shop, Key: "order.new", Body: make([]byte, 200)}
	ctx := context.Background()
	share(b, workers, func(worker int) func() error {
		e := engines[worker%2]
		taker := consume(b, e, "")
		return func() error {
			if _, err := e.Publish(ctx, "", m); err != nil {
				return err
			}
			leases, err := taker.Fetch(ctx, 1, math.MaxInt)
			if err != nil {
				return err
			}
			return taker.Ack(ctx, leases[0].ID)
		}
	})
}

// BenchmarkOpenSingle opens a log of records with one message each, as a single
// publisher writes it.
func BenchmarkOpenSingle(b *testing.B) {
	const n = 100_000
	c := Config{Dir: b.TempDir(), SyncInterval: time.Minute, QueueBounds: platform.QueueBounds{MaxMessages: -1, MaxOwnerMessages: -1}}
	e := open(b, c)
	m := &platform.Message{Body: make([]byte, 200)}
	for range n {
		if err := e.Write(context.Background(), shop, "", m); err != nil {
			b.Fatal(err)
		}
	}
	e.Close()
	b.ResetTimer()
	for range b.N {
		e := open(b, c)
		b.StopTimer()
		e.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
