package jetstream

import (
	"slices"

	"github.com/shopex/prism-go/platform"
)

// What the model of a bus does with messages that fail and that are parked.

// fail fails everything that is held.
func (b *busModel) fail(q *busQueue) {
	if q.consumer == nil {
		return
	}
	gone, err := q.consumer.Fail(b.Context(), "failed", q.leases...)
	b.must(err, "fail")
	held, leases := q.held, q.leases
	q.held, q.leases = nil, nil
	var parks []string
	var want []uint64
	for i, text := range held {
		q.tried(text)
		if n := q.limits.MaxAttempts; n > 0 && q.attempts[text]%n == 0 {
			parks, want = append(parks, text), append(want, leases[i])
			continue
		}
		q.held, q.leases = append(q.held, text), append(q.leases, leases[i])
	}
	slices.Sort(want)
	if !slices.Equal(gone, want) {
		b.Errorf("the failure of %q parked %d, want %d", held, gone, want)
	}
	q.park(b, parks)
}

func (q *busQueue) tried(text string) {
	if q.attempts == nil {
		q.attempts = make(map[string]int)
	}
	q.attempts[text]++
}

func (q *busQueue) park(b *busModel, texts []string) {
	slices.SortFunc(texts, compareBodies)
	for q.parked = append(q.parked, texts...); len(q.parked) > b.engine.config.MaxParked; q.parked = q.parked[1:] {
		q.parkedDropped++
	}
}

// some returns a part of the texts with their IDs.
func (b *busModel) some(texts []string) (some []string, ids []platform.MessageID) {
	for _, text := range texts {
		if b.random.IntN(2) == 0 {
			some, ids = append(some, text), append(ids, b.ids[text])
		}
	}
	return some, ids
}

func (b *busModel) park(q *busQueue) {
	some, ids := b.some(slices.Concat(q.ready, q.held))
	n, err := b.engine.Park(b.Context(), q.owner, q.topic, "asked", "", ids...)
	if b.must(err, "park"); n != len(some) {
		b.Errorf("of %q %d were parked", some, n)
	}
	for _, text := range some {
		if i := slices.Index(q.held, text); i >= 0 {
			q.held, q.leases = slices.Delete(slices.Clone(q.held), i, i+1), slices.Delete(q.leases, i, i+1)
			q.tried(text)
			continue
		}
		i := slices.Index(q.ready, text)
		q.ready = slices.Delete(slices.Clone(q.ready), i, i+1)
	}
	q.park(b, some)
}

// takeParked puts some of what is parked back, or discards it.
func (b *busModel) takeParked(q *busQueue) {
	some, ids := b.some(q.parked)
	change, discards := b.engine.Unpark, b.random.IntN(3) == 0
	if discards {
		change = b.engine.Discard
	}
	n, err := change(b.Context(), q.owner, q.topic, ids...)
	if b.must(err, "take from what is parked"); n != len(some) {
		b.Errorf("of %q %d were taken", some, n)
	}
	q.parked = slices.DeleteFunc(slices.Clone(q.parked), func(text string) bool { return slices.Contains(some, text) })
	if !discards {
		q.ready = append(slices.Clone(q.ready), some...)
		slices.SortFunc(q.ready, compareBodies)
	}
}

// parked compares what is parked.
func (b *busModel) parked(q *busQueue) {
	b.Helper()
	found, err := b.engine.Parked(b.Context(), q.owner, q.topic, platform.MessageID{}, 100)
	b.must(err, "parked")
	var got []string
	for _, p := range found {
		text := p.Message.Key + " " + string(p.Message.Body)
		if got = append(got, text); p.Attempts != q.attempts[text] || p.Message.ID != b.ids[text] {
			b.Errorf("%q was tried %d times and is %v, want %d and %v", text, p.Attempts, p.Message.ID, q.attempts[text], b.ids[text])
		}
	}
	if want := slices.SortedFunc(slices.Values(q.parked), compareBodies); !slices.Equal(got, want) {
		b.Errorf("%s %q: parked are %q, want %q", q.owner, q.topic, got, want)
	}
}
