package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/shopex/prism-go/platform"
)

// A consumer is guarded by the lock of the exchange of its owner.
type consumer struct {
	owner *owner
	queue *queue
	name  string
	held  map[uint64]holding // nil once it has ended
	most  int                // the most entries that held had since it was made
	ended error              // what Fetch returns since then

	want    int              // what the waiting Fetch asked for
	bytes   int              // how many bytes the waiting Fetch takes at most
	handed  []platform.Lease // the leases for the waiting Fetch
	standby bool             // a Fetch waits until c is the first of queue.alone
	wake    chan struct{}    // receives one value when c is removed from queue.waiting or its standby ends
}

// A holding is a message that a consumer holds.
type holding struct {
	item
	since time.Duration // New
}

var _ platform.Consumer = (*consumer)(nil)

func newConsumer(q *queue, name string) *consumer {
	c := &consumer{
		owner: q.owner,
		queue: q,
		name:  name,
		held:  make(map[uint64]holding),
		wake:  make(chan struct{}, 1),
	}
	q.consumers[c] = struct{}{}
	return c
}

func (c *consumer) Fetch(ctx context.Context, max, maxBytes int) ([]platform.Lease, error) {
	if max < 1 {
		return nil, fmt.Errorf("memory: Fetch of %d messages: ask for at least one", max)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for {
		leases, err := c.leaseOrWait(max, maxBytes)
		if leases != nil || err != nil {
			return leases, err
		}
		select {
		case <-c.wake:
			leases, err = c.collect()
		case <-ctx.Done():
			leases, err = c.giveUp(ctx.Err())
		}
		if len(leases) > 0 || err != nil {
			return leases, err
		}
		// It is its turn now, or what it was to get was parked.
	}
}

// leaseOrWait leases ready messages. If there are none, or it is not the turn of c, it
// lets c wait and returns nil.
func (c *consumer) leaseOrWait(max, maxBytes int) ([]platform.Lease, error) {
	defer c.owner.lock().unlock()
	if c.ended != nil {
		return nil, c.ended
	}
	if alone := c.queue.alone; slices.Contains(alone, c) && alone[0] != c {
		c.standby = true
		return nil, nil
	}
	if leases := c.queue.lease(c, max, maxBytes); len(leases) > 0 {
		return leases, nil
	}
	c.want, c.bytes = max, maxBytes
	c.queue.waiting = append(c.queue.waiting, c)
	return nil, nil
}

// collect returns the leases for which c was woken, or the error with which it was ended.
func (c *consumer) collect() ([]platform.Lease, error) {
	defer c.owner.lock().unlock()
	leases := c.handed
	c.handed = nil
	return leases, c.ended
}

// giveUp leaves the waiting list with err, unless c was woken meanwhile.
func (c *consumer) giveUp(err error) ([]platform.Lease, error) {
	x := c.owner.lock()
	waited := c.stopWaiting()
	x.unlock()
	<-c.wake // sent when c was removed from the list
	if waited {
		return nil, err
	}
	return c.collect()
}

// stopWaiting wakes c, if it waits.
func (c *consumer) stopWaiting() bool {
	i := slices.Index(c.queue.waiting, c)
	switch {
	case c.standby:
		c.standby = false
	case i >= 0:
		c.queue.waiting = slices.Delete(c.queue.waiting, i, i+1)
	default:
		return false
	}
	c.wake <- struct{}{}
	return true
}

func (c *consumer) Ack(_ context.Context, ids ...uint64) error {
	defer c.owner.lock().unlock()
	for _, id := range ids {
		if h, ok := c.held[id]; ok {
			delete(c.held, id)
			c.queue.forget(h.message)
		}
	}
	c.queue.count()
	c.shrink()
	return nil
}

func (c *consumer) Return(_ context.Context, ids ...uint64) error {
	defer c.owner.lock().unlock()
	var items []item
	for _, id := range ids {
		if h, ok := c.held[id]; ok {
			delete(c.held, id)
			items = append(items, h.item)
		}
	}
	c.queue.putBack(items)
	c.shrink()
	return nil
}

// release undoes hold, for a message that leaves the queue's consumers.
func (c *consumer) release(it item) {
	delete(c.held, it.number())
	c.handed = slices.DeleteFunc(c.handed, func(l platform.Lease) bool { return l.ID == it.number() })
	c.queue.forget(it.message)
}

// hold notes that c holds the message of it.
func (c *consumer) hold(it item, since time.Duration) {
	c.held[it.number()] = holding{it, since}
	c.most = max(c.most, len(c.held))
}

// shrink makes held smaller when little is left.
func (c *consumer) shrink() { c.held, c.most = shrunk(c.held, c.most) }

// shrunk returns m, or a smaller map when little is left, as a map does not give memory
// back. most is how many entries it had since it was made.
func shrunk[V any](m map[uint64]V, most int) (map[uint64]V, int) {
	if most <= 1024 || len(m) >= most/4 {
		return m, most
	}
	smaller := make(map[uint64]V, len(m))
	maps.Copy(smaller, m)
	return smaller, len(smaller)
}

// leaveAlone gives the next consumer of [Queues.ConsumeAlone] its turn, if c had one.
func (c *consumer) leaveAlone() {
	q := c.queue
	i := slices.Index(q.alone, c)
	if i < 0 {
		return
	}
	q.alone = slices.Delete(q.alone, i, i+1)
	if i == 0 && len(q.alone) > 0 && q.alone[0].standby {
		q.alone[0].stopWaiting()
	}
}

func (c *consumer) Close() error {
	defer c.owner.lock().unlock()
	items := make([]item, 0, len(c.held))
	for _, h := range c.held {
		items = append(items, h.item)
	}
	c.end(platform.ErrConsumerClosed)
	c.queue.putBack(items)
	return nil
}

// end removes c from its queue, and its leases from c. The caller returns or drops the
// messages that c held.
func (c *consumer) end(err error) {
	c.ended = err
	c.held, c.handed = nil, nil
	delete(c.queue.consumers, c)
	c.stopWaiting()
	c.leaveAlone()
}
