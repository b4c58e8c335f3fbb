package calls

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func TestCallsAreCountedByAppKeyAndAPI(t *testing.T) {
	s := NewStats()
	s.Count("default", "shop", "k1", "goods", "goods.query", noon, Served, time.Millisecond)
	s.Count("default", "shop", "k2", "goods", "goods.query", noon, Failed, time.Second)
	s.Count("default", "shop", "k2", "goods", "goods.add", noon.Add(time.Minute), Limited, 0)
	s.Count("default", "shop", "k2", "", "", noon.Add(time.Minute), Refused, 0)
	for name, want := range map[Series]Point{
		{"default", ByApp, "shop"}:              {Calls: 4, Failed: 1, Limited: 1, Refused: 1},
		{"default", ByKey, "k1"}:                {Calls: 1},
		{"default", ByKey, "k2"}:                {Calls: 3, Failed: 1, Limited: 1, Refused: 1},
		{"default", ByAPI, "goods/goods.query"}: {Calls: 2, Failed: 1},
		{"default", ByAPI, "goods/goods.add"}:   {Calls: 1, Limited: 1},
	} {
		got := Sum(points(s, name, noon, noon.Add(time.Hour), time.Minute, noon.Add(time.Hour)))
		if got.Calls != want.Calls || got.Failed != want.Failed || got.Limited != want.Limited || got.Refused != want.Refused {
			t.Errorf("%v has %+v, want %+v", name, got, want)
		}
	}
	if n := len(s.Names()); n != 5 {
		t.Errorf("there are %d series, want 5: %v", n, s.Names())
	}
}

// points are what s has counted for a series.
func points(s *Stats, name Series, from, to time.Time, step time.Duration, now time.Time) []Point {
	all, err := Points([][]byte{s.Text(name, now)}, from, to, step, now)
	if err != nil {
		panic(err)
	}
	return all
}

func TestAClassIsFoundByTheStatus(t *testing.T) {
	for status, want := range map[int]Class{200: Served, 304: Served, 404: Refused, 500: Failed, 502: Failed, 0: Failed} {
		if got := ClassOf(status, false); got != want {
			t.Errorf("%d is %v, want %v", status, got, want)
		}
	}
	if ClassOf(http.StatusTooManyRequests, true) != Limited || ClassOf(http.StatusTooManyRequests, false) != Refused {
		t.Error("a backend's 429 and one of a limit are the same")
	}
}

func TestQuantilesAreNearTheTruth(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := NewStats()
	var all []time.Duration
	for range 20_000 {
		took := time.Duration(math.Exp(random.NormFloat64()) * float64(8*time.Millisecond))
		all = append(all, took)
		s.Count("", "", "k", "", "", noon, Served, took)
	}
	slices.Sort(all)
	sum := Sum(points(s, Series{"", ByKey, "k"}, noon, noon.Add(time.Minute), time.Minute, noon))
	for _, q := range []struct{ got, want time.Duration }{{sum.P50, all[len(all)/2]}, {sum.P99, all[len(all)*99/100]}} {
		if far := math.Abs(float64(q.got)/float64(q.want) - 1); far > 0.15 {
			t.Errorf("a quantile is %v, in truth %v", q.got, q.want)
		}
	}
}

func TestMinutesAreKeptForADayAndHoursForThirty(t *testing.T) {
	s := NewStats()
	name := Series{"", ByKey, "k"}
	end := noon.Add(32 * 24 * time.Hour)
	for at := noon; at.Before(end); at = at.Add(time.Minute) {
		s.Count("", "", "k", "", "", at, Served, time.Millisecond)
	}
	now := end.Add(-time.Second)
	if day := points(s, name, now.Add(-23*time.Hour), end, time.Minute, now); len(day) < 23*60 || day[0].Calls != 1 {
		t.Errorf("of 23 hours %d minutes are known", len(day))
	}
	month := points(s, name, now.Add(-30*24*time.Hour), end, time.Hour, now)
	if calls := Sum(month).Calls; calls < 30*24*60-60 || calls > 30*24*60+60 {
		t.Errorf("of 30 days %d calls are known, want %d", calls, 30*24*60)
	}
	for _, p := range month[1 : len(month)-1] {
		if p.Calls != 60 {
			t.Fatalf("at %v %d calls were counted, want 60", p.Start, p.Calls)
		}
	}
	if all := points(s, name, time.Time{}, end, time.Hour, now); all[0].Start.Before(now.Add(-30*24*time.Hour - time.Hour)) {
		t.Errorf("something is known of %v", all[0].Start)
	}
}

