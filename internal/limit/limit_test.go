package limit

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	someTime = time.Date(2026, 3, 4, 5, 6, 0, 0, time.UTC) // a multiple of a minute
	query    = Name{"buwb2lii", "goods", "goods.query"}
)

func TestAWindowLetsItsCountThroughAndTheNextOneBeginsAtAMultiple(t *testing.T) {
	w := New(100)
	for _, step := range []struct {
		at   time.Duration
		wait time.Duration // 0: allowed
	}{
		{20 * time.Second, 0},
		{21 * time.Second, 0},
		{22 * time.Second, 38 * time.Second},
		{59*time.Second + 999*time.Millisecond, time.Millisecond},
		{60 * time.Second, 0},
		{60 * time.Second, 0},
		{60 * time.Second, time.Minute},
		{10 * time.Minute, 0},
	} {
		wait, ok := w.Allow(query, 2, time.Minute, someTime.Add(step.at))
		if wait != step.wait || ok != (step.wait == 0) {
			t.Errorf("after %v: wait %v, allowed %v; want to wait %v", step.at, wait, ok, step.wait)
		}
	}
}

func TestNamesHaveWindowsOfTheirOwn(t *testing.T) {
	w := New(1000)
	for _, n := range []Name{query, {"other", "goods", "goods.query"}, {"buwb2lii", "orders", "goods.query"}, {"buwb2lii", "goods", "goods.add"}} {
		for i := range 3 {
			if _, ok := w.Allow(n, 2, time.Minute, someTime); ok != (i < 2) {
				t.Errorf("call %d of %v: allowed %v", i+1, n, ok)
			}
		}
	}
}

func TestALimitThatIsNoneLetsEverythingThrough(t *testing.T) {
	w := New(100)
	for _, none := range []struct {
		count int
		per   time.Duration
	}{{0, time.Minute}, {-1, time.Minute}, {1, 0}, {1, -time.Second}} {
		for range 3 {
			if _, ok := w.Allow(query, none.count, none.per, someTime); !ok {
				t.Errorf("refused by %v", none)
			}
		}
	}
}

func TestALimitThatIsChangedCountsFromThen(t *testing.T) {
	w := New(100)
	w.Allow(query, 1, time.Minute, someTime)
	if _, ok := w.Allow(query, 2, time.Minute, someTime); !ok {
		t.Error("refused though the limit was raised")
	}
	if _, ok := w.Allow(query, 1, time.Hour, someTime); !ok {
		t.Error("refused by a window of another length, in which nothing was counted")
	}
}

func TestExactlyTheCountIsAllowedWhoeverCallsAtOnce(t *testing.T) {
	w := New(100)
	var allowed atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 500 {
				if _, ok := w.Allow(query, 1000, time.Hour, someTime); ok {
					allowed.Add(1)
				}
			}
		})
	}
	group.Wait()
	if n := allowed.Load(); n != 1000 {
		t.Errorf("%d calls were allowed, the limit is 1000", n)
	}
}

// A caller may have very many names: their windows must not take memory without end.
func TestAFloodOfNamesTakesTheMemoryOfFew(t *testing.T) {
	const names, bytesEach = 1 << 13, 200
	before := inUse()
	w := New(names)
	for i := range 4 * names {
		w.Allow(Name{"key", "service", fmt.Sprint("a path as long as a caller likes/", i)}, 1, time.Hour, someTime)
	}
	known := 0
	for i := range w.shards {
		known += len(w.shards[i].known)
	}
	if known > names || known < names*9/10 {
		t.Errorf("%d names are known, of at most %d", known, names)
	}
	if took := inUse() - before; took > names*bytesEach {
		t.Errorf("%d names take %d bytes, %d are allowed", names, took, names*bytesEach)
	}
	runtime.KeepAlive(w)
}

func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestWhatIsOverMakesRoomBeforeWhatCounts(t *testing.T) {
	const names = shardCount * lookedAt // a shard has so few names that forget looks at all
	w := New(names)
	w.Allow(query, 1, 24*time.Hour, someTime)
	for i := range 8 * names {
		now := someTime.Add(time.Duration(i) * time.Second)
		w.Allow(Name{"key", "service", fmt.Sprint(i)}, 1, time.Second, now)
	}
	if _, ok := w.Allow(query, 1, 24*time.Hour, someTime.Add(time.Hour)); ok {
		t.Error("the window of a day was forgotten for windows that were over")
	}
}

