package curves

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// A clock takes samples.
type clock struct {
	*Curves
	now time.Time
}

func newClock() *clock { return &clock{New(), noon} }

// sample counts queues, and lets ten seconds pass.
func (c *clock) sample(queues ...*Queue) {
	c.Sample(c.now, slices.Values(queues))
	c.now = c.now.Add(10 * time.Second)
}

// of returns the points of a series, without when they begin.
func (c *clock) of(t *testing.T, name Name, hours bool) []Point {
	t.Helper()
	points, known := c.Points(name, hours, c.now.Add(-30*24*time.Hour), c.now)
	if !known {
		t.Fatalf("there is no series of %v", name)
	}
	for i := range points {
		points[i].Start = time.Time{}
	}
	return points
}

func orders() *Queue { return &Queue{Domain: "default", Key: "shop", Topic: "orders"} }

func (q *Queue) name() Name { return Name{q.Domain, q.Key, q.Topic} }

func (q *Queue) publish(n int) {
	q.Published, q.Ready, q.Bytes = q.Published+uint64(n), q.Ready+n, q.Bytes+10*int64(n)
}

func (q *Queue) consume(n int) { q.Ready, q.Bytes = q.Ready-n, q.Bytes-10*int64(n) }

func (q *Queue) drop(n int) { q.consume(n); q.Dropped += uint64(n) }

func TestACurveSaysWhatCameWhatLeftAndWhatWasThere(t *testing.T) {
	c, q := newClock(), orders()
	q.Published, q.Dropped, q.Ready = 1000, 50, 7 // before anybody looked
	c.sample(q)
	q.publish(20)
	c.sample(q)
	q.consume(15)
	q.Held, q.Ready = 5, q.Ready-5
	c.sample(q)
	for range 3 {
		c.sample(q)
	}
	q.Held, q.Parked, q.Consumers = 3, 2, 1
	c.sample(q)
	q.publish(10)
	q.drop(4)
	c.sample(q)
	want := []Point{
		{Ready: 7, Held: 5, Bytes: 50, Most: 27, Published: 20, Removed: 15},
		{Ready: 13, Held: 3, Parked: 2, Consumers: 1, Bytes: 110, Most: 16, Published: 10, Dropped: 4},
	}
	if got := c.of(t, q.name(), false); !reflect.DeepEqual(got, want) {
		t.Errorf("the minutes are\n%+v, want\n%+v", got, want)
	}
	want = []Point{{Ready: 13, Held: 3, Parked: 2, Consumers: 1, Bytes: 110, Most: 27, Published: 30, Removed: 15, Dropped: 4}}
	for _, name := range []Name{q.name(), {Domain: "default"}} {
		if got := c.of(t, name, true); !reflect.DeepEqual(got, want) {
			t.Errorf("the hours of %v are\n%+v, want\n%+v", name, got, want)
		}
	}
}

func TestACounterThatWentBackIsANewBeginning(t *testing.T) {
	c, q := newClock(), orders()
	q.publish(100)
	c.sample(q)
	again := orders()
	again.publish(3)
	again.consume(1)
	c.sample(again)
	if got, want := c.of(t, q.name(), false), []Point{{Ready: 2, Bytes: 20, Most: 100, Published: 3, Removed: 1}}; !reflect.DeepEqual(got, want) {
		t.Errorf("the minutes are\n%+v, want\n%+v", got, want)
	}
}

func TestAQueueThatIsMadeLaterCountsFromItsFirstMessage(t *testing.T) {
	c, q := newClock(), orders()
	c.sample()
	q.publish(5)
	c.sample(q)
	c.sample() // it is gone
	again := orders()
	again.publish(2)
	c.sample(again)
	if got := c.of(t, q.name(), false); len(got) != 1 || got[0].Published != 7 {
		t.Errorf("the minutes are %+v, want one with 7 messages", got)
	}
}

func TestTheSeriesOfADomainHasAllItsQueues(t *testing.T) {
	c := newClock()
	var all []*Queue
	for i := range mostOwn + 100 {
		q := &Queue{Domain: []string{"default", "mars"}[i%2], Key: fmt.Sprint(i)}
		all = append(all, q)
	}
	c.sample(all...)
	for _, q := range all {
		q.publish(2)
		q.consume(1)
	}
	c.sample(all...)
	for _, domain := range []string{"default", "mars"} {
		got := c.of(t, Name{Domain: domain}, true)
		n := uint64(len(all) / 2)
		if want := []Point{{Ready: n, Bytes: 10 * n, Most: n, Published: 2 * n, Removed: n}}; !reflect.DeepEqual(got, want) {
			t.Errorf("%s has %+v, want %+v", domain, got, want)
		}
	}
}

