package load

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/internal/leak"
	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/prismtest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// An outcome is what became of a run.
type outcome struct {
	report  *Report
	err     error
	notices string
}

// short is a load against srv that is long enough for some messages.
func short(srv *prismtest.Server) Config {
	return Config{
		Client: srv.Client(), Server: srv.URL(), RoutingKey: "bench.load", Duration: patience.Of(200 * time.Millisecond), Size: 1024,
		Publishers: 1, Consumers: 1, Workers: 1, Patience: 10 * time.Second,
	}
}

func run(ctx context.Context, cfg Config) (o outcome) {
	var mu sync.Mutex
	cfg.Notice = func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		o.notices += fmt.Sprintf(format, args...) + "\n"
	}
	o.report, o.err = Run(ctx, cfg)
	return o
}

// loaded runs a load that measures something.
func loaded(t *testing.T, status int, cfg Config) outcome {
	t.Helper()
	o := run(t.Context(), cfg)
	if got := exit.Of(o.err); got != status || o.report == nil {
		t.Fatalf("exit status %d, want %d: %v, report %+v", got, status, o.err, o.report)
	}
	return o
}

// refused runs a load that measures nothing, for a reason.
func refused(t *testing.T, status int, reason string, cfg Config) {
	t.Helper()
	o := run(t.Context(), cfg)
	if exit.Of(o.err) != status || o.report != nil || !strings.Contains(o.err.Error(), reason) {
		t.Errorf("exit status %d, want %d: %v, want %q, report %+v", exit.Of(o.err), status, o.err, reason, o.report)
	}
}

// begin runs a load until it is cancelled, a thousand messages a second.
func begin(t *testing.T, cfg Config) (end context.CancelFunc, done <-chan outcome) {
	ctx, cancel := context.WithCancel(t.Context())
	cfg.Duration, cfg.Rate = time.Hour, 1000
	over := make(chan outcome, 1)
	go func() { over <- run(ctx, cfg) }()
	return cancel, over
}

func TestBenchCountsEveryMessageAndLeavesNone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"as it is":          func(*Config) {},
		"several of each":   func(c *Config) { c.Publishers, c.Consumers, c.Workers = 2, 3, 2 },
		"confirm each":      func(c *Config) { c.ConfirmEach = true },
		"callers":           func(c *Config) { c.ConfirmEach, c.Callers, c.Publishers = true, new(8), 2 },
		"a rate":            func(c *Config) { c.Rate = 500 },
		"one small at once": func(c *Config) { c.Size, c.InFlight = 32, new(1) },
		"large":             func(c *Config) { c.Size, c.InFlight = 100_000, new(10) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := prismtest.NewServer(t)
			cfg := short(srv)
			change(&cfg)
			r := loaded(t, exit.Done, cfg).report
			if n := r.Published; n == 0 || r.Confirmed != n || r.Consumed != n || r.Acked != n || *r.Lost != 0 || *r.Left != 0 || r.Duplicates != 0 {
				t.Errorf("%+v", r)
			}
			if n := r.Published; r.Handled.Messages != n || r.Confirm.Messages != n {
				t.Errorf("measured %d and %d of %d", r.Handled.Messages, r.Confirm.Messages, n)
			}
			if first := int64(r.Settings.Publishers); int64(len(srv.Published())) != r.Published+first {
				t.Errorf("the platform has seen %d messages, want %d and %d first ones", len(srv.Published()), r.Published, first)
			}
			if srv.Depth("") != 0 {
				t.Errorf("%d messages were left behind", srv.Depth(""))
			}
			for _, p := range srv.Published() {
				if len(p.Message.Body) != r.Settings.Size {
					t.Fatalf("a body has %d bytes, want %d", len(p.Message.Body), r.Settings.Size)
				}
			}
		})
	}
}

