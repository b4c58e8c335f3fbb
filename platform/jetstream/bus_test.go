package jetstream

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// writeLog makes a log of these records, as another version may have left it.
func writeLog(t testing.TB, c Config, records ...[]fact) {
	t.Helper()
	makeOldLog(t, c)
	c.Logger = quiet(t)
	c, err := c.withDefaults()
	must(t, err)
	e := newEngine(c)
	must(t, errors.Join(e.connect(), e.openJournal()))
	for i, facts := range records {
		_, err := e.journal.append(t.Context(), uint64(i), appendRecord(nil, mark{byte(i)}, facts))
		must(t, err)
	}
	must(t, e.shutDown())
}

// routes checks to how many queues a message goes.
func routes(t *testing.T, e *Engine, exchange, publisher, key string, want int) {
	t.Helper()
	n, err := e.Route(t.Context(), exchange, &platform.Message{ClientID: publisher, Key: key})
	if err != nil || n != want {
		t.Errorf("%s of %s in %q goes to %d queues, %v, want %d", key, publisher, exchange, n, err, want)
	}
}

func TestABindingOfBeforeIsOfItsOwnKeyUntilItIsBoundAnew(t *testing.T) {
	for name, c := range map[string]Config{"a directory": {Dir: t.TempDir(), cleanAbove: 1}, "servers": {URL: external(t), cleanAbove: 1}} {
		t.Run(name, func(t *testing.T) {
			writeLog(t, c,
				[]fact{{kind: factQueue, owner: "one"}, {kind: factBind, queue: 0, text: "#"}, {kind: factQueue, owner: "one", text: "orders"}, {kind: factBind, queue: 2, text: "order.#"}},
				[]fact{{kind: factQueue, owner: "two"}, {kind: factBind, queue: 0, text: "#"}},
				[]fact{{kind: factPut, queues: []uint64{numberOf(1, 0), numberOf(1, 2)}, message: &platform.Message{Key: "order.old", ClientID: "one"}}})
			e := open(t, c)
			ctx := t.Context()
			bound := func(owner, topic string, want ...platform.Binding) {
				t.Helper()
				if got, err := e.Bindings(ctx, owner, topic); err != nil || !slices.Equal(got, want) {
					t.Errorf("%s %q is bound to %v, %v, want %v", owner, topic, got, err, want)
				}
			}
			bound("one", "orders", platform.Binding{Pattern: "order.#", Topic: "orders", Own: true})
			for range 2 {
				routes(t, e, "", "one", "order.new", 2)
				routes(t, e, "", "two", "order.new", 1)
				routes(t, e, "", "three", "order.new", 0)
				must(t, e.Close())
				e = open(t, c)
			}
			for _, owner := range []string{"one", "two"} {
				must(t, e.Declare(ctx, owner, platform.Owner{Exchange: "domain"}))
			}
			routes(t, e, "domain", "two", "order.new", 1)
			must(t, e.Bind(ctx, "one", "orders", "order.#"))
			routes(t, e, "domain", "one", "order.new", 2)
			for range 2 {
				bound("one", "orders", platform.Binding{Pattern: "order.#", Topic: "orders"})
				bound("one", "", platform.Binding{Pattern: "#", Own: true})
				routes(t, e, "domain", "two", "order.new", 2)
				routes(t, e, "domain", "three", "order.new", 1)
				for i := range 50 { // something to clean
					must(t, e.Write(ctx, "two", "busy", &platform.Message{Body: fmt.Append(nil, i)}))
					must(t, e.Purge(ctx, "two", "busy"))
				}
				e.audit(t)
				must(t, e.Close())
				e = open(t, c)
			}
			must(t, e.Unbind(ctx, "one", "", "#"))
			routes(t, e, "domain", "one", "order.new", 1)
			if m, err := e.Read(ctx, "one", "orders", 9); err != nil || len(m) != 1 || m[0].Key != "order.old" {
				t.Errorf("the message of before: %v, %v", m, err)
			}
		})
	}
}

