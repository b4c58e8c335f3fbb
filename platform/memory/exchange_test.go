package memory

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
)

// Owners move between exchanges, are forgotten and begin anew while others publish,
// consume and look. Nothing may wait for ever, and in the end nothing may be left.
func TestOwnersMoveAndGoWhileOthersPublish(t *testing.T) {
	ctx := t.Context()
	q := New(Config{MaxMessages: 50, MaxTotalMessages: 120, MaxOwnerMessages: 90})
	name := func(i int) string { return fmt.Sprint("owner", i%4) }
	exchange := func(i int) string { return fmt.Sprint("exchange", i%3) }
	work := map[string]func(r *rand.Rand) error{
		"declare": func(r *rand.Rand) error {
			return q.Declare(ctx, name(r.Int()), platform.Owner{Exchange: exchange(r.Int()), Bindings: []platform.Binding{{Pattern: "#"}}})
		},
		"publish": func(r *rand.Rand) error {
			_, err := q.Publish(ctx, exchange(r.Int()), &platform.Message{Key: "a", ClientID: name(r.Int())}, &platform.Message{Key: "b", ClientID: "nobody"})
			return err
		},
		"write": func(r *rand.Rand) error {
			return q.Write(ctx, name(r.Int()), "t", &platform.Message{Body: []byte("x")})
		},
		"bind": func(r *rand.Rand) error { return q.Bind(ctx, name(r.Int()), "t", exchange(r.Int())) },
		"look": func(r *rand.Rand) error {
			_, err := q.Peek(ctx, name(r.Int()), "", platform.MessageID{}, 10)
			_, err2 := q.Depths(ctx)
			return errors.Join(err, err2)
		},
		"limit": func(r *rand.Rand) error {
			overflow := []platform.Overflow{"", platform.DropOldest, platform.Refuse}[r.IntN(3)]
			return q.SetLimits(ctx, name(r.Int()), "", platform.QueueLimits{Overflow: overflow})
		},
		"forget": func(r *rand.Rand) error {
			if r.IntN(20) > 0 {
				return nil
			}
			return q.Forget(ctx, name(r.Int()))
		},
		"consume": func(r *rand.Rand) error {
			c, err := q.Consume(ctx, name(r.Int()), "", "")
			if err != nil {
				return err
			}
			defer c.Close()
			wait, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			leases, err := c.Fetch(wait, 5, math.MaxInt)
			for _, l := range leases {
				err = errors.Join(err, c.Ack(ctx, l.ID))
			}
			return err
		},
	}
	var wg sync.WaitGroup
	for doing, do := range work {
		for i := range uint64(2) {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(i, 0))
				for range 400 {
					if err := do(r); err != nil && !errors.Is(err, platform.ErrQueueFull) && !errors.Is(err, platform.ErrUnknownTopic) && !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%s: %v", doing, err)
					}
				}
			})
		}
	}
	wg.Wait()
	all, err := q.Depths(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var sum platform.Usage
	for _, d := range all {
		sum = sum.Plus(platform.Usage{Messages: int64(d.Ready + d.Unacknowledged), Bytes: d.Bytes})
	}
	if total := q.total.now(); total != sum {
		t.Errorf("%+v are counted, and there are %+v", total, sum)
	}
	for i := range 4 {
		if err := q.Forget(ctx, name(i)); err != nil {
			t.Error(err)
		}
	}
	if total := q.total.now(); total != (platform.Usage{}) || q.giving.Load() != 0 || len(q.exchanges) > 0 || len(q.owners) > 0 {
		t.Errorf("%+v, %d givers, %d exchanges and %d owners are left", total, q.giving.Load(), len(q.exchanges), len(q.owners))
	}
}

func TestAnOwnerThatMovesTakesItsWaitingConsumerAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueues(t, Config{})
		log := waiters(t, t.Context(), q, 1)
		if err := q.Declare(t.Context(), shop, platform.Owner{Exchange: "elsewhere"}); err != nil {
			t.Fatal(err)
		}
		for _, exchange := range []string{domain, "elsewhere"} {
			expect(t, log())
			if _, err := q.Publish(t.Context(), exchange, &platform.Message{Key: "x"}); err != nil {
				t.Fatal(err)
			}
		}
		expect(t, log(), "consumer 0: 1 <nil>")
	})
}

// What an exchange has noted of an owner for one of its messages says nothing in another
// exchange, which counts its own.
func TestAnOwnerThatMovesLeavesWhatTheExchangeKnewOfIt(t *testing.T) {
	ctx := t.Context()
	q := New(Config{MaxOwnerMessages: 1})
	as := platform.Owner{Exchange: "here", Listen: platform.Matching("order.#"), Bindings: []platform.Binding{{Pattern: "#"}}}
	for _, exchange := range []string{"here", "there"} {
		as.Exchange = exchange
		if err := q.Declare(ctx, shop, as); err != nil {
			t.Fatal(err)
		}
		if n, err := q.Publish(ctx, exchange, &platform.Message{Key: "order.new", ClientID: shop}); err != nil || n[0] != 1 {
			t.Errorf("an owner without messages got %d, %v %s", n, err, exchange)
		}
		if err := q.Purge(ctx, shop, ""); err != nil {
			t.Fatal(err)
		}
	}
	as.Exchange, as.Listen = "elsewhere", platform.Matching("stock.#")
	if err := q.Declare(ctx, shop, as); err != nil {
		t.Fatal(err)
	}
	if n, err := q.Publish(ctx, "elsewhere", &platform.Message{Key: "order.new"}); err != nil || n[0] != 0 {
		t.Errorf("an owner that may no longer listen to it got %d, %v", n, err)
	}
}

