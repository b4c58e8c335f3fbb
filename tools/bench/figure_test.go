package main

import (
	"strings"
	"testing"
)

// Each figure is read, briefly.
func TestEachFigureIsMeasured(t *testing.T) {
	for _, f := range figures {
		t.Run(f.name, func(t *testing.T) {
			f.ops = min(f.ops, 20)
			if got, err := f.measure(1); err != nil || got.mid == 0 {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestALimitIsMissedOnlyBeyondTheNoise(t *testing.T) {
	for _, c := range []struct {
		limit float64
		got   spread
		want  string
	}{
		{40, spread{least: 39, mid: 41}, ""},
		{40, spread{least: 40.1, mid: 41}, "40 KiB"},
		{0, spread{least: 41, mid: 41}, ""},
	} {
		if got := strings.Join(figure{unit: "KiB", limit: c.limit}.missed(c.got), ", "); got != c.want {
			t.Errorf("limit %g, %+v: missed %q, want %q", c.limit, c.got, got, c.want)
		}
	}
}
