package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/platform/memory"
)

// notes are the lines of a Trace, one for each call of a function.
type notes struct {
	mu       sync.Mutex
	lines    []string
	returned chan string // of their own: the message may come again before this side knows that it told the platform
}

func newNotes() *notes { return &notes{returned: make(chan string, 8)} }

func (n *notes) add(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, fmt.Sprintf(format, args...))
}

// taken returns the lines so far, and forgets them.
func (n *notes) taken() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	lines := n.lines
	n.lines = nil
	return lines
}

func (n *notes) want(t *testing.T, want ...string) {
	t.Helper()
	if got := n.taken(); !slices.Equal(got, want) {
		t.Errorf("the trace saw\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

type span struct{}

func (n *notes) trace() *Trace {
	return &Trace{
		Connected:    func() { n.add("connected") },
		Disconnected: func(err error) { n.add("disconnected: %v", err != nil) },
		Reconnect:    func(i ReconnectInfo) { n.add("reconnect: %v %v", i.Err != nil, i.Wait > 0) },
		PublishStart: func(ctx context.Context, m *Message) context.Context {
			n.add("publish %s", m.Body)
			m.Body = append([]byte("traced "), m.Body...)
			return context.WithValue(ctx, span{}, string(m.Body))
		},
		PublishDone: func(ctx context.Context, m Message, err error) { n.add("published %v: %v", ctx.Value(span{}), err) },
		Resend:      func(messages int) { n.add("resend %d", messages) },
		Received:    func(d *Delivery) { n.add("received %s", d.Body) },
		HandleStart: func(ctx context.Context, d *Delivery) context.Context {
			n.add("handle %s", d.Body)
			return context.WithValue(ctx, span{}, string(d.Body))
		},
		AttemptDone: func(ctx context.Context, d *Delivery, i AttemptDoneInfo) {
			n.add("attempt %d at %v: %v", i.Attempt, ctx.Value(span{}), i.Err)
		},
		HandleDone: func(ctx context.Context, d *Delivery, i HandleDoneInfo) {
			n.add("handled %v in %d: %v, given up %v, put aside %v", ctx.Value(span{}), i.Attempts, i.Err, i.GivenUp, i.PutAside)
		},
		Acked:    func(d *Delivery, err error) { n.add("acked %s: %v", d.Body, err) },
		Returned: func(tag uint64, reason string) { n.returned <- fmt.Sprintf("%d: %s", tag, reason) },
	}
}

func TestATraceSeesPublishing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNotes()
		w := newWorld(t, memory.Config{}, nil)
		p := w.publisher(PublisherConfig{Trace: n.trace()})
		if err := p.Publish(t.Context(), "k", []byte("one")); err != nil {
			t.Fatal(err)
		}
		done := func(err error) { n.add("done: %v", err) }
		if err := p.PublishAsync(t.Context(), Message{Key: "k", Body: []byte("two")}, done); err != nil {
			t.Fatal(err)
		}
		if err := p.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.want(t, "publish one", "connected", "published traced one: <nil>", "publish two", "done: <nil>", "published traced two: <nil>")
		if got := w.drainQueue(); got["traced one"] != 1 || got["traced two"] != 1 {
			t.Errorf("the queue has %v", got)
		}

		w.cut()
		synctest.Wait()
		if err := p.Publish(t.Context(), "k", []byte("three")); err != nil {
			t.Fatal(err)
		}
		lines := n.taken()
		for _, want := range []string{"disconnected: true", "reconnect: true true", "connected", "published traced three: <nil>"} {
			if !slices.Contains(lines, want) {
				t.Errorf("the trace did not see %q: %q", want, lines)
			}
		}
		if err := p.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.want(t, "disconnected: false")
		if err := p.PublishAsync(t.Context(), Message{Key: "k", Body: []byte("late")}, done); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		n.want(t, "publish late", "published traced late: "+ErrClosed.Error())
	})
}