func TestAKnownNameAllocatesNothing(t *testing.T) {
	w := New(100)
	w.SetOthers([]Count{{Window{query.id(), time.Minute, numberOf(time.Minute, someTime)}, 3}})
	key, service, api := query.Key, query.Service, query.API
	if n := testing.AllocsPerRun(100, func() { w.Allow(Name{key, service, api}, 1<<30, time.Minute, someTime) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAllow(b *testing.B) {
	for _, names := range []int{1, 10_000} {
		for _, shared := range []bool{false, true} {
			b.Run(fmt.Sprintf("names=%d/shared=%v", names, shared), func(b *testing.B) {
				w := New(1 << 16)
				apis := make([]Name, names)
				for i := range apis {
					apis[i] = Name{"buwb2lii", "goods", fmt.Sprint("goods.query.", i)}
					w.Allow(apis[i], 1<<30, time.Hour, someTime)
				}
				if shared {
					w.SetOthers(w.Counted(3000, someTime))
				}
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					w.Allow(apis[i%names], 1<<30, time.Hour, someTime)
				}
			})
		}
	}
}

func TestWhatOthersHaveCountedIsCounted(t *testing.T) {
	a, b, c := New(100), New(100), New(100)
	for range 4 {
		a.Allow(query, 10, time.Minute, someTime)
		b.Allow(query, 10, time.Minute, someTime)
	}
	c.SetOthers(a.Counted(100, someTime), b.Counted(100, someTime))
	for i := range 3 {
		if _, ok := c.Allow(query, 10, time.Minute, someTime); ok != (i < 2) {
			t.Errorf("call %d: allowed %v, though 8 of 10 were counted elsewhere", i+1, ok)
		}
	}
	if _, ok := c.Allow(query, 10, time.Minute, someTime.Add(time.Minute)); !ok {
		t.Error("what others have counted in the last window counts in this one")
	}
}

func TestOfAShortWindowEachProcessHasItsShare(t *testing.T) {
	w := New(100)
	w.SetOthers(nil, nil) // three processes
	for _, tt := range []struct{ most, share int }{{9, 3}, {10, 4}, {1, 1}} {
		allowed := 0
		for range 20 {
			if _, ok := w.Allow(Name{API: fmt.Sprint(tt.most)}, tt.most, time.Second, someTime); ok {
				allowed++
			}
		}
		if allowed != tt.share {
			t.Errorf("of %d calls this process allows %d, want %d", tt.most, allowed, tt.share)
		}
	}
	if counted := w.Counted(100, someTime); len(counted) > 0 {
		t.Errorf("short windows are told: %v", counted)
	}
}

func TestTheHighestCountsOfCurrentWindowsAreTold(t *testing.T) {
	w := New(1000)
	for i, n := range []Name{{API: "one"}, {API: "two"}, {API: "three"}} {
		for range i + 1 {
			w.Allow(n, 10, time.Minute, someTime)
		}
	}
	w.Allow(Name{API: "over"}, 10, 10*time.Second, someTime)
	now := someTime.Add(30 * time.Second)
	var calls []int
	for _, c := range w.Counted(2, now) {
		calls = append(calls, c.Calls)
	}
	if !slices.Equal(calls, []int{3, 2}) {
		t.Errorf("told counts of %v", calls)
	}
	if all := w.Counted(100, now); len(all) != 3 {
		t.Errorf("%d windows are told, three are current", len(all))
	}
}

func FuzzCountsAreReadAsTheyWereWritten(f *testing.F) {
	f.Add(Encode([]Count{{Window{query.id(), time.Minute, 7}, 3}, {Window{query.id(), time.Hour, 1}, maxCalls}}))
	f.Add([]byte("no counts"))
	f.Add(bytes.Repeat([]byte{0xff}, CountBytes))
	f.Fuzz(func(t *testing.T, text []byte) {
		counts, err := Decode(text)
		if err != nil {
			return
		}
		if again := Encode(counts); !bytes.Equal(again, text) {
			t.Errorf("%x is read and written as %x", text, again)
		}
	})
}
