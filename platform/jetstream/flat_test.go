package jetstream

import (
	"fmt"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

func TestQueuesThatDropForEverDoNotGrow(t *testing.T) {
	const queues, most, garbage, small = 50, 20, 200_000, 100
	c := Config{
		Dir: t.TempDir(), SyncInterval: time.Minute, CacheBytes: 100_000, cleanAbove: garbage,
		QueueBounds: platform.QueueBounds{MaxMessages: most, OnDrop: func(string, string, uint64) {}},
	}
	e := open(t, c)
	for i := range queues {
		must(t, e.Declare(t.Context(), fmt.Sprint(i), platform.Owner{Exchange: "domain", Bindings: []platform.Binding{{Pattern: "#"}}}))
	}
	publish := func(n int) {
		for range n {
			var ms []*platform.Message
			for range 5 {
				ms = append(ms, &platform.Message{Key: "order.new", ClientID: shop, Body: make([]byte, small)})
			}
			must(t, errorOf(e.Publish(t.Context(), "domain", ms...)))
		}
	}
	// What lasts: a message in all queues is stored once.
	live := int64(most*(small+overhead+200) + queues*(4*overhead+lossWeight))
	flat := func() {
		t.Helper()
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, q := range e.state.queues {
			if n := len(q.ready.places) + len(q.ready.late); n > 4*most {
				t.Fatalf("a queue of %d messages has %d places for them", most, n)
			}
		}
		if r := e.state.records; r.bytes > 3*(live+garbage) {
			t.Fatalf("the log has %d records of %d bytes, of which %d last", r.length, r.bytes, r.liveBytes)
		}
	}
	for range 5 {
		publish(200)
		flat()
	}
	must(t, e.Close())
	e = open(t, c)
	flat()
}
