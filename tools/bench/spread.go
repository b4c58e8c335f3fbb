package main

import "slices"

// A spread is how the values of the rounds lie.
type spread struct {
	low, mid, top float64 // quartiles
	least         float64 // that the median is by all odds, whatever the rounds; 0 for too few of them
}

func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	s := spread{low: quantile(sorted, 0.25), mid: quantile(sorted, 0.5), top: quantile(sorted, 0.75)}
	if n := mayBeBelow(len(sorted)); n >= 0 {
		s.least = sorted[n]
	}
	return s
}

// exceeds reports whether the values are over limit by more than their noise:
// so many of them that it would have happened by chance in less than one run of
// twenty if the median were no more than limit. Zero is no limit.
func (s spread) exceeds(limit float64) bool { return limit > 0 && s.least > limit }

const (
	chance = 0.05
	// leastRounds is how many it takes until any value can exceed a limit.
	leastRounds = 5
	// mostRounds keeps the probabilities in the range of a float64.
	mostRounds = 1000
)

// mayBeBelow returns how many of n values may be below the median's lower bound:
// each is below the median with a probability of one half, so their number has a
// binomial distribution, whatever the shape of the noise. It is -1 if n values say
// nothing.
func mayBeBelow(n int) int {
	term := 1.0 // n over k, by 2 to the n
	for range n {
		term /= 2
	}
	sum := term
	for k := 0; ; k++ {
		if sum > chance {
			return k - 1
		}
		term *= float64(n-k) / float64(k+1)
		sum += term
	}
}

// quantile interpolates between the two nearest of sorted.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
