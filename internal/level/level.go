// Package level says which of several queues lose how much, if always the largest of
// them loses something.
package level

import (
	"cmp"
	"slices"
)

// A Queue is one of several that may lose messages.
type Queue[Q any] struct {
	Queue Q
	Size  int64 // of what it may lose, at least 0
}

// Find sorts the queues, the largest first, and returns the level to which those that are
// above it shrink so that need is free. It is 0 if they have less than that together.
func Find[Q any](queues []Queue[Q], need int64) int64 {
	slices.SortFunc(queues, func(a, b Queue[Q]) int { return cmp.Compare(b.Size, a.Size) })
	sum := int64(0)
	for i, q := range queues {
		sum += q.Size
		n, next := int64(i+1), int64(0)
		if i+1 < len(queues) {
			next = queues[i+1].Size
		}
		if sum-n*next >= need {
			return (sum - need) / n
		}
	}
	return 0
}
