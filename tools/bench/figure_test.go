package main

import (
	"strings"
	"testing"
)

// Each figure is read, briefly.
func TestEachFigureIsMeasured(t *testing.T) {
	for _, g := range gauges {
		t.Run(g.figures[0].name, func(t *testing.T) {
			g.ops = min(g.ops, 20)
			spreads, err := g.measure(1)
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range g.figures {
				if spreads[i].mid == 0 {
					t.Errorf("%s: %+v", f.name, spreads[i])
				}
			}
		})
	}
}

func TestALimitIsMissedOnlyBeyondTheNoise(t *testing.T) {
	for _, c := range []struct {
		limit  float64
		got    spread
		missed int
	}{
		{40, spread{least: 39, mid: 41}, 0},
		{40, spread{least: 40.1, mid: 41}, 1},
		{0, spread{least: 41, mid: 41}, 0},
	} {
		var out strings.Builder
		missed := figure{name: "idle", unit: "KiB", limit: c.limit}.report(&out, c.got)
		if missed != c.missed || strings.Contains(out.String(), "MISSED 40 KiB") != (missed > 0) {
			t.Errorf("limit %g, %+v: missed %d and wrote %q", c.limit, c.got, missed, out.String())
		}
	}
}

// BenchmarkFigure reads each figure over so many operations, for profiles.
func BenchmarkFigure(b *testing.B) {
	for _, g := range gauges {
		b.Run(g.figures[0].name, func(b *testing.B) { g.bench(b) })
	}
}

func (g gauge) bench(b *testing.B) {
	m, err := g.open()
	if err != nil {
		b.Fatal(err)
	}
	defer m.close()
	b.ResetTimer()
	values, err := m.read(b.N)
	if err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	for i, f := range g.figures {
		b.ReportMetric(values[i], strings.ReplaceAll(f.name+", "+f.unit, " ", "-"))
	}
}