func TestPartsThatAreTooOldAreForgotten(t *testing.T) {
	c, q := newClock(), orders()
	for range 40 * 24 {
		q.publish(3000)
		c.sample(q)
		c.now = c.now.Add(time.Hour - 10*time.Second)
	}
	for hours, want := range map[bool]int{true: hourPoints, false: 2} {
		points, _ := c.Points(q.name(), hours, c.now.Add(-90*24*time.Hour), c.now)
		if len(points) != want || !slices.IsSortedFunc(points, func(a, b Point) int { return a.Start.Compare(b.Start) }) {
			t.Errorf("there are %d points, by hours: %v; want %d", len(points), hours, want)
		}
		if last := points[len(points)-1]; last.Published != 3000 || !last.Start.Equal(c.now.Add(-time.Hour)) {
			t.Errorf("the last one is %+v", last)
		}
	}
	from := c.now.Add(-5*time.Hour + time.Minute) // within an hour
	points, _ := c.Points(q.name(), true, from, c.now.Add(-2*time.Hour))
	if len(points) != 3 || !points[0].Start.Equal(c.now.Add(-5*time.Hour)) {
		t.Errorf("from five hours ago until two hours ago there are %+v", points)
	}
}

func TestAGapIsNoPoint(t *testing.T) {
	c, q := newClock(), orders()
	c.sample(q)
	c.now = c.now.Add(10 * time.Minute)
	c.sample(q)
	points, _ := c.Points(q.name(), false, noon, c.now)
	if len(points) != 2 || points[1].Start.Sub(points[0].Start) != 10*time.Minute {
		t.Errorf("the points are %+v, want one before and one after the gap", points)
	}
}

func TestATimeThatGoesBackAddsToWhatWasThere(t *testing.T) {
	c, q := newClock(), orders()
	c.sample(q)
	q.publish(1)
	c.sample(q)
	c.now = c.now.Add(time.Minute)
	q.publish(2)
	c.sample(q)
	c.now = noon.Add(30 * time.Second)
	q.publish(4)
	c.sample(q)
	points, _ := c.Points(q.name(), false, noon, noon.Add(time.Hour))
	if len(points) != 1 || points[0].Published != 5 {
		t.Errorf("the points are %+v, want one with the five messages of that minute", points)
	}
}

func TestAnAmountIsExactUpToTwoThousandAndNearlySoBeyond(t *testing.T) {
	for n := range uint64(2048) {
		if got := amountOf(n).value(); got != n {
			t.Fatalf("%d is kept as %d", n, got)
		}
	}
	last := uint64(0)
	for n := uint64(2048); n < 1<<41; n += 1 + n/977 {
		got := amountOf(n).value()
		if diff := float64(got) - float64(n); max(diff, -diff) > 0.0005*float64(n) || got < last {
			t.Fatalf("%d is kept as %d", n, got)
		}
		last = got
	}
	if got := amountOf(1 << 63).value(); got != 2047<<31 {
		t.Errorf("too much is kept as %d", got)
	}
}

func TestTheRateIsThatOfTheLastMinute(t *testing.T) {
	c, q := newClock(), orders()
	if r := c.Recent("shop", "orders"); r.Published != 0 {
		t.Errorf("before any sample there are %v messages a second", r.Published)
	}
	for range 30 {
		c.sample(q)
		q.publish(50)
		q.consume(20)
	}
	if r := c.Recent("shop", "orders"); r.Published != 5 || r.Removed != 2 {
		t.Errorf("%v messages came and %v left in a second, want 5 and 2", r.Published, r.Removed)
	}
	for range 7 {
		c.sample(q)
	}
	if r := c.Recent("shop", "orders"); r.Published != 0 || r.Removed != 0 {
		t.Errorf("%v messages came and %v left in a second, a minute later", r.Published, r.Removed)
	}
}

