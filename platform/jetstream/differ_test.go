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
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// The engine in memory and this one do the same operations, and the results are the
// same, errors included. In between this one is closed and opened, or a copy of its
// directory is opened as if the process had been killed.
//
// They may differ in this:
//
//   - Where several bounds are passed, the error may name any of them.
//   - Which of several queues makes room under a bound of an owner or of all, and how
//     much at once: see shed.
func TestBothEnginesDoTheSame(t *testing.T) {
	seeds, lives, steps := 8, 3, 90
	if text := os.Getenv("PRISM_DIFFER"); text != "" { // for a long run
		seeds, _ = strconv.Atoi(text)
		lives, steps = 4, 250
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			d := newDuel(t, seed)
			for life := range lives {
				for range steps {
					d.step()
				}
				d.restart(fmt.Sprint(life + 1))
			}
		})
	}
}

// A duel compares two engines.
type duel struct {
	*testing.T
	*rand.Rand
	config    Config
	memory    *memory.Queues
	engine    *Engine
	both      [2]platform.Queues
	bounded   bool // for an owner, or over all
	owners    map[string]platform.Owner
	consumers []*duelist
	ids       map[string][2]platform.MessageID // of the messages, by their bodies
	last      int
	log       []string
	dropped   map[string]uint64 // what the engine in memory has dropped less, by queue
	came      map[string]uint64 // what came before the other engine was started, by queue
}

// A duelist is a consumer of both engines.
type duelist struct {
	name, owner, topic string
	alone              bool
	of                 [2]platform.Consumer
	held               map[string][2]uint64 // the leases, by the bodies of the messages
}

func newDuel(t *testing.T, seed uint64) *duel {
	bounds := platform.QueueBounds{
		MaxMessages: 6, MaxBytes: 120, MaxTopics: 2, MaxBindings: 6, MaxFanOut: 4, MaxParked: 3, MaxParkedBytes: 60,
		Bindings: []platform.Binding{{Pattern: "a.#"}, {Pattern: "b.*", Topic: "t"}},
	}
	switch seed % 4 {
	case 1:
		bounds.MaxOwnerMessages, bounds.MaxOwnerBytes = 8, 150
	case 2:
		bounds.MaxTotalMessages = 15
	case 3:
		bounds.MaxOwnerBytes, bounds.MaxTotalBytes = 150, 300
	}
	random := rand.New(rand.NewPCG(seed, 2))
	d := &duel{
		T: t, Rand: random, memory: memory.New(bounds), bounded: seed%4 != 0,
		owners: make(map[string]platform.Owner), ids: make(map[string][2]platform.MessageID), dropped: make(map[string]uint64), came: make(map[string]uint64),
		config: Config{
			Dir: filepath.Join(t.TempDir(), "0"), SyncInterval: time.Minute, Patience: time.Minute, QueueBounds: bounds,
			CacheBytes: 1 + random.Int64N(2)*1000, cleanAbove: 1 + random.Int64N(2)*1000,
		},
	}
	d.use(open(t, d.config))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the last steps:\n%s", strings.Join(d.log[max(0, len(d.log)-25):], "\n"))
		}
	})
	return d
}

func (d *duel) use(e *Engine) { d.engine, d.both = e, [2]platform.Queues{d.memory, e} }

// same fails unless both errors are of one kind. It returns the first.
func (d *duel) same(errs [2]error) error {
	d.Helper()
	for _, kind := range []error{
		nil, platform.ErrQueueFull, platform.ErrUnknownTopic, platform.ErrTooManyTopics, platform.ErrTooManyBindings, platform.ErrFanOut,
		platform.ErrUnknownMessage, platform.ErrUnknownBinding, platform.ErrConsumerClosed, context.Canceled,
	} {
		if errors.Is(errs[0], kind) && errors.Is(errs[1], kind) {
			return errs[0]
		}
	}
	if bound(errs[0]) && bound(errs[1]) {
		return errs[0]
	}
	d.Fatalf("the errors are\n%v\n%v", errs[0], errs[1])
	return nil
}