// What cleaning carries must mean the same wherever the log begins.
func TestTheFactsOfABusHoldWhereverTheLogBegins(t *testing.T) {
	const queue, other = 1 << indexBits, 3 << indexBits
	m := &platform.Message{Key: "order.new", ClientID: "publisher"}
	log := [][]fact{
		{{kind: factQueue, owner: "one"}, {kind: factOwner, owner: "one", text: "old"}},                                                                                                             // 1
		{{kind: factRoute, queue: queue, text: "order.#"}, {kind: factLimits, queue: queue, numbers: []uint64{1, 2}}},                                                                               // 2
		{{kind: factQueue, owner: "one", text: "gone"}, {kind: factRoute, queue: other, text: "#"}},                                                                                                 // 3
		{{kind: factOwner, owner: "one", text: "domain", listen: platform.Matching("order.new")}},                                                                                                   // 4
		{{kind: factPut, queues: []uint64{queue}, message: m}, {kind: factDropped, queues: []uint64{queue}, numbers: []uint64{7}}},                                                                  // 5
		{{kind: factPut, queues: []uint64{queue}, message: m}, {kind: factShed, queues: []uint64{queue}, numbers: []uint64{5 << indexBits}}},                                                        // 6
		{{kind: factDropped, queues: []uint64{queue, other}, numbers: []uint64{8, 1}}, {kind: factLimits, queue: queue, numbers: []uint64{5, 0}, text: "drop-oldest"}},                              // 7
		{{kind: factDrop, queue: other}, {kind: factRoute, queue: queue, text: "stock"}, {kind: factUnbind, queue: queue, text: "stock"}},                                                           // 8
		{{kind: factQueue, number: queue, owner: "one"}, {kind: factRoute, queue: queue, text: "order.#"}, {kind: factOwner, owner: "one", text: "domain", listen: platform.Matching("order.new")}}, // 9: carried
		{{kind: factMove, number: 6 << indexBits, queues: []uint64{queue}, message: m}},                                                                                                             // 10: carried
		{{kind: factLimits, queue: queue, numbers: []uint64{5, 0}, text: "drop-oldest"}, {kind: factDropped, queues: []uint64{queue}, numbers: []uint64{8}}},                                        // 11: carried
	}
	for from := range uint64(8) { // the ninth record is the first of those that have all that is live
		s := replayed(from+1, log...)
		s.loaded(true)
		q, o := s.queues[queue], s.owners["one"]
		if len(s.queues) != 1 || len(s.owners) != 1 || len(s.exchanges) != 1 || q.owner != o {
			t.Fatalf("from record %d: %d queues, %d owners, %d exchanges", from+1, len(s.queues), len(s.owners), len(s.exchanges))
		}
		if q.dropped != 8 || q.limits != (platform.QueueLimits{MaxMessages: 5, Overflow: platform.DropOldest}) || q.ready.len() != 1 || q.ready.foreign != 1 {
			t.Errorf("from record %d: dropped %d, limits %+v, %d messages, %d of others", from+1, q.dropped, q.limits, q.ready.len(), q.ready.foreign)
		}
		if o.bindings != 1 || o.exchange.bindings.Bound("#") != 1 || o.exchange.bindings.Bound("stock") != 0 ||
			len(s.route("domain", m)) != 1 || len(s.route("old", m)) != 0 || len(s.route("domain", &platform.Message{Key: "order.paid"})) != 0 {
			t.Errorf("from record %d: another exchange or permission: %d bindings, exchange %q", from+1, o.bindings, o.exchange.name)
		}
		for i := range s.records.length {
			if p := s.records.at(i); p.seq < 9 && p.live != 0 {
				t.Errorf("from record %d: of record %d there is %d left", from+1, p.seq, p.live)
			}
		}
	}
}

