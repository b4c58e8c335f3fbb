package jetstream

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/platform"
)

// Owners of two exchanges publish to each other's queues, which have limits and policies
// of their own. Between the operations the engine is closed, or a copy of its directory
// is opened as if the process had been killed.
func TestABusDoesWhatItsModelSays(t *testing.T) {
	const seeds, lives, steps = 4, 4, 150
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			c := Config{
				Dir: filepath.Join(t.TempDir(), "0"), SyncInterval: time.Minute, Patience: time.Minute,
				QueueBounds: platform.QueueBounds{MaxMessages: 6, MaxParked: 3, Bindings: []platform.Binding{{Pattern: "a.#"}}},
				CacheBytes:  1 + random.Int64N(2)*1000, cleanAbove: 1 + random.Int64N(2)*1000,
			}
			b := &busModel{T: t, engine: open(t, c), random: random, owners: make(map[string]*busOwner), queues: make(map[string]*busQueue), ids: make(map[string]platform.MessageID)}
			for life := range lives {
				for range steps {
					b.step()
				}
				b.compare()
				b.restart(&c, fmt.Sprint(life+1), random.IntN(2) == 0)
				b.compare()
				if t.Failed() {
					t.FailNow()
				}
			}
		})
	}
}

type busModel struct {
	*testing.T
	engine *Engine
	random *rand.Rand
	owners map[string]*busOwner
	queues map[string]*busQueue          // by owner/topic
	ids    map[string]platform.MessageID // by texts
	last   int
}

type busOwner struct {
	exchange string
	listen   platform.Permission
}

type busQueue struct {
	owner, topic string
	patterns     []string
	limits       platform.QueueLimits
	ready, held  []string // bodies, which ascend
	dropped      uint64
	consumer     platform.Consumer
	leases       []uint64

	parked        []string // the one that was parked first is in front
	parkedDropped uint64
	attempts      map[string]int
}

func (b *busModel) must(err error, what string) {
	b.Helper()
	if err != nil {
		b.Fatalf("%s: %v", what, err)
	}
}

var busOwners, busTopics = []string{"one", "two", "three"}, []string{"", "x"}

func (b *busModel) step() {
	owner, name := pick(b.random, busOwners...), pick(b.random, busTopics...)
	if b.owners[owner] == nil {
		b.declare(owner)
		return
	}
	q := b.queues[owner+"/"+name]
	switch op := b.random.IntN(24); {
	case op < 9:
		b.publish()
	case q == nil:
		b.must(b.engine.Create(b.Context(), owner, name), "create")
		b.queues[owner+"/"+name] = &busQueue{owner: owner, topic: name}
	case op < 10:
		b.declare(owner)
	case op < 12:
		b.bind(q)
	case op < 14:
		b.limit(q)
	case op < 17:
		b.fetch(q)
	case op < 19:
		b.ack(q)
	case op < 21:
		b.fail(q)
	case op < 22:
		b.park(q)
	case op < 23:
		b.takeParked(q)
	default:
		b.remove(q)
	}
}

func (b *busModel) declare(owner string) {
	o := &busOwner{pick(b.random, "domain", "domain", "other"), pick(b.random, nil, nil, platform.Nothing(), platform.Matching("a.*"))}
	b.must(b.engine.Declare(b.Context(), owner, platform.Owner{Exchange: o.exchange, Listen: o.listen}), "declare")
	if b.owners[owner] == nil {
		b.queues[owner+"/"] = &busQueue{owner: owner, patterns: []string{"a.#"}}
	}
	b.owners[owner] = o
}

func (b *busModel) bind(q *busQueue) {
	pattern := pick(b.random, "#", "a.#", "a.b", "b")
	if slices.Contains(q.patterns, pattern) {
		b.must(b.engine.Unbind(b.Context(), q.owner, q.topic, pattern), "unbind")
		q.patterns = slices.DeleteFunc(q.patterns, func(p string) bool { return p == pattern })
		return
	}
	b.must(b.engine.Bind(b.Context(), q.owner, q.topic, pattern), "bind")
	q.patterns = append(q.patterns, pattern)
}

