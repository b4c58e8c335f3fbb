package jetstream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/platform"
)

// Several owners do random operations at the same time, and each has a model of the
// result. In between the engine is closed, or a copy of its directory is opened as if
// the process had been killed.
func TestAnEngineDoesWhatItsModelSays(t *testing.T) {
	const seeds, epochs, steps = 3, 3, 120
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			c := Config{
				Dir: filepath.Join(t.TempDir(), "0"), SyncInterval: time.Minute, Patience: time.Minute,
				QueueBounds: platform.QueueBounds{
					MaxMessages: 8, MaxBytes: 150_000, MaxTopics: 3, MaxBindings: 5, MaxParked: 3,
					Bindings: []platform.Binding{{Pattern: "#"}, {Pattern: "a.*", Topic: "x"}},
				},
				CacheBytes: 1 + random.Int64N(2)*1000, cleanAbove: 1 + random.Int64N(2)*1000,
			}
			m := newModel(t, open(t, c), seed)
			for epoch := range epochs {
				m.run(t, steps)
				m.compare(t)
				m.restart(t, &c, fmt.Sprint(epoch+1), random.IntN(2) == 0)
				m.compare(t)
				if t.Failed() {
					t.FailNow()
				}
			}
			m.cleaned(t)
		})
	}
}

type model struct {
	engine *Engine
	owners []*modelOwner
}

func newModel(t *testing.T, e *Engine, seed uint64) *model {
	m := &model{engine: e}
	for i := range uint64(3) {
		o := &modelOwner{
			engine: e, name: fmt.Sprint("owner ", i), random: rand.New(rand.NewPCG(seed, i+1)), queues: firstQueues(),
		}
		o.declare(t)
		m.owners = append(m.owners, o)
	}
	return m
}

// declare puts the owner into an exchange of its own.
func (o *modelOwner) declare(t *testing.T) {
	o.expect(t, "declare", o.engine.Declare(t.Context(), o.name, platform.Owner{Exchange: o.name}), nil)
}

// firstQueues are those of an owner that is new.
func firstQueues() map[string]*modelQueue {
	return map[string]*modelQueue{"": {patterns: []string{"#"}}, "x": {patterns: []string{"a.*"}}}
}

func (m *model) run(t *testing.T, steps int) {
	var group sync.WaitGroup
	for _, o := range m.owners {
		group.Go(func() {
			for range steps {
				o.step(t)
			}
		})
	}
	group.Wait()
}

// restart opens the engine anew. What was held is ready then.
func (m *model) restart(t *testing.T, c *Config, name string, killed bool) {
	t.Helper()
	if killed {
		dir := filepath.Join(filepath.Dir(c.Dir), name)
		if err := os.CopyFS(dir, os.DirFS(c.Dir)); err != nil {
			t.Fatal(err)
		}
		c.Dir = dir
	}
	before := m.engine.picture()
	if err := m.engine.Close(); err != nil {
		t.Fatal(err)
	}
	m.engine = open(t, *c)
	if after := m.engine.picture(); !maps.Equal(before, after) {
		t.Errorf("before a restart (killed: %v):\n%v\nafter it:\n%v", killed, before, after)
	}
	for _, o := range m.owners {
		o.restarted(m.engine)
	}
}

// picture describes for each queue what of it must outlive the engine, and in which
// records that is.
func (e *Engine) picture() map[uint64]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make(map[uint64]string)
	for id, q := range e.state.queues {
		items := q.first(0, q.ready.len(), math.MaxInt)
		for _, h := range q.held {
			items = append(items, h.item)
		}
		slices.SortFunc(items, func(a, b item) int { return int(a.number) - int(b.number) })
		o := q.owner
		all[id] = fmt.Sprint(o.name, o.exchange.name, o.declared, o.listen, q.topic, q.made, q.patterns, items, q.bytes,
			q.limits, q.limited, q.dropped, q.lost, q.tried, q.parked.picture())
	}
	return all
}

// picture describes what is parked, in its order.
func (l *parkingLot) picture() string {
	var all []string
	if l == nil {
		l = &parkingLot{}
	}
	for _, p := range l.line {
		if !p.gone {
			all = append(all, fmt.Sprint(*p))
		}
	}
	return fmt.Sprint(all, l.bytes, l.dropped, l.lost)
}

