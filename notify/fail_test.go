package notify

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/internal/wire"
)

// A clerk is a scripted platform that gives deliveries to each connection and writes down
// what consumers say.
type clerk struct {
	*world
	deliveries []wire.Delivery

	mu    sync.Mutex
	dials int
	said  []saying
}

type saying struct {
	wire.Command
	at time.Time
}

func newClerk(t *testing.T, deliveries ...wire.Delivery) *clerk {
	p := &clerk{deliveries: deliveries}
	p.world = newPeer(t, p.serve)
	return p
}

func (p *clerk) serve(c *socket.Conn) {
	p.mu.Lock()
	p.dials++
	p.mu.Unlock()
	var giving sync.WaitGroup
	defer giving.Wait()
	giving.Go(func() {
		for i, d := range p.deliveries {
			d.Tag = uint64(i + 1)
			if c.Write(context.Background(), socket.Text, wire.AppendDelivery(nil, &d)) != nil {
				return
			}
		}
	})
	for {
		_, frame, err := c.Read(context.Background())
		if err != nil {
			return
		}
		cmd, err := wire.DecodeCommand(frame, wire.Limits{})
		if err != nil {
			p.t.Error(err)
		}
		p.mu.Lock()
		p.said = append(p.said, saying{cmd, time.Now()})
		p.mu.Unlock()
	}
}

// heard returns how many connections there were, and what consumers said beside consume.
func (p *clerk) heard() (dials int, said []saying) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.said {
		if s.Op != wire.OpConsume {
			said = append(said, s)
		}
	}
	return p.dials, said
}

func tried(attempts ...int) (deliveries []wire.Delivery) {
	for i, n := range attempts {
		deliveries = append(deliveries, wire.Delivery{ID: fmt.Sprintf("9b4d1e00-%d", i+1), Attempt: n, Key: "k", Body: fmt.Append(nil, i+1)})
	}
	return deliveries
}

func failing(context.Context, *Delivery) error { return errHandler }

func TestAGivenUpDeliveryIsToldToThePlatformThatCountsAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newClerk(t, tried(1, 1)...)
		c := p.consumer(ConsumerConfig{Attempts: 2})
		began := time.Now()
		stop := p.run(c, func(_ context.Context, d *Delivery) error {
			if d.Attempt != 1 {
				t.Errorf("attempt %d", d.Attempt)
			}
			if d.Tag == 1 {
				return errHandler
			}
			return nil
		})
		time.Sleep(10 * time.Second)
		dials, said := p.heard()
		if dials != 1 || len(said) != 2 || said[0].Op != wire.OpAck || said[0].Tag != 2 {
			t.Fatalf("%d connections, %v", dials, said)
		}
		if fail := said[1]; fail.Op != wire.OpFail || fail.Tag != 1 || fail.Reason != errHandler.Error() || fail.at.Sub(began) > 700*time.Millisecond {
			t.Errorf("%+v after %v", fail, fail.at.Sub(began))
		}
		if s := c.Stats(); s.Returned != 1 || s.GivenUp != 1 || s.Failed != 2 || s.Renewals != 0 || s.Connects != 1 {
			t.Errorf("%+v", s)
		}
		_ = stop()
	})
}

// The platform puts the message back at once, so the pause is the consumer's.
func TestThePauseGrowsWithTheAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var attempts []int
		for range 40 {
			attempts = append(attempts, 1, 20)
		}
		p := newClerk(t, tried(attempts...)...)
		began := time.Now()
		stop := p.run(p.consumer(ConsumerConfig{Attempts: 1}), failing)
		time.Sleep(time.Hour)
		var longest [2]time.Duration
		_, said := p.heard()
		for _, s := range said {
			i := (s.Tag + 1) % 2
			longest[i] = max(longest[i], s.at.Sub(began))
		}
		if len(said) != len(attempts) || longest[0] > time.Second || longest[1] < 10*time.Second || longest[1] > 61*time.Second {
			t.Errorf("%d failures, the last after %v and %v", len(said), longest[0], longest[1])
		}
		_ = stop()
	})
}

// Whatever the platform sends, the failures that wait are bounded.
func TestOfTooManyFailuresSomeAreToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := make([]int, leastFailures+44)
		for i := range attempts {
			attempts[i] = 60_000
		}
		p := newClerk(t, tried(attempts...)...)
		c := p.consumer(ConsumerConfig{Attempts: 1, Window: 2, Workers: 2})
		stop := p.run(c, failing)
		synctest.Wait()
		if _, said := p.heard(); len(said) < 44 || len(said) > 50 {
			t.Errorf("at once %d were told", len(said))
		}
		time.Sleep(61 * time.Second)
		if dials, said := p.heard(); dials != 1 || len(said) != len(attempts) || c.Stats().Returned != int64(len(attempts)) {
			t.Errorf("%d connections, %d failures, %+v", dials, len(said), c.Stats())
		}
		_ = stop()
	})
}

// What runs ends, and what has failed is told before the connection is closed.
func TestFailuresAreToldAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newClerk(t, tried(20, 20)...)
		c := p.consumer(ConsumerConfig{Attempts: 1, Workers: 2})
		stop := p.run(c, func(_ context.Context, d *Delivery) error {
			if d.Tag == 2 {
				time.Sleep(time.Second)
			}
			return errHandler
		})
		synctest.Wait()
		began := time.Now()
		_ = stop()
		synctest.Wait()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
		if _, said := p.heard(); len(said) != 2 || said[0].Op != wire.OpFail || said[1].Op != wire.OpFail || c.Stats().Returned != 2 {
			t.Errorf("%v, %+v", said, c.Stats())
		}
	})
}

