// Package limit counts calls in fixed windows: so many in so many seconds.
//
// Several processes that serve the calls of the same callers tell each other what they
// have counted: what [Windows.Counted] returns at one goes to [Windows.SetOthers] at the
// others.
package limit

import (
	"crypto/sha256"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// Leveled is the shortest window in which the processes level what they count. Of a limit
// for a shorter one each process has its share.
const Leveled = 5 * time.Second

// A Name is what has a limit: an API of a service, for a key.
type Name struct{ Key, Service, API string }

// An ID stands for a Name, in all processes.
type ID [16]byte

func (n Name) id() (id ID) {
	hash := sha256.New()
	for _, part := range []string{n.Key, n.Service, n.API} {
		hash.Write([]byte(part))
		hash.Write([]byte{0})
	}
	copy(id[:], hash.Sum(nil))
	return id
}

// A Window is a part of the time, in which the calls of a Name are counted. All processes
// whose clocks agree have the same ones.
type Window struct {
	ID     ID
	Per    time.Duration
	Number int64 // of this length, since 1970
}

// Windows counts the calls of any number of names. Its methods may be called from any
// number of goroutines. Make it with [New].
type Windows struct {
	seed   maphash.Seed
	most   int // names in a shard
	shards [shardCount]shard
	others atomic.Pointer[others]

	exchanges atomic.Uint64
}

const shardCount = 64

// A shard has those names whose hashes end alike. Hashes have a secret seed, so nobody can
// choose names that meet.
type shard struct {
	mu    sync.Mutex // guards what follows
	known map[uint64]*count
}

// A count is the calls of a name in one window.
type count struct {
	Window
	calls     int
	elsewhere int    // what other processes have counted
	exchange  uint64 // by which elsewhere is known; a pointer would keep others for long
}

// others is what other processes have counted. It does not change.
type others struct {
	exchange  uint64 // counts from 1
	processes int    // with this one
	calls     map[Window]int
}

// New returns Windows that count at most about names names at a time, in 200 bytes each.
// When there are more, names whose windows end soon are forgotten.
func New(names int) *Windows {
	w := &Windows{seed: maphash.MakeSeed(), most: max(1, names/shardCount)}
	for i := range w.shards {
		w.shards[i].known = make(map[uint64]*count)
	}
	return w
}

// Allow counts a call of a name, if less than most have been counted in the window of
// length per that now is in. Windows begin at multiples of per, so that all processes have
// the same. If the call is not allowed, wait is the time to the end of the window, and the
// call is not counted. Where most or per is not positive, every call is allowed.
func (w *Windows) Allow(n Name, most int, per time.Duration, now time.Time) (wait time.Duration, ok bool) {
	if most <= 0 || per <= 0 {
		return 0, true
	}
	hash := maphash.Comparable(w.seed, n)
	s := &w.shards[hash%shardCount]
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.known[hash]
	if c == nil {
		c = s.add(hash, n, w.most, now)
	}
	c.enter(per, now)
	if c.calls >= w.share(c, most) {
		return c.end().Sub(now), false
	}
	c.calls++
	return 0, true
}

// enter makes c count in the window that now is in.
func (c *count) enter(per time.Duration, now time.Time) {
	if number := numberOf(per, now); c.Per != per || c.Number != number {
		c.Per, c.Number, c.calls, c.exchange = per, number, 0, 0
	}
}

// share returns how many calls of the window of c this process may allow, of most.
func (w *Windows) share(c *count, most int) int {
	o := w.others.Load()
	switch {
	case o == nil:
		return most
	case c.Per < Leveled:
		return (most-1)/o.processes + 1
	case c.exchange != o.exchange: // it is looked up once for each exchange, and not for each call
		c.exchange, c.elsewhere = o.exchange, o.calls[c.Window]
	}
	return most - c.elsewhere
}

func numberOf(per time.Duration, now time.Time) int64 { return now.UnixNano() / int64(per) }

// end returns when the window is over.
func (w *Window) end() time.Time { return time.Unix(0, (w.Number+1)*int64(w.Per)) }

// add makes a count for a name, in place of others if there are too many.
func (s *shard) add(hash uint64, n Name, most int, now time.Time) *count {
	if len(s.known) >= most {
		s.forget(now)
	}
	c := &count{Window: Window{ID: n.id()}}
	s.known[hash] = c
	return c
}

// lookedAt is among how many names the next to be forgotten is looked for.
const lookedAt = 16

// forget removes, of a few names at random, those whose windows are over, or else the one
// whose window ends first.
func (s *shard) forget(now time.Time) {
	var first uint64
	var end time.Time
	looked, forgotten := 0, false
	for hash, c := range s.known {
		switch at := c.end(); {
		case !at.After(now):
			delete(s.known, hash)
			forgotten = true
		case end.IsZero() || at.Before(end):
			first, end = hash, at
		}
		if looked++; looked == lookedAt {
			break
		}
	}
	if !forgotten {
		delete(s.known, first)
	}
}