// A backup and a cleaned log have the declarations, limits and counts too.
func TestABackupKeepsOwnersLimitsAndCounts(t *testing.T) {
	c := Config{Dir: t.TempDir(), SyncInterval: time.Minute, cleanAbove: 1}
	e := open(t, c)
	ctx := t.Context()
	limits := platform.QueueLimits{MaxMessages: 2, MaxBytes: 1000, Overflow: platform.DropOldest}
	must(t, e.Declare(ctx, "erp", platform.Owner{Exchange: "domain", Listen: platform.Matching("order.#"), Bindings: []platform.Binding{{Pattern: "#"}, {Pattern: "order.new"}}}))
	must(t, e.Declare(ctx, "none", platform.Owner{Exchange: "domain", Listen: platform.Nothing()}))
	must(t, e.SetLimits(ctx, "erp", "", limits))
	for i := range 60 {
		_, err := e.Publish(ctx, "domain", &platform.Message{Key: "order.new", ClientID: "shop", Body: fmt.Append(nil, i)})
		must(t, err)
	}
	check := func(e *Engine) {
		t.Helper()
		s, err := e.Status(ctx, "erp", "")
		if err != nil || s != (platform.QueueStatus{Limits: limits, Dropped: 58, Ready: 2, Bytes: 22}) {
			t.Errorf("%+v, %v", s, err)
		}
		routes(t, e, "domain", "shop", "order.paid", 1)
		routes(t, e, "domain", "shop", "stock.low", 0)
		e.audit(t)
		e.sum(t)
	}
	check(e)
	var text bytes.Buffer
	must(t, e.Backup(ctx, &text))
	to := Config{Dir: filepath.Join(t.TempDir(), "restored")}
	must(t, Restore(ctx, to, &text))
	check(open(t, to))
	must(t, e.Close())
	check(open(t, c))
}

// The queues of a message are in its record, once each, whatever their number.
func TestAQueueCostsAFewBytesOfTheLog(t *testing.T) {
	e := open(t, Config{Dir: t.TempDir(), SyncInterval: time.Minute})
	ctx := t.Context()
	size := func() int64 {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.state.records.bytes
	}
	const n = 1000
	var sizes []int64
	for i := range n {
		must(t, e.Declare(ctx, fmt.Sprint("owner ", i), platform.Owner{Exchange: "domain"}))
		if i != 0 && i != n-1 {
			continue
		}
		before := size()
		routed, err := e.Publish(ctx, "domain", &platform.Message{Key: "order.new", ClientID: shop})
		if err != nil || routed[0] != i+1 {
			t.Fatal(routed, err)
		}
		sizes = append(sizes, size()-before)
	}
	if each := float64(sizes[1]-sizes[0]) / (n - 1); each > 40 {
		t.Errorf("a queue costs %.1f bytes", each)
	}
}

// crowd returns the state of an exchange with n queues, each full with one message.
func crowd(n int) *state {
	s := newState()
	put := fact{kind: factPut, message: &platform.Message{Key: "order.new", ClientID: "shop"}}
	for i := range n {
		seq := uint64(i + 1)
		facts := []fact{
			{kind: factOwner, owner: fmt.Sprint("owner ", i), text: "domain"}, {kind: factQueue, owner: fmt.Sprint("owner ", i)},
			{kind: factRoute, queue: 1, text: "order.new"}, {kind: factLimits, queue: numberOf(seq, 1), numbers: []uint64{1, 0}},
		}
		assignNumbers(seq, facts)
		s.apply(seq, 100, facts)
		put.queues = append(put.queues, numberOf(seq, 1))
	}
	s.loaded(true)
	facts := []fact{put}
	assignNumbers(uint64(n+1), facts)
	s.apply(uint64(n+1), 100, facts)
	return s
}

func draftOf(s *state, largest int) *draft {
	c := &Config{QueueBounds: platform.QueueBounds{}.WithDefaults()}
	return &draft{config: c, state: s, round: 1, after: s.applied, largest: largest, taken: make(map[uint64]int), made: make(map[string]bool)}
}

func TestAMessageForAsManyQueuesAsMayBeFitsIntoARecord(t *testing.T) {
	for _, largest := range []int{minPayload, 8 << 20} {
		n := min(2*fanOutBound(largest), 20_000)
		if n < 1000 {
			t.Fatalf("records of %d bytes are for %d queues", largest, n)
		}
		s := crowd(n)
		d := draftOf(s, largest)
		m := &platform.Message{Key: "order.new", ClientID: "shop", Body: make([]byte, 1<<20)}
		routed, err := d.put(s.route("domain", m), m.ClientID, m)
		d.finish()
		if err != nil || routed != n || len(d.losses) != n || len(d.dropping) != n {
			t.Fatalf("of %d queues %d got it, %d lost one: %v", n, routed, len(d.losses), err)
		}
		if size := len(appendRecord(nil, mark{}, d.facts)); size+reserve > largest {
			t.Errorf("the record has %d bytes of %d", size, largest)
		}
	}
}