func TestItIsKnownSinceWhenAReasonHolds(t *testing.T) {
	const full, idle = Reasons(1), Reasons(2)
	c, q := newClock(), orders()
	q.Reasons = full
	c.sample(q)
	q.Reasons = full | idle
	c.sample(q)
	c.sample(q)
	if r := c.Recent("shop", "orders"); r.Since(full) != noon.Unix() || r.Since(idle) != noon.Unix()+10 || r.Since(Dropping) != 0 {
		t.Errorf("since %d and %d", r.Since(full), r.Since(idle))
	}
	q.Reasons = idle
	c.sample(q)
	q.Reasons = full | idle
	c.sample(q)
	if r := c.Recent("shop", "orders"); r.Since(full) != noon.Unix()+40 || r.Since(idle) != noon.Unix()+10 {
		t.Errorf("since %d and %d, after it was not full", r.Since(full), r.Since(idle))
	}
}

func TestDropsAreForgottenAfterADay(t *testing.T) {
	c, q := newClock(), orders()
	q.Dropped = 1000
	c.sample(q)
	if r := c.Recent("shop", "orders"); r.Dropped != 0 || r.Since(Dropping) != 0 {
		t.Errorf("what was dropped before counts: %d", r.Dropped)
	}
	q.Dropped += 3
	c.sample(q)
	c.now = noon.Add(20 * time.Hour)
	q.Dropped += 2
	c.sample(q)
	if r := c.Recent("shop", "orders"); r.Dropped != 5 || r.Since(Dropping) != noon.Unix()+10 {
		t.Errorf("%d were dropped since %d", r.Dropped, r.Since(Dropping))
	}
	for _, step := range []struct {
		after time.Duration
		want  uint64
	}{{25 * time.Hour, 2}, {44 * time.Hour, 0}} {
		c.now = noon.Add(step.after)
		if c.sample(q); c.Recent("shop", "orders").Dropped != step.want {
			t.Errorf("after %v %d were dropped, want %d", step.after, c.Recent("shop", "orders").Dropped, step.want)
		}
	}
	if r := c.Recent("shop", "orders"); r.Since(Dropping) != 0 {
		t.Error("it still drops")
	}
}

func TestAClockThatGoesBackALittleForgetsNoDrops(t *testing.T) {
	c, q := newClock(), orders()
	c.sample(q)
	q.Dropped += 3
	c.sample(q)
	c.now = noon.Add(-time.Second) // another part of the day
	q.Dropped += 2
	c.sample(q)
	c.now = noon.Add(time.Second)
	q.Dropped++
	if c.sample(q); c.Recent("shop", "orders").Dropped != 6 {
		t.Errorf("%d were dropped, want 6", c.Recent("shop", "orders").Dropped)
	}
	c.now = noon.Add(-48 * time.Hour)
	if c.sample(q); c.Recent("shop", "orders").Dropped != 0 {
		t.Errorf("of days to come %d were dropped", c.Recent("shop", "orders").Dropped)
	}
}

// crowd returns more queues than there are series.
func crowd(n int) []*Queue {
	all := make([]*Queue, n)
	for i := range all {
		all[i] = &Queue{Domain: "default", Key: "shop", Topic: fmt.Sprintf("queue %d", i)}
	}
	return all
}

func TestTheBusiestQueuesHaveTheSeries(t *testing.T) {
	c, all := newClock(), crowd(3*mostOwn)
	busy := all[len(all)-mostOwn:]
	for range 5 {
		c.sample(all...)
		for i, q := range busy {
			q.publish(100 + i)
			q.consume(100 + i)
		}
	}
	for _, q := range busy {
		if _, known := c.Points(q.name(), false, noon, c.now); !known {
			t.Errorf("%s has no series", q.Topic)
		}
	}
	if _, known := c.Points(all[0].name(), false, noon, c.now); known {
		t.Error("a queue that did nothing has a series")
	}
	if len(c.series) != mostOwn+1 {
		t.Errorf("there are %d series", len(c.series))
	}
}

func TestNothingYetIsNotThatOthersHaveTheSeries(t *testing.T) {
	c := newClock()
	for name, known := range map[Name]bool{{"new", "", ""}: true, {"new", "shop", ""}: true, {"new", "shop", strings.Repeat("x", 600)}: false} {
		if _, got := c.Points(name, false, noon, c.now); got != known {
			t.Errorf("before any sample, of %.20v: %v", name, got)
		}
	}
	all := crowd(mostOwn + mostDomains)
	for i, q := range all {
		q.Domain = fmt.Sprint(i % mostDomains)
	}
	c.sample(all...)
	for _, name := range []Name{{"new", "", ""}, {"new", "shop", ""}} {
		if _, known := c.Points(name, false, noon, c.now); known {
			t.Errorf("%v has a series, though others have them all", name)
		}
	}
}

