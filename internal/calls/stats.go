package calls

import (
	"cmp"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A Kind is by what calls are counted.
type Kind string

const (
	ByApp Kind = "app"
	ByKey Kind = "key"
	ByAPI Kind = "api"
)

// A Series is what has counts of its own: an app, a key, or an API of a service.
type Series struct {
	Domain string
	Kind   Kind
	Name   string // of an app or a key its ID; of an API the prefix of its service, a slash and its ID
}

// Other is the name of the series for what has none of its own, as there are too many.
const Other = "(other)"

const (
	// mostSeries is how many series there are at most, with 100 KB each when they have
	// calls all the time.
	mostSeries = 440
	// reserved is how many of them each kind has for itself, so that many APIs leave room
	// for apps and keys.
	reserved   = 100
	mostOthers = 20 // further ones, called Other
	// mostName bounds the name of a series.
	mostName = 256
)

// Class is what became of a call.
type Class int

const (
	Served  Class = iota
	Refused       // 400 to 499, other than Limited
	Limited       // over its limit
	Failed        // 500 and more, or no answer
)

// ClassOf returns the class of a call with this status; limited is whether a limit
// refused it.
func ClassOf(status int, limited bool) Class {
	switch {
	case limited:
		return Limited
	case status >= http.StatusInternalServerError || status == 0:
		return Failed
	case status >= http.StatusBadRequest:
		return Refused
	}
	return Served
}

// Stats counts calls: in minutes for a day, and in hours for 30 days. Its methods may be
// called from any number of goroutines. Make it with [NewStats].
type Stats struct {
	mu     sync.RWMutex // guards what follows
	series map[Series]*series
	named  map[Kind]int // series of each kind
	others int
	lost   int64 // calls that found no series at all
}

// NewStats returns Stats without any call.
func NewStats() *Stats { return &Stats{series: make(map[Series]*series), named: make(map[Kind]int)} }

// Count counts a call: for its app, its key and its API, of those that it has.
func (s *Stats) Count(domain, app, key, service, api string, at time.Time, class Class, took time.Duration) {
	if app != "" {
		s.of(Series{domain, ByApp, app}).count(at, class, took)
	}
	if key != "" {
		s.of(Series{domain, ByKey, key}).count(at, class, took)
	}
	if service != "" {
		s.ofAPI(domain, service, api).count(at, class, took)
	}
}

// ofAPI is of for an API, whose name is joined only if it is new.
func (s *Stats) ofAPI(domain, service, api string) *series {
	var space [mostName]byte
	if len(service)+1+len(api) > mostName {
		return s.of(Series{domain, ByAPI, Other})
	}
	name := append(append(append(space[:0], service...), '/'), api...)
	s.mu.RLock()
	found := s.series[Series{domain, ByAPI, string(name)}]
	s.mu.RUnlock()
	if found != nil {
		return found
	}
	return s.of(Series{domain, ByAPI, string(name)})
}

// of returns a series, and makes it if there is room; else that for all others; else nil.
func (s *Stats) of(name Series) *series {
	s.mu.RLock()
	found := s.series[name]
	s.mu.RUnlock()
	if found != nil {
		return found
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.make(name)
}

// make is of for a caller that holds mu.
func (s *Stats) make(name Series) *series {
	if len(name.Name) > mostName || s.series[name] == nil && !s.room(name.Kind) {
		name.Name = Other
	}
	if found := s.series[name]; found != nil {
		return found
	}
	switch {
	case name.Name != Other:
		s.named[name.Kind]++
	case s.others >= mostOthers:
		s.lost++
		return nil
	default:
		s.others++
	}
	made := &series{}
	s.series[clone(name)] = made
	return made
}

// room reports whether there is room for one more series of a kind.
func (s *Stats) room(kind Kind) bool {
	left, known := mostSeries, false
	for _, k := range []Kind{ByApp, ByKey, ByAPI} {
		if n := s.named[k]; k == kind {
			left, known = left-n, true
		} else {
			left -= max(n, reserved)
		}
	}
	return known && left > 0
}

// Lost returns how often a call found no series, not even one for all others: once for each
// kind by which it was to be counted.
func (s *Stats) Lost() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.lost
}

// Names returns all series, sorted.
func (s *Stats) Names() []Series {
	s.mu.RLock()
	defer s.mu.RUnlock()
	names := make([]Series, 0, len(s.series))
	for name := range s.series {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b Series) int {
		return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return names
}

// Forget removes the series that had no call since a time, and returns them.
func (s *Stats) Forget(since time.Time) (gone []Series) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, one := range s.series {
		if one.lastCall().Before(since) {
			gone = append(gone, name)
			delete(s.series, name)
			if name.Name == Other {
				s.others--
			} else {
				s.named[name.Kind]--
			}
		}
	}
	return gone
}

// Save returns what was counted for a series, for [Stats.Load] and [Points], and
// whether it has had calls since Save was called last.
func (s *Stats) Save(name Series, now time.Time) (text []byte, changed bool) {
	one := s.find(name)
	if one == nil || !one.wasChanged() {
		return nil, false
	}
	return encode(name, one.counts(now)), true
}

// Unsaved makes Save return a series again, as it could not be stored.
func (s *Stats) Unsaved(name Series) {
	if one := s.find(name); one != nil {
		one.mu.Lock()
		defer one.mu.Unlock()
		one.changed = true
	}
}

// Text returns what was counted for a series, for [Points]; nil if there is no such one.
func (s *Stats) Text(name Series, now time.Time) []byte {
	one := s.find(name)
	if one == nil {
		return nil
	}
	return encode(name, one.counts(now))
}

func (s *Stats) find(name Series) *series {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.series[name]
}

// Load adds what was saved to what was counted.
func (s *Stats) Load(text []byte, now time.Time) error {
	name, counts, err := decode(text)
	if err != nil {
		return err
	}
	s.mu.Lock()
	one := s.make(name)
	s.mu.Unlock()
	one.add(counts, now)
	return nil
}

// SavedName returns of which series a text is, and does not look at the rest of it.
func SavedName(text []byte) (Series, error) {
	name, _, err := decodeName(text)
	return name, err
}

// Saved returns of which series a text is, and when its last minute or hour begins.
func Saved(text []byte) (name Series, last time.Time, err error) {
	name, text, err = decodeName(text)
	if err != nil {
		return name, last, err
	}
	return name, last, eachCounted(text, func(c *counted) {
		if at := c.start(); at.After(last) {
			last = at
		}
	})
}

// A Point is what was counted in a minute or an hour, or in several.
type Point struct {
	Start                           time.Time
	Calls, Refused, Limited, Failed int64
	P50, P99                        time.Duration // 0 without calls
	took                            [bins]int64
}

// Points returns what the texts of a series say together, of the time from from to to, in
// parts of length step, which is of whole minutes. Parts without a call are left out. What
// is older than a day is known by hours.
func Points(texts [][]byte, from, to time.Time, step time.Duration, now time.Time) ([]Point, error) {
	minutesFrom := now.Add(-24 * time.Hour).Truncate(time.Hour).Add(time.Hour).Unix() // before it only hours are whole
	length := int64(max(step, time.Minute) / time.Second)
	parts := make(map[int64]*Point)
	var part *Point // of the bucket before
	for _, text := range texts {
		_, text, err := decodeName(text)
		if err != nil {
			return nil, err
		}
		err = eachCounted(text, func(c *counted) {
			seconds := int64(c.length / time.Second)
			at := c.number * seconds
			if (c.length == time.Minute) == (at < minutesFrom) || at+seconds <= from.Unix() || !time.Unix(at, 0).Before(to) {
				return
			}
			if start := at - at%length; part == nil || part.Start.Unix() != start {
				if part = parts[start]; part == nil {
					part = &Point{Start: time.Unix(start, 0).UTC()}
					parts[start] = part
				}
			}
			part.add(&c.bucket)
		})
		if err != nil {
			return nil, err
		}
	}
	points := make([]Point, 0, len(parts))
	for _, p := range parts {
		p.P50, p.P99 = p.quantile(0.50), p.quantile(0.99)
		points = append(points, *p)
	}
	slices.SortFunc(points, func(a, b Point) int { return a.Start.Compare(b.Start) })
	return points, nil
}

func (p *Point) add(b *bucket) {
	p.Calls, p.Refused, p.Limited, p.Failed = p.Calls+int64(b.calls), p.Refused+int64(b.refused), p.Limited+int64(b.limited), p.Failed+int64(b.failed)
	for i, n := range b.took {
		p.took[i] += int64(n.value())
	}
}

// Sum returns the sum of points.
func Sum(points []Point) (sum Point) {
	for i, p := range points {
		if i == 0 || p.Start.Before(sum.Start) {
			sum.Start = p.Start
		}
		sum.Calls, sum.Refused, sum.Limited, sum.Failed = sum.Calls+p.Calls, sum.Refused+p.Refused, sum.Limited+p.Limited, sum.Failed+p.Failed
		for i, n := range p.took {
			sum.took[i] += n
		}
	}
	sum.P50, sum.P99 = sum.quantile(0.50), sum.quantile(0.99)
	return sum
}