// A method that meets an unknown owner makes it, but not in place of one that is declared
// at the same moment.
func TestAnOwnerThatIsDeclaredWhileItIsUsedStaysDeclared(t *testing.T) {
	q := New(Config{})
	for i := range 2000 {
		name := fmt.Sprint(i)
		var both sync.WaitGroup
		both.Go(func() {
			if err := q.Create(t.Context(), name, "t"); err != nil {
				t.Error(err)
			}
		})
		declare(t, q, name, "#")
		both.Wait()
		if q.find(name).exchange.Load().name != domain {
			t.Fatalf("owner %d is in no exchange", i)
		}
	}
}

// Two hundred messages make room for the other key's at a time: room is not
// looked for with each.
func TestRoomIsMadeForManyAtOnce(t *testing.T) {
	const bound = 6400
	q := New(Config{MaxMessages: -1, MaxOwnerMessages: -1, MaxTotalMessages: bound})
	declare(t, q, shop, "#")
	for range bound {
		if _, err := q.Publish(t.Context(), domain, &platform.Message{Key: "x", ClientID: "another"}); err != nil {
			t.Fatal(err)
		}
	}
	declare(t, q, "other")
	if err := q.Write(t.Context(), "other", "", &platform.Message{}); err != nil {
		t.Fatal(err)
	}
	if s, _ := q.Status(t.Context(), shop, ""); s.Dropped != bound/32 {
		t.Errorf("%d messages made room, want %d", s.Dropped, bound/32)
	}
}

// One that nobody reads has the room of all; what the others get does not suffer.
func TestAQueueThatNobodyReadsDoesNotTakeTheRoomOfOthers(t *testing.T) {
	for _, bounds := range []Config{{MaxMessages: -1, MaxTotalMessages: 100}, {MaxMessages: -1, MaxTotalBytes: 1000}} {
		q := New(bounds)
		for _, name := range []string{"dead", "alive"} {
			declare(t, q, name, "#")
		}
		c, err := q.Consume(t.Context(), "alive", "", "")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 1000 {
			if n, err := q.Publish(t.Context(), domain, &platform.Message{Key: "x", Body: []byte("nine left"), ClientID: shop}); err != nil || n[0] != 2 {
				t.Fatalf("message %d went to %d queues, %v", i, n, err)
			}
			if i%10 == 9 {
				ack(t, c, fetch(t, c, 10)...)
			}
		}
		if s, _ := q.Status(t.Context(), "alive", ""); s.Dropped != 0 {
			t.Errorf("%+v: the queue that is read has dropped %d", bounds, s.Dropped)
		}
		if s, _ := q.Status(t.Context(), "dead", ""); s.Ready+int(s.Dropped) != 1000 || s.Ready < 80 {
			t.Errorf("%+v: the other has %d messages, and has dropped %d", bounds, s.Ready, s.Dropped)
		}
	}
}

func TestOnlyAQueueWithMessagesOfOtherKeysSheds(t *testing.T) {
	for _, bounds := range []Config{{MaxTotalMessages: 4}, {MaxOwnerMessages: 4}} {
		q := newQueues(t, bounds)
		for _, by := range []string{shop, "another", "another", shop} {
			if _, err := q.Publish(t.Context(), domain, &platform.Message{Key: "x", ClientID: by}); err != nil {
				t.Fatal(err)
			}
		}
		c := consume(t, q, "")
		held := fetch(t, c, 3) // returned with Close, in front of the one that is left
		if err := q.Write(t.Context(), shop, "t", &platform.Message{ClientID: shop}); !errors.Is(err, platform.ErrQueueFull) {
			t.Errorf("%+v: with nothing to shed: %v", bounds, err)
		}
		ack(t, c, held[1])
		c.Close()
		for i := range 4 { // takes what is free, the first and the other's
			if err := q.Write(t.Context(), shop, "t", &platform.Message{ClientID: shop}); (err == nil) != (i < 3) {
				t.Errorf("%+v: message %d: %v", bounds, i, err)
			}
		}
		if left, err := q.Read(t.Context(), shop, "", 9); err != nil || len(left) != 1 || left[0].ClientID != shop {
			t.Errorf("%+v: %v are left, %v", bounds, left, err)
		}
	}
}

