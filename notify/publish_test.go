package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

func TestPublishReturnsNilOnlyForWhatIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		p := w.publisher(PublisherConfig{})
		if err := p.Publish(t.Context(), "k", []byte("a")); err != nil {
			t.Fatal(err)
		}
		if got := w.drainQueue(); got["a"] != 1 {
			t.Errorf("stored %v", got)
		}
	})
}

func TestHundredsPublishOnOnePublisher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		p := w.publisher(PublisherConfig{MaxUnconfirmed: 50})
		var all sync.WaitGroup
		for i := range 300 {
			all.Go(func() {
				if err := p.Publish(t.Context(), "k", fmt.Append(nil, i)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := w.drainQueue(); len(got) != 300 {
			t.Errorf("stored %d of 300", len(got))
		}
		if s := p.Stats(); s.Connects != 1 || s.Confirmed != 300 || s.Unconfirmed != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Connections are cut at random while thousands of messages flow. Every nil
// is accounted for, and every consumer gets what it should.
func TestEveryNilIsAccountedForWhileConnectionsAreCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		p := w.publisher(PublisherConfig{Reconnect: Reconnect{Delay: time.Millisecond}})
		var mu sync.Mutex
		confirmed, handled := map[string]bool{}, map[string]bool{}
		stop := w.run(w.consumer(ConsumerConfig{Workers: 4, Reconnect: Reconnect{Delay: time.Millisecond}}), func(_ context.Context, d *Delivery) error {
			mu.Lock()
			handled[string(d.Body)] = true
			mu.Unlock()
			return nil
		})
		var publishers sync.WaitGroup
		for g := range 8 {
			publishers.Go(func() {
				for i := range 300 {
					body := fmt.Sprint(g, "-", i)
					if err := p.Publish(t.Context(), "k", []byte(body)); err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					confirmed[body] = true
					mu.Unlock()
					if i%5 == 0 {
						time.Sleep(rand.N(5 * time.Millisecond))
					}
				}
			})
		}
		published := make(chan struct{})
		go func() { publishers.Wait(); close(published) }()
		for cutting := true; cutting; {
			select {
			case <-published:
				cutting = false
			case <-time.After(rand.N(10 * time.Millisecond)):
				w.cut()
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for body := range confirmed {
			if !handled[body] {
				t.Errorf("%s was confirmed and never handled", body)
			}
		}
		if len(confirmed) != 2400 {
			t.Errorf("%d confirmed", len(confirmed))
		}
		_ = stop()
		if s := w.status(); s.Ready+s.Unacknowledged != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A socket killed a thousand times: nothing panics, leaks, stops or is lost.
func TestAThousandDisconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		p := w.publisher(PublisherConfig{Reconnect: Reconnect{Delay: time.Millisecond}})
		var handled atomic.Int64
		c := w.consumer(ConsumerConfig{Reconnect: Reconnect{Delay: time.Millisecond}})
		stop := w.run(c, func(context.Context, *Delivery) error { handled.Add(1); return nil })
		for range 1000 {
			if err := p.PublishAsync(t.Context(), Message{Key: "k", Body: []byte("x")}, nil); err != nil {
				t.Fatal(err)
			}
			w.cut()
			time.Sleep(rand.N(5 * time.Millisecond))
		}
		if err := p.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		_ = stop()
		if s := c.Stats(); handled.Load() < 1000 || s.Connects < 100 {
			t.Errorf("handled %d, %+v", handled.Load(), s)
		}
	})
}

func TestARefusedMessageFailsAloneWithTheReason(t *testing.T) {
	for _, failUnconfirmed := range []bool{false, true} {
		t.Run(fmt.Sprint("FailUnconfirmed ", failUnconfirmed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, memory.Config{}, func(cfg *platform.Config) { cfg.Limits.MaxBody = 10 })
				p := w.publisher(PublisherConfig{FailUnconfirmed: failUnconfirmed})
				errs := map[string]error{}
				for _, body := range []string{"a", "far too long", "b", "too long as well", "c"} {
					if err := p.PublishAsync(t.Context(), Message{Key: "k", Body: []byte(body)}, func(err error) { errs[body] = err }); err != nil {
						t.Fatal(err)
					}
				}
				if err := p.Flush(t.Context()); err != nil {
					t.Error(err)
				}
				if len(errs) != 5 {
					t.Fatalf("%d outcomes: %v", len(errs), errs)
				}
				stored := w.drainQueue()
				for body, err := range errs {
					var refused *RefusedError
					switch {
					case failUnconfirmed && err != nil && !errors.Is(err, ErrOutcomeUnknown):
						t.Errorf("%s: %v", body, err)
					case failUnconfirmed:
					case len(body) > 10 && (!errors.As(err, &refused) || refused.Code != 1009 || !strings.Contains(refused.Reason, "at most 10")):
						t.Errorf("%s: %v", body, err)
					case len(body) <= 10 && (err != nil || stored[body] == 0):
						t.Errorf("%s: %v, stored %d times", body, err, stored[body])
					}
				}
				if err := p.Publish(t.Context(), "k", []byte("after")); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAFullQueueIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{MaxMessages: 10}, nil)
		p := w.publisher(PublisherConfig{})
		done := map[int]error{}
		for i := range 15 {
			if err := p.PublishAsync(t.Context(), Message{Key: "k", Body: fmt.Append(nil, i)}, func(err error) { done[i] = err }); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for name, err := range map[string]error{"Flush": p.Flush(ctx), "Publish": p.Publish(ctx, "k", nil)} {
			if !errors.Is(err, ErrQueueFull) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s returned %v", name, err)
			}
		}
		stored := map[string]int{}
		for len(done) < 15 {
			for body, n := range w.drainQueue() {
				stored[body] += n
			}
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		for body, n := range w.drainQueue() {
			stored[body] += n
		}
		for i, err := range done {
			if err != nil || stored[fmt.Sprint(i)] == 0 {
				t.Errorf("%d: %v, stored %d times", i, err, stored[fmt.Sprint(i)])
			}
		}
	})
}

func TestAnUnknownOutcomeIsSaidAndNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var frames atomic.Int32
		w := newPeer(t, func(c *socket.Conn) {
			if _, _, err := c.Read(context.Background()); err == nil { // and answers no ping behind it
				frames.Add(1)
			}
			<-c.Done()
		})
		p := w.publisher(PublisherConfig{Reconnect: Reconnect{Delay: time.Second}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Publish(ctx, "k", []byte("a")); !errors.Is(err, ErrOutcomeUnknown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Publish returned %v", err)
		}
		w.cut()
		time.Sleep(time.Minute)
		if n := frames.Load(); n != 1 {
			t.Errorf("sent %d times", n)
		}
	})
}

func TestWhatWasNotSentNeverIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		w.setDown(true)
		p := w.publisher(PublisherConfig{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := p.Publish(ctx, "k", []byte("a"))
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrOutcomeUnknown) || !strings.Contains(err.Error(), "network is down") {
			t.Errorf("Publish returned %v", err)
		}
		w.setDown(false)
		if err := p.Publish(t.Context(), "k", []byte("b")); err != nil {
			t.Error(err)
		}
		if got := w.drainQueue(); got["a"] != 0 || got["b"] != 1 {
			t.Errorf("stored %v", got)
		}
	})
}

func TestFailUnconfirmedSendsNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPeer(t, func(c *socket.Conn) {
			_, _, _ = c.Read(context.Background())
		})
		p := w.publisher(PublisherConfig{FailUnconfirmed: true})
		if err := p.Publish(t.Context(), "k", []byte("a")); !errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("Publish returned %v", err)
		}
		if s := p.Stats(); s.Resent != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAtTheBoundPublishingWaitsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		w.setDown(true)
		for name, cfg := range map[string]PublisherConfig{"messages": {MaxUnconfirmed: 2}, "bytes": {MaxUnconfirmedBytes: 60}} {
			p := w.publisher(cfg)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			var err error
			n := 0
			for ; err == nil; n++ {
				err = p.PublishAsync(ctx, Message{Key: "k", Body: []byte("0123456789")}, nil)
			}
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) || n != 3 {
				t.Errorf("%s: message %d failed with %v", name, n, err)
			}
		}
	})
}

func TestLocalChecksAreTyped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		p := w.publisher(PublisherConfig{MaxBody: 3})
		for part, m := range map[string]Message{
			"routing key":  {Key: strings.Repeat("k", 257)},
			"body":         {Key: "k", Body: []byte("abcd")},
			"content type": {Key: "k", ContentType: strings.Repeat("t", 257)},
		} {
			var size *SizeError
			if err := p.PublishMessage(t.Context(), m); !errors.As(err, &size) || size.Part != part {
				t.Errorf("%s: %v", part, err)
			}
		}
		for part, m := range map[string]Message{"routing_key": {Key: "a\nb"}, "content_type": {Key: "k", ContentType: "text/plain\r\nx: y"}} {
			var wrong *prism.ParamError
			if err := p.PublishMessage(t.Context(), m); !errors.As(err, &wrong) || wrong.Name != part {
				t.Errorf("%s with a line break: %v", part, err)
			}
			if err := NewQueueClient(w.client).PublishMessage(t.Context(), m); !errors.As(err, &wrong) || wrong.Name != part {
				t.Errorf("%s with a line break, over HTTP: %v", part, err)
			}
		}
		if err := p.Publish(t.Context(), "", nil); err == nil || !strings.Contains(err.Error(), "routing key is empty") {
			t.Errorf("empty key: %v", err)
		}
		if s := p.Stats(); s.Connects != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestCloseFlushesWithinItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		p := w.publisher(PublisherConfig{})
		for i := range 100 {
			_ = p.PublishAsync(t.Context(), Message{Key: "k", Body: fmt.Append(nil, i)}, nil)
		}
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if got := w.drainQueue(); len(got) != 100 {
			t.Errorf("stored %d", len(got))
		}
		if err := p.Publish(t.Context(), "k", nil); !errors.Is(err, ErrClosed) {
			t.Errorf("Publish after Close returned %v", err)
		}
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}

		w.setDown(true)
		p = w.publisher(PublisherConfig{})
		var failed error
		_ = p.PublishAsync(t.Context(), Message{Key: "k"}, func(err error) { failed = err })
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 message") {
			t.Errorf("Close returned %v", err)
		}
		if time.Since(began) > 6*time.Second || !errors.Is(failed, ErrClosed) || errors.Is(failed, ErrOutcomeUnknown) {
			t.Errorf("after %v: %v", time.Since(began), failed)
		}
	})
}

