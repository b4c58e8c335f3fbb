package patience

import (
	"testing"
	"time"
)

func TestPatienceGrowsWithTheLoad(t *testing.T) {
	for _, tt := range []struct {
		loadavg    string
		processors int
		want       float64
	}{
		{"8.00 4.00 2.00 9/412 3141\n", 2, 4},
		{"0.10 4.00 2.00 1/412 3141\n", 2, 1},
		{"", 2, 1},
		{"no number", 2, 1},
	} {
		if got := factor(tt.loadavg, tt.processors); got != tt.want {
			t.Errorf("factor(%q, %d) = %v, want %v", tt.loadavg, tt.processors, got, tt.want)
		}
	}
	if Of(time.Second) < time.Second {
		t.Errorf("Of(1s) = %v", Of(time.Second))
	}
}
