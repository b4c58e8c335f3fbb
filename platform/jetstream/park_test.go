package jetstream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	busy "github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
)

// parked returns what is parked in the default queue as "body attempts reason by", and the
// IDs of it.
func parked(t testing.TB, e *Engine) (all []string, ids []platform.MessageID) {
	t.Helper()
	found, err := e.Parked(t.Context(), shop, "", platform.MessageID{}, 1000)
	must(t, err)
	for _, p := range found {
		if age := time.Since(p.Since); age < -time.Second || age > time.Minute {
			t.Errorf("parked since %v", p.Since)
		}
		all = append(all, fmt.Sprintf("%s %d %s %s", p.Message.Body, p.Attempts, p.Reason, p.By))
		ids = append(ids, p.Message.ID)
	}
	return all, ids
}

func setAttempts(t testing.TB, e *Engine, n int) {
	t.Helper()
	must(t, e.Create(t.Context(), shop, ""))
	must(t, e.SetLimits(t.Context(), shop, "", platform.QueueLimits{MaxAttempts: n}))
}

func fail(t testing.TB, c platform.Consumer, reason string, leases ...platform.Lease) []uint64 {
	t.Helper()
	gone, err := c.Fail(t.Context(), reason, ids(leases)...)
	must(t, err)
	return gone
}

func expectParked(t testing.TB, e *Engine, want ...string) []platform.MessageID {
	t.Helper()
	got, ids := parked(t, e)
	if !slices.Equal(got, want) {
		t.Errorf("parked are %q, want %q", got, want)
	}
	return ids
}

func attemptsOf(leases []platform.Lease) (all []int) {
	for _, l := range leases {
		all = append(all, l.Attempt)
	}
	return all
}

// With next to no garbage allowed, everything is carried again and again.
func TestAttemptsAndParkedMessagesOutliveTheEngine(t *testing.T) {
	for _, cleanAbove := range []int64{0, 1} {
		c := Config{Dir: t.TempDir(), SyncInterval: time.Minute, cleanAbove: cleanAbove}
		e := open(t, c)
		setAttempts(t, e, 2)
		write(t, e, "", "1", "2", "3", "4")
		taker := consume(t, e, "")
		leases, _ := fetchN(t, taker, 4)
		if gone := fail(t, taker, "first", leases[0], leases[2]); len(gone) > 0 {
			t.Errorf("parked %v", gone)
		}
		if gone := fail(t, taker, "second", leases[2]); !slices.Equal(gone, ids(leases[2:3])) {
			t.Errorf("parked %v", gone)
		}
		for i := range 30 {
			write(t, e, "busy", strings.Repeat(fmt.Sprint(i), 100))
			_, err := e.Read(t.Context(), shop, "busy", 1)
			must(t, err)
		}
		before := e.picture()
		must(t, e.Close())
		e = open(t, c)
		if after := e.picture(); fmt.Sprint(before) != fmt.Sprint(after) {
			t.Errorf("before:\n%v\nafter:\n%v", before, after)
		}
		got := expectParked(t, e, "3 2 second test")
		taker = consume(t, e, "")
		leases, texts := fetchN(t, taker, 3)
		if !slices.Equal(texts, []string{"1", "2", "4"}) || !slices.Equal(attemptsOf(leases), []int{2, 1, 1}) {
			t.Errorf("%q, %v", texts, attemptsOf(leases))
		}
		must(t, taker.Close())
		n, err := e.Unpark(t.Context(), shop, "", got...)
		if err != nil || n != 1 {
			t.Errorf("put back %d, %v", n, err)
		}
		must(t, e.Close())
		e = open(t, c)
		expectParked(t, e)
		leases, texts = fetchN(t, consume(t, e, ""), 4)
		if !slices.Equal(texts, []string{"1", "2", "3", "4"}) || !slices.Equal(attemptsOf(leases), []int{2, 1, 3, 1}) || leases[2].Message.ID != got[0] {
			t.Errorf("%q, %v", texts, attemptsOf(leases))
		}
		e.audit(t)
		e.sum(t)
	}
}

