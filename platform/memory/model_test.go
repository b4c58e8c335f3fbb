package memory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/platform"
)

// A model does what an engine promises, as plainly as it can be written: it looks through
// lists, and has no bounds but those of queues.
type model struct {
	owners map[string]*modelOwner
	bounds Config
}

type modelOwner struct {
	platform.Owner
	queues map[string]*modelQueue
}

type modelQueue struct {
	patterns  map[string]bool
	limits    platform.QueueLimits
	dropped   uint64
	items     []*modelItem // in order, without those that are parked
	parked    []*modelItem // the one that was parked first is in front
	lost      uint64       // parked ones
	consumers map[int]bool
}

type modelItem struct {
	message    *platform.Message
	holder     int // 0: it is ready
	attempts   int
	reason, by string
}

func (it *modelItem) id() platform.MessageID { return it.message.ID }

func (it *modelItem) size() int64 { return it.message.Size() + int64(len(it.reason)+len(it.by)) }

func newModelQueue(bounds Config) *modelQueue {
	return &modelQueue{patterns: make(map[string]bool), limits: bounds.LimitsOf(platform.QueueLimits{}), consumers: make(map[int]bool)}
}

func (m *model) owner(name string) *modelOwner {
	if m.owners[name] == nil {
		m.owners[name] = &modelOwner{queues: map[string]*modelQueue{"": newModelQueue(m.bounds)}}
	}
	return m.owners[name]
}

func (m *model) obtain(owner, topic string) *modelQueue {
	o := m.owner(owner)
	if o.queues[topic] == nil {
		o.queues[topic] = newModelQueue(m.bounds)
	}
	return o.queues[topic]
}

// targets are the queues to which a key is routed, with the names of their owners.
func (m *model) targets(exchange, key string) map[*modelQueue]string {
	found := make(map[*modelQueue]string)
	for name, o := range m.owners {
		for _, q := range o.queues {
			if o.Exchange == exchange && o.Listen.Allows(key) && topic.MatchAny(slices.Collect(maps.Keys(q.patterns)), key) {
				found[q] = name
			}
		}
	}
	return found
}

func (m *model) publish(exchange string, msg *platform.Message) (routed int, full bool) {
	targets := m.targets(exchange, msg.Key)
	for q, name := range targets {
		if q.refuses(msg.ClientID == name) && !q.fits(msg.Size()) {
			return 0, true
		}
	}
	for q := range targets {
		if q.put(msg) {
			routed++
		}
	}
	return routed, false
}

func (q *modelQueue) refuses(own bool) bool {
	return q.limits.Overflow == platform.Refuse || q.limits.Overflow == "" && own
}

func (q *modelQueue) fits(size int64) bool {
	s := q.status()
	return s.Ready+s.Unacknowledged < q.limits.MaxMessages && s.Bytes+size <= q.limits.MaxBytes
}

func (q *modelQueue) put(msg *platform.Message) bool {
	before, dropped := slices.Clone(q.items), q.dropped
	for !q.fits(msg.Size()) {
		i := slices.IndexFunc(q.items, func(it *modelItem) bool { return it.holder == 0 })
		if i < 0 || q.limits.Overflow == platform.DropNewest {
			q.items, q.dropped = before, dropped+1 // what would not have helped has not happened
			return false
		}
		q.items = slices.Delete(slices.Clone(q.items), i, i+1)
		q.dropped++
	}
	q.items = append(q.items, &modelItem{message: msg})
	return true
}

func (q *modelQueue) status() platform.QueueStatus {
	s := platform.QueueStatus{Limits: q.limits, Dropped: q.dropped, Consumers: len(q.consumers), Parked: len(q.parked), ParkedDropped: q.lost}
	for _, it := range q.parked {
		s.ParkedBytes += it.size()
	}
	for _, it := range q.items {
		s.Bytes += it.message.Size()
		if it.holder == 0 {
			s.Ready++
		} else {
			s.Unacknowledged++
		}
	}
	return s
}

// take returns up to n ready items.
func (q *modelQueue) take(n int) (taken []*modelItem) {
	for _, it := range q.items {
		if it.holder == 0 && len(taken) < n {
			taken = append(taken, it)
		}
	}
	return taken
}

func (q *modelQueue) remove(items []*modelItem) {
	q.items = slices.DeleteFunc(q.items, func(it *modelItem) bool { return slices.Contains(items, it) })
}