func TestBenchLeavesADefaultQueueInUseAlone(t *testing.T) {
	t.Parallel()
	for _, confirmEach := range []bool{false, true} {
		srv := prismtest.NewServer(t)
		srv.Publish("order.new", "not of bench")
		cfg := short(srv)
		cfg.ConfirmEach = confirmEach
		o := loaded(t, exit.Done, cfg)
		if r := o.report; r.Consumed == 0 || r.Consumed != r.Published || !r.Settings.Direct || !strings.HasPrefix(r.Settings.Topic, "bench-") {
			t.Errorf("%+v", r)
		}
		if !strings.Contains(o.notices, "the default queue is in use") {
			t.Errorf("it says %q", o.notices)
		}
		for _, d := range srv.Deliveries() {
			if d.Topic == "" {
				t.Fatalf("it took %v", d)
			}
		}
		if srv.Depth("") != 1 {
			t.Errorf("the default queue holds %d messages", srv.Depth(""))
		}
		noQueue(t, srv)
	}
}

func TestBenchTakesNothingFromAnotherConsumer(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	srv.Publish("order.new", "not of bench")
	consumer, err := notify.NewConsumer(srv.Client(), notify.ConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	var got atomic.Int64
	go func() {
		over <- consumer.Run(ctx, func(context.Context, *notify.Delivery) error { got.Add(1); return nil })
	}()
	srv.WaitAcks(1)
	if r := loaded(t, exit.Done, short(srv)).report; r.Consumed == 0 || r.Consumed != r.Published {
		t.Errorf("%+v", r)
	}
	cancel()
	<-over
	if got.Load() != 1 {
		t.Errorf("the other consumer got %d messages", got.Load())
	}
}

func TestBenchRefusesANamedQueueThatIsUsed(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	queues := notify.NewQueueClient(srv.Client())
	if err := errors.Join(queues.Create(t.Context(), "orders"), queues.Write(t.Context(), "orders", []byte("not of bench"))); err != nil {
		t.Fatal(err)
	}
	cfg := short(srv)
	cfg.Topic = "orders"
	for _, direct := range []bool{false, true} {
		cfg.Direct = direct
		refused(t, exit.Refused, "queue orders holds 1 message, which bench would hold up", cfg)
	}
	if srv.Depth("orders") != 1 || len(srv.Published()) != 1 {
		t.Error("it was not left alone")
	}
}

func TestBenchLeavesMessagesOfOthersAlone(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	end, done := begin(t, short(srv))
	srv.WaitAcks(10)
	srv.Publish("order.new", "not of bench")
	srv.Publish("order.new", strings.Repeat("A", 1024)) // a marking, but of no run that there is
	others := func() (n int) {
		for _, d := range srv.Deliveries() {
			if d.Message.Key == "order.new" {
				n++
			}
		}
		return n
	}
	srv.WaitUntil("the messages of others", func() bool { return others() == 2 })
	end()
	r := <-done
	if exit.Of(r.err) != exit.Interrupted || r.report.Foreign != 2 || *r.report.Left != 0 || strings.Count(r.notices, "messages of others come to the default queue") != 1 {
		t.Errorf("%+v", r)
	}
	if srv.Depth("") != 2 {
		t.Errorf("%d messages in the queue, want 2", srv.Depth(""))
	}
}

func TestAnInterruptedBenchReportsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	end, done := begin(t, short(srv))
	srv.WaitAcks(50)
	end()
	r := <-done
	report := r.report
	if exit.Of(r.err) != exit.Interrupted || r.notices != "" || !report.Early || report.Published < 40 || report.Consumed != report.Published {
		t.Errorf("%+v: %+v", r, report)
	}
	if srv.Depth("") != 0 {
		t.Errorf("%d messages were left behind", srv.Depth(""))
	}
}

func TestALoadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	cfg := short(srv)
	cfg.Duration = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), patience.Of(time.Second))
	defer cancel()
	if r := run(ctx, cfg); exit.Of(r.err) != exit.Timeout || !r.report.Early || *r.report.Left != 0 {
		t.Errorf("%+v: %+v", r, r.report)
	}
}

