package jetstream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// peek returns the texts of the messages behind one, with the names of their holders.
func peek(t testing.TB, e *Engine, topic string, after platform.MessageID, n int) (texts []string) {
	t.Helper()
	found, err := e.Peek(t.Context(), shop, topic, after, n)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found {
		if p.Held == p.Since.IsZero() {
			t.Errorf("%q is held: %v, since %v", p.Message.Body, p.Held, p.Since)
		}
		text := string(p.Message.Body)
		if p.Held {
			text += " " + p.Holder
		}
		texts = append(texts, text)
	}
	return texts
}

func consumeAs(t testing.TB, e *Engine, name, topic string) platform.Consumer {
	t.Helper()
	c, err := e.Consume(t.Context(), shop, topic, name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// both calls test with an engine that has its log to itself, and with two that share one.
func both(t *testing.T, c Config, test func(t *testing.T, one, other *Engine)) {
	t.Run("a directory", func(t *testing.T) {
		c := c
		c.Dir, c.SyncInterval = t.TempDir(), time.Minute
		e := open(t, c)
		test(t, e, e)
	})
	t.Run("servers", func(t *testing.T) {
		c := c
		c.URL = external(t)
		test(t, open(t, c), open(t, c))
	})
}

func TestPeekShowsTheQueueInOrderAndChangesNothing(t *testing.T) {
	both(t, Config{}, func(t *testing.T, one, other *Engine) {
		ids := published(t, one, "1", "2", "3", "4", "5")
		alice, bob := consumeAs(t, one, "alice", ""), consumeAs(t, other, "bob", "")
		leases, _ := fetchN(t, alice, 2)
		fetchN(t, bob, 1)
		if err := alice.Return(t.Context(), leases[0].ID); err != nil {
			t.Fatal(err)
		}
		before, err := one.Status(t.Context(), shop, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range []*Engine{one, other} {
			for range 2 {
				for _, tt := range []struct {
					after string
					n     int
					want  []string
				}{
					{"", 9, []string{"1", "2 alice", "3 bob", "4", "5"}},
					{"", 2, []string{"1", "2 alice"}},
					{"", 0, nil},
					{"1", 3, []string{"2 alice", "3 bob", "4"}},
					{"2", math.MaxInt, []string{"3 bob", "4", "5"}},
					{"5", 9, nil},
				} {
					if got := peek(t, e, "", ids[tt.after], tt.n); !slices.Equal(got, tt.want) {
						t.Errorf("%d behind %q are %q, want %q", tt.n, tt.after, got, tt.want)
					}
				}
			}
		}
		if after, err := other.Status(t.Context(), shop, ""); err != nil || after != before {
			t.Errorf("then the queue has %+v, %v; it had %+v", after, err, before)
		}
		if _, texts := fetchN(t, bob, 3); !slices.Equal(texts, []string{"1", "4", "5"}) {
			t.Errorf("then %q are fetched", texts)
		}
	})
}

func TestPeekGoesOnWhereAMessageWas(t *testing.T) {
	both(t, Config{}, func(t *testing.T, one, other *Engine) {
		ids := published(t, one, "1", "2", "3", "4")
		taker := consumeAs(t, one, "alice", "")
		leases, _ := fetchN(t, taker, 3)
		if err := taker.Ack(t.Context(), leases[0].ID, leases[2].ID); err != nil {
			t.Fatal(err)
		}
		for after, want := range map[string][]string{"1": {"2 alice", "4"}, "3": {"4"}} {
			if got := peek(t, other, "", ids[after], 9); !slices.Equal(got, want) {
				t.Errorf("behind %s there are %q, want %q", after, got, want)
			}
		}
	})
}

func TestPeekRefusesWhatIsNotThere(t *testing.T) {
	both(t, Config{}, func(t *testing.T, one, other *Engine) {
		id := published(t, one, "1")["1"]
		for name, unknown := range map[string]platform.MessageID{
			"of another log": {Log: id.Log + 1, Number: id.Number}, "of no message": {Log: id.Log, Number: 1},
			"of the future": {Log: id.Log, Number: id.Number + 1000*maxFacts}, "beyond all": {Log: id.Log, Number: math.MaxUint64},
		} {
			if found, err := other.Peek(t.Context(), shop, "", unknown, 1); !errors.Is(err, platform.ErrUnknownMessage) {
				t.Errorf("an ID %s: %v, %v", name, found, err)
			}
		}
		if found, err := other.Peek(t.Context(), shop, "nowhere", id, 1); !errors.Is(err, platform.ErrUnknownTopic) {
			t.Errorf("a topic that was never made: %v, %v", found, err)
		}
	})
}

func TestPeekPassesOverWhatIsTooOldToBeDelivered(t *testing.T) {
	e := open(t, Config{Dir: t.TempDir(), QueueBounds: platform.QueueBounds{MaxAge: time.Hour}})
	now := time.Now()
	for i, age := range []time.Duration{2, 0, 2, 2, 0, 0} {
		m := &platform.Message{Body: fmt.Append(nil, i), Time: now.Add(-age * time.Hour)}
		if err := e.Write(t.Context(), shop, "", m); err != nil {
			t.Fatal(err)
		}
	}
	if got := peek(t, e, "", platform.MessageID{}, 2); !slices.Equal(got, []string{"1", "4"}) {
		t.Errorf("got %q", got)
	}
}

// In a shared log the name is in the record of the joining, which cleaning carries.
func TestEveryEngineKnowsWhoHoldsAMessage(t *testing.T) {
	c := Config{URL: external(t), cleanAbove: 1, CacheBytes: 1}
	one, other := open(t, c), open(t, c)
	published(t, one, "1", "2")
	write(t, one, "busy", "x")
	began := time.Now()
	fetchN(t, consumeAs(t, one, "alice", ""), 1)
	resumed, err := one.Resume(t.Context(), shop, "", strings.Repeat("é", mostName))
	if err != nil {
		t.Fatal(err)
	}
	fetchN(t, resumed, 1)
	want := []string{"1 alice", "2 " + strings.Repeat("é", mostName/2)}
	for range 2 {
		for _, e := range []*Engine{one, other, open(t, c)} {
			if got := peek(t, e, "", platform.MessageID{}, 9); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		carryAll(t, other, "busy")
	}
	found, err := one.Peek(t.Context(), shop, "", platform.MessageID{}, 1)
	if err != nil || found[0].Since.Before(began) || found[0].Since.After(time.Now()) {
		t.Errorf("%+v, %v", found, err)
	}
}

// A queue may have millions of messages, and other queues wait while one is looked at.
func TestALookDoesNotTakeLongerInALongQueue(t *testing.T) {
	look := func(length int) time.Duration {
		q := newQueue(1)
		for i := range length {
			q.ready.insert(item{number: uint64(i) + 1})
		}
		begin := time.Now()
		for range 2000 {
			if seen := q.behind(uint64(length/2), 10); len(seen) != 10 || seen[0].item.number != uint64(length/2)+1 {
				t.Fatal(seen)
			}
		}
		return time.Since(begin)
	}
	short, long := look(1<<8), look(1<<20)
	if long > 200*short { // 4,096 times the length
		t.Errorf("%v in a long queue, %v in a short one", long, short)
	}
}

func TestALookFindsTheLowestNumbers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		q, m := newQueue(1), &member{name: "alice", held: make(map[uint64]struct{})}
		var all []uint64
		for number := range uint64(1 + random.IntN(100)) {
			switch it := (item{number: number + 1}); random.IntN(3) {
			case 0:
				q.hold(it, m)
			case 1:
				q.ready.insert(it)
			default:
				continue
			}
			all = append(all, number+1)
		}
		for _, n := range []int{0, 1, 2, 10, math.MaxInt} {
			after := uint64(random.IntN(100))
			want := slices.DeleteFunc(slices.Clone(all), func(number uint64) bool { return number <= after })
			want = want[:min(n, len(want))]
			var got []uint64
			for _, s := range q.behind(after, n) {
				got = append(got, s.item.number)
				if _, held := q.held[s.item.number]; s.held != held || held && s.holder != "alice" {
					t.Errorf("%+v", s)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%d behind %d of %d are %d, want %d", n, after, all, got, want)
			}
		}
	}
}

// peek looks at some messages of a queue, and then at those behind them.
func (o *modelOwner) peek(t *testing.T, name string, q *modelQueue) {
	want, held := slices.Clone(q.ready), make(map[int]bool)
	for _, c := range q.consumers {
		for _, m := range c.held {
			want, held[m.place] = append(want, m), true
		}
	}
	slices.SortFunc(want, func(a, b modelMessage) int { return a.place - b.place })
	var found []platform.Peeked
	var after platform.MessageID
	for _, n := range []int{o.random.IntN(4), math.MaxInt} {
		some, err := o.engine.Peek(t.Context(), o.name, name, after, n)
		o.expect(t, "peek "+name, err, nil)
		if found = append(found, some...); len(found) > 0 {
			after = found[len(found)-1].Message.ID
		}
	}
	var got []*platform.Message
	for i, p := range found {
		got = append(got, p.Message)
		if i < len(want) && p.Held != held[want[i].place] {
			t.Errorf("%s %q shows %v held: %v", o.name, name, want[i], p.Held)
		}
	}
	o.same(t, got, want)
}

// A ledger has what is certain of the messages while many goroutines work. Its times are
// the values of one counter.
type ledger struct {
	clock atomic.Int64
	mu    sync.Mutex
	notes map[string]note
}

type note struct {
	id                 platform.MessageID
	stored             int64  // by then
	ackBegan, acked    int64  // not before; by then
	holder             string // the last one
	held, releaseBegan int64  // by then; not before
}

func (l *ledger) change(text string, change func(n *note, now int64)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.notes[text]
	change(&n, l.clock.Add(1))
	l.notes[text] = n
}

// check compares what a peek from the head of the queue has found with what is certain.
func (l *ledger) check(t *testing.T, begin int64, found []platform.Peeked) {
	l.mu.Lock()
	defer l.mu.Unlock()
	end := l.clock.Add(1)
	shown := make(map[string]platform.Peeked)
	for i, p := range found {
		text := string(p.Message.Body)
		shown[text] = p
		n := l.notes[text]
		if i > 0 && p.Message.ID.Number <= found[i-1].Message.ID.Number {
			t.Errorf("%v is shown behind %v", p.Message.ID, found[i-1].Message.ID)
		}
		if n.stored > 0 && p.Message.ID != n.id {
			t.Errorf("%s is shown with the ID %v, and was stored with %v", text, p.Message.ID, n.id)
		}
		if n.acked > 0 && n.acked < begin {
			t.Errorf("%s is shown after it was acknowledged", text)
		}
		if p.Held && p.Holder == "" {
			t.Errorf("%s is held by nobody", text)
		}
	}
	for text, n := range l.notes {
		p, ok := shown[text]
		if n.stored > 0 && n.stored < begin && (n.ackBegan == 0 || n.ackBegan > end) && !ok {
			t.Errorf("%s is not shown: %+v, %d to %d", text, n, begin, end)
		}
		if n.held > 0 && n.held < begin && n.releaseBegan == 0 && ok && (!p.Held || p.Holder != n.holder) {
			t.Errorf("%s is shown as held by %q, and %q holds it", text, p.Holder, n.holder)
		}
	}
}

func TestPeekShowsTheTruthWhileEverythingMoves(t *testing.T) {
	both(t, Config{cleanAbove: 1, CacheBytes: 1000}, func(t *testing.T, one, other *Engine) {
		l := &ledger{notes: make(map[string]note)}
		const publishers, consumers, messages = 3, 3, 150
		if err := one.Create(t.Context(), shop, "copy"); err != nil {
			t.Fatal(err)
		}
		var publishing, working sync.WaitGroup
		for p := range publishers {
			publishing.Go(func() {
				for i := range messages {
					text := fmt.Sprintf("%d/%d", p, i)
					m := &platform.Message{Key: "order.new", ClientID: shop, Body: []byte(text)}
					if _, err := one.Publish(t.Context(), "", m); err != nil {
						t.Error(err)
						return
					}
					l.change(text, func(n *note, now int64) { n.id, n.stored = m.ID, now })
				}
			})
		}
		ctx, stop := context.WithCancel(t.Context())
		for i := range consumers {
			working.Go(func() {
				e := []*Engine{one, other}[i%2]
				random := rand.New(rand.NewPCG(uint64(i), 0))
				for life := 0; ctx.Err() == nil; life++ {
					l.live(t, ctx, e, fmt.Sprintf("consumer %d.%d", i, life), random)
				}
			})
		}
		for i := range 2 {
			working.Go(func() {
				e := []*Engine{one, other}[i%2]
				for ctx.Err() == nil {
					begin := l.clock.Add(1)
					found, err := e.Peek(t.Context(), shop, "", platform.MessageID{}, math.MaxInt)
					if err != nil {
						t.Error(err)
						return
					}
					l.check(t, begin, found)
				}
			})
		}
		publishing.Wait()
		stop()
		working.Wait()
		l.atRest(t, other)
	})
}

// live lets a consumer work until it has done some things.
func (l *ledger) live(t *testing.T, ctx context.Context, e *Engine, name string, random *rand.Rand) {
	c := consumeAs(t, e, name, "")
	var held []platform.Lease
	release := func(n int, ack bool, how func(ctx context.Context, ids ...uint64) error) {
		random.Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
		some := held[:n:n]
		held = held[n:]
		for _, lease := range some {
			l.change(string(lease.Message.Body), func(n *note, now int64) {
				if n.releaseBegan = now; ack {
					n.ackBegan = now
				}
			})
		}
		if err := how(t.Context(), ids(some)...); err != nil {
			t.Error(err)
		}
		for _, lease := range some {
			l.change(string(lease.Message.Body), func(n *note, now int64) {
				if ack {
					n.acked = now
				}
			})
		}
	}
	for range 8 {
		if ctx.Err() != nil {
			break
		}
		some, err := c.Fetch(ctx, 1+random.IntN(8), math.MaxInt)
		if err != nil && ctx.Err() == nil {
			t.Error(err)
		}
		for _, lease := range some {
			l.change(string(lease.Message.Body), func(n *note, now int64) { n.holder, n.held, n.releaseBegan = name, now, 0 })
		}
		held = append(held, some...)
		if n := random.IntN(len(held) + 1); random.IntN(3) == 0 {
			release(n, false, c.Return)
		} else {
			release(n, true, c.Ack)
		}
	}
	release(len(held), false, func(context.Context, ...uint64) error { return c.Close() })
}

// atRest checks that peeks from message to message show exactly what is left.
func (l *ledger) atRest(t *testing.T, e *Engine) {
	want := make(map[platform.MessageID]string)
	for text, n := range l.notes {
		if n.acked == 0 {
			want[n.id] = text
		}
	}
	var after platform.MessageID
	for {
		found, err := e.Peek(t.Context(), shop, "", after, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range found {
			if text, ok := want[p.Message.ID]; !ok || text != string(p.Message.Body) || p.Held || p.Message.ID.Number <= after.Number {
				t.Errorf("%v is %q, held: %v; want %q", p.Message.ID, p.Message.Body, p.Held, text)
			}
			delete(want, p.Message.ID)
			after = p.Message.ID
		}
		if len(found) < 7 {
			break
		}
	}
	if len(want) > 0 {
		t.Errorf("%d are not shown", len(want))
	}
}