// A consumer must not get what a record under way removes.
func TestWhatIsShedIsNotDeliveredMeanwhile(t *testing.T) {
	e := open(t, Config{Dir: t.TempDir(), SyncInterval: time.Minute, QueueBounds: platform.QueueBounds{MaxMessages: 3, Bindings: []platform.Binding{{Pattern: "#"}}}})
	write(t, e, "", "1", "2", "3")
	c := consume(t, e, "").(*consumer)
	o := &op{done: make(chan error, 1), run: func(d *draft) error {
		m := &platform.Message{ClientID: "other", Body: []byte("4")}
		_, err := d.put(d.state.route("", m), m.ClientID, m)
		return err
	}}
	d := e.compose([]*op{o}, nil)
	if o.err != nil || len(d.losses) != 1 {
		t.Fatalf("%d are shed: %v", len(d.losses), o.err)
	}
	items, err := c.leaseHere(9, 1000)
	if err != nil || len(items) != 2 {
		t.Fatalf("%d messages were leased meanwhile, want 2: %v", len(items), err)
	}
	if ready, err := c.readyOrWait(); ready || err != nil {
		t.Errorf("there is something to fetch: %v, %v", ready, err)
	}
	e.mu.Lock()
	e.discard(d)
	e.mu.Unlock()
	select {
	case <-c.wake:
	default:
		t.Error("no consumer was woken for what was not shed")
	}
	if items, err := c.leaseHere(9, 1000); err != nil || len(items) != 1 {
		t.Errorf("%d messages are left, want 1: %v", len(items), err)
	}
	e.sum(t)
}

// A queue of one message would otherwise need a record for each that comes.
func TestASmallQueueDoesNotSlowDownOthers(t *testing.T) {
	e := open(t, Config{Dir: t.TempDir(), SyncInterval: time.Minute})
	ctx := t.Context()
	for _, owner := range []string{"small", "large"} {
		must(t, e.Declare(ctx, owner, platform.Owner{Exchange: "domain"}))
	}
	must(t, e.SetLimits(ctx, "small", "", platform.QueueLimits{MaxMessages: 1}))
	const n = 1000
	var ms []*platform.Message
	for i := range n {
		ms = append(ms, &platform.Message{Key: "order.new", ClientID: shop, Body: fmt.Append(nil, i)})
	}
	before := e.known()
	routed, err := e.Publish(ctx, "domain", ms...)
	if err != nil || len(routed) != n || slices.Min(routed) != 2 {
		t.Fatalf("%d were stored, %v", len(routed), err)
	}
	if records := e.known() - before; records > 2 {
		t.Errorf("they took %d records", records)
	}
	for owner, want := range map[string]int{"small": 1, "large": n} {
		s, err := e.Status(ctx, owner, "")
		if err != nil || s.Ready != want || s.Dropped != uint64(n-want) {
			t.Errorf("%s: %+v, %v", owner, s, err)
		}
	}
	if m, err := e.Read(ctx, "small", "", 2); err != nil || len(m) != 1 || string(m[0].Body) != fmt.Sprint(n-1) {
		t.Errorf("the small queue has %d messages, %v", len(m), err)
	}
	e.audit(t)
	e.sum(t)
}

// A put beside a change of its queue in the same record is as if it came just before.
func TestAPutBesideADropLeavesNothing(t *testing.T) {
	for name, what := range map[string]kind{"drop": factDrop, "purge": factPurge} {
		for _, first := range []bool{true, false} {
			for _, loading := range []bool{true, false} {
				s := crowd(2)
				queue := s.owners["owner 0"].topics[""].id
				seq := s.applied + 1
				put := fact{kind: factPut, queues: []uint64{queue, s.owners["owner 1"].topics[""].id}, message: &platform.Message{ClientID: "shop"}}
				facts := []fact{put, {kind: what, queue: queue, number: numberOf(seq, 0)}}
				if !first {
					slices.Reverse(facts)
				}
				assignNumbers(seq, facts)
				s.loading = loading
				s.apply(seq, 100, facts)
				s.loaded(true)
				left := 0
				if q := s.queues[queue]; q != nil {
					left = q.ready.len()
				}
				if want := map[bool]int{true: 0, false: 1}[first || what == factDrop]; left != want {
					t.Errorf("%s, put first %v, loading %v: %d messages are left", name, first, loading, left)
				}
				if n := s.owners["owner 1"].topics[""].ready.len(); n != 2 {
					t.Errorf("%s: the other queue has %d messages", name, n)
				}
			}
		}
	}
}