func (m *model) compare(t *testing.T) {
	t.Helper()
	depths, err := m.engine.Depths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, want := make(map[string]platform.QueueStatus), make(map[string]platform.QueueStatus)
	for _, d := range depths {
		d.Limits = platform.QueueLimits{}
		got[d.Owner+"/"+d.Topic] = d.QueueStatus
	}
	for _, o := range m.owners {
		for topic, q := range o.queues {
			want[o.name+"/"+topic] = q.status()
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("depths\n%v, want\n%v", got, want)
	}
	m.engine.audit(t)
	m.engine.sum(t)
}

// sum adds up what the queues hold, and compares that with what was kept up.
func (e *Engine) sum(t *testing.T) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	all, owners := platform.Usage{}, make(map[*owner]platform.Usage)
	for _, q := range e.state.queues {
		has := platform.Usage{Messages: int64(q.ready.len() + len(q.held)), Bytes: q.bytes}.Plus(q.parked.sum(t))
		all = all.Plus(has)
		owners[q.owner] = owners[q.owner].Plus(has)
	}
	if e.state.used != all {
		t.Errorf("all queues hold %+v, which is counted as %+v", all, e.state.used)
	}
	for o, has := range owners {
		if o.used != has || o.drafted != (platform.Usage{}) {
			t.Errorf("the queues of %s hold %+v, which is counted as %+v and %+v", o.name, has, o.used, o.drafted)
		}
	}
}

// sum adds up what is parked.
func (l *parkingLot) sum(t *testing.T) (sum platform.Usage) {
	t.Helper()
	for _, p := range l.all() {
		sum = sum.Plus(platform.Usage{Messages: 1, Bytes: p.size()})
	}
	if sum != l.usage() {
		t.Errorf("%+v is parked, which is counted as %+v", sum, l.usage())
	}
	return sum
}

// cleaned checks that the head of the log was removed.
func (m *model) cleaned(t *testing.T) {
	t.Helper()
	s, err := m.engine.journal.js.Stream(t.Context(), m.engine.journal.stream)
	if err != nil {
		t.Fatal(err)
	}
	if s.CachedInfo().State.FirstSeq == 1 {
		t.Error("the log was never cleaned")
	}
}

// audit counts what lasts of each record, and compares that with what was kept
// up.
func (e *Engine) audit(t *testing.T) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	lasts := make(map[uint64]int64)
	for _, q := range e.state.queues {
		lasts[q.made] += overhead
		for _, b := range q.patterns {
			lasts[b.seq] += overhead
		}
		if q.limited > 0 {
			lasts[q.limited] += overhead
		}
		for _, m := range q.members {
			if m.joined > 0 {
				lasts[m.joined] += overhead
			}
		}
		if q.lost > 0 {
			lasts[q.lost] += lossWeight
		}
		for _, it := range q.first(0, q.ready.len(), math.MaxInt) {
			lasts[it.seq] += it.weight()
		}
		for _, h := range q.held {
			lasts[h.item.seq] += h.item.weight()
		}
		for _, p := range q.parked.all() {
			lasts[p.item.seq] += p.item.weight()
		}
		if q.parked != nil && q.parked.lost > 0 {
			lasts[q.parked.lost] += lossWeight
		}
		for n := range q.tried {
			if _, ok := q.locate(n); !ok {
				t.Errorf("attempts of message %d are counted, which is not there", n)
			}
		}
	}
	for _, o := range e.state.owners {
		if o.declared > 0 {
			lasts[o.declared] += overhead
		}
	}
	r := &e.state.records
	var bytes, live int64
	for i := range r.length {
		p := r.at(i)
		if p.live != lasts[p.seq] {
			t.Errorf("of record %d there is %d left, and not %d", p.seq, lasts[p.seq], p.live)
		}
		delete(lasts, p.seq)
		bytes, live = bytes+int64(p.bytes), live+p.share()
	}
	if len(lasts) > 0 || bytes != r.bytes || live != r.liveBytes {
		t.Errorf("records %v are forgotten; %d and %d bytes, counted as %d and %d", lasts, bytes, live, r.bytes, r.liveBytes)
	}
}

// A modelOwner is what one owner has. One goroutine works for it.
type modelOwner struct {
	engine *Engine
	name   string
	random *rand.Rand
	queues map[string]*modelQueue
	last   int // message
}

