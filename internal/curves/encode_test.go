package curves

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// fed is Curves that have seen a queue for days.
func fed(t testing.TB) (*clock, Name) {
	t.Helper()
	c, q := newClock(), orders()
	random := rand.New(rand.NewPCG(1, 2))
	for range 24 * 30 {
		q.publish(random.IntN(5000))
		q.consume(random.IntN(q.Ready + 1))
		q.drop(random.IntN(q.Ready + 1))
		q.Held, q.Parked, q.Consumers = random.IntN(50), random.IntN(10), random.IntN(3)
		c.sample(q)
		c.now = c.now.Add(time.Duration(random.IntN(90)) * time.Minute)
	}
	for range 500 {
		q.publish(random.IntN(500))
		c.sample(q)
	}
	return c, q.name()
}

func TestWhatIsSavedIsLoadedAsItWas(t *testing.T) {
	c, name := fed(t)
	again := newClock()
	again.now = c.now
	for _, name := range []Name{name, {Domain: name.Domain}} {
		text, changed := c.Save(name)
		if !changed {
			t.Fatalf("%v has not changed", name)
		}
		if len(text) > 20_000 {
			t.Errorf("%v takes %d bytes", name, len(text))
		}
		if err := again.Load(text, c.now); err != nil {
			t.Fatal(err)
		}
	}
	again.sample() // as nothing is known without one
	for _, hours := range []bool{false, true} {
		got, want := again.of(t, name, hours), c.of(t, name, hours)
		for i := range want { // what is not over is exact only there
			want[i] = rounded(want[i])
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("by hours: %v:\n%+v, want\n%+v", hours, got, want)
		}
	}
	if got, want := again.series[name].score, c.series[name].score; got < 0.99*want || got > want {
		t.Errorf("it was %v busy, and is %v", want, got)
	}
}

func rounded(p Point) Point {
	for _, n := range []*uint64{&p.Ready, &p.Held, &p.Parked, &p.Consumers, &p.Bytes, &p.Most, &p.Published, &p.Removed, &p.Dropped} {
		*n = amountOf(*n).value()
	}
	return p
}

func TestAnHourGoesOnAfterARestart(t *testing.T) {
	c, q := newClock(), orders()
	c.sample(q)
	q.publish(20)
	c.sample(q)
	text, _ := c.Save(q.name())
	again := newClock()
	again.now = c.now
	if err := again.Load(text, c.now); err != nil {
		t.Fatal(err)
	}
	again.sample(q)
	q.publish(10)
	again.sample(q)
	if got := again.of(t, q.name(), true); len(got) != 1 || got[0].Published != 30 || got[0].Ready != 30 {
		t.Errorf("the hours are %+v, want one with 30 messages", got)
	}
}