func TestADeliveryIsEitherAcknowledgedOrFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newClerk(t, tried(1, 1)...)
		c := p.consumer(ConsumerConfig{Attempts: 1, ManualAck: true})
		var got []*Delivery
		stop := p.run(c, func(ctx context.Context, d *Delivery) error {
			if got = append(got, d); d.Tag == 1 {
				return errors.Join(d.Ack(ctx), errHandler)
			}
			return errHandler
		})
		synctest.Wait()
		if err := got[1].Ack(t.Context()); !errors.Is(err, ErrStaleDelivery) {
			t.Errorf("Ack of a delivery that was given up returned %v", err)
		}
		time.Sleep(time.Minute)
		if _, said := p.heard(); len(said) != 2 || said[0].Op != wire.OpAck || said[0].Tag != 1 || said[1].Op != wire.OpFail || said[1].Tag != 2 {
			t.Errorf("%v", said)
		}
		_ = stop()
	})
}

func TestTheReasonIsTheErrorOfTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newClerk(t, tried(1, 1, 1)...)
		stop := p.run(p.consumer(ConsumerConfig{Attempts: 1}), func(_ context.Context, d *Delivery) error {
			switch d.Tag {
			case 1:
				panic("out of paper")
			case 2:
				runtime.Goexit()
			}
			return errors.New("\xff" + strings.Repeat("库", 1000))
		})
		time.Sleep(time.Minute)
		_, said := p.heard()
		reasons := map[uint64]string{}
		for _, s := range said {
			reasons[s.Tag] = s.Reason
		}
		for tag, want := range map[uint64]string{
			1: "notify: the handler panicked: out of paper", 2: "notify: the handler has ended its goroutine", 3: "\uFFFD" + strings.Repeat("库", 340),
		} {
			if reasons[tag] != want {
				t.Errorf("%d failed with %q, want %q", tag, reasons[tag], want)
			}
		}
		_ = stop()
	})
}

// Another platform would end the connection because of a command that it does not know.
func TestAPlatformThatCountsNoAttemptsIsToldNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newClerk(t, tried(0, 0)...)
		c := p.consumer(ConsumerConfig{Attempts: 1})
		stop := p.run(c, func(_ context.Context, d *Delivery) error {
			if d.Tag == 1 {
				return errHandler
			}
			return nil
		})
		time.Sleep(10 * time.Second)
		dials, said := p.heard()
		if dials < 2 || len(said) == 0 {
			t.Errorf("%d connections, %v", dials, said)
		}
		for _, s := range said {
			if s.Op != wire.OpAck || s.Tag != 2 {
				t.Errorf("%+v", s)
			}
		}
		if s := c.Stats(); s.Renewals == 0 || s.Returned != 0 {
			t.Errorf("%+v", s)
		}
		_ = stop()
	})
}

func TestAPermanentErrorGivesUpAtOnce(t *testing.T) {
	broken := errors.New("the body is no JSON")
	for name, returned := range map[string]error{"alone": Permanent(broken), "wrapped": fmt.Errorf("order 7: %w", Permanent(broken))} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newClerk(t, tried(1)...)
				var given error
				c := p.consumer(ConsumerConfig{Attempts: 5, OnGiveUp: func(_ *Delivery, err error) error { given = err; return nil }})
				stop := p.run(c, func(context.Context, *Delivery) error { return returned })
				synctest.Wait()
				_ = stop()
				var permanent *PermanentError
				if s := c.Stats(); s.Failed != 1 || s.GivenUp != 1 || s.Acked != 1 {
					t.Errorf("%+v", s)
				}
				if !errors.Is(given, broken) || !errors.As(given, &permanent) || permanent.Err != broken || given.Error() != returned.Error() {
					t.Errorf("given up with %v", given)
				}
			})
		})
	}
	if err := Permanent(nil); err != nil {
		t.Errorf("of no error it made %v", err)
	}
}

// The message stays, whatever keeps it from being parked.
func TestWhatCannotBeParkedIsNotAcknowledged(t *testing.T) {
	for name, c := range map[string]struct {
		delivery    wire.Delivery
		unsupported bool
		hint        string
	}{
		"the platform gives no IDs": {wire.Delivery{Attempt: 1}, true, "QueueClient.Forward"},
		"the call fails":            {wire.Delivery{ID: "9b4d1e00-1", Attempt: 1}, false, "the message could not be parked and will come again"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newClerk(t, c.delivery)
				var err error
				consumer := p.consumer(ConsumerConfig{Attempts: 1, OnGiveUp: func(d *Delivery, cause error) error { err = Park(d, cause); return err }})
				stop := p.run(consumer, failing)
				time.Sleep(time.Minute)
				_ = stop()
				if errors.Is(err, errors.ErrUnsupported) != c.unsupported || err == nil || !strings.Contains(err.Error(), c.hint) {
					t.Errorf("Park returned %v", err)
				}
				if _, said := p.heard(); len(said) != 1 || said[0].Op != wire.OpFail {
					t.Errorf("%v", said)
				}
			})
		})
	}
}
