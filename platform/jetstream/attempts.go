package jetstream

import "github.com/shopex/prism-go/platform"

// How often a message was tried is kept for those only that ever failed. The fact that
// says so is behind the record of the message, and cleaning carries both together.

// triedOnceMore returns the fact that each of the messages was tried once more.
func (q *queue) triedOnceMore(numbers []uint64) fact {
	f := fact{kind: factTried, queue: q.id, numbers: numbers, queues: make([]uint64, len(numbers))}
	for i, n := range numbers {
		f.queues[i] = min(uint64(q.tried[n])+1, platform.MaxAttemptsCounted)
	}
	return f
}

// setTries notes how often messages were tried. It ignores those that are not in q.
func (q *queue) setTries(numbers, tries []uint64) {
	for i, n := range numbers {
		if _, ok := q.locate(n); !ok {
			continue
		}
		if q.tried == nil {
			q.tried = make(map[uint64]uint16)
		}
		q.tried[n] = uint16(min(tries[i], platform.MaxAttemptsCounted))
	}
}

// forgetTries is called for a message that leaves q.
func (q *queue) forgetTries(number uint64) {
	if q.tried == nil {
		return
	}
	if delete(q.tried, number); len(q.tried) == 0 {
		q.tried = nil // a map does not give memory back
	}
}

// tries returns how often messages that c holds were tried, or nil if none was.
func (c *consumer) tries(held []item) []int {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	q := c.engine.state.queues[c.queue]
	if q == nil || q.tried == nil {
		return nil
	}
	tries := make([]int, len(held))
	for i, it := range held {
		tries[i] = int(q.tried[it.number])
	}
	return tries
}
