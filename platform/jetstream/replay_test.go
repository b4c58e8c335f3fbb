package jetstream

import (
	"errors"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// emptyCache forgets the records in memory, as other messages would in time.
func (e *Engine) emptyCache() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.cache.records)
	e.cache.order, e.cache.bytes = nil, 0
}

// To pass over a message whose record is missing would be to lose it in silence.
func TestAMissingRecordIsAnErrorAndNoMessageIsPassedOver(t *testing.T) {
	both(t, Config{}, func(t *testing.T, one, other *Engine) {
		write(t, one, "", "first", "second")
		if s, err := other.Status(t.Context(), shop, ""); err != nil || s.Ready != 2 { // it has to know them
			t.Fatalf("%+v, %v", s, err)
		}
		one.mu.Lock()
		first := one.state.records.at(one.state.records.length - 2).seq
		one.mu.Unlock()
		must(t, one.journal.remove(t.Context(), first, false))
		for _, e := range []*Engine{one, other} {
			within(t, func() bool { // what a Fetch has leased and cannot return comes back a moment later
				s, err := e.Status(t.Context(), shop, "")
				return err == nil && s.Ready == 2
			})
			e.emptyCache()
			found, err := e.Peek(t.Context(), shop, "", platform.MessageID{}, 2)
			if err == nil || errors.Is(err, platform.ErrUnavailable) {
				t.Errorf("a peek shows %d messages, %v", len(found), err)
			}
			leases, err := consume(t, e, "").Fetch(t.Context(), 1, 1<<20)
			if err == nil || errors.Is(err, platform.ErrUnavailable) {
				t.Errorf("%d messages are fetched, %v", len(leases), err)
			}
		}
	})
}

// A queue's consumers all come to a record at once, and it may have a thousand
// messages.
func TestARecordThatManyWantIsReadOnce(t *testing.T) {
	e := open(t, Config{Dir: t.TempDir(), SyncInterval: time.Minute})
	_, first, mine := e.cachedOrReading(7)
	_, second, again := e.cachedOrReading(7)
	if !mine || again || first != second {
		t.Error("two who want a record read it twice")
	}
	first.facts = []fact{{kind: factPut}}
	e.finishReading(7, first)
	if facts, err := e.record(t.Context(), 7); err != nil || len(facts) != 1 {
		t.Errorf("what was read is not kept: %v, %v", facts, err)
	}
}