func bound(err error) bool {
	return errors.Is(err, platform.ErrTooManyTopics) || errors.Is(err, platform.ErrTooManyBindings) || errors.Is(err, platform.ErrFanOut)
}

// do lets both engines do something that has no result.
func (d *duel) do(what string, f func(platform.Queues) error) error {
	d.Helper()
	d.note("%s", what)
	return d.same([2]error{f(d.both[0]), f(d.both[1])})
}

func (d *duel) note(format string, args ...any) { d.log = append(d.log, fmt.Sprintf(format, args...)) }

func (d *duel) step() {
	ctx := d.Context()
	owner, name := pick(d.Rand, "one", "two", "three"), pick(d.Rand, "", "", "t", "u", "v")
	at := fmt.Sprintf("%s %q", owner, name)
	pattern := pick(d.Rand, "#", "a.#", "*.b", "a.b", "a", "b.*", "@system.#", "@system.b", "#.b")
	switch op := d.IntN(44); {
	case op < 3:
		d.declare(owner)
	case op < 6:
		_ = d.do("bind "+at+" "+pattern, func(q platform.Queues) error { return q.Bind(ctx, owner, name, pattern) })
	case op < 8:
		_ = d.do("unbind "+at+" "+pattern, func(q platform.Queues) error { return q.Unbind(ctx, owner, name, pattern) })
	case op < 11:
		l := platform.QueueLimits{MaxMessages: pick(d.Rand, 0, 0, 1, 3, 9, -1), MaxBytes: pick[int64](d.Rand, 0, 0, 10, 100, -1)}
		l.MaxAttempts = pick(d.Rand, 0, 0, 1, 2, 3)
		l.Overflow = pick(d.Rand, "", "", "", platform.Refuse, platform.DropOldest, platform.DropNewest)
		_ = d.do(fmt.Sprintf("limit %s %+v", at, l), func(q platform.Queues) error { return q.SetLimits(ctx, owner, name, l) })
	case op < 12:
		_ = d.do("create "+at, func(q platform.Queues) error { return q.Create(ctx, owner, name) })
	case op < 14:
		d.read(owner, name)
	case op < 16:
		d.remove(owner, name)
	case op < 20:
		d.write(owner, name)
	case op < 32:
		d.consume(owner, name)
	case op < 35:
		d.park(owner, name)
	default:
		d.publish()
	}
	d.know(owner)
	d.compare()
}

// know notes that an owner that was only named is the zero [platform.Owner].
func (d *duel) know(owner string) {
	if _, known := d.owners[owner]; known {
		return
	}
	_, err := d.memory.Status(d.Context(), owner, "")
	_, err2 := d.engine.Status(d.Context(), owner, "")
	if d.same([2]error{err, err2}) == nil {
		d.owners[owner] = platform.Owner{}
	}
}

func (d *duel) declare(owner string) {
	o := platform.Owner{Exchange: pick(d.Rand, "here", "here", "here", "there")}
	o.Listen = pick(d.Rand, platform.Everything(), platform.Everything(), platform.Nothing(), platform.Matching("a.#", "@system.*"), platform.Matching("*", "b.#"))
	o.Bindings = pick(d.Rand, nil, []platform.Binding{}, []platform.Binding{{Pattern: "#"}, {Pattern: "a.b", Topic: "u"}, {Pattern: "a.*", Topic: "u"}})
	if d.do(fmt.Sprintf("declare %s %+v", owner, o), func(q platform.Queues) error { return q.Declare(d.Context(), owner, o) }) == nil {
		d.owners[owner] = o
	}
}

