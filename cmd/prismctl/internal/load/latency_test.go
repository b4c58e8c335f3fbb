package load

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestALatencyIsRightWithinAHundredth(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() int64{
		"uniform":     func() int64 { return 1 + random.Int64N(int64(time.Second)) },
		"exponential": func() int64 { return 1 + int64(random.ExpFloat64()*float64(time.Millisecond)) },
		"all alike":   func() int64 { return 12_345 },
		"wide":        func() int64 { return 1 + random.Int64N(1<<random.Int64N(39)) },
		"few":         func() int64 { return 1 + random.Int64N(3) },
	} {
		parts := []*latency{newLatency(), newLatency(), newLatency()}
		var all []int64
		for i := range 1 + random.IntN(5000) {
			v := draw()
			all = append(all, v)
			parts[i%3].add(100, 100+v)
		}
		slices.Sort(all)
		s := merged(parts).spread()
		if s.Messages != int64(len(all)) {
			t.Fatalf("%s: %d of %d", name, s.Messages, len(all))
		}
		for quantile, got := range map[float64]float64{0: s.Min, 0.5: s.P50, 0.9: s.P90, 0.99: s.P99, 0.999: s.P999, 1: s.Max} {
			// The next ones count, too: quantiles round differently.
			rank := int(quantile * float64(len(all)-1))
			low, high := inMillis(all[max(rank-1, 0)]), inMillis(all[min(rank+2, len(all)-1)])
			if got < low*0.99 || got > high*1.01 {
				t.Errorf("%s: quantile %v of %d is %v, want %v to %v", name, quantile, len(all), got, low, high)
			}
		}
		checkBins(t, name, s, all)
	}
}

func checkBins(t *testing.T, name string, s *Spread, all []int64) {
	t.Helper()
	var sum int64
	for i, b := range s.Bins {
		sum += b.Messages
		if i > 0 && b.Above != s.Bins[i-1].UpTo || b.Above >= b.UpTo {
			t.Errorf("%s: bin %d is %+v", name, i, b)
		}
		// What is within a hundredth of an edge may be on its other side.
		var within, about int64
		for _, v := range all {
			if ms := inMillis(v); ms > b.Above*1.01 && ms <= b.UpTo*0.99 {
				within++
			}
			if ms := inMillis(v); ms > b.Above*0.99 && ms <= b.UpTo*1.01 {
				about++
			}
		}
		if b.Messages < within || b.Messages > about {
			t.Errorf("%s: bin %+v should have %d to %d", name, b, within, about)
		}
	}
	if last := len(s.Bins) - 1; sum != s.Messages || s.Bins[0].Messages == 0 || s.Bins[last].Messages == 0 {
		t.Errorf("%s: %d messages in bins that begin or end with nothing: %+v", name, sum, s.Bins)
	}
}

func TestALatencyTakesWhatIsOutOfRange(t *testing.T) {
	l := newLatency()
	l.add(5, 4)                   // no clock of ours goes back, but who knows
	l.add(0, int64(48*time.Hour)) // counts as the longest
	s := l.spread()
	if s.Messages != 2 || s.Min != inMillis(1) || s.Max < inMillis(int64(longest)) || s.Max > 1.01*inMillis(int64(longest)) {
		t.Errorf("%+v", s)
	}
	if newLatency().spread() != nil {
		t.Error("nothing has a spread")
	}
}

func TestALatencyDoesNotGrow(t *testing.T) {
	l := newLatency()
	before := l.h.ByteSize()
	now := int64(0)
	if n := testing.AllocsPerRun(10_000, func() { now += 977; l.add(0, now) }); n != 0 || l.h.ByteSize() != before {
		t.Errorf("%v allocations, %d bytes before and %d after", n, before, l.h.ByteSize())
	}
}
