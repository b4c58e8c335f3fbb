package listen

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
)

// A run is a listener at work.
type run struct {
	t    *testing.T
	stop context.CancelFunc
	done chan error

	mu       sync.Mutex // guards what follows
	attempts []Attempt
	states   []State
	notices  []string
	changed  chan struct{} // receives a value after something was reported
}

// begin listens to srv. The zero values of cfg are those of the command.
func begin(t *testing.T, srv *prismtest.Server, cfg Config) *run {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &run{t: t, stop: stop, done: make(chan error, 1), changed: make(chan struct{}, 1)}
	if cfg.Client == nil {
		cfg.Client = srv.Client()
	}
	cfg.Server = srv.URL()
	if cfg.Workers == 0 {
		cfg.Workers = 4
	}
	if cfg.Report == nil {
		cfg.Report = r.report
	}
	cfg.Notice = func(format string, args ...any) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.notices = append(r.notices, fmt.Sprintf(format, args...))
	}
	go func() { r.done <- Run(ctx, cfg) }()
	t.Cleanup(stop)
	return r
}

func (r *run) report(e Event) error {
	r.mu.Lock()
	switch e := e.(type) {
	case Attempt:
		r.attempts = append(r.attempts, e)
	case State:
		r.states = append(r.states, e)
	}
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
	return nil
}

// await waits until what was reported is enough.
func (r *run) await(what string, enough func() bool) {
	r.t.Helper()
	late := time.After(patience.Of(20 * time.Second))
	for {
		r.mu.Lock()
		ok := enough()
		r.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-r.changed:
		case err := <-r.done:
			r.t.Fatalf("listening ended with %v before %s; %+v", err, what, r.attempts)
		case <-late:
			r.t.Fatalf("waited for %s; %+v", what, r.attempts)
		}
	}
}

// end ends listening and returns its error, within a second.
func (r *run) end() error {
	r.t.Helper()
	began := time.Now()
	r.stop()
	err := <-r.done
	if took := time.Since(began); took > patience.Of(time.Second) {
		r.t.Errorf("it took %v to end", took)
	}
	return err
}

// receiver answers with what status returns for a body.
func receiver(t *testing.T, status func(body string) int) Receiver {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(status(string(body)))
	}))
	t.Cleanup(s.Close)
	return forward(t, s.URL, time.Minute)
}