func (q *modelQueue) release(holder int) {
	for _, it := range q.items {
		if it.holder == holder {
			it.holder = 0
		}
	}
}

// park parks items in this order.
func (q *modelQueue) park(items []*modelItem, reason, by string, bounds Config) {
	q.remove(items)
	for _, it := range items {
		it.holder, it.reason, it.by = 0, reason, by
		q.parked = append(q.parked, it)
	}
	for s := q.status(); s.Parked > bounds.MaxParked || s.ParkedBytes > bounds.MaxParkedBytes; s = q.status() {
		q.parked = q.parked[1:]
		q.lost++
	}
}

// leave removes parked messages and returns them.
func (q *modelQueue) leave(ids []platform.MessageID) (left []*modelItem) {
	q.parked = slices.DeleteFunc(q.parked, func(it *modelItem) bool {
		if slices.Contains(ids, it.id()) {
			left = append(left, it)
			return true
		}
		return false
	})
	return left
}

// byOrder sorts items as in the queue.
func byOrder(items []*modelItem) []*modelItem {
	slices.SortFunc(items, func(a, b *modelItem) int { return cmp.Compare(a.id().Number, b.id().Number) })
	return items
}

// A duel lets an engine and a model do the same.
type duel struct {
	*testing.T
	*rand.Rand
	engine *Queues
	model  model

	consumers map[int]*duelist
	last      int // the number of the newest consumer
}

type duelist struct {
	platform.Consumer
	owner, topic string
	queue        *modelQueue
	leases       []uint64
}

func one[T any](d *duel, of ...T) T { return of[d.IntN(len(of))] }

func (d *duel) check(err error, doing string) {
	d.Helper()
	if err != nil {
		d.Fatalf("%s: %v", doing, err)
	}
}

func (d *duel) pattern() string {
	return one(d, "#", "a.#", "*.b", "a.b", "a", "b.*", "@system.#", "@system.b", "#.b")
}

// step does one thing. It returns what it was.
func (d *duel) step(ctx context.Context) string {
	owner, topic := one(d, "x", "y", "z"), one(d, "", "", "t", "u")
	switch d.IntN(20) {
	case 0:
		o := platform.Owner{Exchange: one(d, "one", "one", "two"), Bindings: []platform.Binding{{Pattern: "a.#"}, {Pattern: "b.*", Topic: "t"}}}
		o.Listen = one(d, platform.Everything(), platform.Everything(), platform.Nothing(), platform.Matching("a.#", "@system.*"), platform.Matching("*", "b.#"))
		d.check(d.engine.Declare(ctx, owner, o), "declare")
		if d.model.owners[owner] == nil {
			d.model.obtain(owner, "").patterns["a.#"] = true
			d.model.obtain(owner, "t").patterns["b.*"] = true
		}
		d.model.owner(owner).Owner = o
		return fmt.Sprintf("declare %s %+v", owner, o)
	case 1:
		pattern := d.pattern()
		d.check(d.engine.Bind(ctx, owner, topic, pattern), "bind")
		d.model.obtain(owner, topic).patterns[pattern] = true
		return fmt.Sprintf("bind %s %q %s", owner, topic, pattern)
	case 2:
		pattern := d.pattern()
		err := d.engine.Unbind(ctx, owner, topic, pattern)
		q := d.model.owner(owner).queues[topic]
		if (err == nil) != (q != nil && q.patterns[pattern]) {
			d.Fatalf("unbind %s %q %s: %v", owner, topic, pattern, err)
		}
		if q != nil {
			delete(q.patterns, pattern)
		}
		return fmt.Sprintf("unbind %s %q %s", owner, topic, pattern)
	case 3:
		l := platform.QueueLimits{MaxMessages: one(d, 0, 1, 3, 9, -1), MaxBytes: one(d, int64(0), 10, 100, -1)}
		l.MaxAttempts = one(d, 0, 1, 1, 2, 3, -1)
		l.Overflow = one(d, "", "", platform.Refuse, platform.DropOldest, platform.DropNewest)
		err := d.engine.SetLimits(ctx, owner, topic, l)
		if q := d.model.owner(owner).queues[topic]; q != nil {
			d.check(err, "set limits")
			q.limits = d.model.bounds.LimitsOf(l)
		}
		return fmt.Sprintf("limit %s %q %+v", owner, topic, l)
	case 4:
		if d.IntN(8) > 0 {
			return "nothing"
		}
		d.check(d.engine.Forget(ctx, owner), "forget")
		if o := d.model.owners[owner]; o != nil {
			delete(d.model.owners, owner)
			d.ended(slices.Collect(maps.Values(o.queues))...)
		}
		return "forget " + owner
	case 5:
		q := d.model.owner(owner).queues[topic]
		switch err := d.engine.Drop(ctx, owner, topic); {
		case q == nil && errors.Is(err, platform.ErrUnknownTopic):
		case topic == "":
			q.remove(q.take(math.MaxInt))
		default:
			d.check(err, "drop")
			delete(d.model.owner(owner).queues, topic)
			d.ended(q)
		}
		return fmt.Sprintf("drop %s %q", owner, topic)
	case 6:
		q := d.model.owner(owner).queues[topic]
		n := d.IntN(3)
		got, err := d.engine.Read(ctx, owner, topic, n)
		if q != nil {
			taken := q.take(n)
			q.remove(taken)
			d.same(err, got, taken)
		}
		return fmt.Sprintf("read %s %q %d", owner, topic, n)
	case 7, 8:
		return d.consume(ctx, owner, topic)
	case 10, 11:
		return d.parking(ctx, owner, topic)
	case 9:
		q := d.model.obtain(owner, topic)
		m := d.message(owner)
		err := d.engine.Write(ctx, owner, topic, m)
		if full := q.refuses(true) && !q.fits(m.Size()); full != errors.Is(err, platform.ErrQueueFull) || !full && err != nil {
			d.Fatalf("write %s %q: %v, full %v", owner, topic, err, full)
		} else if !full {
			q.put(m)
		}
		return fmt.Sprintf("write %s %q %v", owner, topic, m)
	}
	return d.publish(ctx, owner)
}

