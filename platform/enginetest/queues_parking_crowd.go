package enginetest

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"

	"github.com/shopex/prism-go/platform"
)

// parkedMeanwhile lets consumers acknowledge, fail and return messages while others park
// them and put them back. What was parked while it was acknowledged may be left.
func parkedMeanwhile(t *queueTrial) {
	const n = 120
	t.attempted("", 2)
	t.write("", numbers(0, n)...)
	var group sync.WaitGroup
	var mu sync.Mutex
	done := make(map[string]bool)
	failed := make(chan error, 10)
	repeat := func(do func() error) {
		group.Go(func() {
			for range 30 {
				if err := do(); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	for range 3 {
		repeat(func() error {
			acked, err := t.tryOnce()
			mu.Lock()
			defer mu.Unlock()
			for _, body := range acked {
				done[body] = true
			}
			return err
		})
	}
	repeat(func() error { return t.parkSome(5) })
	repeat(t.unparkAll)
	group.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	t.must(t.unparkAll(), "unpark")
	t.parks("")
	left := t.contents("", n+1)
	for _, body := range left {
		done[body] = true
	}
	slices.Sort(left)
	if len(done) != n || len(slices.Compact(left)) != len(left) {
		t.Fatalf("of %d messages %d were acknowledged or left; left are %q", n, len(done), left)
	}
	t.counts("", platform.QueueStatus{})
}

// tryOnce is a consumer to which some messages come, one of which it can handle.
func (t *queueTrial) tryOnce() (acked []string, err error) {
	c, err := t.queues.Consume(t.ctx, t.owner, "", "a test")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(t.ctx, 100*instant)
	defer cancel()
	leases, err := c.Fetch(ctx, 4, math.MaxInt)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) && t.ctx.Err() == nil {
			err = nil
		}
		return nil, errors.Join(err, c.Close())
	}
	_, err = c.Fail(t.ctx, "it cannot be handled", ids(leases[1:])...)
	err = errors.Join(err, c.Ack(t.ctx, leases[0].ID), c.Close())
	return bodies(leases[:1]), err
}

// parkSome parks the first n messages.
func (t *queueTrial) parkSome(n int) error {
	found, err := t.queues.Peek(t.ctx, t.owner, "", platform.MessageID{}, n)
	if err != nil {
		return err
	}
	var ids []platform.MessageID
	for _, p := range found {
		ids = append(ids, p.Message.ID)
	}
	_, err = t.queues.Park(t.ctx, t.owner, "", "a reason", "an operator", ids...)
	return err
}

func (t *queueTrial) unparkAll() error {
	found, err := t.queues.Parked(t.ctx, t.owner, "", platform.MessageID{}, 1000)
	if err != nil {
		return err
	}
	var ids []platform.MessageID
	for _, p := range found {
		ids = append(ids, p.Message.ID)
	}
	_, err = t.queues.Unpark(t.ctx, t.owner, "", ids...)
	return err
}
