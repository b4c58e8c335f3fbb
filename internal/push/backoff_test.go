package push

import (
	"testing"
	"time"
)

func TestPausesDoubleFromLessThan200msToAMinute(t *testing.T) {
	for n, most := range map[int]time.Duration{
		-1: 200 * time.Millisecond, 0: 200 * time.Millisecond, 1: 200 * time.Millisecond, 2: 400 * time.Millisecond,
		8: 25600 * time.Millisecond, 9: 51200 * time.Millisecond, 10: time.Minute, 63: time.Minute, 1 << 40: time.Minute,
	} {
		seen := map[time.Duration]bool{}
		for range 100 {
			d := Pause(n)
			seen[d] = true
			if d < most/2 || d > most {
				t.Errorf("Pause(%d) = %v, want %v to %v", n, d, most/2, most)
			}
		}
		if len(seen) < 50 {
			t.Errorf("Pause(%d) gave %d different pauses of 100", n, len(seen))
		}
	}
}
