package calls

import (
	"math"
	"math/bits"
	"strings"
	"sync"
	"time"
)

// bins is how many bins a histogram has. Bin i counts the calls that took up to edges[i];
// four bins are a factor of ten, from 0.1 ms to a minute.
const bins = 24

var edges = func() (edges [bins - 1]time.Duration) {
	for i := range edges {
		edges[i] = time.Duration(float64(100*time.Microsecond) * math.Pow(10, float64(i)/4))
	}
	return edges
}()

func binOf(took time.Duration) int {
	low, high := 0, len(edges)
	for low < high {
		if mid := (low + high) / 2; took <= edges[mid] {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// quantile returns what the part q of the calls took at most, by the place within its bin.
func (p *Point) quantile(q float64) time.Duration {
	all := int64(0)
	for _, n := range p.took {
		all += n
	}
	want := q * float64(all)
	for i, n := range p.took {
		if float64(n) < want || n == 0 {
			want -= float64(n)
			continue
		}
		high := edges[min(i, len(edges)-1)]
		low := time.Duration(float64(high) / math.Pow(10, 0.25))
		return low + time.Duration(float64(high-low)*want/float64(n))
	}
	return 0
}

// A small is a number in a byte: up to 15 exactly, and larger ones within 7 %.
type small uint8

func smallOf(n uint64) small {
	if n < 16 {
		return small(n)
	}
	n = min(n, 1<<32-1)
	shift := bits.Len64(n) - 4 // so that 8 to 15 are left
	if rounded := (n + 1<<(shift-1)) >> shift; rounded < 16 {
		return small(shift<<3 + int(rounded))
	}
	return small((shift+1)<<3 + 8)
}

func (s small) value() uint64 {
	if s < 16 {
		return uint64(s)
	}
	return uint64(8+s&7) << (s>>3 - 1)
}

// A bucket is what was counted in a minute or an hour that is over.
type bucket struct {
	calls, refused, limited, failed uint32
	took                            [bins]small
}

// An exact is what was counted in one that is not over.
type exact struct {
	number                          int64 // of the minute or the hour since 1970
	calls, refused, limited, failed uint32
	took                            [bins]uint32
}

func (e *exact) count(class Class, bin int) {
	e.calls++
	switch class {
	case Refused:
		e.refused++
	case Limited:
		e.limited++
	case Failed:
		e.failed++
	}
	e.took[bin]++
}

func (e *exact) bucket() (b bucket) {
	b = bucket{calls: e.calls, refused: e.refused, limited: e.limited, failed: e.failed}
	for i, n := range e.took {
		b.took[i] = smallOf(uint64(n))
	}
	return b
}

func (b *bucket) add(other *bucket) {
	b.calls, b.refused, b.limited, b.failed = b.calls+other.calls, b.refused+other.refused, b.limited+other.limited, b.failed+other.failed
	for i, n := range other.took {
		b.took[i] = smallOf(b.took[i].value() + n.value())
	}
}

const (
	minutesInBlock, minuteBlocks = 60, 25 // a day, and the hour that is not over
	hoursInBlock, hourBlocks     = 24, 31
)

// A block is buckets that follow each other. Those without a call are not allocated.
type block[B any] struct {
	number  int64 // of the hour or the day since 1970
	buckets B
}

type (
	minuteBlock = block[[minutesInBlock]bucket]
	hourBlock   = block[[hoursInBlock]bucket]
)

// A series has the counts of one name. A nil series counts nothing.
type series struct {
	mu           sync.Mutex // guards what follows
	changed      bool       // since it was saved
	last         time.Time  // when the last call was
	minute, hour exact
	minutes      [minuteBlocks]*minuteBlock
	hours        [hourBlocks]*hourBlock
}

func numberIn(at time.Time, length time.Duration) int64 {
	return at.Unix() / int64(length/time.Second)
}

// count counts a call at a time that does not go back much.
func (s *series) count(at time.Time, class Class, took time.Duration) {
	if s == nil {
		return
	}
	bin := binOf(took)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed = true
	if at.After(s.last) {
		s.last = at
	}
	if n := numberIn(at, time.Minute); n > s.minute.number {
		s.closeMinute()
		s.minute = exact{number: n}
	}
	if n := numberIn(at, time.Hour); n > s.hour.number {
		s.closeHour()
		s.hour = exact{number: n}
	}
	s.minute.count(class, bin)
	s.hour.count(class, bin)
}

func (s *series) closeMinute() {
	if s.minute.calls > 0 {
		b := s.minute.bucket()
		s.minuteAt(s.minute.number).add(&b)
	}
}

func (s *series) closeHour() {
	if s.hour.calls > 0 {
		b := s.hour.bucket()
		s.hourAt(s.hour.number).add(&b)
	}
}

// minuteAt returns the bucket of a minute. It takes the place of one that is a day older.
func (s *series) minuteAt(number int64) *bucket {
	at := &s.minutes[number/minutesInBlock%minuteBlocks]
	switch {
	case *at == nil:
		*at = &minuteBlock{number: number / minutesInBlock}
	case (*at).number != number/minutesInBlock:
		**at = minuteBlock{number: number / minutesInBlock}
	}
	return &(*at).buckets[number%minutesInBlock]
}

func (s *series) hourAt(number int64) *bucket {
	at := &s.hours[number/hoursInBlock%hourBlocks]
	switch {
	case *at == nil:
		*at = &hourBlock{number: number / hoursInBlock}
	case (*at).number != number/hoursInBlock:
		**at = hourBlock{number: number / hoursInBlock}
	}
	return &(*at).buckets[number%hoursInBlock]
}

func (s *series) lastCall() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// wasChanged reports whether there were calls since it was asked last.
func (s *series) wasChanged() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := s.changed
	s.changed = false
	return changed
}

// A counted is a bucket with its time.
type counted struct {
	length time.Duration // a minute or an hour
	number int64
	bucket
}

func (c *counted) start() time.Time {
	return time.Unix(c.number*int64(c.length/time.Second), 0).UTC()
}

// counts returns what is not too old: minutes of a day, and hours of 30 days.
func (s *series) counts(now time.Time) (all []counted) {
	s.mu.Lock()
	defer s.mu.Unlock()
	oldest := oldestAt(now)
	add := func(length time.Duration, number int64, b *bucket) {
		if b.calls > 0 && number >= oldest[length] {
			all = append(all, counted{length, number, *b})
		}
	}
	for _, at := range s.minutes {
		for i := range minutesInBlock {
			if at != nil {
				add(time.Minute, at.number*minutesInBlock+int64(i), &at.buckets[i])
			}
		}
	}
	for _, at := range s.hours {
		for i := range hoursInBlock {
			if at != nil {
				add(time.Hour, at.number*hoursInBlock+int64(i), &at.buckets[i])
			}
		}
	}
	minute, hour := s.minute.bucket(), s.hour.bucket()
	add(time.Minute, s.minute.number, &minute)
	add(time.Hour, s.hour.number, &hour)
	return all
}

// oldestAt returns the first minute and the first hour that are kept.
func oldestAt(now time.Time) map[time.Duration]int64 {
	return map[time.Duration]int64{
		time.Minute: numberIn(now.Add(-24*time.Hour), time.Minute),
		time.Hour:   numberIn(now.Add(-30*24*time.Hour), time.Hour),
	}
}

// add adds what was counted before, or elsewhere.
func (s *series) add(all []counted, now time.Time) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	oldest := oldestAt(now)
	for i := range all {
		c := &all[i]
		if c.number < oldest[c.length] || c.start().After(now) {
			continue
		}
		if c.length == time.Minute {
			s.minuteAt(c.number).add(&c.bucket)
		} else {
			s.hourAt(c.number).add(&c.bucket)
		}
		if at := c.start(); at.After(s.last) {
			s.last = at
		}
	}
}

func clone(name Series) Series {
	return Series{strings.Clone(name.Domain), name.Kind, strings.Clone(name.Name)}
}