// ended notes that queues have ended, and their consumers with them.
func (d *duel) ended(queues ...*modelQueue) {
	for n, c := range d.consumers {
		if slices.Contains(queues, c.queue) {
			if _, err := c.Fetch(d.Context(), 1, 1); !errors.Is(err, platform.ErrUnknownTopic) {
				d.Fatalf("a consumer of a queue that is gone: %v", err)
			}
			delete(d.consumers, n)
		}
	}
}

func (d *duel) message(owner string) *platform.Message {
	key := one(d, "a", "a.b", "b.c", "b", "c.b", "@system.b", "@system", "")
	return &platform.Message{Key: key, Body: make([]byte, d.IntN(20)), ClientID: owner}
}

func (d *duel) publish(ctx context.Context, owner string) string {
	var ms []*platform.Message
	for range d.IntN(4) {
		ms = append(ms, d.message(owner))
	}
	exchange := one(d, "one", "one", "two", "three")
	n, err := 0, error(nil)
	if len(ms) > 0 {
		n, err = d.engine.Route(ctx, exchange, ms[0])
		if want := len(d.model.targets(exchange, ms[0].Key)); n != want || err != nil {
			d.Fatalf("%q goes to %d queues, %v; want %d", ms[0].Key, n, err, want)
		}
	}
	got, err := d.engine.Publish(ctx, exchange, ms...)
	var want []int
	for _, m := range ms {
		routed, full := d.model.publish(exchange, m)
		if full {
			if !errors.Is(err, platform.ErrQueueFull) {
				d.Fatalf("publish: %v, want that a queue is full", err)
			}
			err = nil
			break
		}
		want = append(want, routed)
	}
	if !slices.Equal(got, want) || err != nil {
		d.Fatalf("publish by %s of %v: %v, %v; want %v", owner, ms, got, err, want)
	}
	return fmt.Sprintf("publish %s %s %v", owner, exchange, ms)
}

// parking does something with messages that are in the queue, or were so.
func (d *duel) parking(ctx context.Context, owner, topic string) string {
	var ids []platform.MessageID
	last := d.engine.numbers.Load()
	for range 1 + d.IntN(6) {
		ids = append(ids, platform.MessageID{Log: d.engine.log - uint32(d.IntN(8)/7), Number: last - min(last, d.Uint64N(12))})
	}
	what := d.IntN(4)
	if q := d.model.owner(owner).queues[topic]; q != nil {
		d.parkingOf(ctx, owner, topic, q, what, ids)
	} else if _, err := d.engine.Park(ctx, owner, topic, "", "", ids...); !errors.Is(err, platform.ErrUnknownTopic) {
		d.Fatalf("park in an unknown topic: %v", err)
	}
	return fmt.Sprintf("parking %d of %s %q: %v", what, owner, topic, ids)
}