type modelQueue struct {
	patterns    []string
	ready       []modelMessage
	consumers   []*modelConsumer
	maxAttempts int
	parked      []modelMessage // the one that was parked first is in front
	dropped     uint64         // of them
}

// A modelMessage is one in a queue: there it has its place.
type modelMessage struct {
	place, size int
	text        string
	times       int    // that the body has text
	id          uint64 // of the last lease
	message     *platform.Message
	attempts    int
	reason      string // why it was parked, by a consumer
}

type modelConsumer struct {
	platform.Consumer
	held  []modelMessage
	stale []uint64 // leases that parking has ended
}

func (q *modelQueue) status() (s platform.QueueStatus) {
	s.Consumers, s.Ready = len(q.consumers), len(q.ready)
	for _, m := range q.ready {
		s.Bytes += int64(m.size)
	}
	for _, c := range q.consumers {
		s.Unacknowledged += len(c.held)
		for _, m := range c.held {
			s.Bytes += int64(m.size)
		}
	}
	s.Parked, s.ParkedDropped = len(q.parked), q.dropped
	for _, m := range q.parked {
		s.ParkedBytes += int64(m.size + len(m.reason) + len("test"))
	}
	return s
}

func (q *modelQueue) putBack(messages []modelMessage) {
	q.ready = append(q.ready, messages...)
	slices.SortFunc(q.ready, func(a, b modelMessage) int { return a.place - b.place })
}

func (q *modelQueue) full(c *Config, size int) bool {
	s := q.status()
	return s.Ready+s.Unacknowledged >= c.MaxMessages || s.Bytes+int64(size) > c.MaxBytes
}

func (o *modelOwner) restarted(e *Engine) {
	o.engine = e
	for _, q := range o.queues {
		for _, c := range q.consumers {
			q.putBack(c.held)
		}
		q.consumers = nil
	}
}

// expect reports an error that is not the wanted one.
func (o *modelOwner) expect(t *testing.T, what string, err, want error) {
	if !errors.Is(err, want) {
		t.Errorf("%s %s: %v, want %v", o.name, what, err, want)
	}
}

func (o *modelOwner) step(t *testing.T) {
	name := pick(o.random, "", "", "x", "x", "y", "z", "w")
	switch o.random.IntN(20) {
	case 0, 1, 2, 3:
		o.publish(t)
	case 4, 5:
		o.write(t, name)
	case 6:
		o.read(t, name)
	case 7:
		o.create(t, name)
	case 8:
		if o.random.IntN(2) == 0 {
			o.unbind(t, name)
			break
		}
		o.bind(t, name)
	case 9:
		if o.random.IntN(4) == 0 {
			o.forget(t)
			break
		}
		o.remove(t, name)
	case 10:
		o.consume(t, name)
	case 11:
		o.park(t, name)
	case 12:
		o.takeParked(t, name)
	case 13:
		o.limit(t, name)
	default:
		o.work(t, name)
	}
	s, err := o.engine.counts(t.Context(), o.name, name)
	if q := o.queues[name]; q != nil {
		if err != nil || s != q.status() {
			t.Errorf("%s %q has %+v, %v, want %+v", o.name, name, s, err, q.status())
		}
		o.peek(t, name, q)
		return
	}
	o.expect(t, "status "+name, err, platform.ErrUnknownTopic)
}

func (o *modelOwner) unbind(t *testing.T, name string) {
	pattern := pick(o.random, "#", "a.#", "a.*", "*", "b")
	var want error
	switch q := o.queues[name]; {
	case q == nil:
		want = platform.ErrUnknownTopic
	case !slices.Contains(q.patterns, pattern):
		want = platform.ErrUnknownBinding
	default:
		q.patterns = slices.DeleteFunc(q.patterns, func(p string) bool { return p == pattern })
	}
	o.expect(t, "unbind "+name, o.engine.Unbind(t.Context(), o.name, name, pattern), want)
}

func pick[T any](random *rand.Rand, all ...T) T { return all[random.IntN(len(all))] }

// message makes the next one, which has a size of its own.
func (o *modelOwner) message(key string) (*platform.Message, modelMessage) {
	o.last++
	text := fmt.Sprint(o.last, " ")
	n := 1 + o.random.IntN(pick(o.random, 5, 5000)) // so that one record cannot carry all
	body := strings.Repeat(text, n)
	message := &platform.Message{ClientID: o.name, Key: key, Body: []byte(body)}
	return message, modelMessage{place: o.last, size: len(key) + len(body), text: text, times: n, message: message}
}

