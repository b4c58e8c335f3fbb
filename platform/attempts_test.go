package platform_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

func (p *peer) fail(tag uint64, reason string) {
	p.t.Helper()
	p.send(wire.AppendFail(nil, tag, reason))
}

func (e *env) limitAttempts(topic string, n int) {
	e.t.Helper()
	must(e.t, e.queues.Create(context.Background(), testKey, topic))
	must(e.t, e.queues.SetLimits(context.Background(), testKey, topic, platform.QueueLimits{MaxAttempts: n}))
}

func (e *env) parked(topic string) []platform.Parked {
	e.t.Helper()
	found, err := e.queues.Parked(context.Background(), testKey, topic, platform.MessageID{}, 1000)
	must(e.t, err)
	return found
}

// attempt returns how often the first ready message was tried, and takes it out.
func (e *env) attempt() int {
	e.t.Helper()
	c, err := e.queues.Consume(context.Background(), testKey, "", "test")
	must(e.t, err)
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	leases, err := c.Fetch(ctx, 1, 1)
	must(e.t, err)
	must(e.t, c.Ack(ctx, leases[0].ID))
	return leases[0].Attempt - 1
}

func TestADeliveryThatFailedComesAgainUntilItIsParked(t *testing.T) {
	seen, trace := newEvents()
	e := newEnv(t, platform.Config{Trace: trace})
	e.limitAttempts("jobs", 2)
	e.write("jobs", "poison")
	p := e.dial()
	p.consume("jobs")
	first := p.next()
	if first.Attempt != 1 {
		t.Errorf("delivered first as attempt %d", first.Attempt)
	}
	p.fail(first.Tag, "no stock")
	again := p.next()
	if again.Attempt != 2 || again.ID != first.ID || again.Tag == first.Tag || string(again.Body) != "poison" {
		t.Errorf("delivered %+v after %+v", again, first)
	}
	p.fail(again.Tag, "no stock\nat all")
	park := await[platform.ParkEvent](t, seen, 1)
	if park.Key != testKey || park.Topic != "jobs" || park.ID.String() != first.ID || park.Attempts != 2 || park.Reason != "no stock\nat all" || park.Conn != 1 {
		t.Errorf("parked: %+v", park)
	}
	one, two := await[platform.FailEvent](t, seen, 1), await[platform.FailEvent](t, seen, 2)
	if one.Attempt != 1 || one.Tag != first.Tag || one.Reason != "no stock" || two.Attempt != 2 || two.Tag != again.Tag || two.Topic != "jobs" || two.Stray {
		t.Errorf("failed: %+v and %+v", one, two)
	}
	found := e.parked("jobs")
	if len(found) != 1 || found[0].Reason != "no stock\nat all" || found[0].Attempts != 2 || found[0].By != park.By || !strings.Contains(park.By, " from 127.0.0.1:") {
		t.Errorf("parked are %+v", found)
	}
	e.write("jobs", "healthy") // the parked one blocks nobody
	if d := p.next(); string(d.Body) != "healthy" || d.Attempt != 1 {
		t.Errorf("delivered %+v", d)
	}
	if s := e.p.Stats(); s.Failed != 2 || s.Parked != 1 || s.StrayAcks != 0 {
		t.Errorf("counted %+v", s)
	}
}

func TestFailsBeforeAPongAndBeforeACloseFrameAreStored(t *testing.T) {
	for name, end := range map[string]func(*peer){"pong": (*peer).barrier, "close frame": (*peer).close} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t, platform.Config{})
			e.limitAttempts("", 1)
			const count = 8
			for range count {
				e.write("", "x")
			}
			p := e.dial()
			p.consume("")
			for range count {
				p.next()
			}
			for tag := range uint64(count) {
				p.fail(tag+1, "reason "+strconv.FormatUint(tag%3, 10))
			}
			end(p)
			if s := e.status(""); s.Parked != count || s.Ready+s.Unacknowledged != 0 {
				t.Errorf("afterwards: %+v", s)
			}
		})
	}
}

