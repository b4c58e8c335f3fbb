package memory

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/platform"
)

const shop, domain = "buwb2lii", "shopex.cn"

// newQueues returns an engine with the owner shop, whose default queue gets everything.
func newQueues(t testing.TB, config Config) *Queues {
	t.Helper()
	q := New(config)
	declare(t, q, shop, "#")
	return q
}

// declare declares an owner of the domain whose default queue is bound to patterns.
func declare(t testing.TB, q *Queues, name string, patterns ...string) {
	t.Helper()
	o := platform.Owner{Exchange: domain, Bindings: []platform.Binding{}}
	for _, pattern := range patterns {
		o.Bindings = append(o.Bindings, platform.Binding{Pattern: pattern})
	}
	if err := q.Declare(context.Background(), name, o); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, q *Queues, topic string, m *platform.Message) {
	t.Helper()
	if err := q.Write(context.Background(), shop, topic, m); err != nil {
		t.Fatal(err)
	}
}

func consume(t testing.TB, q *Queues, topic string) platform.Consumer {
	t.Helper()
	c, err := q.Consume(context.Background(), shop, topic, "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func fetch(t testing.TB, c platform.Consumer, max int) []platform.Lease {
	t.Helper()
	leases, err := c.Fetch(context.Background(), max, math.MaxInt)
	if err != nil {
		t.Fatal(err)
	}
	return leases
}

func ack(t testing.TB, c platform.Consumer, leases ...platform.Lease) {
	t.Helper()
	var ids []uint64
	for _, l := range leases {
		ids = append(ids, l.ID)
	}
	if err := c.Ack(context.Background(), ids...); err != nil {
		t.Fatal(err)
	}
}

// waiters starts n consumers that wait for up to two messages each, in a
// known order. What they get is told in words.
func waiters(t *testing.T, ctx context.Context, q *Queues, n int) (log func() []string) {
	results := make(chan string, 100)
	for i := range n {
		c := consume(t, q, "")
		go func() {
			leases, err := c.Fetch(ctx, 2, math.MaxInt)
			results <- fmt.Sprint("consumer ", i, ": ", len(leases), " ", err)
		}()
		synctest.Wait()
	}
	return func() (told []string) {
		synctest.Wait()
		for len(results) > 0 {
			told = append(told, <-results)
		}
		slices.Sort(told)
		return told
	}
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMessagesWakeOneWaitingConsumerEachInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		log := waiters(t, ctx, q, 4)
		write(t, q, "", &platform.Message{})
		expect(t, log(), "consumer 0: 1 <nil>")
		write(t, q, "", &platform.Message{})
		expect(t, log(), "consumer 1: 1 <nil>")
		began := time.Now()
		expect(t, log())
		time.Sleep(time.Hour)
		expect(t, log(), "consumer 2: 0 context deadline exceeded", "consumer 3: 0 context deadline exceeded")
		if waited := time.Since(began); waited != time.Hour {
			t.Errorf("waited %v", waited)
		}
		if n := len(q.owners[shop].topics[""].waiting); n > 0 {
			t.Errorf("%d consumers are still on the waiting list", n)
		}
	})
}

func TestReturnedMessagesAreSharedOutAmongThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(Config{})
		for range 4 {
			write(t, q, "", &platform.Message{})
		}
		holder := consume(t, q, "")
		fetch(t, holder, 4)
		log := waiters(t, t.Context(), q, 3)
		if err := holder.Close(); err != nil {
			t.Fatal(err)
		}
		expect(t, log(), "consumer 0: 2 <nil>", "consumer 1: 1 <nil>", "consumer 2: 1 <nil>")
	})
}

// Here the message, the end of the context and Close all come before the
// waiting goroutine runs: it must not return a message that went elsewhere.
func TestAMessageHandedToAClosedConsumerGoesToAnother(t *testing.T) {
	for range 1000 {
		q := New(Config{})
		c := consume(t, q, "")
		ctx, cancel := context.WithCancel(context.Background())
		got := make(chan []platform.Lease)
		go func() {
			leases, _ := c.Fetch(ctx, 1, math.MaxInt)
			got <- leases
		}()
		runtime.Gosched()
		write(t, q, "", &platform.Message{})
		cancel()
		c.Close()
		leases := <-got
		if n := len(fetch(t, consume(t, q, ""), 1)); n != 1 {
			t.Fatalf("the other consumer got %d messages, the closed one %d", n, len(leases))
		}
	}
}

