package curves

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"time"
)

// A series is saved as: a format, its name, how busy its queue was, and one point after
// the other, each with whether it is an hour, its number and its amounts.

const savedFormat = 1

var errSaved = errors.New("curves: this is no series that was saved")

// A saved series.
type saved struct {
	name   Name
	score  float64
	points [2][]point // minutes and hours, which ascend
}

func (s *saved) encode() []byte {
	text := []byte{savedFormat}
	for _, part := range []string{s.name.Domain, s.name.Key, s.name.Topic} {
		text = append(binary.AppendUvarint(text, uint64(len(part))), part...)
	}
	text = binary.LittleEndian.AppendUint64(text, math.Float64bits(s.score))
	for kind, points := range s.points {
		for i := range points {
			p := &points[i]
			text = binary.AppendUvarint(append(text, byte(kind)), uint64(p.number))
			for _, a := range p.amounts() {
				text = binary.AppendUvarint(text, uint64(*a))
			}
		}
	}
	return text
}

func (p *point) amounts() [9]*amount {
	return [...]*amount{&p.ready, &p.held, &p.parked, &p.consumers, &p.bytes, &p.most, &p.published, &p.removed, &p.dropped}
}

// A reader reads a text until something is wrong.
type reader struct {
	text []byte
	bad  bool
}

func (r *reader) take(n uint64) (text []byte) {
	if n > uint64(len(r.text)) {
		r.bad = true
		return nil
	}
	text, r.text = r.text[:n], r.text[n:]
	return text
}

func (r *reader) number(most uint64) uint64 {
	n, size := binary.Uvarint(r.text)
	if size <= 0 || n > most {
		r.bad = true
		return 0
	}
	r.text = r.text[size:]
	return n
}

func (r *reader) point() (kind byte, p point) {
	if one := r.take(1); !r.bad {
		kind = one[0]
	}
	p.number = uint32(r.number(math.MaxUint32))
	for _, a := range p.amounts() {
		*a = amount(r.number(math.MaxUint16))
	}
	return kind, p
}

func decode(text []byte) (*saved, error) {
	r, s := &reader{text: text}, &saved{}
	if format := r.take(1); r.bad || format[0] != savedFormat {
		return nil, errSaved
	}
	for _, part := range []*string{&s.name.Domain, &s.name.Key, &s.name.Topic} {
		*part = string(r.take(r.number(mostName)))
	}
	if bits := r.take(8); !r.bad {
		s.score = math.Float64frombits(binary.LittleEndian.Uint64(bits))
	}
	if r.bad || !(s.score >= 0) || math.IsInf(s.score, 0) || !s.name.fits() {
		return nil, errSaved
	}
	for len(r.text) > 0 {
		kind, p := r.point()
		if r.bad || kind > 1 {
			return nil, errSaved
		}
		points := &s.points[kind]
		if n := len(*points); p.number == 0 || n > 0 && (*points)[n-1].number >= p.number || n == [...]int{minutePoints, hourPoints}[kind] {
			return nil, errSaved
		}
		*points = append(*points, p)
	}
	return s, nil
}

// Names returns which series there are, sorted.
func (v *Curves) Names() []Name {
	v.mu.RLock()
	defer v.mu.RUnlock()
	names := make([]Name, 0, len(v.series))
	for name := range v.series {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b Name) int {
		return cmp.Or(strings.Compare(a.Domain, b.Domain), strings.Compare(a.Key, b.Key), strings.Compare(a.Topic, b.Topic))
	})
	return names
}

// Save returns a series as a text for [Curves.Load], and whether anything has happened
// since Save was called last, or an hour has passed.
func (v *Curves) Save(name Name) (text []byte, changed bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.series[name]
	if s == nil || !s.changed {
		return nil, false
	}
	s.changed = false
	one := saved{name: name, score: s.score}
	one.points[0] = s.minute.all(s.minutes[:], v.last)
	one.points[1] = s.hour.all(s.hours[:], v.last)
	return one.encode(), true
}

// Unsaved makes Save return a series again, as it could not be stored.
func (v *Curves) Unsaved(name Name) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s := v.series[name]; s != nil {
		s.changed = true
	}
}

// Load adds a series that was saved, if there is room for it, or if another one was less
// busy, which is forgotten then; but nothing that is newer than now. Where a minute or an
// hour is in both, the larger numbers count, as they may have been counted by two processes
// at the same time.
func (v *Curves) Load(text []byte, now time.Time) error {
	one, err := decode(text)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.series[one.name]
	if s == nil {
		s = v.place(one)
	}
	if s == nil {
		return nil
	}
	s.score = max(s.score, one.score)
	if k := v.queues[v.id(one.name.Key, one.name.Topic)]; k != nil && (k.series == nil || k.series == s) {
		k.take(s)
	}
	s.minute.join(s.minutes[:], one.points[0], now)
	s.hour.join(s.hours[:], one.points[1], now)
	if last := one.last(); last.After(s.last) {
		s.last = last
	}
	return nil
}

// last returns when the last part begins.
func (s *saved) last() (at time.Time) {
	for kind, length := range []time.Duration{time.Minute, time.Hour} {
		if n := len(s.points[kind]); n > 0 {
			one := part{length: length, number: s.points[kind][n-1].number}
			if start := one.start(); start.After(at) {
				at = start
			}
		}
	}
	return at
}

// SavedName returns of which series a text is, and whether any of its points is not too old.
func SavedName(text []byte, now time.Time) (name Name, alive bool, err error) {
	one, err := decode(text)
	if err != nil {
		return name, false, err
	}
	return one.name, now.Sub(one.last()) <= seriesLife, nil
}

// all returns the points that are not too old.
func (p *part) all(over []point, now time.Time) (all []point) {
	newest := numberOf(now, p.length)
	for n := newest - min(newest, uint32(len(over)-1)); n <= newest; n++ {
		switch one := &over[n%uint32(len(over))]; {
		case n == 0:
		case n == p.number:
			all = append(all, p.point())
		case n == one.number:
			all = append(all, *one)
		}
	}
	return all
}

// join adds points of another time or process.
func (p *part) join(over, more []point, now time.Time) {
	for i := range more {
		m := &more[i]
		at := &over[m.number%uint32(len(over))]
		switch {
		case m.number > numberOf(now, p.length):
		case m.number == p.number:
			one := p.point()
			one.raise(m)
			*p = one.part(p.length)
		case at.number == m.number:
			at.raise(m)
		case at.number < m.number:
			*at = *m
		}
	}
}

// raise raises amounts to those of another point.
func (p *point) raise(other *point) {
	more := other.amounts()
	for i, a := range p.amounts() {
		*a = max(*a, *more[i])
	}
}