func TestAcksAndFailsInAnyOrderCountOnceForEachDelivery(t *testing.T) {
	seen, trace := newEvents()
	e := newEnv(t, platform.Config{Trace: trace})
	e.limitAttempts("", 1)
	for range 2 {
		e.write("", "x")
	}
	p := e.dial()
	p.consume("")
	for range 2 {
		p.next()
	}
	p.ack(1)
	p.fail(1, "too late")
	p.fail(2, "poison")
	p.fail(2, "again")
	p.ack(2)
	p.fail(77, "unknown")
	p.barrier()
	var failed, stray, acked int
	all, _ := seen.all()
	for _, event := range all {
		switch e := event.(type) {
		case platform.FailEvent:
			if failed++; e.Stray {
				stray++
			}
		case platform.AckEvent:
			if !e.Stray {
				acked++
			}
		}
	}
	if found := e.parked(""); failed != 4 || stray != 3 || acked != 1 || len(found) != 1 || found[0].Reason != "poison" {
		t.Errorf("%d fails, %d of them stray, %d acks; parked are %+v", failed, stray, acked, found)
	}
	if s := e.p.Stats(); s.Failed != 1 || s.StrayAcks != 4 || s.Acked != 1 {
		t.Errorf("counted %+v", s)
	}
}

// A consumer whose window is full of failures gets further deliveries.
func TestAFailureFreesItsPlaceInTheWindow(t *testing.T) {
	e := newEnv(t, platform.Config{Limits: platform.Limits{Window: 1, SmallWindow: 1}})
	e.limitAttempts("", 1)
	for i := range 5 {
		e.write("", strconv.Itoa(i))
	}
	p := e.dial()
	p.consume("")
	for i := range 5 {
		d := p.next()
		if string(d.Body) != strconv.Itoa(i) {
			t.Errorf("delivered %s, want %d", d.Body, i)
		}
		p.fail(d.Tag, "poison")
	}
}

// The peer may have died of a message; which one, only the order of the deliveries tells.
func TestAnEndThatThePeerCausesCountsWhatItHandled(t *testing.T) {
	for name, end := range map[string]func(*peer){
		"a close frame":                     func(p *peer) { p.close() },
		"a lost connection":                 func(p *peer) { p.raw.Close() },
		"a broken frame":                    func(p *peer) { p.raw.Write(rawFrame(0xf2, 7, nil)); p.closed() },
		"an unknown command":                func(p *peer) { p.send([]byte{9}); p.closed() },
		"a message that it may not publish": func(p *peer) { p.publish("@system.x", "x"); p.closed() },
	} {
		t.Run(name, func(t *testing.T) {
			seen, trace := newEvents()
			e := newEnv(t, platform.Config{Trace: trace})
			for range 3 {
				e.write("", "x")
			}
			p := e.dial()
			p.consume("")
			for range 3 {
				p.next()
			}
			end(p)
			await[disconnectEvent](t, seen, 1)
			f := await[platform.FailEvent](t, seen, 1)
			if f.Tag != 1 || f.Attempt != 1 || !strings.HasPrefix(f.Reason, "the connection ended: ") {
				t.Errorf("failed: %+v", f)
			}
			if got := fmt.Sprint(e.attempt(), e.attempt(), e.attempt()); got != "1 0 0" {
				t.Errorf("tried %s times, want only the oldest", got)
			}
		})
	}
}

// With several workers a delivery behind a slow one is acknowledged first.
func TestDeliveriesOlderThanTheNewestAckCountAsTried(t *testing.T) {
	seen, trace := newEvents()
	e := newEnv(t, platform.Config{Trace: trace})
	for _, topic := range []string{"", "jobs"} {
		for range 6 {
			e.write(topic, "x")
		}
	}
	p := e.dial()
	p.consume("")
	for range 6 {
		p.next()
	}
	p.consume("jobs")
	for range 6 {
		p.next()
	}
	p.ack(2)
	p.ack(4)
	await[platform.AckEvent](t, seen, 2)
	p.raw.Close()
	await[disconnectEvent](t, seen, 1)
	tried := make(map[string]int)
	all, _ := seen.all()
	for _, event := range all {
		if f, ok := event.(platform.FailEvent); ok {
			tried[fmt.Sprintf("%s%d", f.Topic, f.Tag)] = f.Attempt
		}
	}
	if len(tried) != 3 || tried["1"] != 1 || tried["3"] != 1 || tried["jobs7"] != 1 {
		t.Errorf("counted as tried: %v, want 1 and 3, and the oldest of jobs", tried)
	}
}

// A refusingEngine fails as told.
type refusingEngine struct {
	platform.Queues
	ack  func() error
	fail func(context.Context) error
	back func()
}

