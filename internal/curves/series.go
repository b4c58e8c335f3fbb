package curves

import (
	"math/bits"
	"time"
)

// minutePoints and hourPoints are how many a series has.
const (
	minutePoints = 64
	hourPoints   = 30*24 + 1
)

// An amount is a number in two bytes: up to 2047 exactly, and larger ones within 0.05 %, up
// to 2047<<31.
type amount uint16

const amountBits = 11

func amountOf(n uint64) amount {
	shift := max(0, bits.Len64(n)-amountBits)
	if shift > 0 {
		if n = (n>>(shift-1) + 1) >> 1; n == 1<<amountBits {
			n, shift = n>>1, shift+1
		}
	}
	if shift >= 1<<(16-amountBits) {
		return ^amount(0)
	}
	return amount(uint64(shift)<<amountBits | n)
}

func (a amount) value() uint64 { return uint64(a&(1<<amountBits-1)) << (a >> amountBits) }

// counts is what is counted of a queue, or of several.
type counts struct {
	ready, held, parked, consumers, bytes uint64 // at the end
	published, removed, dropped           uint64 // meanwhile
}

// moved returns how many messages came or left.
func (c *counts) moved() float64 { return float64(c.published + c.removed + c.dropped) }

// A part is a minute or an hour that is not over.
type part struct {
	length time.Duration
	number uint32 // since 1970
	counts
	most uint64
}

// A point is one that is over. The zero point is none.
type point struct {
	number                                                                   uint32
	ready, held, parked, consumers, bytes, most, published, removed, dropped amount
}

func (p *part) point() point {
	return point{
		p.number, amountOf(p.ready), amountOf(p.held), amountOf(p.parked), amountOf(p.consumers), amountOf(p.bytes), amountOf(p.most),
		amountOf(p.published), amountOf(p.removed), amountOf(p.dropped),
	}
}

func (p *point) part(length time.Duration) part {
	return part{length, p.number, counts{
		p.ready.value(), p.held.value(), p.parked.value(), p.consumers.value(), p.bytes.value(),
		p.published.value(), p.removed.value(), p.dropped.value(),
	}, p.most.value()}
}

// note notes what was counted at a time. over are the parts that were before.
func (p *part) note(c *counts, at time.Time, over []point) {
	if n := numberOf(at, p.length); n != p.number {
		p.close(over)
		if *p = (part{length: p.length, number: n}); over[n%uint32(len(over))].number == n { // it goes on
			*p = over[n%uint32(len(over))].part(p.length)
		}
	}
	c.published, c.removed, c.dropped = c.published+p.published, c.removed+p.removed, c.dropped+p.dropped
	p.counts, p.most = *c, max(p.most, c.ready+c.held)
}

func numberOf(at time.Time, length time.Duration) uint32 {
	return clip(uint64(max(0, at.Unix()/int64(length/time.Second))))
}

func (p *part) close(over []point) {
	if p.number > 0 {
		over[p.number%uint32(len(over))] = p.point()
	}
}

// A Point is what was counted of a queue, or of a domain, in a minute or an hour.
type Point struct {
	Start                                 time.Time
	Ready, Held, Parked, Consumers, Bytes uint64 // when it ended
	Most                                  uint64 // the most that were ready and held at a time
	Published, Removed, Dropped           uint64 // meanwhile
}

// points returns the parts between two times, the last of which is p.
func (p *part) points(over []point, from, to, now time.Time) (points []Point) {
	newest := numberOf(now, p.length)
	oldest := max(numberOf(from, p.length), newest-min(newest, uint32(len(over)-1)))
	for n := oldest; n <= newest; n++ {
		one := *p
		if n != p.number {
			one = over[n%uint32(len(over))].part(p.length)
		}
		if start := one.start(); one.number == n && n > 0 && start.Before(to) {
			points = append(points, Point{start, one.ready, one.held, one.parked, one.consumers, one.bytes, one.most, one.published, one.removed, one.dropped})
		}
	}
	return points
}

func (p *part) start() time.Time { return time.Unix(int64(p.number)*int64(p.length/time.Second), 0) }

// A series has the points of a queue, or of a domain.
type series struct {
	name  Name
	queue *queue  // nil if it is not there, or if the series is that of a domain
	score float64 // of the queue

	changed      bool   // since it was saved
	sample       uint32 // the last one that it was in
	last         time.Time
	adding       counts // of that sample
	minute, hour part
	minutes      [minutePoints]point
	hours        [hourPoints]point
}

// add adds what was counted of a queue in a sample.
func (s *series) add(c *counts, sample uint32) {
	if s.sample != sample {
		s.sample, s.adding = sample, counts{}
	}
	a := &s.adding
	a.ready, a.held, a.parked, a.consumers, a.bytes = a.ready+c.ready, a.held+c.held, a.parked+c.parked, a.consumers+c.consumers, a.bytes+c.bytes
	a.published, a.removed, a.dropped = a.published+c.published, a.removed+c.removed, a.dropped+c.dropped
}

// note notes what the sample has added up to.
func (s *series) note(at time.Time) {
	s.last = at
	c := s.adding
	was := s.hour.counts
	was.published, was.removed, was.dropped = 0, 0, 0 // c has what came since the last sample
	s.changed = s.changed || c != was || s.hour.number != numberOf(at, time.Hour)
	s.minute.note(&c, at, s.minutes[:])
	c = s.adding
	s.hour.note(&c, at, s.hours[:])
}