func TestBenchCountsDuplicates(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	srv.Duplicate(8) // one of them a first message, which does not count
	r := loaded(t, exit.Done, short(srv)).report
	if r.Duplicates != 7 || r.Consumed != r.Published || r.Acked != r.Published+7 {
		t.Errorf("%+v", r)
	}
}

func TestBenchGoesOnWhenConnectionsAreCut(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	end, done := begin(t, short(srv))
	srv.WaitAcks(50)
	srv.Cut()
	srv.WaitAcks(len(srv.Acks()) + 100)
	end()
	r := <-done
	report := r.report
	if report.Disconnects < 2 || *report.Lost != 0 || *report.Left != 0 || report.Consumed != report.Confirmed || srv.Depth("") != 0 {
		t.Errorf("%+v", r)
	}
}

// forgetful loses some messages that it has confirmed.
type forgetful struct {
	platform.Queues
	seen atomic.Int64
}

func (f *forgetful) Publish(ctx context.Context, exchange string, ms ...*platform.Message) (routed []int, err error) {
	for _, m := range ms {
		if n := f.seen.Add(1); n > 10 && n <= 13 {
			routed = append(routed, 1)
			continue
		}
		one, err := f.Queues.Publish(ctx, exchange, m)
		if err != nil {
			return routed, err
		}
		routed = append(routed, one...)
	}
	return routed, nil
}

func TestBenchTellsThatMessagesWereLost(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServerConfig(t, prismtest.Config{Platform: platform.Config{Queues: &forgetful{Queues: memory.New(memory.Config{})}}})
	cfg := short(srv)
	cfg.Patience = 3 * time.Second
	r := loaded(t, exit.Refused, cfg)
	report := r.report
	if *report.Lost != 3 || *report.Left != 0 || report.Consumed != report.Confirmed-3 || !strings.Contains(r.err.Error(), "3 messages lost: confirmed, never delivered, and not in the queue") {
		t.Errorf("%+v", r)
	}
}

func TestBenchTellsWhatStaysInTheQueue(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	srv.LoseAcks(1) // or as many messages as are acknowledged together
	cfg := short(srv)
	cfg.Patience = 2 * time.Second
	r := loaded(t, exit.Refused, cfg)
	left, report := srv.Depth(""), r.report
	if left == 0 || *report.Left != int64(left) || *report.Lost != 0 || !strings.Contains(r.err.Error(), " left in the queue: more --patience") {
		t.Errorf("%d are left: %+v", left, r)
	}
}

func TestBenchSaysThatItDoesNotKnowWhatStays(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	cfg := short(srv)
	cfg.Patience = 2 * time.Second
	end, done := begin(t, cfg)
	srv.WaitAcks(10)
	srv.Refuse(true)
	srv.Cut()
	end()
	r := <-done
	if report := r.report; exit.Of(r.err) != exit.Refused || report.Lost != nil || report.Left != nil || !strings.Contains(r.err.Error(), "how many messages stayed in the queue is unknown: ") {
		t.Errorf("%+v", r)
	}
	if people := (&Report{}).Text(true); !strings.Contains(people, "\nlost                        unknown\n") {
		t.Errorf("for people it is\n%s", people)
	}
}

func TestBenchEndsWhenAMessageIsRefused(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServerConfig(t, prismtest.Config{Platform: platform.Config{Limits: platform.Limits{MaxBody: 100}}})
	cfg := short(srv)
	cfg.Size = 101
	refused(t, exit.Refused, "the platform refused the message", cfg)
}

// noQueue checks that the key has no queue but the default one.
func noQueue(t *testing.T, srv *prismtest.Server) {
	t.Helper()
	if topics, err := notify.NewQueueClient(srv.Client()).Topics(t.Context()); err != nil || len(topics) > 0 {
		t.Errorf("queues %q, %v", topics, err)
	}
}