// Another process has counted the same, and this one had no store when it began.
func TestWhatIsLoadedLateIsNotCountedTwice(t *testing.T) {
	c, q := newClock(), orders()
	c.sample(q)
	q.publish(20)
	c.sample(q)
	text, _ := c.Save(q.name())
	for range 2 {
		if err := c.Load(text, c.now); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.of(t, q.name(), true); len(got) != 1 || got[0].Published != 20 {
		t.Errorf("the hours are %+v, want one with 20 messages", got)
	}
}

func TestASeriesIsSavedWhenSomethingHasHappened(t *testing.T) {
	c, q := newClock(), orders()
	saves := func(want bool, when string) {
		t.Helper()
		c.sample(q)
		if _, changed := c.Save(q.name()); changed != want {
			t.Errorf("%s it is to be saved: %v", when, changed)
		}
	}
	saves(true, "at first")
	saves(false, "unchanged")
	q.publish(1)
	saves(true, "with a message")
	saves(false, "with nothing since")
	q.Consumers++
	saves(true, "with a consumer")
	c.now = c.now.Add(time.Hour)
	saves(true, "after an hour")
	saves(false, "after that")
	c.Unsaved(q.name())
	saves(true, "when it could not be stored")
}

func TestWhatIsTooNewIsNotLoaded(t *testing.T) {
	c, q := newClock(), orders()
	c.now = noon.Add(90 * time.Minute)
	q.publish(1)
	c.sample(q)
	text, _ := c.Save(q.name())
	again := newClock()
	if err := again.Load(text, noon); err != nil {
		t.Fatal(err)
	}
	again.now = noon.Add(2 * time.Hour)
	again.sample()
	if got := again.of(t, q.name(), true); len(got) != 0 {
		t.Errorf("the hours are %+v", got)
	}
}

// The store was away at first, and other queues and domains have taken the series.
func TestTheBusiestAreLoadedLateAndGoOn(t *testing.T) {
	before, busy := newClock(), crowd(mostOwn)
	for i, q := range busy {
		q.Domain = fmt.Sprint(i % mostDomains)
	}
	before.sample(busy...)
	for i, q := range busy {
		q.publish(100 + i)
	}
	before.sample(busy...)

	c, calm := newClock(), make([]*Queue, 2*mostOwn)
	for i := range calm {
		calm[i] = &Queue{Domain: fmt.Sprint("calm ", i%mostDomains), Key: fmt.Sprint(i), Ready: 1}
	}
	c.now = before.now
	c.sample(slices.Concat(calm, busy)...)
	for _, name := range before.Names() {
		text, _ := before.Save(name)
		if err := c.Load(text, c.now); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range busy {
		q.publish(1) // which alone gives it no series
	}
	c.sample(slices.Concat(calm, busy)...)
	for i, q := range busy {
		if got := c.of(t, q.name(), true); len(got) != 1 || got[0].Published != uint64(100+i+1) {
			t.Fatalf("%s has %+v", q.Topic, got)
		}
	}
	for i := range mostDomains {
		if got := c.of(t, Name{Domain: fmt.Sprint(i)}, true); len(got) != 1 || got[0].Published < 1000 {
			t.Errorf("domain %d has %+v", i, got)
		}
	}
	if len(c.series) != mostOwn+mostDomains || c.own != mostOwn {
		t.Errorf("there are %d series, %d of queues", len(c.series), c.own)
	}
}

// As docs/operations.md says.
func TestASavedSeriesTakesAtMost25KB(t *testing.T) {
	s := saved{name: Name{Topic: strings.Repeat("x", mostName)}}
	for kind, n := range []uint32{minutePoints, hourPoints} {
		for i := range n {
			p := point{number: numberOf(noon.AddDate(50, 0, 0), [...]time.Duration{time.Minute, time.Hour}[kind]) + i}
			for _, a := range p.amounts() {
				*a = math.MaxUint16
			}
			s.points[kind] = append(s.points[kind], p)
		}
	}
	text := s.encode()
	if _, err := decode(text); err != nil || len(text) > 25_000 || len(text) < 24_000 {
		t.Errorf("it takes %d bytes, %v", len(text), err)
	}
}

func FuzzLoad(f *testing.F) {
	c, name := fed(f)
	text, _ := c.Save(name)
	f.Add(text)
	f.Add(text[:100])
	f.Add([]byte{savedFormat, 0, 0, 0})
	f.Fuzz(func(t *testing.T, text []byte) {
		one, err := decode(text)
		name, _, named := SavedName(text, noon)
		if (err == nil) != (named == nil) {
			t.Fatalf("decode says %v, SavedName %v", err, named)
		}
		v := New()
		if loaded := v.Load(text, noon); (err == nil) != (loaded == nil) {
			t.Fatalf("decode says %v, Load %v", err, loaded)
		}
		if err != nil {
			return
		}
		again, err := decode(one.encode())
		if err != nil || !reflect.DeepEqual(one, again) {
			t.Fatalf("%+v is read again as %+v, %v", one, again, err)
		}
		v.Sample(noon, slices.Values([]*Queue(nil)))
		for _, hours := range []bool{false, true} {
			points, _ := v.Points(name, hours, time.Unix(0, 0), noon)
			for _, p := range points {
				if p.Start.After(noon) {
					t.Errorf("there is a point of %v", p.Start)
				}
			}
		}
	})
}