func TestFlushTellsTheFirstFailureNobodyWasToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		cfg := prism.Config{Server: "http://platform.test/api", Key: testKey, Secret: "wrong", HTTPClient: w.http()}
		client, err := prism.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer cfg.HTTPClient.CloseIdleConnections()
		p, _ := NewPublisher(client, PublisherConfig{})
		defer p.Close(t.Context())
		for range 2 {
			_ = p.PublishAsync(t.Context(), Message{Key: "k"}, nil)
			if err := p.Flush(t.Context()); !errors.Is(err, prism.ErrUnauthorized) {
				t.Errorf("Flush returned %v", err)
			}
			if err := p.Flush(t.Context()); err != nil {
				t.Errorf("told twice: %v", err)
			}
		}
	})
}

func TestPublisherRetriesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		w.setDown(true)
		p := w.publisher(PublisherConfig{Reconnect: Reconnect{MaxFailures: 2, Delay: time.Minute}})
		began := time.Now()
		if err := p.Publish(t.Context(), "k", nil); !errors.Is(err, ErrRetriesExhausted) {
			t.Errorf("Publish returned %v", err)
		}
		if took := time.Since(began); took != 2*time.Minute {
			t.Errorf("after %v", took)
		}
		w.setDown(false)
		if err := p.Publish(t.Context(), "k", nil); err != nil {
			t.Errorf("the next one: %v", err)
		}
	})
}

// Whoever publishes while others wait must not have to wait for their pong first,
// or a busy publisher takes up to two round trips for each message.
func TestAConfirmationTakesOneRoundTripWhateverIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const roundTrip = 100 * time.Millisecond
		w := newRawPeer(t, func(p *rawPeer) {
			p.pinged(func(payload []byte) {
				time.AfterFunc(roundTrip, func() { p.send(opPong, payload) })
			})
		})
		p := w.publisher(PublisherConfig{})
		var callers sync.WaitGroup
		for i := range 10 {
			time.Sleep(roundTrip / 7)
			callers.Go(func() {
				began := time.Now()
				if err := p.Publish(t.Context(), "k", []byte("x")); err != nil || time.Since(began) != roundTrip {
					t.Errorf("message %d: %v after %v", i, err, time.Since(began))
				}
			})
		}
		callers.Wait()
	})
}

// A peer needs to answer only the newest ping, so that of the watch has to
// confirm as much as the barrier before it.
func TestPingsOfTheWatchRepeatTheBarrier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var pings []string
		w := serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			c, err := socket.Accept(rw, r, socket.Options{OnPing: func(payload []byte) {
				mu.Lock()
				defer mu.Unlock()
				pings = append(pings, string(payload))
			}})
			if err != nil {
				return
			}
			defer c.CloseNow()
			for err == nil {
				_, _, err = c.Read(context.Background())
			}
		}))
		p := w.publisher(PublisherConfig{})
		if err := p.Publish(t.Context(), "k", nil); err != nil {
			t.Error(err)
		}
		time.Sleep(31 * time.Second)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		one := "\x00\x00\x00\x00\x00\x00\x00\x01"
		if len(pings) != 3 || !strings.HasSuffix(pings[1], one) || pings[2] != pings[1] {
			t.Errorf("pings %q", pings)
		}
	})
}

func TestQueuesOverHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		q := NewQueueClient(w.client)
		ctx := t.Context()
		check := func(what string, err error) {
			t.Helper()
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		check("create", q.Create(ctx, "messages"))
		check("bind", q.Bind(ctx, "messages", "order.*"))
		check("publish", q.PublishMessage(ctx, Message{Key: "order.new", Body: []byte("a"), ContentType: "text/x"}))
		body := []byte("any \x00 text 中文")
		check("write", q.Write(ctx, "messages", body))
		topics, err := q.Topics(ctx)
		check("list", err)
		s, err := q.Status(ctx, "messages")
		check("status", err)
		if fmt.Sprint(topics) != "[messages]" || s.Messages != 2 || s.Ready != 2 || s.Stored != 2 || s.Consumers != 0 {
			t.Errorf("%v, %+v", topics, s)
		}
		read, err := q.Read(ctx, "messages", 5)
		check("read", err)
		if len(read) != 2 || read[0].Key != "order.new" || read[0].ContentType != "text/x" || string(read[1].Body) != string(body) {
			t.Errorf("read %+v", read)
		}
		check("write", q.Write(ctx, "messages", body))
		check("purge", q.Purge(ctx, "messages"))
		if s, _ := q.Status(ctx, "messages"); s.Messages != 0 {
			t.Errorf("after the purge: %+v", s)
		}
		check("drop", q.Drop(ctx, "messages"))
		if _, err := q.Status(ctx, "messages"); !errors.Is(err, prism.ErrNotFound) {
			t.Errorf("after the drop: %v", err)
		}
		if err := q.PublishMessage(ctx, Message{}); err == nil {
			t.Error("an empty routing key was published")
		}
	})
}

func TestCurable(t *testing.T) {
	for _, tt := range []struct {
		err          error
		fresh, later bool // before and after a connection has worked
	}{
		{io.ErrUnexpectedEOF, true, true},
		{ErrNoPong, true, true},
		{&prism.Error{Status: 401, Code: "invalid_sign"}, false, true}, // not in Prism's envelope
		{&prism.Error{Status: 401, Code: "sign_time_expired"}, true, true},
		{&prism.Error{Status: 302}, false, true},
		{&prism.Error{Status: 403}, false, true},
		{&prism.Error{Status: 404}, false, true},
		{&prism.Error{Status: 408}, true, true},
		{&prism.Error{Status: 429}, true, true},
		{&prism.Error{Status: 500}, true, true},
		{&prism.Error{Status: 503}, true, true},
		{fmt.Errorf("dial: %w", &prism.Error{Status: 401}), false, true},
		{&tls.CertificateVerificationError{Err: io.EOF}, false, true},
		{tls.RecordHeaderError{}, false, true},
		{&socket.CloseError{Code: socket.PolicyViolation}, false, false},
		{&socket.ProtocolError{Code: socket.MessageTooBig}, false, false},
		{&socket.CloseError{Code: socket.GoingAway}, true, true},
		{&socket.CloseError{Code: socket.TryAgainLater}, true, true},
		{&socket.HandshakeError{}, false, true},
	} {
		if got := curable(tt.err, false); got != tt.fresh {
			t.Errorf("at first curable(%v) = %v", tt.err, got)
		}
		if got := curable(tt.err, true); got != tt.later {
			t.Errorf("later curable(%v) = %v", tt.err, got)
		}
	}
}

func TestBackoffHasJitterAndACeiling(t *testing.T) {
	for n, bound := range map[int]time.Duration{1: 500 * time.Millisecond, 2: time.Second, 5: 8 * time.Second, 8: time.Minute, 1000: time.Minute} {
		seen := map[time.Duration]bool{}
		for range 50 {
			d := Reconnect{}.delay(n)
			if d < 0 || d >= bound {
				t.Errorf("delay %d is %v", n, d)
			}
			seen[d] = true
		}
		if len(seen) < 10 {
			t.Errorf("delay %d has no jitter", n)
		}
	}
	if d := (Reconnect{Delay: time.Hour}).delay(9); d != time.Hour {
		t.Errorf("a fixed sleep became %v", d)
	}
}