func TestBenchDropsTheQueueThatItMakes(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServerConfig(t, prismtest.Config{Memory: memory.Config{Bindings: []platform.Binding{{Pattern: "order.#"}}}})
	cfg := short(srv)
	cfg.Topic = "load"
	if r := loaded(t, exit.Done, cfg).report; r.Consumed == 0 || r.Consumed != r.Published {
		t.Errorf("%+v", r)
	}
	noQueue(t, srv)

	srv.LoseAcks(1)
	cfg.Patience = 2 * time.Second
	if r := loaded(t, exit.Refused, cfg); !strings.Contains(r.err.Error(), " left in the queue when it was dropped") {
		t.Errorf("%+v", r)
	}
	noQueue(t, srv)
}

func TestBenchMakesAQueueWhereTheDefaultOneGetsNothing(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServerConfig(t, prismtest.Config{Memory: memory.Config{Bindings: []platform.Binding{{Pattern: "order.#"}}}})
	srv.Publish("order.new", "not of bench") // and the default queue is in use
	r := loaded(t, exit.Done, short(srv)).report
	if r.Consumed == 0 || r.Consumed != r.Published || !strings.HasPrefix(r.Settings.Topic, "bench-") {
		t.Errorf("%+v", r)
	}
	if srv.Depth("") != 1 {
		t.Errorf("the default queue holds %d messages", srv.Depth(""))
	}
	noQueue(t, srv)
}

func TestBenchSendsNothingThatQueuesOfOtherKeysGet(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	srv.NewKey()
	refused(t, exit.Refused, "1 queue of other keys would get copies of messages with the routing key bench.load, too", short(srv))
	if n := len(srv.Published()); n > 0 {
		t.Errorf("%d messages were published", n)
	}
	cfg := short(srv)
	cfg.Direct = true
	if r := loaded(t, exit.Done, cfg).report; r.Consumed == 0 || r.Consumed != r.Published || srv.Depth("") != 0 {
		t.Errorf("%+v; the default queue holds %d messages", r, srv.Depth(""))
	}
}

func TestBenchRefusesARoutingKeyThatFillsOtherQueues(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	cfg := short(srv)
	cfg.Topic, cfg.Publishers = "load", 2
	refused(t, exit.Refused, "the default queue gets copies of messages with the routing key bench.load, which nobody would consume", cfg)
	if srv.Depth("") != 0 {
		t.Errorf("%d copies were left behind", srv.Depth(""))
	}
	noQueue(t, srv)
}

func TestBenchSaysThatItsMessagesDoNotCome(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServerConfig(t, prismtest.Config{Memory: memory.Config{Bindings: []platform.Binding{{Pattern: "order.#"}}}})
	cfg := short(srv)
	cfg.Topic, cfg.Patience = "load", time.Second
	if err := notify.NewQueueClient(srv.Client()).Create(t.Context(), "load"); err != nil {
		t.Fatal(err)
	}
	refused(t, exit.Timeout, "did not come to queue load (is it bound to that? \"prismctl queue bind\" does it) within 1s", cfg)
}

func TestALoadThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	cfg := short(prismtest.NewServer(t))
	cfg.Publishers = 0
	refused(t, exit.Usage, "--publishers is 0: use 1 to 100", cfg)
}

// A screen notes what is drawn.
type screen struct {
	lines   []string
	cleared bool
}

func (s *screen) Draw(line string) { s.lines, s.cleared = append(s.lines, line), false }

func (s *screen) Clear() { s.cleared = true }

func TestProgressIsShownUntilTheLoadIsOver(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	var shown screen
	cfg := short(srv)
	cfg.Progress, cfg.Duration = &shown, 5*redraw
	loaded(t, exit.Done, cfg)
	if len(shown.lines) == 0 || !shown.cleared || !strings.Contains(strings.Join(shown.lines, "\n"), " consumed  ") {
		t.Errorf("%+v", shown)
	}
}