func (d *duel) parkingOf(ctx context.Context, owner, topic string, q *modelQueue, what int, ids []platform.MessageID) {
	var n, want int
	var err error
	switch what {
	case 0, 1:
		reason := one(d, "", "it failed")
		n, err = d.engine.Park(ctx, owner, topic, reason, "me", ids...)
		var items []*modelItem
		for _, it := range q.items {
			if slices.Contains(ids, it.id()) {
				it.attempts += min(1, it.holder)
				items = append(items, it)
			}
		}
		q.park(items, reason, "me", d.model.bounds)
		want = len(items)
	case 2:
		n, err = d.engine.Unpark(ctx, owner, topic, ids...)
		items := q.leave(ids)
		q.items = byOrder(append(q.items, items...))
		want = len(items)
	default:
		n, err = d.engine.Discard(ctx, owner, topic, ids...)
		want = len(q.leave(ids))
	}
	if n != want || err != nil {
		d.Fatalf("parking %d of %v: %d, %v; want %d", what, ids, n, err, want)
	}
}

// consume starts a consumer, or lets one do something.
func (d *duel) consume(ctx context.Context, owner, topic string) string {
	if len(d.consumers) < 4 && d.IntN(3) == 0 {
		d.last++
		c, err := d.engine.Consume(ctx, owner, topic, fmt.Sprint(d.last))
		d.check(err, "consume")
		q := d.model.obtain(owner, topic)
		q.consumers[d.last] = true
		d.consumers[d.last] = &duelist{Consumer: c, owner: owner, topic: topic, queue: q}
		return fmt.Sprintf("consume %s %q", owner, topic)
	}
	for n, c := range d.consumers {
		return fmt.Sprintf("consumer %d of %s %q: %s", n, c.owner, c.topic, d.act(ctx, n, c))
	}
	return "no consumer"
}

func (d *duel) act(ctx context.Context, n int, c *duelist) string {
	mine := func() (held []*modelItem) {
		for _, it := range c.queue.items {
			if it.holder == n {
				held = append(held, it)
			}
		}
		return held
	}
	what := d.IntN(7)
	switch {
	case what < 2:
		taken := c.queue.take(2)
		if len(taken) == 0 {
			return "would wait"
		}
		leases, err := c.Fetch(ctx, 2, math.MaxInt)
		var got []*platform.Message
		for i, l := range leases {
			got = append(got, l.Message)
			taken[i].holder = n
			c.leases = append(c.leases, l.ID)
			if want := taken[i].attempts + 1; l.Attempt != want {
				d.Fatalf("attempt %d, want %d", l.Attempt, want)
			}
		}
		d.same(err, got, taken)
		return "fetch"
	case what == 2:
		d.check(c.Ack(ctx, c.leases...), "ack")
		c.queue.remove(mine())
	case what < 5:
		d.fail(ctx, n, c, mine())
		return "fail"
	case what == 5:
		d.check(c.Return(ctx, c.leases...), "return")
		c.queue.release(n)
	default:
		d.check(c.Close(), "close")
		c.queue.release(n)
		delete(c.queue.consumers, n)
		delete(d.consumers, n)
	}
	c.leases = nil
	return fmt.Sprint("does ", what)
}

func (d *duel) fail(ctx context.Context, n int, c *duelist, held []*modelItem) {
	tried := held[:d.IntN(len(held)+1)]
	var ids, want []uint64
	var parks []*modelItem
	for _, it := range tried {
		ids = append(ids, it.id().Number)
		it.attempts++
		if most := c.queue.limits.MaxAttempts; most > 0 && it.attempts%most == 0 {
			want, parks = append(want, it.id().Number), append(parks, it)
		}
	}
	got, err := c.Fail(ctx, "no", append(ids, 1<<40)...)
	c.queue.park(parks, "no", fmt.Sprint(n), d.model.bounds)
	if !slices.Equal(got, want) || err != nil {
		d.Fatalf("fail of %v parked %v, %v; want %v", ids, got, err, want)
	}
}

