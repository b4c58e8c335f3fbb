package platform

import (
	"testing"
	"time"
)

// Strangers decide how many signatures are wrong, so looking for the causes is bounded for
// all of them together.
func TestLookingForCausesTakesABoundedShareOfAProcessor(t *testing.T) {
	var d diagnoses
	now := time.Unix(1400568648, 0)
	taken := 0
	for d.take(now) {
		taken += diagnosisLimit
	}
	if taken != diagnosesAtOnce {
		t.Errorf("%d signatures at once", taken)
	}
	taken = 0
	for range 1000 {
		now = now.Add(10 * time.Millisecond)
		for d.take(now) {
			taken += diagnosisLimit
		}
	}
	if want := 10 * diagnosesPerSecond; taken < want-diagnosisLimit || taken > want {
		t.Errorf("%d signatures in ten seconds, want %d", taken, want)
	}
	d.giveBack(diagnosisLimit)
	if !d.take(now) || d.take(now.Add(-time.Hour)) {
		t.Error("what is given back is not there, or a clock that goes back gives more")
	}
}