// message returns a new message once for each engine.
func (d *duel) message(by string) (ms [2]*platform.Message) {
	d.last++
	body := fmt.Sprint(d.last, strings.Repeat(" ", d.IntN(pick(d.Rand, 2, 30))))
	key := pick(d.Rand, "a", "a.b", "b.c", "b", "c.b", "@system.b", "@system", "")
	for i := range ms {
		ms[i] = &platform.Message{Key: key, Body: []byte(body), ClientID: by}
	}
	return ms
}

func (d *duel) publish() {
	exchange, by := pick(d.Rand, "here", "here", "here", "there", "", "nowhere"), pick(d.Rand, "one", "two", "three", "stranger", "")
	n := 1 + d.IntN(pick(d.Rand, 1, 4, 40))
	var ms [2][]*platform.Message
	for range n {
		m := d.message(by)
		ms[0], ms[1] = append(ms[0], m[0]), append(ms[1], m[1])
	}
	d.note("publish %d in %q by %q, from %q %q", n, exchange, by, ms[0][0].Key, ms[0][0].Body)
	before := d.picture()
	var routed [2][]int
	var errs [2]error
	for i, q := range d.both {
		n, err := q.Route(d.Context(), exchange, ms[i][0])
		d.must(err)
		routed[i], errs[i] = []int{n}, nil
	}
	d.equal("to how many queues a message would go", routed[0], routed[1])
	for i, q := range d.both {
		routed[i], errs[i] = q.Publish(d.Context(), exchange, ms[i]...)
	}
	for i := range n {
		d.ids[string(ms[0][i].Body)] = [2]platform.MessageID{ms[0][i].ID, ms[1][i].ID}
	}
	if !d.mayShed(before) {
		for i := range n {
			if ms[0][i].ID.IsZero() != ms[1][i].ID.IsZero() {
				d.Fatalf("message %d has the IDs %v and %v", i, ms[0][i].ID, ms[1][i].ID)
			}
		}
		d.equal("to how many queues messages went", routed[0], routed[1])
		_ = d.same(errs)
		return
	}
	for i := range d.both {
		refused := (*platform.Message)(nil)
		if errs[i] != nil {
			refused = ms[i][len(routed[i])]
		}
		d.shed(i, by, before[i], errs[i], refused, func(q *platform.QueueDepth) (goes, must bool) {
			o := d.owners[q.Owner]
			if o.Exchange != exchange || !o.Listen.Allows(refused.Key) || !topic.MatchAny(d.patterns(q.Owner, q.Topic), refused.Key) {
				return false, false
			}
			return true, q.Limits.Overflow == platform.Refuse || q.Limits.Overflow == "" && by == q.Owner
		})
	}
	d.level()
}

func (d *duel) write(owner, name string) {
	ms := d.message(pick(d.Rand, owner, owner, "stranger", ""))
	d.note("write %s %q %q by %q", owner, name, ms[0].Body, ms[0].ClientID)
	before := d.picture()
	var errs [2]error
	for i, q := range d.both {
		errs[i] = q.Write(d.Context(), owner, name, ms[i])
	}
	d.know(owner)
	if !d.mayShed(before) {
		_ = d.same(errs)
		return
	}
	for i := range d.both {
		d.shed(i, ms[i].ClientID, before[i], errs[i], ms[i], func(q *platform.QueueDepth) (goes, must bool) {
			goes = q.Owner == owner && q.Topic == name
			return goes, goes && (q.Limits.Overflow == platform.Refuse || q.Limits.Overflow == "")
		})
	}
	d.level()
}

func (d *duel) read(owner, name string) {
	n := d.IntN(5) - 1
	d.note("read %s %q %d", owner, name, n)
	var got [2][]string
	var errs [2]error
	for i, q := range d.both {
		var ms []*platform.Message
		ms, errs[i] = q.Read(d.Context(), owner, name, n)
		got[i] = bodiesOf(ms...)
	}
	_ = d.same(errs)
	d.equal("what was read", got[0], got[1])
}

