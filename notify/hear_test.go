package notify

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/platform/memory"
)

// moody is a platform that answers pings, but not while it is silent.
type moody struct {
	mu     sync.Mutex
	silent bool
	answer func() // to the last ping, if it owes that
}

func (m *moody) script(p *rawPeer) {
	p.pinged(func(payload []byte) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.answer = func() { p.send(opPong, payload) }
		m.say()
	})
}

func (m *moody) say() {
	if m.answer != nil && !m.silent {
		go m.answer() // the pipe has no buffer
		m.answer = nil
	}
}

func (m *moody) be(silent bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.silent = silent
	m.say()
}

// alone publishes until the publisher expects the next caller to be alone: the
// first message shows that others may follow, the second that a read can be given
// up.
func alone(t *testing.T, p *Publisher) {
	for range 2 {
		if err := p.Publish(t.Context(), "k", []byte("first")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	}
}

// beforeACallerHears returns a platform that is silent and a publisher whose next
// caller will read for himself.
func beforeACallerHears(t *testing.T) (*world, *moody, *Publisher) {
	m := new(moody)
	w := newRawPeer(t, m.script)
	p := w.publisher(PublisherConfig{Retry: Retry{Sleep: time.Second}})
	alone(t, p)
	m.be(true)
	return w, m, p
}

// whileACallerHears calls test when a second message is on its way to a silent
// platform and its caller reads for himself.
func whileACallerHears(t *testing.T, test func(t *testing.T, w *world, m *moody, p *Publisher, cancel context.CancelFunc, outcome <-chan error)) {
	synctest.Test(t, func(t *testing.T) {
		w, m, p := beforeACallerHears(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		outcome := make(chan error, 1)
		go func() { outcome <- p.Publish(ctx, "k", []byte("second")) }()
		synctest.Wait()
		p.mu.Lock()
		hears := p.current.reading == byCaller
		p.mu.Unlock()
		if !hears {
			t.Fatal("the caller does not read")
		}
		test(t, w, m, p, cancel, outcome)
		m.be(false)
		if err := p.Publish(t.Context(), "k", []byte("last")); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestTheContextOfACallerWhoReadsHarmsNoConnection(t *testing.T) {
	whileACallerHears(t, func(t *testing.T, w *world, m *moody, p *Publisher, cancel context.CancelFunc, outcome <-chan error) {
		began := time.Now()
		cancel()
		if err := <-outcome; !errors.Is(err, context.Canceled) || !errors.Is(err, ErrOutcomeUnknown) || time.Since(began) > 0 {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		m.be(false)
		if err := p.Publish(t.Context(), "k", []byte("third")); err != nil || p.Stats().Connects != 1 {
			t.Errorf("the next: %v, over connection %d", err, p.Stats().Connects)
		}
	})
}

func TestWhoeverCameWhileACallerReadIsConfirmed(t *testing.T) {
	for name, leaves := range map[string]bool{"by him": false, "after him": true} {
		t.Run(name, func(t *testing.T) {
			whileACallerHears(t, func(t *testing.T, w *world, m *moody, p *Publisher, cancel context.CancelFunc, outcome <-chan error) {
				others := make(chan error, 2)
				go func() { others <- p.Publish(t.Context(), "k", []byte("with him")) }()
				if err := p.PublishAsync(t.Context(), Message{Key: "k"}, func(err error) { others <- err }); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				if leaves {
					cancel()
					synctest.Wait()
				}
				m.be(false)
				began := time.Now()
				if err := <-outcome; errors.Is(err, context.Canceled) != leaves {
					t.Errorf("he: %v", err)
				}
				for range 2 {
					if err := <-others; err != nil {
						t.Error(err)
					}
				}
				if took := time.Since(began); took > 0 {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestALoneMessageIsConfirmedThoughNobodyWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newWorld(t, memory.Config{}, nil).publisher(PublisherConfig{})
		for range 3 {
			if err := p.Publish(t.Context(), "k", nil); err != nil {
				t.Fatal(err)
			}
			began, confirmed := time.Now(), make(chan error, 1)
			if err := p.PublishAsync(t.Context(), Message{Key: "k"}, func(err error) { confirmed <- err }); err != nil {
				t.Fatal(err)
			}
			if err := <-confirmed; err != nil || time.Since(began) > 0 {
				t.Errorf("got %v after %v", err, time.Since(began))
			}
		}
	})
}

func TestACallerWhoReadsSurvivesHisConnection(t *testing.T) {
	whileACallerHears(t, func(t *testing.T, w *world, m *moody, p *Publisher, cancel context.CancelFunc, outcome <-chan error) {
		m.be(false) // to the next connection
		w.cut()
		if err := <-outcome; err != nil || p.Stats().Connects != 2 {
			t.Errorf("got %v over connection %d", err, p.Stats().Connects)
		}
	})
}

// What is written behind a close frame that nobody has read is not sent again then,
// and might be taken for the reason.
func TestNobodyStepsAsideWithFailUnconfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, fail := range []bool{false, true} {
			p := newWorld(t, memory.Config{}, nil).publisher(PublisherConfig{FailUnconfirmed: fail})
			alone(t, p)
			p.mu.Lock()
			if aside := p.current.reading == byNobody; aside == fail {
				t.Errorf("FailUnconfirmed %v: the goroutine is aside: %v", fail, aside)
			}
			p.mu.Unlock()
		}
	})
}

func TestCloseEndsACallerWhoReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, p := beforeACallerHears(t)
		outcome := make(chan error, 1)
		go func() { outcome <- p.Publish(context.Background(), "k", []byte("second")) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close returned %v", err)
		}
		if err := <-outcome; !errors.Is(err, ErrClosed) || time.Since(began) > 2*time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
	})
}

// A caller who reads runs the done functions of others, and may survive their
// panics, as handlers of net/http do.
func TestAPanicOfADoneFunctionDoesNotStopThePublisher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, m, p := beforeACallerHears(t)
		survived := make(chan any)
		go func() {
			defer func() { survived <- recover() }()
			_ = p.Publish(t.Context(), "k", []byte("second"))
		}()
		synctest.Wait()
		if err := p.PublishAsync(t.Context(), Message{Key: "k"}, func(error) { panic("done") }); err != nil {
			t.Error(err)
		}
		time.Sleep(31 * time.Second) // the watch has pinged behind both
		m.be(false)
		if v := <-survived; v != "done" {
			t.Errorf("recovered %v", v)
		}
		if err := p.Publish(t.Context(), "k", []byte("third")); err != nil {
			t.Error(err)
		}
	})
}

// The platform closes connections on which it hears nothing, also those whose
// last message was alone.
func TestAPublisherAtRestAnswersThePlatform(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		p := w.publisher(PublisherConfig{})
		for _, pause := range []time.Duration{0, time.Millisecond, aside, time.Hour, aside / 2, time.Hour} {
			for range 3 {
				if err := p.Publish(t.Context(), "k", nil); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(pause)
		}
		if s := p.Stats(); !s.Connected || s.Connects != 1 {
			t.Errorf("%+v", s)
		}
	})
}