func (q *refusingEngine) Consume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	c, err := q.Queues.Consume(ctx, owner, topic, name)
	return &refusingConsumer{c, q}, err
}

type refusingConsumer struct {
	platform.Consumer
	q *refusingEngine
}

func (c *refusingConsumer) Ack(ctx context.Context, ids ...uint64) error {
	if c.q.ack != nil {
		return c.q.ack()
	}
	return c.Consumer.Ack(ctx, ids...)
}

func (c *refusingConsumer) Return(ctx context.Context, ids ...uint64) error {
	if c.q.back != nil {
		c.q.back()
	}
	return c.Consumer.Return(ctx, ids...)
}

func (c *refusingConsumer) Fail(ctx context.Context, reason string, ids ...uint64) ([]uint64, error) {
	if c.q.fail != nil {
		return nil, c.q.fail(ctx)
	}
	return c.Consumer.Fail(ctx, reason, ids...)
}

func TestAnEndThatThePlatformCausesCountsNothing(t *testing.T) {
	ctx := context.Background()
	for name, end := range map[string]func(*env, *refusingEngine, *peer, *events){
		"shutdown": func(e *env, _ *refusingEngine, _ *peer, _ *events) { e.p.Shutdown(ctx) },
		"a topic was dropped": func(e *env, _ *refusingEngine, p *peer, seen *events) {
			e.write("jobs", "x")
			p.consume("jobs")
			await[platform.DeliverEvent](e.t, seen, 4)
			must(e.t, e.queues.Drop(ctx, testKey, "jobs"))
		},
		"the key was deleted": func(e *env, _ *refusingEngine, _ *peer, _ *events) {
			must(e.t, platform.NewRegistry(e.store).DeleteKey(ctx, testKey))
		},
		"a full queue": func(e *env, _ *refusingEngine, p *peer, _ *events) {
			must(e.t, e.queues.SetLimits(ctx, testKey, "", platform.QueueLimits{MaxMessages: 3}))
			p.publish("a", "too much")
		},
		"an engine that is not available": func(e *env, q *refusingEngine, p *peer, _ *events) {
			q.ack = func() error { return fmt.Errorf("%w: away", platform.ErrUnavailable) }
			p.ack(1)
		},
		"an engine that fails": func(e *env, q *refusingEngine, p *peer, _ *events) {
			q.fail = func(context.Context) error { return errors.New("broken") }
			p.fail(1, "poison")
		},
	} {
		t.Run(name, func(t *testing.T) {
			seen, trace := newEvents()
			q := &refusingEngine{Queues: newQueues(memory.Config{})}
			e := newEnv(t, platform.Config{Trace: trace, Queues: q})
			for range 3 {
				e.write("", "x")
			}
			p := e.dial()
			p.consume("")
			for range 3 {
				p.next()
			}
			go func() { // the peer reads on, as peers do
				for {
					if _, _, err := p.conn.Read(p.ctx); err != nil {
						p.conn.CloseNow()
						return
					}
				}
			}()
			end(e, q, p, seen)
			await[disconnectEvent](t, seen, 1)
			q.ack, q.fail = nil, nil
			if s := e.p.Stats(); s.Failed != 0 {
				t.Errorf("counted %+v", s)
			}
			if got := fmt.Sprint(e.attempt(), e.attempt(), e.attempt()); got != "0 0 0" {
				t.Errorf("tried %s times", got)
			}
		})
	}
}

func TestAConnectionThatItsConsumerReplacesCountsNothing(t *testing.T) {
	seen, trace := newEvents()
	e := newEnv(t, platform.Config{Trace: trace})
	e.write("", "x")
	for attempt := range 3 {
		p := e.dialNamed("name")
		p.consume("")
		if d := p.next(); d.Attempt != 1 {
			t.Errorf("connection %d: %+v", attempt+1, d)
		}
	}
	await[disconnectEvent](t, seen, 2)
}

// dialNamed opens a channel whose consumer has a name.
func (e *env) dialNamed(name string) *peer {
	e.t.Helper()
	raw, err := net.Dial("tcp", e.addr)
	must(e.t, err)
	return dialOver(e.t, raw, consumerTarget(testKey, testSecret, name))
}

