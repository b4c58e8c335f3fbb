package level

import (
	"slices"
	"testing"
)

func FuzzTheLevelIsTheHighestThatFreesTheNeed(f *testing.F) {
	f.Add([]byte{9, 3, 3}, int64(6))
	f.Add([]byte{9, 3, 3}, int64(7))
	f.Add([]byte{5, 5, 5}, int64(1))
	f.Add([]byte{0, 0, 2}, int64(3))
	f.Add([]byte{4}, int64(4))
	f.Add([]byte{}, int64(1))
	f.Fuzz(func(t *testing.T, sizes []byte, need int64) {
		if need <= 0 || need > 1<<20 {
			t.Skip("nothing is needed, or more than any has")
		}
		queues, all := make([]Queue[int], len(sizes)), int64(0)
		for i, size := range sizes {
			queues[i] = Queue[int]{i, int64(size)}
			all += int64(size)
		}
		level := Find(queues, need)
		if got := free(sizes, level); got < min(need, all) {
			t.Errorf("at level %d of %v there is %d free, and %d is needed", level, sizes, got, need)
		}
		if got := free(sizes, level+1); got >= need {
			t.Errorf("at level %d of %v there is %d free already, and %d is needed", level+1, sizes, got, need)
		}
		if !slices.IsSortedFunc(queues, func(a, b Queue[int]) int { return int(b.Size - a.Size) }) {
			t.Errorf("%v are not sorted", queues)
		}
		for _, q := range queues {
			if q.Size != int64(sizes[q.Queue]) {
				t.Errorf("queue %d of %v has become %d", q.Queue, sizes, q.Size)
			}
		}
	})
}

// free returns how much is free when all that are above level have shrunk to it.
func free(sizes []byte, level int64) (sum int64) {
	for _, size := range sizes {
		sum += max(0, int64(size)-level)
	}
	return sum
}