func bodiesOf(ms ...*platform.Message) (bodies []string) {
	for _, m := range ms {
		bodies = append(bodies, string(m.Body))
	}
	return bodies
}

func (d *duel) remove(owner, name string) {
	at := fmt.Sprintf("%s %q", owner, name)
	switch d.IntN(8) {
	case 0:
		_ = d.do("forget "+owner, func(q platform.Queues) error { return q.Forget(d.Context(), owner) })
		delete(d.owners, owner)
		for _, counts := range []map[string]uint64{d.dropped, d.came} {
			maps.DeleteFunc(counts, func(q string, _ uint64) bool { return strings.HasPrefix(q, owner+" ") })
		}
		d.ended(func(c *duelist) bool { return c.owner == owner })
	case 1, 2, 3:
		_ = d.do("purge "+at, func(q platform.Queues) error { return q.Purge(d.Context(), owner, name) })
	default:
		if d.do("drop "+at, func(q platform.Queues) error { return q.Drop(d.Context(), owner, name) }) == nil && name != "" {
			delete(d.dropped, owner+" "+name)
			delete(d.came, owner+" "+name)
			d.ended(func(c *duelist) bool { return c.owner == owner && c.topic == name })
		}
	}
}

// ended expects that consumers have lost their queue.
func (d *duel) ended(which func(*duelist) bool) {
	d.consumers = slices.DeleteFunc(d.consumers, func(c *duelist) bool {
		if !which(c) {
			return false
		}
		for i := range c.of {
			if _, err := c.of[i].Fetch(d.Context(), 1, 1); !errors.Is(err, platform.ErrUnknownTopic) {
				d.Errorf("engine %d: a consumer of a queue that is gone: %v", i, err)
			}
			d.must(c.of[i].Ack(d.Context(), 1))
			d.must(c.of[i].Close())
		}
		return true
	})
}

// consume starts a consumer, or lets one do something.
func (d *duel) consume(owner, name string) {
	if len(d.consumers) < 5 && d.IntN(4) == 0 {
		d.last++
		c := &duelist{name: fmt.Sprint("consumer ", d.last), owner: owner, topic: name, held: make(map[string][2]uint64)}
		resume := d.IntN(3) == 0
		c.alone = !resume && d.IntN(3) == 0
		d.note("%s of %s %q, resumed: %v, alone: %v", c.name, owner, name, resume, c.alone)
		var errs [2]error
		for i, q := range d.both {
			begin := q.Consume
			if resume {
				begin = q.Resume
			}
			if c.alone {
				begin = q.ConsumeAlone
			}
			c.of[i], errs[i] = begin(d.Context(), owner, name, c.name)
		}
		if d.same(errs) == nil {
			d.consumers = append(d.consumers, c)
		}
		return
	}
	if len(d.consumers) > 0 {
		d.act(d.IntN(len(d.consumers)))
	}
}

func (d *duel) act(n int) {
	c := d.consumers[n]
	var bodies []string
	for _, body := range slices.Sorted(maps.Keys(c.held)) {
		if d.IntN(2) == 0 {
			bodies = append(bodies, body)
		}
	}
	op := d.IntN(10)
	d.note("%s of %s %q does %d with %q", c.name, c.owner, c.topic, op, bodies)
	ids := func(i int) (ids []uint64) {
		for _, body := range bodies {
			ids = append(ids, c.held[body][i])
		}
		return append(ids, 0, math.MaxUint64)
	}
	switch {
	case op < 4:
		d.fetch(c)
		return
	case op < 6:
		_ = d.same([2]error{c.of[0].Ack(d.Context(), ids(0)...), c.of[1].Ack(d.Context(), ids(1)...)})
	case op < 8:
		var gone [2][]uint64
		var errs [2]error
		for i, of := range c.of {
			gone[i], errs[i] = of.Fail(d.Context(), c.name+" has failed", ids(i)...)
		}
		_ = d.same(errs)
		d.failed(c, bodies, gone)
		return
	case op == 8:
		_ = d.same([2]error{c.of[0].Return(d.Context(), ids(0)...), c.of[1].Return(d.Context(), ids(1)...)})
	default:
		d.close(c)
		d.consumers = slices.Delete(d.consumers, n, n+1)
	}
	for _, body := range bodies {
		delete(c.held, body)
	}
}