func TestErrorsNameTheQueueAndTheLimit(t *testing.T) {
	q := newQueues(t, Config{MaxMessages: 1, MaxBytes: 10, MaxTopics: 1, MaxBindings: 1, MaxFanOut: 1})
	declare(t, q, "other")
	ctx := context.Background()
	small, large := &platform.Message{Body: []byte("x")}, &platform.Message{Key: "k", Body: make([]byte, 10), ClientID: shop}
	write(t, q, "orders", small)
	_, unknown := q.Status(ctx, shop, "nowhere")
	_, none := consume(t, q, "").Fetch(ctx, 0, math.MaxInt)
	for _, row := range []struct {
		err  error
		is   error
		want string
	}{
		{q.Write(ctx, shop, "orders", small), platform.ErrQueueFull, `topic "orders" holds its limit of 1 messages`},
		{errorOf(q.Publish(ctx, domain, large)), platform.ErrQueueFull, "the default queue holds 0 bytes of at most 10, and the message has 11"},
		{q.Create(ctx, shop, "new"), platform.ErrTooManyTopics, `"new" would exceed the limit of 1`},
		{q.Bind(ctx, shop, "orders", "x"), platform.ErrTooManyBindings, "a further binding would exceed the limit of 1"},
		{q.Bind(ctx, "other", "", "order.*"), platform.ErrFanOut, "1 queues of the exchange are bound to patterns with * or #, which is the limit; a pattern without"},
		{q.SetLimits(ctx, shop, "", platform.QueueLimits{Overflow: "drop"}), nil, `unknown overflow "drop": use "refuse", "drop-oldest", "drop-newest"`},
		{unknown, platform.ErrUnknownTopic, `"nowhere"`},
		{none, none, "ask for at least one"},
	} {
		if row.is != nil && !errors.Is(row.err, row.is) || !strings.Contains(fmt.Sprint(row.err), row.want) {
			t.Errorf("got %v, want %v that says %q", row.err, row.is, row.want)
		}
	}
}

func errorOf(_ []int, err error) error { return err }

// A pattern costs memory by the word.
func TestTheWordsOfAllPatternsAreBounded(t *testing.T) {
	ctx := context.Background()
	q := newQueues(t, Config{MaxBindings: 10}) // # is one word of 40
	for range 3 {
		if err := errors.Join(q.Bind(ctx, shop, "orders", strings.Repeat("a.", 37)+"a"), q.Bind(ctx, shop, "others", "b")); err != nil {
			t.Fatal(err)
		}
		err := q.Bind(ctx, shop, "others", "c")
		if !errors.Is(err, platform.ErrTooManyBindings) || !strings.Contains(err.Error(), "limit of 40 words") {
			t.Fatalf("the 41st word: %v", err)
		}
		if err := errors.Join(q.Bind(ctx, shop, "others", "b"), q.Drop(ctx, shop, "orders"), q.Drop(ctx, shop, "others")); err != nil {
			t.Fatal(err)
		}
	}
	if err := New(Config{MaxBindings: -1}).Bind(ctx, shop, "", strings.Repeat(".", 100_000)); err != nil {
		t.Errorf("without a bound: %v", err)
	}
}

func TestAContentTypeCountsAsBytes(t *testing.T) {
	q := New(Config{})
	write(t, q, "", &platform.Message{Key: "k", Body: []byte("body"), ContentType: "text/plain"})
	if s, _ := q.Status(context.Background(), shop, ""); s.Bytes != 15 {
		t.Errorf("counted %d bytes, want 15", s.Bytes)
	}
}

func TestMessagesThatBecomeTooOldMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(Config{MaxMessages: 2, MaxAge: time.Minute})
		c := consume(t, q, "")
		now := func(body string) *platform.Message {
			return &platform.Message{Body: []byte(body), Time: time.Now()}
		}
		write(t, q, "", now("held"))
		held := fetch(t, c, 1)
		write(t, q, "", now("ready"))
		time.Sleep(61 * time.Second)
		write(t, q, "", now("new"))
		if s, _ := q.Status(t.Context(), shop, ""); s.Ready != 1 || s.Unacknowledged != 1 {
			t.Errorf("%+v", s)
		}
		ack(t, c, held...)
		if got := fetch(t, c, 2); len(got) != 1 || string(got[0].Message.Body) != "new" {
			t.Errorf("fetched %v", got)
		}
	})
}

