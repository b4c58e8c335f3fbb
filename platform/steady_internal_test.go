package platform

import (
	"testing"
	"time"
)

func TestNoKeyExpiresByAClockThatIsWrongForSomeSeconds(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var run, step time.Duration
	c := &steadyClock{wall: start, read: func() (time.Time, time.Duration) { return start.Add(run + step), run }}
	at := func(ran, stepped, want time.Duration) {
		t.Helper()
		run, step = ran, stepped
		if got := c.now().Sub(start); got != want {
			t.Errorf("after %v, with a clock that is %v ahead, it is %v later; want %v", ran, stepped, got, want)
		}
	}
	const s = time.Second
	at(0, 0, 0)
	at(10*s, 2*time.Hour, 10*s)
	at(32*s, 2*time.Hour, 32*s)
	at(33*s, 0, 33*s) // it was set right
	at(40*s, -2*time.Hour, 40*s)
	at(99*s, -2*time.Hour, 99*s)
	at(100*s, -2*time.Hour, 100*s-2*time.Hour) // it is meant
	at(101*s, -2*time.Hour, 101*s-2*time.Hour)
	at(102*s, -2*time.Hour+s/2, 102*s-2*time.Hour+s/2) // a small step is no step
}

func TestTheClockOfKeysIsThatOfThePlatform(t *testing.T) {
	c := newSteadyClock()
	if d := time.Since(c.now()).Abs(); d > 30*time.Second {
		t.Errorf("it differs by %v", d)
	}
}
