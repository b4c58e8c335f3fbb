package jetstream

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/shopex/prism-go/platform"
)

// What the owners of a model do with messages that fail and that are parked.

func (o *modelOwner) limit(t *testing.T, name string) {
	q, want := o.queues[name], error(nil)
	l := platform.QueueLimits{MaxAttempts: o.random.IntN(4)}
	if q == nil {
		want = platform.ErrUnknownTopic
	} else {
		q.maxAttempts = l.MaxAttempts
	}
	o.expect(t, "limit "+name, o.engine.SetLimits(t.Context(), o.name, name, l), want)
}

// fail fails some of what c holds, and leaves it there unless it is parked.
func (o *modelOwner) fail(t *testing.T, q *modelQueue, c *modelConsumer) {
	some, ids := c.some(o.random)
	reason := fmt.Sprint("reason ", o.random.IntN(1000))
	gone, err := c.Fail(t.Context(), reason, append(ids, ids...)...)
	o.expect(t, "fail", err, nil)
	var parks []modelMessage
	var want []uint64
	for _, m := range some {
		m.attempts++
		if q.maxAttempts > 0 && m.attempts%q.maxAttempts == 0 {
			want, parks = append(want, m.id), append(parks, m)
			continue
		}
		c.held = append(c.held, m)
	}
	slices.Sort(want)
	if !slices.Equal(gone, want) {
		t.Errorf("%s: the failure of %v parked %d, want %d", o.name, some, gone, want)
	}
	c.stale = append(c.stale, want...)
	q.park(&o.engine.config, reason, parks)
}

// park parks messages in the order of the queue.
func (q *modelQueue) park(c *Config, reason string, messages []modelMessage) {
	slices.SortFunc(messages, func(a, b modelMessage) int { return cmp.Compare(a.place, b.place) })
	for _, m := range messages {
		m.reason = reason
		q.parked = append(q.parked, m)
	}
	for len(q.parked) > c.MaxParked {
		q.parked = q.parked[1:]
		q.dropped++
	}
}

// take takes some of the messages, and adds their IDs to ids.
func (o *modelOwner) take(messages []modelMessage, ids *[]platform.MessageID) (taken, left []modelMessage) {
	for _, m := range messages {
		if o.random.IntN(3) > 0 {
			left = append(left, m)
			continue
		}
		taken = append(taken, m)
		*ids = append(*ids, m.message.ID)
	}
	return taken, left
}

// park parks some messages that are ready, held, or parked already.
func (o *modelOwner) park(t *testing.T, name string) {
	q, want := o.queues[name], error(nil)
	ids := []platform.MessageID{{}, {Log: o.engine.log.Load(), Number: 1 << 60}}
	var parks []modelMessage
	if q == nil {
		want = platform.ErrUnknownTopic
	} else {
		o.take(q.parked, &ids)
		parks, q.ready = o.take(q.ready, &ids)
		for _, c := range q.consumers {
			var held []modelMessage
			held, c.held = o.take(c.held, &ids)
			for _, m := range held {
				m.attempts++
				parks, c.stale = append(parks, m), append(c.stale, m.id)
			}
		}
	}
	n, err := o.engine.Park(t.Context(), o.name, name, "asked", "test", ids...)
	if o.expect(t, "park "+name, err, want); n != len(parks) {
		t.Errorf("%s: %d messages were parked, want %d", o.name, n, len(parks))
	}
	if q != nil {
		q.park(&o.engine.config, "asked", parks)
	}
}

// takeParked puts some of what is parked back, or discards it. Before that it looks at it.
func (o *modelOwner) takeParked(t *testing.T, name string) {
	q, want := o.queues[name], error(nil)
	change, discards := o.engine.Unpark, o.random.IntN(3) == 0
	if discards {
		change = o.engine.Discard
	}
	var ids []platform.MessageID
	var taken []modelMessage
	if q == nil {
		want = platform.ErrUnknownTopic
	} else {
		o.parked(t, name, q)
		o.take(q.ready, &ids)
		taken, q.parked = o.take(q.parked, &ids)
	}
	n, err := change(t.Context(), o.name, name, ids...)
	if o.expect(t, "take from what is parked in "+name, err, want); n != len(taken) {
		t.Errorf("%s: %d messages were taken from what is parked, want %d", o.name, n, len(taken))
	}
	if q != nil && !discards {
		q.putBack(taken)
	}
}

// parked compares what is parked.
func (o *modelOwner) parked(t *testing.T, name string, q *modelQueue) {
	found, err := o.engine.Parked(t.Context(), o.name, name, platform.MessageID{}, 10)
	o.expect(t, "parked in "+name, err, nil)
	var got, want []string
	for _, p := range found {
		got = append(got, fmt.Sprint(p.Message.ID, p.Attempts, p.Reason, p.By))
	}
	inOrder := slices.SortedFunc(slices.Values(q.parked), func(a, b modelMessage) int { return cmp.Compare(a.place, b.place) })
	for _, m := range inOrder {
		want = append(want, fmt.Sprint(m.message.ID, m.attempts, m.reason, "test"))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s %q: parked are %q, want %q", o.name, name, got, want)
	}
}
