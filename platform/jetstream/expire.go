package jetstream

import (
	"errors"
	"math"
	"time"

	"github.com/shopex/prism-go/internal/steady"
	"github.com/shopex/prism-go/platform"
)

// Fetch and Read drop a message that is too old. The expirer removes the messages
// that no caller takes from the heads of the queues. The time of a message is only
// in its record; but a record without any old message need not be read.

const (
	expireEvery  = 20 * time.Second
	expireAtOnce = 1000 // messages of one queue
	// agePatience is how long the wall clock must differ from the engine's clock until
	// the engine follows it.
	agePatience = 10 * time.Minute
)

// old reports whether m has passed Config.MaxAge.
func (e *Engine) old(m *platform.Message) bool {
	return e.config.MaxAge > 0 && e.ages.Now().Sub(m.Time) > e.config.MaxAge
}

// Expired returns how many messages this engine has removed since Open because they
// were older than [Config].MaxAge.
func (e *Engine) Expired() int64 { return e.expired.Load() }

// age starts the clock by which messages grow old. For the time in which no engine
// ran there is only the wall clock, which may be wrong. If it is more than half of
// MaxAge ahead of the newest message, the engine follows it after ten minutes only.
func (e *Engine) age() {
	start := time.Now()
	if newest := time.Unix(e.state.newest, 0); e.state.newest > 0 && start.Sub(newest) > e.config.MaxAge/2 {
		start = newest.Add(e.config.MaxAge / 2)
		e.config.Logger.Info("jetstream: the newest message is from long ago; should the clock be right, what is too old goes in ten minutes", "newest", newest)
	}
	e.ages = steady.New(start, agePatience)
}

// expirer removes what is too old until the engine ends.
func (e *Engine) expirer() {
	tick := time.NewTicker(min(expireEvery, max(e.config.MaxAge/2, time.Millisecond)))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-e.ctx.Done():
			return
		}
		for _, queue := range e.aged() {
			for e.expire(queue) {
			}
		}
	}
}

// aged returns the queues that may have an old message at their heads.
func (e *Engine) aged() (ids []uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, q := range e.state.queues {
		if len(e.suspects(q, 1)) > 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// suspects returns up to n items at the head of q that may be old.
func (e *Engine) suspects(q *queue, n int) []item {
	limit := e.ages.Now().Add(-e.config.MaxAge).Unix()
	items := q.first(0, n, math.MaxInt)
	for i, it := range items {
		if e.state.records.oldestTime(it.seq) > limit {
			return items[:i]
		}
	}
	return items
}

// expire removes old messages from the head of a queue, and reports whether there
// may be more.
func (e *Engine) expire(queue uint64) bool {
	e.mu.Lock()
	var items []item
	if q := e.state.queues[queue]; q != nil {
		items = e.suspects(q, expireAtOnce)
	}
	e.mu.Unlock()
	var old []uint64
	var last openRecord
	for _, it := range items {
		f, err := e.fact(e.ctx, queue, it, &last)
		if err == nil && !e.old(f.message) || err != nil && !errors.Is(err, errNoRecord) {
			break
		}
		old = append(old, it.number)
	}
	removed := e.remove(queue, old)
	if removed {
		e.expired.Add(int64(len(old)))
	}
	return removed && len(old) == expireAtOnce
}

// remove removes those of the messages that are still ready, and reports whether that
// was stored.
func (e *Engine) remove(queue uint64, numbers []uint64) bool {
	return len(numbers) > 0 && e.do(e.ctx, func(d *draft) error {
		q := d.state.queues[queue]
		if q == nil {
			return nil
		}
		if q.owner.sealed == d.round {
			return errAgain
		}
		var ready []uint64
		for _, n := range numbers {
			if it := q.ready.find(n); it != nil && !it.is(shed) {
				ready = append(ready, n)
			}
		}
		if len(ready) > 0 {
			d.emit(q.owner, fact{kind: factAck, queue: queue, numbers: ready})
		}
		return nil
	}, nil) == nil
}
