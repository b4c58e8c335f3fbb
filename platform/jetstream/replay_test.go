package jetstream

import (
	"testing"
	"time"
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
	e := open(t, Config{Dir: t.TempDir(), SyncInterval: time.Minute})
	write(t, e, "", "first", "second")
	e.emptyCache()
	stream, err := e.journal.js.Stream(t.Context(), e.journal.stream)
	if err != nil {
		t.Fatal(err)
	}
	e.mu.Lock()
	last := e.state.records.at(e.state.records.length - 2).seq // of the first message
	e.mu.Unlock()
	if err := stream.DeleteMsg(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	if leases, err := consume(t, e, "").Fetch(t.Context(), 1, 1<<20); err == nil {
		t.Errorf("%d messages, the first is %q", len(leases), leases[0].Message.Body)
	}
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
