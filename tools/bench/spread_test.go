package main

import (
	"math/rand/v2"
	"testing"
)

// The numbers are those of any table of the sign test, one-sided, at 5 %.
func TestHowManyRoundsMayBeBelow(t *testing.T) {
	for rounds, want := range map[int]int{1: -1, 4: -1, 5: 0, 7: 0, 8: 1, 11: 2, 15: 3, 25: 7, 51: 19, mostRounds: 473} {
		if got := mayBeBelow(rounds); got != want {
			t.Errorf("of %d rounds: %d, want %d", rounds, got, want)
		}
	}
}

func TestNoiseDoesNotMissATargetAndMoreRoundsFindLess(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	missed := func(median float64, rounds int) (share float64) {
		const runs = 2000
		for range runs {
			values := make([]float64, rounds)
			for i := range values {
				values[i] = median * (1 + 0.1*r.NormFloat64())
			}
			if spreadOf(values).exceeds(2) {
				share += 1.0 / runs
			}
		}
		return share
	}
	for _, c := range []struct {
		what        string
		median      float64
		rounds      int
		least, most float64
	}{
		{"at the target, few rounds", 2, 5, 0, 0.05},
		{"at the target", 2, 15, 0, 0.05},
		{"at the target, many rounds", 2, 101, 0, 0.06},
		{"below it", 1.9, 15, 0, 0.005},
		{"a little over it", 2.1, 15, 0.1, 0.6},
		{"a little over it, many rounds", 2.1, 101, 0.95, 1},
		{"far over it, few rounds", 3, 5, 0.95, 1},
	} {
		if got := missed(c.median, c.rounds); got < c.least || got > c.most {
			t.Errorf("%s: %.3f of the runs missed, want %g to %g", c.what, got, c.least, c.most)
		}
	}
}