func forward(t *testing.T, address string, timeout time.Duration) Receiver {
	t.Helper()
	to, err := Forward(Forwarding{URL: address, Format: Raw, Timeout: timeout, Workers: 4})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func TestWhatTheReceiverTakesIsAcknowledgedAndTheRestIsTriedAgain(t *testing.T) {
	srv := prismtest.NewServer(t)
	var bad atomic.Int32
	r := begin(t, srv, Config{To: receiver(t, func(body string) int {
		if body == "bad" && bad.Add(1) < 3 {
			return http.StatusServiceUnavailable
		}
		return http.StatusNoContent
	})})
	srv.Publish("order.new", "good")
	srv.Publish("order.new", "bad")
	srv.WaitAcks(2)
	if err := r.end(); err != nil {
		t.Error(err)
	}
	if n := srv.Depth(""); n != 0 {
		t.Errorf("%d messages are left", n)
	}
	var failed []string
	for _, a := range r.attempts {
		if a.RoutingKey != "order.new" || a.ID == "" || a.DurationMS <= 0 {
			t.Errorf("%+v", a)
		}
		if a.Status != http.StatusNoContent {
			failed = append(failed, fmt.Sprint(a.Attempt, " ", a.Error))
		}
	}
	want := []string{"1 the receiver answered 503 Service Unavailable", "2 the receiver answered 503 Service Unavailable"}
	if !slices.Equal(failed, want) || len(r.attempts) != 4 {
		t.Errorf("failed %q of %d", failed, len(r.attempts))
	}
	if len(r.states) != 2 || r.states[0].State != listening || r.states[1].State != ended ||
		r.states[1].Delivered != 2 || r.states[1].Failed != 2 || r.states[1].Waiting == nil || *r.states[1].Waiting != 0 {
		t.Errorf("states %+v", r.states)
	}
}

// Whatever a receiver does: one sentence says it, the message stays, and listening ends
// within a second.
func TestAReceiverThatMisbehavesCostsNoMessage(t *testing.T) {
	for name, c := range map[string]struct{ answer, want string }{
		"hangs":            {"", "the receiver did not answer"},
		"fails":            {"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", "the receiver answered 500"},
		"redirects":        {"HTTP/1.1 302 x\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n", "redirects are not followed"},
		"headers no end":   {"HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 200), "the POST failed"},
		"is no web server": {"220 mail ready\r\n", "the POST failed"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := prismtest.NewServer(t)
			r := begin(t, srv, Config{To: forward(t, "http://"+raw(t, c.answer)+"/s3cret?t=s3cret", 300*time.Millisecond)})
			srv.Publish("order.new", "x")
			r.await("a try", func() bool { return len(r.attempts) > 0 })
			if err := r.end(); err != nil {
				t.Error(err)
			}
			said := r.attempts[0].Error
			if !strings.Contains(said, c.want) || strings.Contains(said, "\n") || strings.Contains(r.attempts[0].Text(), "s3cret") || len(said) > 400 {
				t.Errorf("it said %q", said)
			}
			if n := srv.Depth(""); n != 1 {
				t.Errorf("%d messages are left", n)
			}
		})
	}
}

// raw is a server that answers each connection so, and then waits for its end.
func raw(t *testing.T, answer string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer conn.Close()
				_, _ = http.ReadRequest(bufio.NewReader(conn))
				_, _ = io.WriteString(conn, answer)
				_, _ = io.Copy(io.Discard, conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		group.Wait()
	})
	return l.Addr().String()
}

func TestListeningEndsWithinASecondWhileAReceiverHangs(t *testing.T) {
	srv := prismtest.NewServer(t)
	arrived := make(chan struct{})
	r := begin(t, srv, Config{To: receiver(t, func(string) int {
		close(arrived)
		time.Sleep(2 * time.Second) // longer than the end may take
		return http.StatusOK
	})})
	srv.Publish("order.new", "x")
	<-arrived
	if err := r.end(); err != nil {
		t.Error(err)
	}
	if n := srv.Depth(""); n != 1 || len(r.attempts) != 1 || !strings.Contains(r.attempts[0].Error, "comes again") || r.states[1].Failed != 0 {
		t.Errorf("%d messages, %+v, %+v", n, r.attempts, r.states)
	}
}

func TestWhatIsUnderWayAtTheEndMayFinish(t *testing.T) {
	srv := prismtest.NewServer(t)
	arrived, answer := make(chan struct{}), make(chan struct{})
	r := begin(t, srv, Config{To: receiver(t, func(string) int {
		close(arrived)
		<-answer
		return http.StatusOK
	})})
	srv.Publish("order.new", "x")
	<-arrived
	r.stop()
	close(answer)
	if err := r.end(); err != nil {
		t.Error(err)
	}
	if n := srv.Depth(""); n != 0 || len(r.attempts) != 1 || r.attempts[0].Error != "" {
		t.Errorf("%d messages are left, %+v", n, r.attempts)
	}
}

func TestOneWorkerKeepsTheOrderOverFailures(t *testing.T) {
	srv := prismtest.NewServer(t)
	var mu sync.Mutex
	var took []string
	tries := 0
	r := begin(t, srv, Config{Workers: 1, To: receiver(t, func(body string) int {
		mu.Lock()
		defer mu.Unlock()
		if tries++; body == "b" && tries < 6 {
			return http.StatusInternalServerError
		}
		took = append(took, body)
		return http.StatusOK
	})})
	for _, body := range []string{"a", "b", "c", "d"} {
		srv.Publish("order.new", body)
	}
	srv.WaitAcks(4)
	if err := r.end(); err != nil || strings.Join(took, "") != "abcd" {
		t.Errorf("%v, took %v", err, took)
	}
}