// String is what a test shows of a message.
func (m modelMessage) String() string { return fmt.Sprint(m.times, " times ", m.text) }

func (o *modelOwner) publish(t *testing.T) {
	message, m := o.message(pick(o.random, "a.b", "a", "b", ""))
	var to []*modelQueue
	var want error
	for _, q := range o.queues {
		if !topic.MatchAny(q.patterns, message.Key) {
			continue
		}
		to = append(to, q)
		if q.full(&o.engine.config, m.size) {
			want = platform.ErrQueueFull
		}
	}
	o.expect(t, "publish", errorOf(o.engine.Publish(t.Context(), o.name, message)), want)
	for _, q := range to {
		if want == nil {
			q.ready = append(q.ready, m)
		}
	}
}

// obtain makes a queue if there is room for it.
func (o *modelOwner) obtain(name string) (*modelQueue, error) {
	if o.queues[name] == nil {
		if len(o.queues)-1 >= o.engine.config.MaxTopics {
			return nil, platform.ErrTooManyTopics
		}
		o.queues[name] = &modelQueue{}
	}
	return o.queues[name], nil
}

func (o *modelOwner) write(t *testing.T, name string) {
	message, m := o.message("k")
	q, want := o.obtain(name)
	if want == nil && q.full(&o.engine.config, m.size) {
		want = platform.ErrQueueFull
	}
	o.expect(t, "write "+name, o.engine.Write(t.Context(), o.name, name, message), want)
	if want == nil {
		q.ready = append(q.ready, m)
	}
}

func (o *modelOwner) read(t *testing.T, name string) {
	n := o.random.IntN(4)
	messages, err := o.engine.Read(t.Context(), o.name, name, n)
	q := o.queues[name]
	if q == nil {
		o.expect(t, "read "+name, err, platform.ErrUnknownTopic)
		return
	}
	o.expect(t, "read "+name, err, nil)
	o.same(t, messages, q.popN(n))
}

// fetchN removes the first n messages.
func (q *modelQueue) popN(n int) []modelMessage {
	n = min(n, len(q.ready))
	taken := slices.Clone(q.ready[:n])
	q.ready = slices.Delete(q.ready, 0, n)
	return taken
}

func (o *modelOwner) same(t *testing.T, got []*platform.Message, want []modelMessage) {
	if len(got) != len(want) {
		t.Errorf("%s got %d messages, want %v", o.name, len(got), want)
		return
	}
	for i, m := range got {
		if string(m.Body) != strings.Repeat(want[i].text, want[i].times) {
			t.Errorf("%s got %.20q… of %d bytes, want %v", o.name, m.Body, len(m.Body), want[i])
		}
	}
}

func (o *modelOwner) create(t *testing.T, name string) {
	_, want := o.obtain(name)
	o.expect(t, "create "+name, o.engine.Create(t.Context(), o.name, name), want)
	topics, err := o.engine.List(t.Context(), o.name)
	named := slices.DeleteFunc(slices.Sorted(maps.Keys(o.queues)), func(name string) bool { return name == "" })
	if err != nil || !slices.Equal(topics, named) {
		t.Errorf("%s has the topics %q, %v, want %q", o.name, topics, err, named)
	}
}

func (o *modelOwner) bind(t *testing.T, name string) {
	pattern := pick(o.random, "#", "a.#", "a.*", "*", "b")
	o.expect(t, "bind "+name, o.engine.Bind(t.Context(), o.name, name, pattern), o.bound(name, pattern))
}

func (o *modelOwner) bound(name, pattern string) error {
	bindings := 0
	for _, q := range o.queues {
		bindings += len(q.patterns)
	}
	if q := o.queues[name]; q != nil && slices.Contains(q.patterns, pattern) {
		return nil
	}
	if bindings >= o.engine.config.MaxBindings {
		return platform.ErrTooManyBindings
	}
	q, err := o.obtain(name)
	if err == nil {
		q.patterns = append(q.patterns, pattern)
	}
	return err
}