func TestWhatIsParkedIsBounded(t *testing.T) {
	c := Config{Dir: t.TempDir(), SyncInterval: time.Minute, QueueBounds: platform.QueueBounds{MaxParked: 3, MaxParkedBytes: 40}}
	e := open(t, c)
	write(t, e, "", "1", "2", "3", "4", "5", strings.Repeat("6", 30), strings.Repeat("7", 50))
	found, err := e.Peek(t.Context(), shop, "", platform.MessageID{}, 10)
	must(t, err)
	park := func(dropped uint64, which ...int) {
		t.Helper()
		var some []platform.MessageID
		for _, i := range which {
			some = append(some, found[i-1].Message.ID)
		}
		n, err := e.Park(t.Context(), shop, "", "why", "by", append(some, platform.MessageID{}, platform.MessageID{Log: 1, Number: 1})...)
		s, err2 := e.Status(t.Context(), shop, "")
		if err = errors.Join(err, err2); err != nil || n != len(which) || s.ParkedDropped != dropped {
			t.Errorf("parked %d of %v, %+v, %v", n, which, s, err)
		}
	}
	park(0, 2)
	park(0, 1)
	park(1, 5, 3)
	expectParked(t, e, "1 0 why by", "3 0 why by", "5 0 why by")
	park(4, 6)
	expectParked(t, e, strings.Repeat("6", 30)+" 0 why by")
	park(6, 7)
	expectParked(t, e)
	park(6, 4)
	must(t, e.Close())
	e = open(t, c)
	expectParked(t, e, "4 0 why by")
	s, err := e.Status(t.Context(), shop, "")
	if err != nil || s.Parked != 1 || s.ParkedBytes != 6 || s.ParkedDropped != 6 || s.Ready != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	e.audit(t)
	e.sum(t)
}

// What is parked in one record may be more than may be parked at all.
func TestOfManyThatAreParkedTogetherTheLastStay(t *testing.T) {
	e := open(t, Config{Dir: t.TempDir(), SyncInterval: time.Minute, QueueBounds: platform.QueueBounds{MaxParked: 2}})
	setAttempts(t, e, 1)
	var takers []platform.Consumer
	var all []platform.Lease
	for i := range 6 {
		write(t, e, "", fmt.Sprint(i))
		takers = append(takers, consume(t, e, ""))
		leases, _ := fetchN(t, takers[i], 1)
		all = append(all, leases...)
	}
	done := make(chan []uint64)
	for i, c := range takers {
		go func() {
			gone, err := c.Fail(t.Context(), "why", all[i].ID)
			if err != nil {
				t.Error(err)
			}
			done <- gone
		}()
	}
	for range takers {
		if gone := <-done; len(gone) != 1 {
			t.Errorf("parked %v", gone)
		}
	}
	s, err := e.counts(t.Context(), shop, "")
	if want := (platform.QueueStatus{Consumers: 6, Parked: 2, ParkedBytes: 16, ParkedDropped: 4}); err != nil || s != want {
		t.Errorf("%+v, %v, want %+v", s, err, want)
	}
}

// A large message may push out more than one record has room to name.
func TestALargeMessageMakesRoomAmongManySmallOnes(t *testing.T) {
	const small = mostAtOnce + 5
	e := open(t, Config{Dir: t.TempDir(), SyncInterval: time.Minute, QueueBounds: platform.QueueBounds{MaxParked: -1, MaxParkedBytes: small + 1}})
	var some []*platform.Message
	for range small {
		some = append(some, &platform.Message{Key: "k", ClientID: shop})
	}
	must(t, e.Create(t.Context(), shop, ""))
	must(t, errorOf(e.Publish(t.Context(), "", some...)))
	write(t, e, "", strings.Repeat("x", small))
	var all []platform.MessageID
	for _, m := range some {
		all = append(all, m.ID)
	}
	n, err := e.Park(t.Context(), shop, "", "", "", all...)
	if err != nil || n != small {
		t.Fatalf("parked %d, %v", n, err)
	}
	found, err := e.Peek(t.Context(), shop, "", platform.MessageID{}, 1)
	must(t, err)
	n, err = e.Park(t.Context(), shop, "", "", "", found[0].Message.ID)
	s, err2 := e.counts(t.Context(), shop, "")
	if want := (platform.QueueStatus{Parked: 2, ParkedBytes: small + 1, ParkedDropped: small - 1}); n != 1 || errors.Join(err, err2) != nil || s != want {
		t.Errorf("parked %d, %+v, %v, want %+v", n, s, errors.Join(err, err2), want)
	}
	e.audit(t)
	e.sum(t)
}