func TestQueuesThatAreNearlyAsBusyTakeNoPlace(t *testing.T) {
	c, all := newClock(), crowd(2*mostOwn)
	for i := range 600 {
		c.sample(all...)
		for n, q := range all {
			q.publish(100 + 80*((n+i)%2)) // one is busier, then the other
			q.consume(q.Ready)
		}
	}
	for i, q := range all {
		if points, known := c.Points(q.name(), false, noon, c.now); known != (i < mostOwn) || known && len(points) < 60 {
			t.Fatalf("%s has %d points", q.Topic, len(points))
		}
	}
}

func TestTheSeriesOfAQueueThatIsGoneIsKeptForAMonth(t *testing.T) {
	c, q, other := newClock(), orders(), &Queue{Domain: "mars", Key: "rover"}
	c.sample(q, other)
	c.now = noon.Add(29 * 24 * time.Hour)
	c.sample(other)
	if got := c.of(t, q.name(), true); len(got) != 1 {
		t.Errorf("after 29 days there are %+v", got)
	}
	c.now = noon.Add(31 * 24 * time.Hour)
	c.sample(other)
	for _, name := range []Name{q.name(), {Domain: "default"}} {
		if c.series[name] != nil {
			t.Errorf("there is a series of %v after 31 days", name)
		}
	}
	if len(c.series) != 2 || c.own != 1 {
		t.Errorf("there are %d series, %d of queues", len(c.series), c.own)
	}
}

func TestAQueueThatGoesToAnotherDomainHasAnotherSeries(t *testing.T) {
	c, q := newClock(), orders()
	c.sample(q)
	q.publish(1)
	c.sample(q)
	was := q.name()
	q.Domain = "mars"
	q.publish(2)
	c.sample(q)
	if here, there := c.of(t, was, true), c.of(t, q.name(), true); here[0].Published != 1 || there[0].Published != 2 {
		t.Errorf("%+v and %+v", here, there)
	}
}

// The bound of the doc comment, with every queue and series that there may be.
func TestAFloodOfQueuesTakesTwelveMegabytes(t *testing.T) {
	all := crowd(50_100)
	for i, q := range all {
		q.Domain = fmt.Sprint("domain ", i%30)
	}
	before := heap()
	c := newClock()
	for range 3 {
		c.sample(all...)
		for i, q := range all {
			q.publish(i)
		}
	}
	after := heap()
	if mb := float64(after-before) / (1 << 20); mb > 12 {
		t.Errorf("they take %.1f MB", mb)
	}
	if len(c.queues) != mostQueues || len(c.series) != mostOwn+mostDomains {
		t.Errorf("there are %d queues and %d series", len(c.queues), len(c.series))
	}
	late := all[len(all)-1] // one that is known only from the second sample on, and has counted before
	fewer := append(slices.Clone(all[:100]), late)
	c.sample(fewer...)
	c.sample(fewer...)
	if r := c.Recent(late.Key, late.Topic); r.Published != 0 {
		t.Errorf("what it did before counts: %v a second", r.Published)
	}
	made := orders() // when all were known
	made.publish(5)
	c.sample(append(fewer, made)...)
	if r := c.Recent(made.Key, made.Topic); r.Published == 0 {
		t.Error("the first messages of a queue do not count, as there had once been too many")
	}
	runtime.KeepAlive(all)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestASampleAllocatesNothingForAQueue(t *testing.T) {
	c, all := newClock(), crowd(1000)
	c.sample(all...)
	if n := testing.AllocsPerRun(10, func() {
		for _, q := range all {
			q.publish(1)
		}
		c.sample(all...)
	}); n > 5 {
		t.Errorf("a sample of 1000 queues allocates %v times", n)
	}
	if size := unsafe.Sizeof(queue{}); size > 112 {
		t.Errorf("a queue takes %d bytes", size)
	}
}

func BenchmarkSample(b *testing.B) {
	c, all := newClock(), crowd(mostQueues)
	for b.Loop() {
		c.sample(all...)
	}
}

func BenchmarkPoints(b *testing.B) {
	c, q := newClock(), orders()
	for range 31 * 24 {
		c.sample(q)
		c.now = c.now.Add(time.Hour)
	}
	for b.Loop() {
		c.Points(q.name(), true, noon, c.now)
	}
}
