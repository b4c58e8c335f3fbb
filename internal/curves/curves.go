// Package curves remembers how the queues of a platform did: what they held, what came
// and what left, in minutes for an hour and in hours for 30 days, by what is counted every
// few seconds. It knows no platform: see [Curves].
package curves

import (
	"hash/maphash"
	"iter"
	"math"
	"math/bits"
	"strings"
	"sync"
	"time"
)

// A Queue is what was counted of a queue at one moment.
type Queue struct {
	Domain, Key, Topic  string
	Ready, Held, Parked int
	Consumers           int
	Bytes               int64
	Published, Dropped  uint64  // ever; a number smaller than before is a new beginning
	Reasons             Reasons // for which it needs attention, but for Dropping
}

// Reasons are those for which a queue needs attention. Their bits mean what the caller
// wants, but for Dropping.
type Reasons uint8

// Dropping is that a queue has dropped messages within the last day. Only [Curves]
// know that.
const Dropping Reasons = 1 << (reasons - 1)

const (
	reasons = 5 // are there at most

	mostQueues  = 50_000 // of which the last minute is known
	mostOwn     = 200    // queues with a series of their own
	mostDomains = 20     // with a series of all their queues
	mostName    = 512    // bytes of the name of a series

	// seriesLife is how long a series is kept whose queue is gone.
	seriesLife = hourPoints * time.Hour
	// halfLife is the time in which what a queue did counts half.
	halfLife = 6 * time.Hour
	// A queue takes the place of another one that was not half as busy. So two that are
	// nearly the same do not take it from each other.
	clearly = 2
	// enough is how busy it must be at least, in messages.
	enough = 10
	// window is how long messages are counted together for what they are per second.
	window = 30 * time.Second
)

// Curves have the series of the 200 busiest queues, and of all queues of each domain
// together, of 20 domains. Of 50,000 queues they know what these did within the last
// minute, and since when they need attention. All that takes 12 MB at most. The methods
// may be called from any number of goroutines. Make them with [New].
type Curves struct {
	seed maphash.Seed

	mu      sync.RWMutex // guards what follows
	begun   bool         // there was a sample
	last    time.Time    // the last sample
	sample  uint32       // its number
	crowded uint32       // that of the last one with more queues than are known
	decay   float64      // of what a queue did, between the last two samples
	opened  time.Time    // when the window began
	before  time.Duration
	closing bool // this sample is the last one of the window
	queues  map[uint64]*queue
	series  map[Name]*series
	own     int     // of the series are of a queue
	least   *series // of the queue that is the least busy; nil if it has to be looked for
}

// A Name is of what a series is: of a queue, or of all queues of a domain, with the key "".
type Name struct{ Domain, Key, Topic string }

func (n *Name) fits() bool { return len(n.Domain)+len(n.Key)+len(n.Topic) <= mostName }

// New returns Curves without any point.
func New() *Curves {
	return &Curves{seed: maphash.MakeSeed(), queues: make(map[uint64]*queue), series: make(map[Name]*series)}
}

// Sample notes what was counted of all queues at a time. Queues that are missing are gone.
func (v *Curves) Sample(at time.Time, all iter.Seq[*Queue]) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.begin(at)
	for q := range all {
		v.add(q, at)
	}
	v.end(at)
}

func (v *Curves) begin(at time.Time) {
	passed := max(0, at.Sub(v.last))
	if !v.begun {
		v.opened, passed = at, 0
	}
	v.decay = math.Exp2(-float64(passed) / float64(halfLife))
	v.closing = at.Sub(v.opened) >= window
	v.last = at
	v.sample++
}

func (v *Curves) add(q *Queue, at time.Time) {
	c := counts{ready: uint64(q.Ready), held: uint64(q.Held), parked: uint64(q.Parked), consumers: uint64(q.Consumers), bytes: uint64(q.Bytes)}
	if known, fresh := v.know(q); known != nil {
		known.count(q, &c, v, at)
		if s := v.seriesOf(known, q, fresh); s != nil {
			s.score = known.score
			s.add(&c, v.sample)
		}
	}
	if s := v.total(q.Domain); s != nil {
		s.add(&c, v.sample)
	}
}

// know returns what is known of a queue, and makes it if there is room. A queue that was
// not there before has counted from zero.
func (v *Curves) know(q *Queue) (known *queue, fresh bool) {
	id := v.id(q.Key, q.Topic)
	known = v.queues[id]
	switch {
	case known != nil:
	case len(v.queues) >= mostQueues:
		v.crowded = v.sample
		return nil, false
	default:
		fresh = true
		known = &queue{}
		if !v.begun || v.sample-v.crowded <= 1 { // it may have been there before
			known.published, known.dropped, known.messages = q.Published, q.Dropped, messages(q)
		}
		v.queues[id] = known
	}
	known.sample = v.sample
	return known, fresh
}

func (v *Curves) id(key, topic string) uint64 {
	return maphash.String(v.seed, key) ^ bits.RotateLeft64(maphash.String(v.seed, topic), 32)
}

// total returns the series of a domain, and makes it if there is room.
func (v *Curves) total(domain string) *series {
	name := Name{Domain: domain}
	s := v.series[name]
	if s == nil && v.room(&name) {
		s = v.make(name)
	}
	return s
}

// room reports whether a series can be made and no other one has to go.
func (v *Curves) room(name *Name) bool {
	if name.Key == "" {
		return len(v.series)-v.own < mostDomains && name.fits()
	}
	return v.own < mostOwn && name.fits()
}

func (v *Curves) make(name Name) *series {
	name = Name{strings.Clone(name.Domain), strings.Clone(name.Key), strings.Clone(name.Topic)}
	s := &series{name: name, minute: part{length: time.Minute}, hour: part{length: time.Hour}}
	v.series[name] = s
	if name.Key != "" {
		v.own++
	}
	return s
}

// end notes what was added up, and forgets what is gone.
func (v *Curves) end(at time.Time) {
	for name, s := range v.series {
		switch {
		case s.sample == v.sample:
			s.note(at)
			if name.Key == "" {
				s.score = s.score*v.decay + s.adding.moved()
			}
		case at.Sub(s.last) > seriesLife:
			v.remove(name, s)
		default:
			s.score *= v.decay
		}
	}
	for id, known := range v.queues {
		if known.sample != v.sample {
			known.leave()
			delete(v.queues, id)
		}
	}
	if v.closing {
		v.before, v.opened = at.Sub(v.opened), at
	}
	v.begun, v.least = true, nil
}

func (v *Curves) remove(name Name, s *series) {
	if s.queue != nil {
		s.queue.leave()
	}
	delete(v.series, name)
	if name.Key != "" {
		v.own--
	}
}

// Points returns what is known of a series between two times, the oldest first: minutes,
// or hours. Minutes and hours in which nothing was counted are left out. known is false if
// others have all the series that there may be.
func (v *Curves) Points(name Name, hours bool, from, to time.Time) (points []Point, known bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	s := v.series[name]
	if s == nil {
		return nil, v.room(&name)
	}
	if hours {
		return s.hour.points(s.hours[:], from, to, v.last), true
	}
	return s.minute.points(s.minutes[:], from, to, v.last), true
}