// What another engine's consumer holds can be parked, and what it does then counts no more.
func TestAParkingTakesAMessageFromAConsumerOfAnotherEngine(t *testing.T) {
	c := Config{URL: external(t), cleanAbove: 1}
	one, other := open(t, c), open(t, c)
	setAttempts(t, one, 5)
	write(t, one, "", "1", "2")
	holder := consume(t, other, "")
	leases, _ := fetchN(t, holder, 2)
	n, err := one.Park(t.Context(), shop, "", "poison", "admin", leases[0].Message.ID)
	if err != nil || n != 1 {
		t.Fatalf("parked %d, %v", n, err)
	}
	must(t, holder.Ack(t.Context(), leases[0].ID))
	must(t, holder.Return(t.Context(), leases[0].ID))
	if gone := fail(t, holder, "late", leases...); len(gone) > 0 {
		t.Errorf("parked %v", gone)
	}
	must(t, holder.Close())
	for _, e := range []*Engine{one, other, open(t, c)} {
		expectParked(t, e, "1 1 poison admin")
	}
	n, err = other.Unpark(t.Context(), shop, "", leases[0].Message.ID)
	if err != nil || n != 1 {
		t.Errorf("put back %d, %v", n, err)
	}
	leases, texts := fetchN(t, consume(t, one, ""), 2)
	if !slices.Equal(texts, []string{"1", "2"}) || !slices.Equal(attemptsOf(leases), []int{2, 2}) {
		t.Errorf("%q, %v", texts, attemptsOf(leases))
	}
}

func TestParkedMessagesAreInNobodysWay(t *testing.T) {
	e := open(t, Config{Dir: t.TempDir(), SyncInterval: time.Minute, QueueBounds: platform.QueueBounds{MaxMessages: 2, MaxOwnerMessages: 4}})
	write(t, e, "", "1", "2")
	found, err := e.Peek(t.Context(), shop, "", platform.MessageID{}, 10)
	must(t, err)
	n, err := e.Park(t.Context(), shop, "", "", "", found[0].Message.ID, found[1].Message.ID)
	if err != nil || n != 2 {
		t.Fatalf("parked %d, %v", n, err)
	}
	write(t, e, "", "3", "4")
	err = e.Write(t.Context(), shop, "other", &platform.Message{}) // the key has four
	if !errors.Is(err, platform.ErrQueueFull) || !strings.Contains(err.Error(), "this key") {
		t.Errorf("%v", err)
	}
	must(t, e.Purge(t.Context(), shop, ""))
	expectParked(t, e, "1 0  ", "2 0  ")
	n, err = e.Discard(t.Context(), shop, "", found[0].Message.ID, found[0].Message.ID)
	if err != nil || n != 1 {
		t.Errorf("discarded %d, %v", n, err)
	}
	expectParked(t, e, "2 0  ")
	must(t, e.Drop(t.Context(), shop, "other"))
	must(t, e.Forget(t.Context(), shop))
	e.audit(t)
	e.sum(t)
}

// A message that is too old would be removed as soon as it was put back.
func TestWhatIsTooOldStaysParked(t *testing.T) {
	e := open(t, Config{Dir: t.TempDir(), SyncInterval: time.Minute, QueueBounds: platform.QueueBounds{MaxAge: time.Hour}})
	now := time.Now()
	for i, at := range []time.Time{now.Add(-30 * time.Minute), now.Add(-59*time.Minute - 58*time.Second)} {
		must(t, e.Write(t.Context(), shop, "", &platform.Message{Body: fmt.Append(nil, i), Time: at}))
	}
	found, err := e.Peek(t.Context(), shop, "", platform.MessageID{}, 2)
	must(t, err)
	_, err = e.Park(t.Context(), shop, "", "", "", found[0].Message.ID, found[1].Message.ID)
	must(t, err)
	for !e.old(found[1].Message) {
		time.Sleep(50 * time.Millisecond)
	}
	n, err := e.Unpark(t.Context(), shop, "", found[0].Message.ID, found[1].Message.ID)
	if err != nil || n != 1 {
		t.Errorf("put back %d, %v", n, err)
	}
	expectParked(t, e, "1 0  ")
}