func TestAQueueThatDropsForEverDoesNotGrow(t *testing.T) {
	q := New(Config{MaxMessages: 1000, OnDrop: func(string, string, uint64) {}})
	declare(t, q, shop, "#")
	publish := func(n int) {
		for range n {
			if _, err := q.Publish(t.Context(), domain, &platform.Message{Key: "x", Body: make([]byte, 8)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	publish(10_000)
	before := inUse()
	publish(300_000)
	if grown := inUse() - before; grown > 256<<10 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	runtime.KeepAlive(q)
}

func TestOnDropIsCalledOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		q := New(Config{MaxMessages: 1, OnDrop: func(owner, topic string, dropped uint64) {
			told = append(told, fmt.Sprintf("%s %q %d", owner, topic, dropped))
		}})
		declare(t, q, shop, "#")
		for range 7 { // of which the first drops nothing, and the last comes after a minute
			if _, err := q.Publish(t.Context(), domain, &platform.Message{Key: "x"}, &platform.Message{Key: "x"}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(11 * time.Second)
		}
		expect(t, told, `buwb2lii "" 1`, `buwb2lii "" 13`)
	})
}

func TestTooManyQueuesForOneKeyAreRefusedWhereverTheyComeFrom(t *testing.T) {
	ctx := t.Context()
	q := New(Config{MaxFanOut: 2})
	is := func(patterns ...string) platform.Owner {
		o := platform.Owner{Exchange: domain, Bindings: []platform.Binding{}}
		for i, p := range patterns {
			o.Bindings = append(o.Bindings, platform.Binding{Pattern: p, Topic: fmt.Sprint(i)})
		}
		return o
	}
	refused := func(err error, doing string) {
		t.Helper()
		if !errors.Is(err, platform.ErrFanOut) {
			t.Errorf("%s: %v", doing, err)
		}
	}
	refused(q.Declare(ctx, "a", is("order.new", "order.new", "order.new")), "a new owner with three queues")
	refused(q.Declare(ctx, "a", is("a.*", "#", "*")), "a new owner with three queues of any wildcards")
	if len(q.owners) > 0 || len(q.exchanges) > 0 {
		t.Errorf("%d owners and %d exchanges are there", len(q.owners), len(q.exchanges))
	}
	if err := q.Declare(ctx, "a", is("order.new", "order.new", "#", "*")); err != nil {
		t.Fatal(err)
	}
	refused(q.Declare(ctx, "b", is("order.new")), "another owner")
	refused(q.Bind(ctx, "a", "new", "order.new"), "a binding")
	if _, err := q.Status(ctx, "a", "new"); !errors.Is(err, platform.ErrUnknownTopic) {
		t.Errorf("a refused binding has made a topic: %v", err)
	}
	elsewhere := is("order.new")
	elsewhere.Exchange = "elsewhere"
	if err := errors.Join(q.Declare(ctx, "b", elsewhere), q.Bind(ctx, "a", "2", "a.#"), q.Bind(ctx, "a", "0", "order.paid")); err != nil {
		t.Errorf("what is allowed: %v", err)
	}
	refused(q.Declare(ctx, "b", is()), "an owner that comes from another exchange")
	if n, err := q.Route(ctx, "elsewhere", &platform.Message{Key: "order.new"}); n != 1 || err != nil {
		t.Errorf("it is no longer where it was: %d, %v", n, err)
	}
	if err := errors.Join(q.Unbind(ctx, "a", "0", "order.new"), q.Declare(ctx, "b", is())); err != nil {
		t.Errorf("once there is room: %v", err)
	}
	if n, err := q.Route(ctx, domain, &platform.Message{Key: "order.new"}); n != 3 || err != nil {
		t.Errorf("order.new goes to %d queues, %v; want one of each and #", n, err)
	}
}

// The value that was published may be in other queues, or in the hands of a consumer.
func TestAMessageThatIsPublishedAgainIsAnother(t *testing.T) {
	q := newQueues(t, Config{})
	m := &platform.Message{Key: "x"}
	for range 2 {
		if _, err := q.Publish(t.Context(), domain, m); err != nil {
			t.Fatal(err)
		}
	}
	leases := fetch(t, consume(t, q, ""), 2)
	if a, b := leases[0].Message, leases[1].Message; a != m || b == m || a.ID.IsZero() || a.ID.Number >= b.ID.Number {
		t.Errorf("the messages are %+v and %+v", a, b)
	}
}

// What is the same for many queues is not found out for each.
func TestALongRoutingKeyIsComparedOnceWithWhatManyQueuesMayListenTo(t *testing.T) {
	q := New(Config{MaxTopics: -1})
	for owner := range 10 {
		o := platform.Owner{Exchange: domain}
		for i := range 100 {
			o.Listen = append(o.Listen, fmt.Sprintf("#.a.#.%d", i))
		}
		for i := range 1000 {
			o.Bindings = append(o.Bindings, platform.Binding{Pattern: "#", Topic: fmt.Sprint(i)})
		}
		if err := q.Declare(t.Context(), fmt.Sprint(owner), o); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	for end, want := range map[string]int{"z": 0, "7": 10_000} {
		n, err := q.Route(t.Context(), domain, &platform.Message{Key: strings.Repeat("a.", 120) + end})
		if n != want || err != nil {
			t.Errorf("it goes to %d queues, want %d: %v", n, want, err)
		}
	}
	if took := time.Since(began); took > patience.Of(time.Second) {
		t.Errorf("it took %v", took)
	}
}