func (b *busModel) limit(q *busQueue) {
	q.limits = platform.QueueLimits{
		MaxMessages: b.random.IntN(5), MaxBytes: int64(pick(b.random, 0, 0, 40)),
		MaxAttempts: b.random.IntN(3),
		Overflow:    pick(b.random, platform.OverflowDefault, platform.OverflowDefault, platform.Refuse, platform.DropOldest, platform.DropNewest),
	}
	b.must(b.engine.SetLimits(b.Context(), q.owner, q.topic, q.limits), "limit")
}

// publish publishes some messages together.
func (b *busModel) publish() {
	exchange, publisher := pick(b.random, "domain", "domain", "other"), pick(b.random, append(busOwners, "stranger")...)
	var ms []*platform.Message
	for range 1 + b.random.IntN(5) {
		b.last++
		body := fmt.Appendf(nil, "%06d%s", b.last, strings.Repeat("x", b.random.IntN(20)))
		ms = append(ms, &platform.Message{Key: pick(b.random, "a.b", "a", "b", "a.b.c"), ClientID: publisher, Body: body})
	}
	routed, err := b.engine.Publish(b.Context(), exchange, ms...)
	for _, m := range ms {
		b.ids[m.Key+" "+string(m.Body)] = m.ID
	}
	var want []int
	full := false
	for _, m := range ms {
		n, ok := b.route(exchange, m)
		if full = !ok; full {
			break
		}
		want = append(want, n)
	}
	if !slices.Equal(routed, want) || full != errors.Is(err, platform.ErrQueueFull) || !full && err != nil {
		b.Errorf("published to %d queues, %v, want %d, refused: %v", routed, err, want, full)
	}
}

// route does what the engine should do with one message. ok is false if it is refused.
func (b *busModel) route(exchange string, m *platform.Message) (n int, ok bool) {
	var to []*busQueue
	for _, q := range b.queues {
		o := b.owners[q.owner]
		if o.exchange != exchange || !o.listen.Allows(m.Key) || !topic.MatchAny(q.patterns, m.Key) {
			continue
		}
		to = append(to, q)
		if q.refuses(m.ClientID) && !q.fits(b, m, 0) {
			return 0, false
		}
	}
	for _, q := range to {
		goes := 0
		for goes <= len(q.ready) && !q.fits(b, m, goes) {
			goes++
		}
		if goes > 0 && q.limits.Overflow == platform.DropNewest || goes > len(q.ready) {
			q.dropped++
			continue
		}
		q.dropped += uint64(goes)
		q.ready = append(q.ready[goes:], m.Key+" "+string(m.Body))
		n++
	}
	return n, true
}

func (q *busQueue) refuses(publisher string) bool {
	return q.limits.Overflow == platform.Refuse || q.limits.Overflow == platform.OverflowDefault && publisher == q.owner
}

// fits reports whether q has room for m without its first messages.
func (q *busQueue) fits(b *busModel, m *platform.Message, without int) bool {
	l := b.engine.config.LimitsOf(q.limits)
	left := platform.Usage{Messages: int64(len(q.ready) - without + len(q.held))}
	for _, text := range slices.Concat(q.ready[without:], q.held) {
		left.Bytes += int64(len(text) - 1)
	}
	return left.Messages < int64(l.MaxMessages) && m.Size() <= l.MaxBytes-left.Bytes
}

func (b *busModel) fetch(q *busQueue) {
	if q.consumer == nil {
		c, err := b.engine.Consume(b.Context(), q.owner, q.topic, "model")
		b.must(err, "consume")
		q.consumer = c
	}
	if len(q.ready) == 0 {
		return
	}
	n := min(len(q.ready), 1+b.random.IntN(3))
	leases, err := q.consumer.Fetch(b.Context(), n, math.MaxInt)
	b.must(err, "fetch")
	for i, l := range leases {
		if text := l.Message.Key + " " + string(l.Message.Body); text != q.ready[i] {
			b.Errorf("fetched %q, want %q", text, q.ready[i])
		} else if l.Attempt != q.attempts[text]+1 {
			b.Errorf("%q is attempt %d, and %d have failed", text, l.Attempt, q.attempts[text])
		}
		q.leases = append(q.leases, l.ID)
	}
	q.held = append(q.held, q.ready[:len(leases)]...)
	q.ready = q.ready[len(leases):]
}