func (d *duel) close(c *duelist) {
	_ = d.same([2]error{c.of[0].Close(), c.of[1].Close()})
	_, err := c.of[0].Fetch(d.Context(), 1, 1)
	_, err2 := c.of[1].Fetch(d.Context(), 1, 1)
	_ = d.same([2]error{err, err2})
}

// fetch does not wait: then it would matter when the message comes.
func (d *duel) fetch(c *duelist) {
	s, err := d.memory.Status(d.Context(), c.owner, c.topic)
	d.must(err)
	older := slices.IndexFunc(d.consumers, func(o *duelist) bool { return o.alone && o.owner == c.owner && o.topic == c.topic })
	if s.Ready == 0 || c.alone && d.consumers[older] != c {
		return
	}
	n, bytes := 1+d.IntN(4), pick(d.Rand, 0, 20, 50, math.MaxInt)
	var got [2][]string
	var leases [2][]platform.Lease
	for i, of := range c.of {
		leases[i], err = of.Fetch(d.Context(), n, bytes)
		d.must(err)
		for _, l := range leases[i] {
			got[i] = append(got[i], fmt.Sprint(string(l.Message.Body), l.Attempt))
		}
	}
	d.equal("what was fetched", got[0], got[1])
	for i := range leases[0] {
		c.held[string(leases[0][i].Message.Body)] = [2]uint64{leases[0][i].ID, leases[1][i].ID}
	}
}

func (d *duel) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

func (d *duel) equal(what string, a, b any) {
	d.Helper()
	if a, b := fmt.Sprintf("%+v", a), fmt.Sprintf("%+v", b); a != b {
		d.Fatalf("%s:\n%s\n%s", what, a, b)
	}
}

// depths returns the status of each queue of each engine, sorted. What was dropped is
// counted as if the engines had always dropped the same, and what came as if both were
// as old.
func (d *duel) depths() (all [2][]platform.QueueDepth) {
	d.Helper()
	for i, q := range d.both {
		depths, err := q.(platform.QueueDepths).Depths(d.Context())
		d.must(err)
		slices.SortFunc(depths, func(a, b platform.QueueDepth) int { return strings.Compare(a.Owner+" "+a.Topic, b.Owner+" "+b.Topic) })
		all[i] = depths
	}
	for i := range all[0] {
		q := &all[0][i]
		q.Dropped += d.dropped[q.Owner+" "+q.Topic]
		q.Published -= d.came[q.Owner+" "+q.Topic]
	}
	return all
}

func (d *duel) patterns(owner, name string) (patterns []string) {
	bindings, err := d.memory.Bindings(d.Context(), owner, name)
	d.must(err)
	for _, b := range bindings {
		patterns = append(patterns, b.Pattern)
	}
	return patterns
}

// A seen is a message as Peek shows it.
type seen struct{ key, body, by, holder string }

func (d *duel) peek(i int, owner, name string, after platform.MessageID, n int) (all []seen, err error) {
	found, err := d.both[i].Peek(d.Context(), owner, name, after, n)
	for _, p := range found {
		if p.Held == (p.Holder == "") || p.Held == p.Since.IsZero() {
			d.Fatalf("engine %d: Peek shows %+v", i, p)
		}
		if id := d.ids[string(p.Message.Body)][i]; !id.IsZero() && id != p.Message.ID {
			d.Fatalf("engine %d: a message has the ID %v, and had %v", i, p.Message.ID, id)
		}
		all = append(all, seen{p.Message.Key, string(p.Message.Body), p.Message.ClientID, p.Holder})
	}
	return all, err
}