// An ack that the platform has read is not a delivery that was tried, even if the engine
// stores it only when the connection is over.
func TestAnAckInFlightIsNotCountedAsTried(t *testing.T) {
	acking, cut := make(chan bool, 1), make(chan bool)
	store := sync.OnceFunc(func() { close(cut) })
	defer store()
	queues := ackedBy{newQueues(memory.Config{}), func(ctx context.Context, c platform.Consumer, ids []uint64) error {
		acking <- true
		<-cut
		return ctx.Err()
	}}
	seen, trace := newEvents()
	e := newEnv(t, platform.Config{Trace: trace, Queues: queues})
	for range 3 {
		e.write("", "x")
	}
	p := e.dialNamed("name")
	p.consume("")
	for range 3 {
		p.next()
	}
	p.ack(1)
	awaited(t, "the ack", acking)
	shut := make(chan error, 1)
	go func() { shut <- e.p.Shutdown(context.Background()) }()
	await[disconnectEvent](t, seen, 1)
	store()
	p.conn.CloseNow()
	must(t, awaited(t, "Shutdown", shut))
	if s := e.p.Stats(); s.Failed != 0 {
		t.Errorf("counted %+v", s)
	}
}

// An engine that does not answer delays no end.
func TestTheEndOfAConnectionWaitsForTheCountOnlyBriefly(t *testing.T) {
	endWith(t, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
}

func TestAnEngineThatPanicsWhileItCountsLeavesNothingBehind(t *testing.T) {
	endWith(t, func(context.Context) error { panic("engine") })
}

func TestAnEngineThatPanicsOverAFailureEndsTheConnectionOnly(t *testing.T) {
	seen, trace := newEvents()
	e := newEnv(t, platform.Config{Trace: trace, Queues: &refusingEngine{Queues: newQueues(memory.Config{}), back: func() { panic("engine") }}})
	e.write("jobs", "x")
	p := e.dial()
	p.consume("jobs")
	p.fail(p.next().Tag, "no stock")
	await[disconnectEvent](t, seen, 1)
	p = e.dial()
	p.consume("jobs")
	if d := p.next(); d.Attempt != 2 {
		t.Errorf("delivered %+v", d)
	}
}

// endWith ends a connection that holds a message of an engine that counts by fail. The
// message must be back in its queue soon.
func endWith(t *testing.T, fail func(context.Context) error) {
	queues := newQueues(memory.Config{})
	seen, trace := newEvents()
	bubble(t, platform.Config{Queues: &refusingEngine{Queues: queues, fail: fail}, Trace: trace}, func(t *testing.T, p *platform.Platform, dial func() net.Conn) {
		must(t, queues.Write(context.Background(), testKey, "", &platform.Message{Body: []byte("x")}))
		peer := dialOver(t, dial(), notifyTarget(testKey, testSecret, "/api/platform/notify"))
		peer.consume("")
		peer.next()
		began := time.Now()
		peer.raw.Close()
		awaitFor[disconnectEvent](t, seen, 1, virtualPatience)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the end took %v", took)
		}
		if s, err := queues.Status(context.Background(), testKey, ""); err != nil || s.Ready != 1 || p.Stats().Failed != 0 {
			t.Errorf("afterwards: %+v, %v; counted %+v", s, err, p.Stats())
		}
	})
}

// A healthy consumer is cut again and again. It acknowledges in between, so it is never
// the same message that was under way.
func TestHealthyWindowsThatAreCutTwentyTimesHaveNothingParked(t *testing.T) {
	for _, workers := range []int{1, 8} {
		t.Run(fmt.Sprint(workers, " workers"), func(t *testing.T) {
			seen, trace := newEvents()
			e := newEnv(t, platform.Config{Trace: trace})
			e.limitAttempts("", 2)
			const cuts, window = 20, 256
			count := cuts*workers + window
			for i := range count {
				e.write("", strconv.Itoa(i))
			}
			done := make(map[string]bool)
			for cut := range cuts {
				p := e.dialFull()
				var got []wire.Delivery
				for range window {
					got = append(got, p.next())
				}
				for i := workers - 1; i >= 0; i-- { // they finish in any order
					if i == 0 && workers > 1 && got[0].Attempt == 1 {
						continue // the slow one finishes in its next life
					}
					done[string(got[i].Body)] = true
					p.ack(got[i].Tag)
				}
				await[platform.AckEvent](t, seen, len(done))
				p.raw.Close()
				await[disconnectEvent](t, seen, cut+1)
			}
			if s := e.status(""); s.Parked != 0 || s.Ready != count-len(done) || len(done) < cuts*workers/2 {
				t.Errorf("%d are done, and there is %+v", len(done), s)
			}
		})
	}
}