func TestWhatIsRemovedForItsAgeIsCounted(t *testing.T) {
	q := New(Config{MaxAge: time.Hour})
	for _, age := range []time.Duration{3 * time.Hour, 2 * time.Hour, 0} {
		write(t, q, "", &platform.Message{Time: time.Now().Add(-age)})
	}
	if s, err := q.Status(t.Context(), "owner", ""); err != nil || s.Ready > 1 {
		t.Errorf("%+v, %v", s, err)
	}
	if got := q.Expired(); got != 2 {
		t.Errorf("%d are counted, want 2", got)
	}
}

func TestBoundsHaveDefaultsAndCanBeTakenAway(t *testing.T) {
	if got, want := New(Config{}).config, (Config{
		MaxMessages: 100_000, MaxBytes: 256 << 20, MaxOwnerMessages: 1_000_000, MaxOwnerBytes: 1 << 30,
		MaxTotalMessages: math.MaxInt, MaxTotalBytes: math.MaxInt64, MaxParked: 10_000, MaxParkedBytes: 64 << 20,
		MaxTopics: 1000, MaxBindings: 10_000, MaxFanOut: 10_000,
	}); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("defaults %+v, want %+v", got, want)
	}
	q := New(Config{MaxMessages: -1, MaxBytes: -1, MaxTopics: -1, MaxBindings: -1})
	for i := range 1001 {
		write(t, q, fmt.Sprint(i), &platform.Message{Body: []byte("x")})
	}
	for range 100_001 {
		write(t, q, "", &platform.Message{Body: []byte("x")})
	}
}

func TestADroppedTopicOfTheConfigurationStaysUnbound(t *testing.T) {
	q := New(Config{Bindings: []platform.Binding{{Pattern: "#", Topic: "orders"}, {Pattern: "#", Topic: "orders"}}})
	ctx := context.Background()
	if n, err := q.Route(ctx, "", &platform.Message{Key: "x"}); n != 0 || err != nil {
		t.Errorf("an exchange without owners routes to %d queues, %v", n, err)
	}
	if err := q.Create(ctx, shop, "orders"); err != nil { // and the owner, in the exchange without a name
		t.Fatal(err)
	}
	if n, err := q.Route(ctx, "", &platform.Message{Key: "x"}); n != 1 || err != nil {
		t.Errorf("the first binding routes to %d queues, %v", n, err)
	}
	if err := q.Drop(ctx, shop, "orders"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(q.Create(ctx, shop, "orders"), errorOf(q.Publish(ctx, "", &platform.Message{Key: "x"}))); err != nil {
		t.Fatal(err)
	}
	if s, _ := q.Status(ctx, shop, "orders"); s.Ready != 0 {
		t.Errorf("%d messages came in", s.Ready)
	}
}

// inUse is the heap after a collection, in bytes.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A message that is never acknowledged is the hard case: everything that
// passes it by must still be forgotten.
func TestAMillionMessagesLeaveNoMemoryBehind(t *testing.T) {
	q := New(Config{})
	c := consume(t, q, "")
	write(t, q, "", &platform.Message{})
	fetch(t, c, 1)
	pass := func(n int) {
		for range n / 100 {
			for range 100 {
				write(t, q, "", &platform.Message{Body: make([]byte, 8)})
			}
			ack(t, c, fetch(t, c, 100)...)
		}
	}
	pass(10_000)
	before := inUse()
	pass(1_000_000)
	if grown := inUse() - before; grown > 256<<10 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	runtime.KeepAlive(q)
}

func TestADrainedQueueGivesItsMemoryBack(t *testing.T) {
	q := New(Config{})
	c := consume(t, q, "")
	before := inUse()
	for range 100_000 {
		write(t, q, "", &platform.Message{Body: make([]byte, 100)})
	}
	leases := fetch(t, c, 100_000)
	ack(t, c, leases[1:]...) // in a queue as in life, one is stuck
	if left := inUse() - before; left > 256<<10 {
		t.Errorf("%d bytes are left", left)
	}
	runtime.KeepAlive(q)
	runtime.KeepAlive(c)
}

// A key of many words passes each # and what is behind it again and again, with the
// exchange locked.
func TestAnOwnerBindsFewPatternsThatEveryMessageHasToFollow(t *testing.T) {
	q := New(Config{})
	bound := 0
	for i := range 2500 {
		pattern := "#"
		for bit := range 15 {
			pattern += []string{".#", ".*", ".a"}[(i+bit*bit*i)%3]
		}
		if err := q.Bind(t.Context(), "hostile", "", pattern+"."+strconv.Itoa(i)); errors.Is(err, platform.ErrTooManyBindings) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		bound++
	}
	if bound == 0 || bound > 100 {
		t.Errorf("%d such patterns are bound", bound)
	}
}