// compare compares all queues.
func (d *duel) compare() {
	d.Helper()
	all := d.depths()
	d.equal("the queues", all[0], all[1])
	for _, q := range all[0] {
		var errs [2]error
		var found [2][]seen
		var after [2]platform.MessageID
		n := 100
		if len(d.ids) > 0 && d.IntN(4) == 0 {
			after, n = d.ids[pick(d.Rand, slices.Sorted(maps.Keys(d.ids))...)], d.IntN(6)-1
			if after[0].IsZero() != after[1].IsZero() { // one engine has dropped it at once
				after = [2]platform.MessageID{}
			}
		}
		var bindings [2][]platform.Binding
		var topics [2][]string
		for i, engine := range d.both {
			found[i], errs[i] = d.peek(i, q.Owner, q.Topic, after[i], n)
			var err error
			bindings[i], err = engine.Bindings(d.Context(), q.Owner, q.Topic)
			d.must(err)
			topics[i], err = engine.List(d.Context(), q.Owner)
			d.must(err)
		}
		d.same(errs)
		d.equal(fmt.Sprintf("what is in %s %q after %v", q.Owner, q.Topic, after), found[0], found[1])
		d.sameParked(q.Owner, q.Topic, after, n)
		d.equal("the bindings", bindings[0], bindings[1])
		d.equal("the topics", topics[0], topics[1])
	}
}

// A picture is a queue with all that is in it.
type picture struct {
	platform.QueueDepth
	messages []seen
}

// picture returns the queues of each engine, by their names.
func (d *duel) picture() (all [2]map[string]picture) {
	d.Helper()
	for i, depths := range d.depths() {
		all[i] = make(map[string]picture)
		for _, q := range depths {
			messages, err := d.peek(i, q.Owner, q.Topic, platform.MessageID{}, 100)
			d.must(err)
			all[i][q.Owner+" "+q.Topic] = picture{q, messages}
		}
	}
	return all
}

// used returns what q holds, and what of it may make room for others.
func (q picture) used() (used, free platform.Usage) {
	foreign := false
	for _, m := range q.messages {
		if m.holder == "" {
			free = free.Plus(platform.Usage{Messages: 1, Bytes: int64(len(m.key) + len(m.body))})
			foreign = foreign || m.by != q.Owner && m.by != ""
		}
	}
	if q.Limits.Overflow == platform.Refuse || q.Limits.Overflow == "" && !foreign {
		free = platform.Usage{}
	}
	return platform.Usage{Messages: int64(q.Ready + q.Unacknowledged), Bytes: q.Bytes}, free
}

// mayShed reports whether an operation may have made room under a bound of an owner or
// of all.
func (d *duel) mayShed(before [2]map[string]picture) bool {
	if !d.bounded {
		return false
	}
	for i, depths := range d.depths() {
		for _, q := range depths {
			if q.Dropped > before[i][q.Owner+" "+q.Topic].Dropped {
				return true
			}
		}
	}
	return false
}