// What was sent and is not confirmed when a connection is lost is sent again.
func TestATraceSeesWhatIsSentAgain(t *testing.T) {
	whileItWaits := func(t *testing.T) {
		n, m := newNotes(), new(moody)
		w := newRawPeer(t, m.script)
		p := w.publisher(PublisherConfig{Reconnect: Reconnect{Delay: time.Second}, Trace: n.trace()})
		if err := p.Publish(t.Context(), "k", []byte("first")); err != nil {
			t.Fatal(err)
		}
		m.be(true)
		if err := p.PublishAsync(t.Context(), Message{Key: "k", Body: []byte("second")}, nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.cut()
		m.be(false)
		if err := p.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.want(t, "publish first", "connected", "published traced first: <nil>", "publish second",
			"disconnected: true", "reconnect: true true", "connected", "resend 1", "published traced second: <nil>")
	}
	synctest.Test(t, whileItWaits)
}

func TestATraceSeesWhatBecomesOfADelivery(t *testing.T) {
	failed := errors.New("no stock")
	for name, c := range map[string]struct {
		cfg    ConsumerConfig
		handle func(context.Context, *Delivery) error
		want   []string

		returned string
	}{
		"that is handled": {ConsumerConfig{}, func(ctx context.Context, d *Delivery) error { return nil },
			[]string{"connected", "received one", "handle one", "attempt 1 at one: <nil>", "acked one: <nil>", "handled one in 1: <nil>, given up false, put aside false"}, ""},
		"that the handler acknowledges": {ConsumerConfig{ManualAck: true}, func(ctx context.Context, d *Delivery) error { return d.Ack(ctx) },
			[]string{"connected", "received one", "handle one", "acked one: <nil>", "attempt 1 at one: <nil>", "handled one in 1: <nil>, given up false, put aside false"}, ""},
		"that is put aside": {ConsumerConfig{Attempts: 2, OnGiveUp: func(*Delivery, error) error { return nil }}, func(context.Context, *Delivery) error { return failed },
			[]string{"connected", "received one", "handle one", "attempt 1 at one: no stock", "attempt 2 at one: no stock", "acked one: <nil>", "handled one in 2: no stock, given up true, put aside true"}, ""},
		"that panics and goes back": {ConsumerConfig{Attempts: 1}, func(ctx context.Context, d *Delivery) error {
			if d.Attempt == 1 {
				panic("oh")
			}
			return nil
		}, []string{"connected", "received one", "handle one", "attempt 1 at one: notify: the handler panicked: oh",
			"handled one in 1: notify: the handler panicked: oh, given up true, put aside false",
			"received one", "handle one", "attempt 1 at one: <nil>", "acked one: <nil>", "handled one in 1: <nil>, given up false, put aside false"}, "1: notify: the handler panicked: oh"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNotes()
				w := newWorld(t, memory.Config{}, nil)
				w.publish("one")
				c.cfg.Trace = n.trace()
				stop := w.run(w.consumer(c.cfg), func(ctx context.Context, d *Delivery) error {
					if ctx.Value(span{}) != "one" {
						t.Errorf("the handler has the context of %v", ctx.Value(span{}))
					}
					return c.handle(ctx, d)
				})
				time.Sleep(5 * time.Second)
				synctest.Wait()
				n.want(t, c.want...)
				close(n.returned)
				if got := <-n.returned; got != c.returned {
					t.Errorf("the platform was told %q, want %q", got, c.returned)
				}
				if err := stop(); !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				n.want(t, "disconnected: false")
			})
		})
	}
}

func TestATraceSeesALateAcknowledgement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNotes()
		w := newWorld(t, memory.Config{}, nil)
		w.publish("one")
		var late *Delivery
		w.run(w.consumer(ConsumerConfig{ManualAck: true, Trace: n.trace()}), func(ctx context.Context, d *Delivery) error {
			late = d
			return nil
		})
		synctest.Wait()
		kept := late
		w.cut()
		synctest.Wait()
		n.taken()
		if err := kept.Ack(t.Context()); !errors.Is(err, ErrStaleDelivery) {
			t.Fatal(err)
		}
		n.want(t, "acked one: "+ErrStaleDelivery.Error())
	})
}

func TestATraceSeesFailedConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNotes()
		w := newWorld(t, memory.Config{}, nil)
		w.setDown(true)
		w.run(w.consumer(ConsumerConfig{Reconnect: Reconnect{Delay: time.Second}, Trace: n.trace()}), func(context.Context, *Delivery) error { return nil })
		time.Sleep(1500 * time.Millisecond)
		w.setDown(false)
		time.Sleep(time.Second)
		synctest.Wait()
		n.want(t, "reconnect: true true", "reconnect: true true", "connected")
	})
}

func TestATraceWithoutFunctionsIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		if err := w.publisher(PublisherConfig{Trace: new(Trace)}).Publish(t.Context(), "k", []byte("one")); err != nil {
			t.Fatal(err)
		}
		handled := make(chan struct{})
		w.run(w.consumer(ConsumerConfig{Trace: new(Trace)}), func(context.Context, *Delivery) error { close(handled); return nil })
		<-handled
	})
}

func TestNoTraceCostsNoAllocation(t *testing.T) {
	var none *Trace
	ctx, d, m := context.Background(), new(Delivery), Message{Key: "k"}
	if n := testing.AllocsPerRun(100, func() {
		none.publishStart(ctx, m)
		none.attemptDone(none.handleStart(ctx, d), d, 1, nil)
		none.handleDone(ctx, d, HandleDoneInfo{})
		none.acked(d, nil)
		none.received(nil)
		none.connected()
		none.disconnected(nil)
		none.reconnect(nil, 0)
		none.returned(failure{})
		none.resend(1)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