// ack acknowledges everything, or closes the consumer.
func (b *busModel) ack(q *busQueue) {
	switch {
	case q.consumer == nil:
	case b.random.IntN(2) == 0:
		b.must(q.consumer.Ack(b.Context(), q.leases...), "ack")
		q.held, q.leases = nil, nil
	default:
		b.must(q.consumer.Close(), "close")
		q.back()
	}
}

// back puts what is held back into its places.
func (q *busQueue) back() {
	q.ready = append(q.ready, q.held...)
	slices.SortFunc(q.ready, compareBodies)
	q.held, q.leases, q.consumer = nil, nil, nil
}

func (b *busModel) remove(q *busQueue) {
	if b.random.IntN(8) == 0 {
		b.must(b.engine.Forget(b.Context(), q.owner), "forget")
		delete(b.owners, q.owner)
		maps.DeleteFunc(b.queues, func(_ string, other *busQueue) bool { return other.owner == q.owner })
		return
	}
	if q.topic == "" || b.random.IntN(2) == 0 {
		b.must(b.engine.Purge(b.Context(), q.owner, q.topic), "purge")
		q.ready = nil
		return
	}
	b.must(b.engine.Drop(b.Context(), q.owner, q.topic), "drop")
	delete(b.queues, q.owner+"/"+q.topic)
}

func (b *busModel) compare() {
	b.Helper()
	depths, err := b.engine.Depths(b.Context())
	b.must(err, "depths")
	if len(depths) != len(b.queues) {
		b.Errorf("there are %d queues, want %d", len(depths), len(b.queues))
	}
	for _, d := range depths {
		q := b.queues[d.Owner+"/"+d.Topic]
		if q == nil {
			b.Errorf("there is %s %q", d.Owner, d.Topic)
			continue
		}
		if l := b.engine.config.LimitsOf(q.limits); d.Limits != l || d.Dropped != q.dropped || d.Ready != len(q.ready) || d.Unacknowledged != len(q.held) || d.Parked != len(q.parked) || d.ParkedDropped != q.parkedDropped {
			b.Errorf("%s %q has %+v, want %d ready, %d held, %d dropped, %d parked, %d of these dropped, %+v",
				d.Owner, d.Topic, d.QueueStatus, len(q.ready), len(q.held), q.dropped, len(q.parked), q.parkedDropped, l)
		}
		b.contents(q)
	}
	b.engine.audit(b.T)
	b.engine.sum(b.T)
}

func (b *busModel) contents(q *busQueue) {
	b.Helper()
	found, err := b.engine.Peek(b.Context(), q.owner, q.topic, platform.MessageID{}, 100)
	b.must(err, "peek")
	var ready []string
	for _, p := range found {
		if !p.Held {
			ready = append(ready, p.Message.Key+" "+string(p.Message.Body))
		}
	}
	if !slices.Equal(ready, q.ready) {
		b.Errorf("%s %q has %q, want %q", q.owner, q.topic, ready, q.ready)
	}
	b.parked(q)
}

func (b *busModel) restart(c *Config, name string, killed bool) {
	b.Helper()
	if killed {
		dir := filepath.Join(filepath.Dir(c.Dir), name)
		b.must(os.CopyFS(dir, os.DirFS(c.Dir)), "copy")
		c.Dir = dir
	}
	before := b.engine.picture()
	b.must(b.engine.Close(), "close")
	b.engine = open(b.T, *c)
	if after := b.engine.picture(); !maps.Equal(before, after) {
		b.Errorf("before a restart (killed: %v):\n%v\nafter it:\n%v", killed, before, after)
	}
	for _, q := range b.queues {
		q.back()
	}
}

// compareBodies compares two messages by their bodies, which begin with a number.
func compareBodies(a, b string) int {
	_, a, _ = strings.Cut(a, " ")
	_, b, _ = strings.Cut(b, " ")
	return strings.Compare(a, b)
}