func TestWhatWasSavedIsAddedToWhatWasCounted(t *testing.T) {
	name := Series{"default", ByAPI, "goods/goods.query"}
	before, after := NewStats(), NewStats()
	for i := range 100 {
		before.Count("default", "", "", "goods", "goods.query", noon.Add(time.Duration(i)*time.Minute), Class(i%4), time.Duration(i)*time.Millisecond)
	}
	now := noon.Add(100 * time.Minute)
	text, changed := before.Save(name, now)
	if _, again := before.Save(name, now); !changed || again {
		t.Errorf("saved: %v, and without a change: %v", changed, again)
	}
	after.Count("default", "", "", "goods", "goods.query", now, Failed, time.Second)
	if err := after.Load(text, now); err != nil {
		t.Fatal(err)
	}
	got, want := Sum(points(after, name, noon, now.Add(time.Minute), time.Minute, now)), Sum(points(before, name, noon, now.Add(time.Minute), time.Minute, now))
	if got.Calls != want.Calls+1 || got.Failed != want.Failed+1 || got.Limited != want.Limited {
		t.Errorf("after it %+v was counted, before it %+v", got, want)
	}
}

// What a caller chooses, such as paths of a service without APIs, must not take memory
// without end; nor must all series together when they have calls in every minute.
func TestAllSeriesInAllMinutesTakeLessThan50MB(t *testing.T) {
	before := inUse()
	s := NewStats()
	for i := range 20_000 {
		s.Count(fmt.Sprint("domain", i%100), fmt.Sprint("app", i), fmt.Sprint("key", i), "goods", fmt.Sprint("api", i), noon, Served, time.Millisecond)
	}
	now := noon.Add(31 * 24 * time.Hour)
	busy := bucket{calls: 50_000, refused: 300, limited: 200, failed: 1}
	for i := range busy.took[:10] {
		busy.took[i] = 40
	}
	for _, one := range s.series {
		for n := int64(0); n < minuteBlocks*minutesInBlock; n++ {
			*one.minuteAt(numberIn(now, time.Minute) - n) = busy
		}
		for n := int64(0); n < hourBlocks*hoursInBlock; n++ {
			*one.hourAt(numberIn(now, time.Hour) - n) = busy
		}
	}
	if n := len(s.Names()); n != mostSeries+mostOthers {
		t.Errorf("there are %d series, want %d", n, mostSeries+mostOthers)
	}
	took := inUse() - before
	t.Logf("%d series take %d bytes", len(s.series), took)
	if took > 50e6 {
		t.Errorf("all series take %d bytes", took)
	}
	saved := 0
	for name, one := range s.series {
		saved += len(encode(name, one.counts(now)))
	}
	if t.Logf("saved they take %d bytes", saved); saved > 50e6 {
		t.Errorf("saved, all series take %d bytes", saved)
	}
	counted := s.Lost()
	for _, name := range s.Names() {
		if name.Name == Other {
			counted += int64(s.series[name].minute.calls)
		}
	}
	if counted != 3*20_000-mostSeries { // each call is counted by app, key and API
		t.Errorf("%d calls are among the others or lost, want %d", counted, 3*20_000-mostSeries)
	}
	runtime.KeepAlive(s)
}

// With 10,000 APIs there was no series left for any app or key.
func TestManyAPIsLeaveRoomForAppsAndKeys(t *testing.T) {
	s := NewStats()
	for i := range 10_000 {
		s.Count("default", fmt.Sprint("app", i%50), fmt.Sprint("key", i%1000), "goods", fmt.Sprint("api", i), noon, Served, time.Millisecond)
	}
	own, counted := map[Kind]int{}, map[Kind]int64{}
	for _, name := range s.Names() {
		if name.Name != Other {
			own[name.Kind]++
		}
		counted[name.Kind] += Sum(points(s, name, noon, noon.Add(time.Minute), time.Minute, noon)).Calls
	}
	if own[ByApp] != 50 || own[ByKey] < reserved || own[ByAPI] < reserved || own[ByApp]+own[ByKey]+own[ByAPI] > mostSeries {
		t.Errorf("series of their own have %v", own)
	}
	for _, kind := range []Kind{ByApp, ByKey, ByAPI} {
		if counted[kind] != 10_000 || s.Lost() != 0 {
			t.Errorf("by %s %d calls are counted, and %d lost", kind, counted[kind], s.Lost())
		}
	}
	if err := s.Load(encode(Series{"default", "moon", "k"}, nil), noon); err != nil || s.named["moon"] > 0 {
		t.Errorf("a kind that is none has %d series, %v", s.named["moon"], err)
	}
	s.Forget(noon.Add(time.Hour))
	for i := range 200 {
		s.Count("default", "", fmt.Sprint("later", i), "", "", noon.Add(time.Hour), Served, 0)
	}
	if n := len(s.Names()); n != 200 {
		t.Errorf("of 200 keys after all others are forgotten %d have series", n)
	}
}

