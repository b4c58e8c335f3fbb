package jetstream

import (
	"context"
	"slices"

	"github.com/shopex/prism-go/platform"
)

// Fail counts an attempt of each message, and parks those that have reached the
// MaxAttempts of the queue.
func (c *consumer) Fail(ctx context.Context, reason string, ids ...uint64) (parked []uint64, err error) {
	reason = platform.ParkReason(reason)
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	for some := range slices.Chunk(ids, mostAtOnce) {
		var gone []uint64 // the committer may write it unless do returns nil
		err := c.engine.do(ctx, func(d *draft) (err error) {
			gone, err = c.fail(d, reason, some)
			return err
		}, nil)
		if err != nil {
			return parked, err
		}
		parked = append(parked, gone...)
	}
	return parked, nil
}

// fail returns those of the messages that it parks. It does nothing else with a member in
// the same draft, as the counts are those of before.
func (c *consumer) fail(d *draft, reason string, ids []uint64) (parked []uint64, err error) {
	m := c.member()
	if m == nil {
		return nil, nil
	}
	q := d.state.queues[c.queue]
	if q.owner.sealed == d.round || m.failed == d.round {
		return nil, errAgain
	}
	failed := m.heldOf(ids)
	if len(failed) == 0 {
		return nil, nil
	}
	m.failed = d.round
	tried := q.triedOnceMore(failed)
	var items []item
	for i, n := range failed {
		if q.limits.Parks(int(tried.queues[i])) {
			items = append(items, q.held[n].item)
		}
	}
	if len(items) == 0 {
		return nil, d.emitTogether(q.owner, tried)
	}
	return numbersOf(items), d.park(q, items, failed, reason, c.name)
}
