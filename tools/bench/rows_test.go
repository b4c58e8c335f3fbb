package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/shopex/prism-go/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// Each row is run, briefly: this is about the code, not about the figures.
func TestEachRowRuns(t *testing.T) {
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			r = r.brief()
			got, err := r.measure(1)
			if err != nil {
				t.Fatal(err)
			}
			if got.ours.ns <= 0 || got.floor.ns <= 0 || got.mid <= 0 {
				t.Errorf("measured %+v", got)
			}
		})
	}
}

// brief is r with little to do.
func (r row) brief() row {
	r.ops = min(r.ops, 600)
	if r.grow != nil {
		g := *r.grow
		g.small, g.big = 5, 40
		r.grow = &g
	}
	if r.beside != nil {
		r.beside = &crowded{200, r.beside.engine}
	}
	return r
}

func TestTheReportNamesOnlyTheChosenRows(t *testing.T) {
	var out bytes.Buffer
	chosen, err := choose("^sign$")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := report(&out, chosen, 1); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "\nsign ") || strings.Contains(text, "\nconsume ") || strings.Contains(text, "\nfigure ") {
		t.Errorf("the report is\n%s", text)
	}
}

func TestAPatternThatMatchesNoRowIsRefused(t *testing.T) {
	for pattern, good := range map[string]bool{"": true, "^sign$": true, "idle": true, "p99": true, "sgin": false, "(": false} {
		if _, err := choose(pattern); (err == nil) != good {
			t.Errorf("choose(%q): %v", pattern, err)
		}
	}
}

func TestATargetIsMissedOnlyBeyondTheNoise(t *testing.T) {
	target := row{ratio: 2, allocs: 2, allocRatio: 1.5}
	allocs := func(ours, floor float64) result {
		return result{ours: sample{allocs: ours}, floor: sample{allocs: floor}}
	}
	for _, c := range []struct {
		what   string
		row    row
		got    result
		missed int
	}{
		{"well below", target, result{spread: spread{least: 1.4, mid: 1.5}}, 0},
		{"over, but within the noise", target, result{spread: spread{least: 1.9, mid: 2.1}}, 0},
		{"over beyond the noise", target, result{spread: spread{least: 2.01, mid: 2.1}}, 1},
		{"no target", row{}, result{spread: spread{least: 9, mid: 9}}, 0},
		{"as many allocations as allowed", target, allocs(2, 2), 0},
		{"one allocation too many", target, allocs(3, 3), 1},
		{"too many, and too many for the floor", target, allocs(3, 1), 2},
	} {
		if got := c.row.missed(c.got); len(got) != c.missed {
			t.Errorf("%s: missed %q, want %d", c.what, got, c.missed)
		}
	}
}

func TestTheSummaryIsOfQuartiles(t *testing.T) {
	var ours, floor []sample
	for _, ratio := range []float64{5, 1, 4, 2, 3} {
		ours, floor = append(ours, sample{ns: 10 * ratio, allocs: ratio}), append(floor, sample{ns: 10})
	}
	got := summary(ours, floor)
	want := result{ours: sample{ns: 30, allocs: 3}, floor: sample{ns: 10}, spread: spread{low: 2, mid: 3, top: 4, least: 1}}
	if got != want {
		t.Errorf("summary: %+v, want %+v", got, want)
	}
}

func TestFramesAreSplitOnlyWhenWhole(t *testing.T) {
	for _, payload := range []string{"", "x", strings.Repeat("x", 125), strings.Repeat("x", 126), strings.Repeat("x", 300)} {
		frame := appendMasked(nil, opBinary, 0x01020304, []byte(payload))
		for n := range frame {
			if _, _, ok := split(frame[:n]); ok {
				t.Fatalf("%d of %d bytes are taken for a frame", n, len(frame))
			}
		}
		header, length, ok := split(append(frame, 0x82, 0))
		if !ok || length != len(payload) || header+length != len(frame) {
			t.Errorf("split: %d, %d, %v for %d bytes", header, length, ok, len(payload))
			continue
		}
		mask(frame[header:], 0x01020304)
		if string(frame[header:]) != payload {
			t.Errorf("unmasked: %q, want %q", frame[header:], payload)
		}
	}
}

// BenchmarkRow runs the sides one by one, for profiles:
//
//	go test -run '^$' -bench 'Row/consume$/ours' -benchtime 1000000x -cpuprofile cpu.out
func BenchmarkRow(b *testing.B) {
	for _, r := range rows {
		for _, side := range []string{"floor", "ours"} {
			b.Run(r.name+"/"+side, func(b *testing.B) {
				c, err := r.start()
				if err != nil {
					b.Fatal(err)
				}
				defer c.close()
				run, err := c.side(side == "ours")
				b.ReportAllocs()
				b.ResetTimer()
				if err := errors.Join(err, run(b.N)); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
			})
		}
	}
}