// remove drops or purges.
func (o *modelOwner) remove(t *testing.T, name string) {
	drop := o.random.IntN(2) == 0
	remove := o.engine.Purge
	if drop {
		remove = o.engine.Drop
	}
	q := o.queues[name]
	if q == nil {
		o.expect(t, "remove "+name, remove(t.Context(), o.name, name), platform.ErrUnknownTopic)
		return
	}
	o.expect(t, "remove "+name, remove(t.Context(), o.name, name), nil)
	q.ready = nil
	if !drop || name == "" {
		return
	}
	delete(o.queues, name)
	o.dropped(t, q)
}

// forget removes everything.
func (o *modelOwner) forget(t *testing.T) {
	o.expect(t, "forget", o.engine.Forget(t.Context(), o.name), nil)
	for _, q := range o.queues {
		o.dropped(t, q)
	}
	o.queues = firstQueues()
	o.declare(t)
}

// dropped checks the errors that consumers of a dropped queue get.
func (o *modelOwner) dropped(t *testing.T, q *modelQueue) {
	for _, c := range q.consumers {
		_, err := c.Fetch(t.Context(), 1, math.MaxInt)
		o.expect(t, "fetch of what was dropped", err, platform.ErrUnknownTopic)
		for _, m := range c.held {
			o.expect(t, "late ack", c.Ack(t.Context(), m.id), nil)
		}
		o.expect(t, "late close", c.Close(), nil)
	}
}

func (o *modelOwner) consume(t *testing.T, name string) {
	q, want := o.obtain(name)
	c, err := o.engine.Consume(t.Context(), o.name, name, "test")
	o.expect(t, "consume "+name, err, want)
	if err == nil && want == nil {
		q.consumers = append(q.consumers, &modelConsumer{Consumer: c})
	}
}

// work lets one of the consumers do something.
func (o *modelOwner) work(t *testing.T, name string) {
	q := o.queues[name]
	if q == nil || len(q.consumers) == 0 {
		return
	}
	i := o.random.IntN(len(q.consumers))
	c := q.consumers[i]
	switch o.random.IntN(10) {
	case 8:
		o.fail(t, q, c)
	case 0:
		o.expect(t, "close", c.Close(), nil)
		q.consumers = slices.Delete(q.consumers, i, i+1)
		q.putBack(c.held)
	case 1:
		some, ids := c.some(o.random)
		o.expect(t, "return", c.Return(t.Context(), ids...), nil)
		q.putBack(some)
	case 2, 3, 4:
		_, ids := c.some(o.random)
		o.expect(t, "ack", c.Ack(t.Context(), ids...), nil)
	default:
		o.fetch(t, q, c)
	}
}

// some takes a part of what c holds. The ids have some more, which are nothing
// to c.
func (c *modelConsumer) some(random *rand.Rand) (some []modelMessage, ids []uint64) {
	random.Shuffle(len(c.held), func(i, j int) { c.held[i], c.held[j] = c.held[j], c.held[i] })
	for _, id := range c.stale {
		if !slices.ContainsFunc(c.held, func(m modelMessage) bool { return m.id == id }) {
			ids = append(ids, id)
		}
	}
	n := random.IntN(len(c.held) + 1)
	some, c.held = c.held[:n:n], c.held[n:]
	for _, m := range some {
		ids = append(ids, m.id)
	}
	return some, append(ids, random.Uint64(), 0)
}

func (o *modelOwner) fetch(t *testing.T, q *modelQueue, c *modelConsumer) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	if len(q.ready) == 0 {
		time.AfterFunc(time.Millisecond, cancel)
	}
	defer cancel()
	want := q.popN(1 + o.random.IntN(4))
	leases, err := c.Fetch(ctx, max(1, len(want)), math.MaxInt)
	if len(want) == 0 {
		o.expect(t, "fetch of nothing", err, context.Canceled)
		return
	}
	o.expect(t, "fetch", err, nil)
	var got []*platform.Message
	for _, l := range leases {
		got = append(got, l.Message)
	}
	o.same(t, got, want)
	for i := range min(len(want), len(leases)) {
		want[i].id = leases[i].ID
		if leases[i].Attempt != want[i].attempts+1 {
			t.Errorf("%s got %v as attempt %d, and %d have failed", o.name, want[i], leases[i].Attempt, want[i].attempts)
		}
	}
	c.held = append(c.held, want...)
}
