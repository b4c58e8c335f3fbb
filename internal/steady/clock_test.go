package steady

import (
	"testing"
	"time"
)

func TestAStepOfTheWallClockIsBelievedOnlyIfItStays(t *testing.T) {
	start := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	wall, elapsed := start, time.Duration(0)
	c := newClock(start, 10*time.Minute, func() time.Time { return wall }, func() time.Duration { return elapsed })
	pass := func(d time.Duration) {
		for end := elapsed + d; elapsed < end; c.Now() {
			wall, elapsed = wall.Add(time.Second), elapsed+time.Second
		}
	}
	want := func(when string, ahead time.Duration) {
		t.Helper()
		if got := c.Now().Sub(start) - elapsed; got != ahead {
			t.Errorf("%s: %v ahead, want %v", when, got, ahead)
		}
	}
	pass(time.Hour)
	want("at rest", 0)
	wall = wall.Add(2 * time.Hour)
	pass(22 * time.Second)
	want("just after a step", 0)
	wall = wall.Add(-2 * time.Hour)
	pass(time.Hour)
	want("when it is undone", 0)
	wall = wall.Add(2 * time.Hour)
	pass(9 * time.Minute)
	wall = wall.Add(-30 * time.Minute)
	pass(9 * time.Minute)
	want("a wall clock that is set again and again", 0)
	pass(2 * time.Minute)
	want("one that stays", 90*time.Minute)
	wall = wall.Add(-90 * time.Minute)
	pass(11 * time.Minute)
	want("one that goes back and stays", 0)
}

func TestAStartIsNotTheWallClocks(t *testing.T) {
	c := New(time.Now().Add(-time.Hour), time.Hour)
	if behind := time.Since(c.Now()); behind < 59*time.Minute || behind > 2*time.Hour {
		t.Errorf("%v behind", behind)
	}
}
