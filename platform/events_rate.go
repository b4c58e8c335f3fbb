package platform

import (
	"sync"
	"sync/atomic"
	"time"
)

// mostEventRates bounds the table of eventRates.
const mostEventRates = 4096

// eventRates lets through one event of a kind and a key in each interval, as somebody
// could cause any number of them.
type eventRates struct {
	lost *atomic.Int64 // counts what found no room in the table

	mu    sync.Mutex // guards what follows
	known map[eventName]*eventRate
}

type eventName struct{ event, key string }

type eventRate struct {
	next   time.Time // when another event may come
	missed int       // that did not come meanwhile
}

func (r *eventRates) init(lost *atomic.Int64) {
	r.lost, r.known = lost, make(map[eventName]*eventRate)
}

// allow returns 0 if the event must not come, and else for how many it stands: itself and
// those that did not come since the last one. Where the table has no room, it is lost.
func (r *eventRates) allow(event, key string, interval time.Duration) int {
	now, name := time.Now(), eventName{event, key}
	r.mu.Lock()
	defer r.mu.Unlock()
	rate := r.known[name]
	switch {
	case rate != nil && now.Before(rate.next):
		rate.missed++
		return 0
	case rate == nil:
		if len(r.known) >= mostEventRates && !r.forget(now) {
			r.lost.Add(1)
			return 0
		}
		rate = &eventRate{}
		r.known[name] = rate
	}
	n := rate.missed + 1
	rate.next, rate.missed = now.Add(interval), 0
	return n
}

// forget removes what holds nothing back any more, and reports whether there was any.
func (r *eventRates) forget(now time.Time) bool {
	before := len(r.known)
	for name, rate := range r.known {
		if !now.Before(rate.next) {
			delete(r.known, name)
		}
	}
	return len(r.known) < before
}
