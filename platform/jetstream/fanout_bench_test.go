package jetstream

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// BenchmarkFanOut stores messages of 200 bytes for the queues of so many other keys,
// without syncing the disk. For none it is the publisher's own queue.
func BenchmarkFanOut(b *testing.B) {
	for _, queues := range []int{0, 1, 10, 100, 1000} {
		b.Run("queues="+strconv.Itoa(queues), func(b *testing.B) { fanOut(b, queues, 0) })
	}
	b.Run("queues=1/unmatched=100000", func(b *testing.B) { fanOut(b, 1, 100_000) })
}

func fanOut(b *testing.B, queues, unmatched int) {
	const workers = 16
	e := open(b, Config{Dir: b.TempDir(), SyncInterval: time.Minute, QueueBounds: platform.QueueBounds{
		MaxMessages: -1, MaxBytes: -1, MaxOwnerMessages: -1, MaxOwnerBytes: -1, MaxBindings: -1, MaxFanOut: -1, Bindings: []platform.Binding{},
	}})
	ctx := context.Background()
	to := []platform.Binding{{Pattern: "order.#"}}
	for i := range queues {
		must(b, e.Declare(ctx, fmt.Sprint("owner ", i), platform.Owner{Exchange: "domain", Bindings: to}))
	}
	publisher := platform.Owner{Exchange: "domain", Bindings: []platform.Binding{}}
	if queues == 0 {
		publisher.Bindings = to
	}
	must(b, e.Declare(ctx, shop, publisher))
	e.mu.Lock()
	x := e.state.exchanges["domain"]
	for i := range unmatched {
		x.bindings.Add(fmt.Sprintf("stock.%d", i), e.state.owners[shop].topics[""])
	}
	e.mu.Unlock()
	before := e.state.records.bytes
	m := &platform.Message{ClientID: shop, Key: "order.new", Body: make([]byte, 200)}
	share(b, workers, func(int) func() error {
		return func() error { return errorOf(e.Publish(ctx, "domain", m)) }
	})
	b.ReportMetric(float64(e.state.records.bytes-before)/float64(b.N), "log-B/op")
}