// shed checks an operation of a publisher after which the engines may differ, as
// something was dropped while there was a bound of an owner or of all: only queues that
// may drop have lost messages, and these the oldest that were ready; no bound is passed
// that was not passed before, and a message was refused only where nothing could make
// room for it.
func (d *duel) shed(i int, by string, before map[string]picture, err error, refused *platform.Message, target func(*platform.QueueDepth) (goes, must bool)) {
	d.Helper()
	was, all, free, needs := make(map[string]platform.Usage), make(map[string]platform.Usage), make(map[string]platform.Usage), make(map[string]platform.Usage)
	add := func(sums map[string]platform.Usage, owner string, u platform.Usage) { // all together are ""
		sums[owner], sums[""] = sums[owner].Plus(u), sums[""].Plus(u)
	}
	full := false
	for name, q := range d.picture()[i] {
		d.lost(i, by, before[name], q)
		used, may := q.used()
		add(all, q.Owner, used.Plus(q.parked()))
		add(free, q.Owner, may)
		used, _ = before[name].used()
		add(was, q.Owner, used.Plus(before[name].parked()))
		if refused == nil {
			continue
		}
		if goes, must := target(&q.QueueDepth); goes && must {
			add(needs, q.Owner, platform.Usage{Messages: 1, Bytes: refused.Size()})
			used, _ = q.used()
			full = full || q.Limits.Check("", used, false, refused.Size()) != nil
		}
	}
	bounds := d.config.QueueBounds.WithDefaults()
	for owner, used := range all {
		check := bounds.CheckOwner
		if owner == "" {
			check = bounds.CheckTotal
		}
		if check(used, platform.Usage{}) != nil && (used.Messages > was[owner].Messages || used.Bytes > was[owner].Bytes) {
			d.Fatalf("engine %d: the queues of %q have %+v, and had %+v", i, owner, used, was[owner])
		}
		full = full || needs[owner].Messages > 0 && check(used.Minus(free[owner]), needs[owner]) != nil
	}
	switch {
	case err != nil && !errors.Is(err, platform.ErrQueueFull) && !errors.Is(err, platform.ErrTooManyTopics):
		d.Fatalf("engine %d: %v", i, err)
	case errors.Is(err, platform.ErrQueueFull) && !full:
		d.Fatalf("engine %d: %v, though of %+v there may go %+v", i, err, all, free)
	}
}

// lost checks what q has lost.
func (d *duel) lost(i int, by string, before, q picture) {
	d.Helper()
	var was, is []string
	for _, m := range before.messages {
		was = append(was, m.body)
	}
	for _, m := range q.messages {
		is = append(is, m.body)
	}
	lost, kept := 0, false
	for n, m := range before.messages {
		switch gone := !slices.Contains(is, m.body); {
		case gone && (m.holder != "" || kept):
			d.Fatalf("engine %d: %s %q has lost %q of %q", i, q.Owner, q.Topic, was[n], was)
		case gone:
			lost++
		case m.holder == "":
			kept = true
		}
	}
	if _, may := before.used(); lost > 0 && may == (platform.Usage{}) && (q.Limits.Overflow == platform.Refuse || by == q.Owner) {
		d.Fatalf("engine %d: %s %q, which may lose nothing, has %q of %q", i, q.Owner, q.Topic, is, was)
	}
}

// level makes the engines the same again.
func (d *duel) level() {
	for _, c := range d.consumers {
		d.close(c)
	}
	d.consumers = nil
	all := d.depths()
	if len(all[0]) != len(all[1]) {
		d.Fatalf("there are %d and %d queues", len(all[0]), len(all[1]))
	}
	for n, q := range all[0] {
		for _, engine := range d.both {
			d.must(engine.Purge(d.Context(), q.Owner, q.Topic))
		}
		d.dropped[q.Owner+" "+q.Topic] += all[1][n].Dropped - q.Dropped
	}
}

// restart opens the durable engine anew.
func (d *duel) restart(name string) {
	for _, c := range d.consumers {
		d.must(c.of[0].Close())
	}
	d.consumers = nil
	killed := d.IntN(2) == 0
	d.note("restart, killed: %v", killed)
	if killed {
		dir := filepath.Join(filepath.Dir(d.config.Dir), name)
		d.must(os.CopyFS(dir, os.DirFS(d.config.Dir)))
		d.config.Dir = dir
	}
	for _, q := range d.depths()[0] {
		d.came[q.Owner+" "+q.Topic] += q.Published
	}
	d.must(d.engine.Close())
	d.use(open(d.T, d.config))
	d.compare()
	d.engine.audit(d.T)
	d.engine.sum(d.T)
}
