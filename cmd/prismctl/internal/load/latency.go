package load

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A latency collects times, of however many messages, in about 30 KB.
type latency struct {
	mu   sync.Mutex // guards what follows
	h    *hdrhistogram.Histogram
	last int64 // when the last one was added, by the run's clock
}

// The histogram tells times from one nanosecond on that differ by one in a
// hundred. What took longer than longest counts as that.
const (
	longest = 10 * time.Minute
	digits  = 2
)

func newLatency() *latency {
	return &latency{h: hdrhistogram.New(1, int64(longest), digits)}
}

// add takes the time of what was sent and is there now.
func (l *latency) add(sent, now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.h.RecordValue(min(max(now-sent, 1), int64(longest))) // is in range
	l.last = now
}

// merged returns the times of all.
func merged(all []*latency) *latency {
	sum := newLatency()
	for _, l := range all {
		l.mu.Lock()
		sum.h.Merge(l.h)
		sum.last = max(sum.last, l.last)
		l.mu.Unlock()
	}
	return sum
}

// A Spread is how times are distributed.
type Spread struct {
	Messages int64   `json:"messages"`
	Min      float64 `json:"min_ms"`
	P50      float64 `json:"p50_ms"`
	P90      float64 `json:"p90_ms"`
	P99      float64 `json:"p99_ms"`
	P999     float64 `json:"p99_9_ms"`
	Max      float64 `json:"max_ms"`
	Bins     []Bin   `json:"bins"`
}

// A Bin counts the messages that took more than Above and at most UpTo.
type Bin struct {
	Above    float64 `json:"above_ms"`
	UpTo     float64 `json:"up_to_ms"`
	Messages int64   `json:"messages"`
}

// spread returns nil if there is nothing.
func (l *latency) spread() *Spread {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.h.TotalCount() == 0 {
		return nil
	}
	at := func(percent float64) float64 { return inMillis(l.h.ValueAtQuantile(percent)) }
	return &Spread{
		Messages: l.h.TotalCount(), Min: inMillis(l.h.Min()), P50: at(50), P90: at(90), P99: at(99),
		P999: at(99.9), Max: inMillis(l.h.Max()), Bins: l.bins(),
	}
}

// bins returns those from the first that has a message to the last.
func (l *latency) bins() []Bin {
	bins := emptyBins()
	i, first := 0, -1
	for _, bar := range l.h.Distribution() {
		if bar.Count == 0 {
			continue
		}
		for inMillis(bar.From) > bins[i].UpTo {
			i++
		}
		if first < 0 {
			first = i
		}
		bins[i].Messages += bar.Count
	}
	return bins[first : i+1]
}

// emptyBins are about equally wide on a logarithmic scale, with ends that are
// easily read.
func emptyBins() (bins []Bin) {
	above := int64(0)
	for power := int64(time.Microsecond); above < int64(longest); power *= 10 {
		for _, tenths := range []int64{10, 15, 20, 30, 50, 70} {
			upTo := power / 10 * tenths
			bins = append(bins, Bin{Above: inMillis(above), UpTo: inMillis(upTo)})
			above = upTo
		}
	}
	return bins
}

func inMillis(ns int64) float64 { return float64(ns) / float64(time.Millisecond) }