// Even without a single ack only the oldest message of a window counts.
func TestThreeCutsDoNotParkAWindow(t *testing.T) {
	seen, trace := newEvents()
	e := newEnv(t, platform.Config{Trace: trace})
	e.limitAttempts("", 3)
	const window = 256
	for i := range window {
		e.write("", strconv.Itoa(i))
	}
	for cut := range 3 {
		p := e.dialFull()
		for range window {
			p.next()
		}
		p.raw.Close()
		await[disconnectEvent](t, seen, cut+1)
	}
	if s := e.status(""); s.Parked != 1 || s.Ready != window-1 {
		t.Errorf("afterwards: %+v", s)
	}
	for range window - 1 {
		if n := e.attempt(); n != 0 {
			t.Fatalf("a message that only waited was tried %d times", n)
		}
	}
}

// dialFull opens a channel that consumes the default queue with the full window.
func (e *env) dialFull() *peer {
	e.t.Helper()
	p := e.dial()
	p.ping("")
	p.consume("")
	return p
}

// A poison message kills its consumer each time, also if the others go on beside it.
func TestAMessageThatKillsItsConsumerIsParked(t *testing.T) {
	for _, workers := range []int{1, 4} {
		t.Run(fmt.Sprint(workers, " workers"), func(t *testing.T) {
			seen, trace := newEvents()
			e := newEnv(t, platform.Config{Trace: trace})
			e.limitAttempts("", 3)
			const count = 60
			for i := range count {
				e.write("", strconv.Itoa(i))
			}
			const poison = "20"
			handled, lives := make(map[string]bool), 0
			for len(handled) < count-1 && lives < count {
				lives++
				e.liveUntilPoison(seen, workers, poison, handled)
				await[disconnectEvent](t, seen, lives)
			}
			found := e.parked("")
			if len(found) != 1 || string(found[0].Message.Body) != poison || found[0].Attempts != 3 || !strings.Contains(found[0].Reason, "the connection ended: lost: ") {
				t.Errorf("parked are %+v", found)
			}
			if s := e.status(""); s.Ready+s.Unacknowledged != 0 || len(handled) != count-1 {
				t.Errorf("%d were handled in %d lives, and there is %+v", len(handled), lives, s)
			}
		})
	}
}

// liveUntilPoison handles messages until one kills the consumer, or none is left. The
// workers beside the one that dies have done theirs.
func (e *env) liveUntilPoison(seen *events, workers int, poison string, handled map[string]bool) {
	p := e.dialFull()
	defer p.raw.Close()
	for left, dead := e.status("").Ready, false; left > 0 && !dead; {
		for range min(workers, left) {
			d := p.next()
			if dead = dead || string(d.Body) == poison; string(d.Body) == poison {
				continue
			}
			handled[string(d.Body)] = true
			p.ack(d.Tag)
			left--
		}
		if len(handled) > 0 {
			await[platform.AckEvent](e.t, seen, len(handled))
		}
	}
}

// A message that was parked by a call and put back comes again to the consumer that has
// it still.
func TestAMessageThatWasPutBackReplacesItsEarlierDelivery(t *testing.T) {
	seen, trace := newEvents()
	e := newEnv(t, platform.Config{Trace: trace})
	e.write("", "x")
	p := e.dial()
	p.consume("")
	first := p.next()
	for _, call := range []string{"park", "unpark"} {
		e.call("POST", "platform/notify/queue/"+call, url.Values{"id": {first.ID}}).wantResult(t, `{"messages":1}`)
	}
	again := p.next()
	if again.ID != first.ID || again.Attempt != 2 || again.Tag == first.Tag {
		t.Errorf("delivered %+v after %+v", again, first)
	}
	p.ack(first.Tag)
	if a := await[platform.AckEvent](t, seen, 1); !a.Stray {
		t.Errorf("acknowledged %+v", a)
	}
	if s := e.status(""); s.Unacknowledged != 1 {
		t.Errorf("after the ack of the earlier delivery: %+v", s)
	}
	p.ack(again.Tag)
	p.barrier()
	if s := e.status(""); s.Ready+s.Unacknowledged+s.Parked != 0 {
		t.Errorf("afterwards: %+v", s)
	}
}