// Of consumers that consume alone, one at a time gets messages, whichever engine it is of,
// and the next one when that dies, within 15 seconds.
func TestConsumersThatConsumeAloneFollowEachOther(t *testing.T) {
	c := Config{URL: external(t), cleanAbove: 1}
	engines := []*Engine{open(t, c), open(t, c), open(t, c)}
	var consumers []platform.Consumer
	for _, e := range engines {
		alone, err := e.ConsumeAlone(t.Context(), shop, "", "pusher")
		must(t, err)
		consumers = append(consumers, alone)
	}
	write(t, engines[1], "", "1", "2", "3")
	fetchN(t, consumers[0], 1)
	for _, waiting := range consumers[1:] {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		leases, err := waiting.Fetch(ctx, 1, math.MaxInt)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a consumer that is not the oldest got %v, %v", leases, err)
		}
	}
	took := make(chan time.Duration, 1)
	began := time.Now()
	go func() {
		leases, _ := consumers[1].Fetch(t.Context(), 3, math.MaxInt)
		if len(leases) != 3 || string(leases[0].Message.Body) != "1" {
			t.Errorf("the next one got %v", leases)
		}
		took <- time.Since(began)
	}()
	engines[0].die()
	if d := <-took; d > busy.Of(15*time.Second) || d < 5*time.Second {
		t.Errorf("it took %v", d)
	}
	must(t, consumers[1].Close())
	if _, texts := fetchN(t, consumers[2], 3); texts[0] != "1" {
		t.Errorf("the last one got %q", texts)
	}
}

func TestAFetchThatEndsWhileItTakesMessagesLetsNoLaterOnePassThem(t *testing.T) {
	e := open(t, Config{URL: external(t), cleanAbove: 1})
	pusher, err := e.ConsumeAlone(t.Context(), shop, "", "pusher")
	must(t, err)
	write(t, e, "", "1")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	leases, err := pusher.(*consumer).fetch(ended, 1, math.MaxInt)
	if err != nil || len(leases) != 1 || string(leases[0].Message.Body) != "1" {
		t.Errorf("it took %v, %v", leases, err)
	}
	must(t, pusher.Close())
}

// A consumer whose engine was taken for dead comes behind those that live.
func TestAConsumerThatWasDeclaredGoneConsumesAloneNoMore(t *testing.T) {
	c := Config{URL: external(t), AckWait: time.Second}
	one, other := open(t, c), open(t, c)
	alone := func(e *Engine) platform.Consumer {
		t.Helper()
		c, err := e.ConsumeAlone(t.Context(), shop, "", "pusher")
		must(t, err)
		return c
	}
	first, second := alone(one), alone(other)
	write(t, one, "", "1", "2")
	fetchN(t, first, 1)
	must(t, other.do(t.Context(), func(d *draft) error {
		d.emit(nil, fact{kind: factGone, text: one.name})
		return nil
	}, nil))
	if leases, _ := fetchN(t, second, 1); string(leases[0].Message.Body) != "1" {
		t.Errorf("got %v", leases)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if leases, err := first.Fetch(ctx, 1, math.MaxInt); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, %v", leases, err)
	}
	must(t, second.Close())
	if _, texts := fetchN(t, first, 2); !slices.Equal(texts, []string{"1", "2"}) {
		t.Errorf("got %q", texts)
	}
}

// A consumer that waits for its turn must not be woken in place of one that could take
// the message.
func TestAConsumerThatWaitsForItsTurnKeepsNothingFromOthers(t *testing.T) {
	e := open(t, Config{Dir: t.TempDir(), SyncInterval: time.Minute})
	var alone []platform.Consumer
	for range 2 {
		c, err := e.ConsumeAlone(t.Context(), shop, "", "pusher")
		must(t, err)
		alone = append(alone, c)
	}
	for round := range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := alone[1].Fetch(ctx, 1, math.MaxInt)
			ended <- err
		}()
		plain := consume(t, e, "")
		write(t, e, "", fmt.Sprint(round))
		leases, _ := fetchN(t, plain, 1)
		must(t, plain.Ack(t.Context(), ids(leases)...))
		must(t, plain.Close())
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	ended := make(chan []platform.Lease)
	go func() {
		leases, err := alone[1].Fetch(t.Context(), 1, math.MaxInt)
		if err != nil {
			t.Error(err)
		}
		ended <- leases
	}()
	write(t, e, "", "last")
	must(t, alone[0].Close())
	if leases := <-ended; len(leases) != 1 {
		t.Errorf("got %v", leases)
	}
}
