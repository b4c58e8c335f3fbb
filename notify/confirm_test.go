package notify

import (
	"context"
	"errors"
	"runtime"
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

// whileItWaits calls test when a second message is on its way to a silent platform
// and its caller waits.
func whileItWaits(t *testing.T, test func(t *testing.T, w *world, m *moody, p *Publisher, cancel context.CancelFunc, outcome <-chan error)) {
	synctest.Test(t, func(t *testing.T) {
		m := new(moody)
		w := newRawPeer(t, m.script)
		p := w.publisher(PublisherConfig{Reconnect: Reconnect{Delay: time.Second}})
		if err := p.Publish(t.Context(), "k", []byte("first")); err != nil {
			t.Fatal(err)
		}
		m.be(true)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		outcome := make(chan error, 1)
		go func() { outcome <- p.Publish(ctx, "k", []byte("second")) }()
		synctest.Wait()
		test(t, w, m, p, cancel, outcome)
	})
}

// nextOne publishes to a platform that answers again.
func nextOne(t *testing.T, m *moody, p *Publisher) {
	t.Helper()
	m.be(false)
	if err := p.Publish(t.Context(), "k", []byte("last")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestTheContextOfACallerHarmsNoConnection(t *testing.T) {
	whileItWaits(t, func(t *testing.T, w *world, m *moody, p *Publisher, cancel context.CancelFunc, outcome <-chan error) {
		began := time.Now()
		cancel()
		if err := <-outcome; !errors.Is(err, context.Canceled) || !errors.Is(err, ErrOutcomeUnknown) || time.Since(began) > 0 {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		nextOne(t, m, p)
		if n := p.Stats().Connects; n != 1 {
			t.Errorf("over connection %d", n)
		}
	})
}

func TestWhoeverCameLaterIsConfirmed(t *testing.T) {
	for name, leaves := range map[string]bool{"with the first": false, "though the first has left": true} {
		t.Run(name, func(t *testing.T) {
			whileItWaits(t, func(t *testing.T, w *world, m *moody, p *Publisher, cancel context.CancelFunc, outcome <-chan error) {
				others := make(chan error, 2)
				go func() { others <- p.Publish(t.Context(), "k", []byte("later")) }()
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
					t.Errorf("the first: %v", err)
				}
				for range 2 {
					if err := <-others; err != nil {
						t.Error(err)
					}
				}
				if took := time.Since(began); took > 0 {
					t.Errorf("it took %v", took)
				}
				nextOne(t, m, p)
			})
		})
	}
}

func TestAMessageIsConfirmedThoughNobodyWaitsForIt(t *testing.T) {
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

func TestACallerSurvivesTheConnection(t *testing.T) {
	whileItWaits(t, func(t *testing.T, w *world, m *moody, p *Publisher, cancel context.CancelFunc, outcome <-chan error) {
		m.be(false) // to the next connection
		w.cut()
		if err := <-outcome; err != nil || p.Stats().Connects != 2 {
			t.Errorf("got %v over connection %d", err, p.Stats().Connects)
		}
		nextOne(t, m, p)
	})
}

func TestCloseEndsACallerWhoWaits(t *testing.T) {
	whileItWaits(t, func(t *testing.T, w *world, m *moody, p *Publisher, _ context.CancelFunc, outcome <-chan error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close returned %v", err)
		}
		if err := <-outcome; !errors.Is(err, ErrClosed) || !errors.Is(err, ErrOutcomeUnknown) || time.Since(began) > 2*time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
	})
}

// As FailNow of a test does.
func TestADoneFunctionMayEndItsGoroutine(t *testing.T) {
	whileItWaits(t, func(t *testing.T, w *world, m *moody, p *Publisher, cancel context.CancelFunc, outcome <-chan error) {
		if err := p.PublishAsync(t.Context(), Message{Key: "k"}, func(error) { runtime.Goexit() }); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		m.be(false)
		if err := <-outcome; err != nil {
			t.Error(err)
		}
		nextOne(t, m, p)
	})
}

// The platform closes connections on which it hears nothing.
func TestAPublisherAtRestAnswersThePlatform(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		p := w.publisher(PublisherConfig{})
		for _, pause := range []time.Duration{0, time.Millisecond, 10 * time.Millisecond, time.Hour, 5 * time.Millisecond, time.Hour} {
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