func TestAMessageThatFailsHoldsUpNoOther(t *testing.T) {
	srv := prismtest.NewServer(t)
	r := begin(t, srv, Config{Workers: 2, To: receiver(t, func(body string) int {
		if body == "bad" {
			return http.StatusBadRequest
		}
		return http.StatusOK
	})})
	for range 4 {
		srv.Publish("order.bad", "bad")
	}
	r.await("each bad one", func() bool { return len(r.attempts) >= 4 })
	srv.Publish("order.new", "good")
	srv.WaitAcks(1)
	if err := r.end(); err != nil || srv.Depth("") != 4 {
		t.Errorf("%v, %d messages are left", err, srv.Depth(""))
	}
}

func TestAMessageComesOverTheNextConnectionAndIsStillTheSame(t *testing.T) {
	srv := prismtest.NewServer(t)
	var tries atomic.Int32
	r := begin(t, srv, Config{Workers: 1, To: receiver(t, func(string) int {
		if tries.Add(1) < 4 {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})})
	srv.Publish("order.new", "x")
	r.await("two tries", func() bool { return len(r.attempts) == 2 })
	srv.Cut()
	srv.WaitAcks(1)
	if err := r.end(); err != nil {
		t.Error(err)
	}
	for i, a := range r.attempts {
		if a.Attempt != i+1 {
			t.Errorf("try %d is called %d", i+1, a.Attempt)
		}
	}
}

func TestWhatFailsTooOftenIsParkedAndComesWhenItIsPutBack(t *testing.T) {
	for name, c := range map[string]struct {
		cfg   Config
		limit int // of the queue
		tries int
	}{
		"by the flag":             {Config{MaxAttempts: 2}, 0, 2},
		"by more than a turn":     {Config{MaxAttempts: 4}, 0, 4},
		"by the limit of a queue": {Config{}, 3, 3},
		"the flag counts first":   {Config{MaxAttempts: 1}, 3, 1},
		"by a queue of its own":   {Config{Topic: "mine", Filter: "order.#", Keep: true, MaxAttempts: 2}, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			srv := prismtest.NewServer(t)
			queues := notify.NewQueueClient(srv.Client())
			if c.limit > 0 {
				if _, err := queues.SetLimits(t.Context(), "", notify.QueueLimits{MaxAttempts: c.limit}); err != nil {
					t.Fatal(err)
				}
			}
			var mended atomic.Bool
			c.cfg.To = receiver(t, func(body string) int {
				if body == "bad" && !mended.Load() {
					return http.StatusUnprocessableEntity
				}
				return http.StatusOK
			})
			r := begin(t, srv, c.cfg)
			r.await("the begin", func() bool { return len(r.states) == 1 })
			srv.Publish("order.new", "bad")
			srv.Publish("order.new", "good")
			r.await("the parking", func() bool {
				return slices.ContainsFunc(r.attempts, func(a Attempt) bool { return a.Parked }) && len(r.attempts) == c.tries+1
			})
			parked, err := queues.Parked(t.Context(), c.cfg.Topic, notify.ParkedOptions{})
			if err != nil || len(parked) != 1 || parked[0].Key != "order.new" || string(parked[0].Body) != "bad" || parked[0].Reason != "the receiver answered 422 Unprocessable Entity" {
				t.Fatalf("parked %+v, %v", parked, err)
			}
			mended.Store(true)
			if n, err := queues.Unpark(t.Context(), c.cfg.Topic, parked[0].ID); n != 1 || err != nil {
				t.Fatalf("put back %d, %v", n, err)
			}
			r.await("the rest", func() bool { return len(r.attempts) == c.tries+2 })
			if err := r.end(); err != nil {
				t.Error(err)
			}
			if last := r.attempts[len(r.attempts)-1]; last.Error != "" || last.ID != parked[0].ID || last.Attempt < 2 || len(r.notices) != 0 {
				t.Errorf("%+v, told %q", last, r.notices)
			}
			if s := r.states[1]; s.Delivered != 2 || s.Failed != int64(c.tries) || *s.Waiting != 0 || *s.Parked != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestTheQueueOfAFilterHasTheLimitToo(t *testing.T) {
	srv := prismtest.NewServer(t)
	r := begin(t, srv, Config{Filter: "order.#", MaxAttempts: 7, To: receiver(t, func(string) int { return http.StatusOK })})
	r.await("the begin", func() bool { return len(r.states) == 1 })
	limits, err := notify.NewQueueClient(srv.Client()).Limits(t.Context(), r.states[0].Queue)
	if err != nil || limits.MaxAttempts != 7 {
		t.Errorf("%+v, %v", limits, err)
	}
	if err := r.end(); err != nil {
		t.Error(err)
	}
}

func TestAFilterLeavesTheRestAloneAndItsQueueGoes(t *testing.T) {
	srv := prismtest.NewServer(t)
	r := begin(t, srv, Config{Filter: "order.*", To: receiver(t, func(string) int { return http.StatusOK })})
	r.await("the begin", func() bool { return len(r.states) == 1 })
	topic := r.states[0].Queue
	srv.Publish("order.new", "mine")
	srv.Publish("stock.low", "not mine")
	srv.WaitAcks(1)
	if err := r.end(); err != nil || !strings.HasPrefix(topic, "listen-") {
		t.Errorf("%v, queue %q", err, topic)
	}
	if topics := topicsOf(t, srv); len(r.attempts) != 1 || r.attempts[0].RoutingKey != "order.new" || srv.Depth("") != 2 || len(topics) != 0 {
		t.Errorf("%+v; %d messages in the default queue; queues %v", r.attempts, srv.Depth(""), topics)
	}
}

func TestAQueueThatIsKeptCanBeComeBackTo(t *testing.T) {
	srv := prismtest.NewServer(t)
	cfg := Config{Topic: "mine", Filter: "order.*", Keep: true, To: receiver(t, func(string) int { return http.StatusOK })}
	r := begin(t, srv, cfg)
	r.await("the begin", func() bool { return len(r.states) == 1 })
	if err := r.end(); err != nil {
		t.Error(err)
	}
	srv.Publish("order.new", "meanwhile")
	r = begin(t, srv, cfg)
	srv.WaitAcks(1)
	if err := r.end(); err != nil {
		t.Error(err)
	}
	cfg.Filter = "stock.#"
	if err := begin(t, srv, cfg).ends(); exit.Of(err) != exit.Refused || !strings.Contains(err.Error(), "queue mine is bound to order.* already") {
		t.Errorf("another filter: %v", err)
	}
	cfg.Topic, cfg.Filter = "", "order.*"
	r = begin(t, srv, cfg)
	r.await("the begin", func() bool { return len(r.states) == 1 })
	if err := r.end(); err != nil || len(r.notices) != 1 || !strings.Contains(r.notices[0], "prismctl listen "+r.states[0].Queue) {
		t.Errorf("%v; told %q", err, r.notices)
	}
	if topics := topicsOf(t, srv); len(topics) != 2 {
		t.Errorf("queues %v", topics)
	}
}

// ends waits for the end.
func (r *run) ends() error {
	r.t.Helper()
	select {
	case err := <-r.done:
		return err
	case <-time.After(patience.Of(20 * time.Second)):
		r.t.Fatal("it does not end")
		return nil
	}
}

func topicsOf(t *testing.T, srv *prismtest.Server) []string {
	t.Helper()
	topics, err := notify.NewQueueClient(srv.Client()).Topics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return topics
}

func TestAnErrorOfTheOutputEndsListening(t *testing.T) {
	srv := prismtest.NewServer(t)
	full := exit.With(exit.Refused, errors.New("the disk is full"))
	r := begin(t, srv, Config{Report: func(Event) error { return full }, To: receiver(t, func(string) int { return http.StatusOK })})
	if err := r.ends(); !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
}

// A reader that does not read holds up the end no longer than a moment.
func TestAnOutputThatIsStuckDoesNotHoldUpTheEnd(t *testing.T) {
	srv := prismtest.NewServer(t)
	release, stuck := make(chan struct{}), make(chan struct{})
	var once sync.Once
	r := begin(t, srv, Config{
		Report: func(Event) error { once.Do(func() { close(stuck) }); <-release; return nil },
		To:     receiver(t, func(string) int { return http.StatusOK }),
	})
	<-stuck
	for range 600 { // more than there is room for
		srv.Publish("order.new", "x")
	}
	srv.WaitAcks(200)
	if err := r.end(); err != nil {
		t.Error(err)
	}
	close(release)
}

func TestAQueueThatIsDroppedEndsListening(t *testing.T) {
	srv := prismtest.NewServer(t)
	r := begin(t, srv, Config{Topic: "orders", Create: true, To: receiver(t, func(string) int { return http.StatusOK })})
	r.await("the begin", func() bool { return len(r.states) == 1 })
	srv.Write("orders", "x")
	srv.WaitAcks(1)
	if err := notify.NewQueueClient(srv.Client()).Drop(t.Context(), "orders"); err != nil {
		t.Fatal(err)
	}
	if err := r.ends(); exit.Of(err) != exit.Refused || !strings.Contains(err.Error(), "the queue was dropped") {
		t.Errorf("%v", err)
	}
}

func TestAQueueThatIsNotThereIsNotMadeUnasked(t *testing.T) {
	srv := prismtest.NewServer(t)
	cfg := Config{Topic: "oders", To: receiver(t, func(string) int { return http.StatusOK })}
	if err := begin(t, srv, cfg).ends(); exit.Of(err) != exit.Refused || !strings.Contains(err.Error(), "there is no queue oders: --create makes it") {
		t.Errorf("%v", err)
	}
	if topics := topicsOf(t, srv); len(topics) > 0 {
		t.Errorf("queues %v", topics)
	}
}

func TestAFilterThatMayNotBeListenedToMakesNothing(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.AddApp(platform.App{ID: "erp", Listen: platform.Matching("order.#")})
	erp := platform.NewKey("erp")
	srv.AddKey(erp)
	for _, topic := range []string{"", "mine"} {
		cfg := Config{Client: srv.ClientFor(erp), Topic: topic, Filter: "stock.#", Keep: true, To: receiver(t, func(string) int { return http.StatusOK })}
		if err := begin(t, srv, cfg).ends(); exit.Of(err) != exit.Refused || !strings.Contains(err.Error(), "stock.#") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v", err)
		}
	}
	if topics, err := notify.NewQueueClient(srv.ClientFor(erp)).Topics(t.Context()); err != nil || len(topics) != 0 {
		t.Errorf("queues %v, %v", topics, err)
	}
}

func TestTheStateFitsIntoALine(t *testing.T) {
	var s state
	now := connectionState{since: time.Now().Add(-time.Minute)}
	if got, want := s.text(now, depth{}, false), "offline since "+now.since.Format("15:04")+", 0 delivered, 0 failed"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	now = connectionState{true, time.Now().Add(-100 * time.Hour)}
	s.delivered.Store(9_999)
	s.failed.Store(999_999)
	got, want := s.text(now, depth{999_999_999, 12_345}, true), "connected since "+now.since.Format("Jan 2")+", 9999 delivered, 999k failed, 999M waiting, 12k parked"
	if got != want || words.Width(got) > 79 {
		t.Errorf("%q of %d columns, want %q", got, words.Width(got), want)
	}
	if got := short(5_000_000_000); got != "5G" {
		t.Error(got)
	}
}