func TestTheLargestSeriesFitsInARecord(t *testing.T) {
	s := &series{}
	full := bucket{calls: math.MaxUint32, refused: math.MaxUint32, limited: math.MaxUint32, failed: math.MaxUint32}
	for i := range full.took {
		full.took[i] = 255
	}
	for n := range int64(minuteBlocks * minutesInBlock) {
		*s.minuteAt(numberIn(noon, time.Minute) - n) = full
	}
	for n := range int64(hourBlocks * hoursInBlock) {
		*s.hourAt(numberIn(noon, time.Hour) - n) = full
	}
	if n := len(encode(Series{"default", ByKey, "k"}, s.counts(noon))); n > 160<<10 {
		t.Errorf("the largest series has %d bytes", n)
	}
}

func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestSeriesWithoutCallsAreForgotten(t *testing.T) {
	s := NewStats()
	s.Count("", "", "old", "", "", noon, Served, 0)
	s.Count("", "", "new", "", "", noon.Add(time.Hour), Served, 0)
	if gone := s.Forget(noon.Add(time.Minute)); len(gone) != 1 || gone[0].Name != "old" || len(s.Names()) != 1 {
		t.Errorf("forgotten are %v, left %v", gone, s.Names())
	}
}

func TestManyGoroutinesLoseNoCall(t *testing.T) {
	s := NewStats()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range 1000 {
				s.Count("", "shop", fmt.Sprint("k", i), "", "", noon.Add(time.Duration(n)*time.Second), Served, 0)
			}
		})
	}
	group.Wait()
	if got := Sum(points(s, Series{"", ByApp, "shop"}, noon, noon.Add(time.Hour), time.Minute, noon.Add(time.Hour))).Calls; got != 8000 {
		t.Errorf("%d calls were counted, want 8000", got)
	}
}

func TestACallOfAKnownSeriesAllocatesNothing(t *testing.T) {
	s := NewStats()
	service, api := "goods", "goods.query"
	if n := testing.AllocsPerRun(100, func() { s.Count("default", "shop", "k1", service, api, noon, Served, time.Millisecond) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCount(b *testing.B) {
	s := NewStats()
	b.ReportAllocs()
	for b.Loop() {
		s.Count("default", "shop", "k1", "goods", "goods.query", noon, Served, time.Millisecond)
	}
}

func FuzzStatisticsAreReadAsTheyWereWritten(f *testing.F) {
	f.Add(encode(Series{"default", ByKey, "k"}, []counted{{time.Minute, 7, bucket{calls: 3, took: [bins]small{1, 2}}}, {time.Hour, 1, bucket{failed: 1}}}))
	f.Add([]byte("no statistics"))
	f.Fuzz(func(t *testing.T, text []byte) {
		name, all, err := decode(text)
		if err != nil {
			return
		}
		written := encode(name, all)
		again, allAgain, err := decode(written)
		if err != nil || again != name || !slices.Equal(all, allAgain) || !bytes.Equal(written, encode(again, allAgain)) {
			t.Errorf("%x is read as %v, and written and read as %v, %v", text, all, allAgain, err)
		}
		if err := NewStats().Load(text, noon); err != nil {
			t.Error(err)
		}
	})
}

func TestASmallNumberIsNearTheTruth(t *testing.T) {
	for n := uint64(0); n < 1<<33; n = n*9/8 + 1 {
		want := float64(min(n, 1<<32-1))
		if got := float64(smallOf(n).value()); math.Abs(got-want) > want*0.07 {
			t.Errorf("%d is kept as %v", n, got)
		}
	}
}