// same compares what the engine gave away.
func (d *duel) same(err error, got []*platform.Message, want []*modelItem) {
	d.Helper()
	d.check(err, "take")
	if !slices.EqualFunc(got, want, func(m *platform.Message, it *modelItem) bool { return m == it.message }) {
		d.Fatalf("got %v, want %d others", got, len(want))
	}
}

// compare compares all queues.
func (d *duel) compare(ctx context.Context) {
	d.Helper()
	all, err := d.engine.Depths(ctx)
	d.check(err, "depths")
	seen := 0
	var total platform.Usage
	for _, depth := range all {
		q := d.model.owners[depth.Owner].queues[depth.Topic]
		if want := q.status(); depth.QueueStatus != want {
			d.Fatalf("queue %s %q is %+v, want %+v", depth.Owner, depth.Topic, depth.QueueStatus, want)
		}
		total = total.Plus(platform.Usage{Messages: int64(depth.Ready + depth.Unacknowledged + depth.Parked), Bytes: depth.Bytes + depth.ParkedBytes})
		d.peek(ctx, depth.Owner, depth.Topic, q)
		d.parked(ctx, depth.Owner, depth.Topic, q)
		seen++
	}
	for _, o := range d.model.owners {
		seen -= len(o.queues)
	}
	if seen != 0 || total != d.engine.total.now() {
		d.Fatalf("%d queues too many, and all use %v of %v", seen, d.engine.total.now(), total)
	}
}

func (d *duel) peek(ctx context.Context, owner, topic string, q *modelQueue) {
	d.Helper()
	after, n, want := platform.MessageID{}, 1+d.IntN(4), q.items
	if last := d.engine.numbers.Load(); last > 0 && d.IntN(2) == 0 {
		after = platform.MessageID{Log: d.engine.log, Number: 1 + d.Uint64N(last)}
		want = slices.DeleteFunc(slices.Clone(want), func(it *modelItem) bool { return it.message.ID.Number <= after.Number })
	}
	got, err := d.engine.Peek(ctx, owner, topic, after, n)
	d.check(err, "peek")
	if !slices.EqualFunc(got, want[:min(n, len(want))], func(p platform.Peeked, it *modelItem) bool {
		holder := ""
		if it.holder > 0 {
			holder = fmt.Sprint(it.holder)
		}
		return p.Message == it.message && p.Held == (it.holder > 0) && p.Holder == holder && p.Held != p.Since.IsZero()
	}) {
		d.Fatalf("peek at %d of %s %q behind %v: %v, want %d", n, owner, topic, after, got, len(want))
	}
}

func (d *duel) parked(ctx context.Context, owner, topic string, q *modelQueue) {
	d.Helper()
	after, n := platform.MessageID{Log: d.engine.log, Number: d.Uint64N(d.engine.numbers.Load() + 2)}, d.IntN(5)
	want := byOrder(slices.DeleteFunc(slices.Clone(q.parked), func(it *modelItem) bool { return it.id().Number <= after.Number }))
	got, err := d.engine.Parked(ctx, owner, topic, after, n)
	d.check(err, "parked")
	if !slices.EqualFunc(got, want[:min(n, len(want))], func(p platform.Parked, it *modelItem) bool {
		return p.Message == it.message && p.Attempts == it.attempts && p.Reason == it.reason && p.By == it.by && !p.Since.IsZero()
	}) {
		d.Fatalf("%d parked of %s %q behind %v: %v, want %d", n, owner, topic, after, got, len(want))
	}
}

func TestTheEngineDoesWhatAModelDoes(t *testing.T) {
	for seed := range uint64(60) {
		bounds := Config{MaxMessages: 4, MaxBytes: 60, MaxParked: 3, MaxParkedBytes: 60}
		bounds = bounds.WithDefaults()
		d := &duel{
			T: t, Rand: rand.New(rand.NewPCG(seed, 0)), engine: New(bounds),
			model: model{owners: make(map[string]*modelOwner), bounds: bounds}, consumers: make(map[int]*duelist),
		}
		var log []string
		t.Cleanup(func() {
			if t.Failed() && len(log) > 0 {
				t.Logf("seed %d; the last steps: %q", seed, log[max(0, len(log)-12):])
			}
		})
		for range 400 {
			log = append(log, d.step(t.Context()))
			d.compare(t.Context())
		}
		log = nil
	}
}
