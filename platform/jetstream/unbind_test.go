package jetstream

import (
	"errors"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// In some of the cases the live records of the log are carried meanwhile. An owner
// begins with its default queue bound, in the same record as the queue.
func TestAnUnboundPatternStaysUnboundAfterARestart(t *testing.T) {
	for _, above := range []int64{0, 1, 2000} {
		config := Config{Dir: t.TempDir(), SyncInterval: time.Minute, CacheBytes: 1, cleanAbove: above}
		e := open(t, config)
		message := &platform.Message{ClientID: "one", Key: "order.new", Body: make([]byte, 100)}
		publish := func() { must(t, errorOf(e.Publish(t.Context(), "", message))) }
		must(t, e.Create(t.Context(), "one", ""))
		publish()
		for range 20 {
			must(t, e.Bind(t.Context(), "one", "orders", "order.*"))
			publish()
			must(t, e.Unbind(t.Context(), "one", "orders", "order.*"))
			must(t, e.Purge(t.Context(), "one", "")) // so that there is something to clean
			publish()
		}
		must(t, e.Unbind(t.Context(), "one", "", "#"))
		for range 20 {
			publish() // nowhere
			must(t, e.Write(t.Context(), "one", "others", message))
			must(t, e.Purge(t.Context(), "one", "others"))
		}
		before := shape(e)
		must(t, e.Close())
		again := open(t, config)
		if after := shape(again); after != before {
			t.Errorf("cleaned above %d bytes:\n%s\nbecame\n%s", above, before, after)
		}
		must(t, errorOf(again.Publish(t.Context(), "", message)))
		for topic, want := range map[string]int{"": 1, "orders": 20} {
			s, err := again.Status(t.Context(), "one", topic)
			if err != nil || s.Ready != want {
				t.Errorf("cleaned above %d bytes: queue %q has %+v, %v, want %d messages", above, topic, s, err, want)
			}
		}
		err := again.Unbind(t.Context(), "one", "", "#")
		if !errors.Is(err, platform.ErrUnknownBinding) {
			t.Errorf("unbound again: %v", err)
		}
	}
}

func TestAnUnboundPatternStaysUnboundWhereTheLogWasCleaned(t *testing.T) {
	const queue = 1 << indexBits
	log := [][]fact{
		{{kind: factQueue, owner: shop}},
		{{kind: factBind, queue: queue, text: "#"}},
		{{kind: factQueue, number: queue, owner: shop}, {kind: factBind, queue: queue, text: "#"}}, // carried
		{{kind: factUnbind, queue: queue, text: "#"}},
		{{kind: factQueue, number: queue, owner: shop}}, // carried
	}
	for from := range uint64(len(log)) {
		s := replayed(from+1, log...)
		s.loaded(true)
		o := s.owners[shop]
		bindings, words := o.bindings, o.weight
		if len(s.queues[queue].patterns) != 0 || bindings != 0 || words != 0 || len(o.own.Match("order.new")) != 0 {
			t.Errorf("from record %d: bound to %v, %d bindings of %d words", from+1, s.queues[queue].patterns, bindings, words)
		}
		for i := range s.records.length {
			if p := s.records.at(i); p.seq < 5 && p.live != 0 {
				t.Errorf("from record %d: of record %d there is %d left", from+1, p.seq, p.live)
			}
		}
	}
}
