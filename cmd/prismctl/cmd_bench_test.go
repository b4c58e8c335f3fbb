package main

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/prismtest"
)

// reported is the report in a result.
func reported(t *testing.T, r result) (report benchReport) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.out), &report); err != nil {
		t.Fatalf("%v in %+v", err, r)
	}
	return report
}

// benched runs bench against srv and returns the report.
func benched(t *testing.T, srv *prismtest.Server, status int, args ...string) (benchReport, result) {
	t.Helper()
	r := with(srv, append([]string{"bench", "--output", "json"}, args...)...)
	if r.status != status {
		t.Errorf("%v: exit status %d, want %d\n%s%s", args, r.status, status, r.out, r.err)
	}
	return reported(t, r), r
}

// beginBench runs bench until it is cancelled, a thousand messages a second.
func beginBench(t *testing.T, srv *prismtest.Server, flags ...string) (end context.CancelFunc, done <-chan result) {
	ctx, cancel := context.WithCancel(t.Context())
	args := append([]string{"bench", "--output", "json", "-d", "1h", "--rate", "1000"}, flags...)
	return cancel, begin(invocation{ctx: ctx, args: args, env: of(srv)})
}

func TestBenchCountsEveryMessageAndLeavesNone(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"", "-p 2 -c 3 -w 2", "--confirm-each", "--confirm-each --callers 8 -p 2", "--rate 500", "-s 32 --in-flight 1", "-s 100000 --in-flight 10",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			srv := prismtest.NewServer(t)
			r, _ := benched(t, srv, exitDone, append(strings.Fields(args), "-d", shortLoad())...)
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

func TestBenchForPeople(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	r := with(srv, "bench", "-d", shortLoad())
	if r.status != exitDone || r.err != "" { // no progress without a terminal
		t.Errorf("exit status %d\n%s", r.status, r.err)
	}
	for _, want := range []string{"1 publisher (without waiting)", "\npublished ", " messages/s ", " MB/s\n", "\nlost                              0\n", "p99.9", "\nto the confirmation\n  up to ", "█"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no %q in\n%s", want, r.out)
		}
	}
}

func TestBenchRefusesAQueueThatIsUsed(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	srv.Publish("order.new", "not of bench")
	with(srv, "bench").want(t, exitRefused, "", "the default queue holds 1 message, which bench would hold up")
	if srv.Depth("") != 1 || len(srv.Deliveries()) != 0 || len(srv.Published()) != 0 {
		t.Error("it was not left alone")
	}
	ctx, cancel := context.WithCancel(t.Context())
	consumer := begin(invocation{ctx: ctx, args: []string{"consume"}, env: of(srv)})
	srv.WaitAcks(1)
	with(srv, "bench").want(t, exitRefused, "", "the default queue has 1 consumer, which would take messages from bench")
	cancel()
	<-consumer
}

func TestBenchLeavesMessagesOfOthersAlone(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	end, done := beginBench(t, srv)
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
	if report := reported(t, r); r.status != exitInterrupted || report.Foreign != 2 || *report.Left != 0 || !strings.Contains(r.err, "messages of others come to the default queue") {
		t.Errorf("%+v", r)
	}
	if srv.Depth("") != 2 {
		t.Errorf("%d messages in the queue, want 2", srv.Depth(""))
	}
}

func TestAnInterruptedBenchReportsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	end, done := beginBench(t, srv)
	srv.WaitAcks(50)
	end()
	r := <-done
	report := reported(t, r)
	if r.status != exitInterrupted || r.err != "" || !report.Early || report.Published < 40 || report.Consumed != report.Published {
		t.Errorf("%+v", r)
	}
	if srv.Depth("") != 0 {
		t.Errorf("%d messages were left behind", srv.Depth(""))
	}
}

// shortLoad is long enough for some messages.
func shortLoad() string { return patience.Of(200 * time.Millisecond).String() }

func TestBenchEndsWithItsTimeout(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	if r, _ := benched(t, srv, exitTimeout, "-d", "1h", "--timeout", patience.Of(time.Second).String()); !r.Early || *r.Left != 0 {
		t.Errorf("%+v", r)
	}
}

func TestBenchCountsDuplicates(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	srv.Duplicate(8) // one of them a first message, which does not count
	r, _ := benched(t, srv, exitDone, "-d", shortLoad())
	if r.Duplicates != 7 || r.Consumed != r.Published || r.Acked != r.Published+7 {
		t.Errorf("%+v", r)
	}
}

func TestBenchGoesOnWhenConnectionsAreCut(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	end, done := beginBench(t, srv)
	srv.WaitAcks(50)
	srv.Cut()
	srv.WaitAcks(len(srv.Acks()) + 100)
	end()
	r := <-done
	report := reported(t, r)
	if report.Disconnects < 2 || *report.Lost != 0 || *report.Left != 0 || report.Consumed != report.Confirmed || srv.Depth("") != 0 {
		t.Errorf("%+v", r)
	}
}

// forgetful loses some messages that it has confirmed.
type forgetful struct {
	platform.Queues
	seen atomic.Int64
}

func (f *forgetful) Publish(ctx context.Context, owner string, m *platform.Message) error {
	if n := f.seen.Add(1); n > 10 && n <= 13 {
		return nil
	}
	return f.Queues.Publish(ctx, owner, m)
}

func TestBenchTellsThatMessagesWereLost(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServerConfig(t, prismtest.Config{Platform: platform.Config{Queues: &forgetful{Queues: memory.New(memory.Config{})}}})
	report, r := benched(t, srv, exitRefused, "-d", shortLoad(), "--patience", "3s")
	if *report.Lost != 3 || *report.Left != 0 || report.Consumed != report.Confirmed-3 || !strings.Contains(r.err, "3 messages lost: confirmed, never delivered, and not in the queue") {
		t.Errorf("%+v", r)
	}
}

func TestBenchTellsWhatStaysInTheQueue(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	srv.LoseAcks(1) // or as many messages as are acknowledged together
	report, r := benched(t, srv, exitRefused, "-d", shortLoad(), "--patience", "2s")
	left := srv.Depth("")
	if left == 0 || *report.Left != int64(left) || *report.Lost != 0 || !strings.Contains(r.err, " left in the queue: more --patience") {
		t.Errorf("%d are left: %+v", left, r)
	}
}

func TestBenchSaysThatItDoesNotKnowWhatStays(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	end, done := beginBench(t, srv, "--patience", "2s")
	srv.WaitAcks(10)
	srv.Refuse(true)
	srv.Cut()
	end()
	r := <-done
	if report := reported(t, r); r.status != exitRefused || report.Lost != nil || report.Left != nil || !strings.Contains(r.err, "how many messages stayed in the queue is unknown: ") {
		t.Errorf("%+v", r)
	}
	if people := (&benchReport{}).text(); !strings.Contains(people, "\nlost                        unknown\n") {
		t.Errorf("for people it is\n%s", people)
	}
}

func TestBenchEndsWhenAMessageIsRefused(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServerConfig(t, prismtest.Config{Platform: platform.Config{Limits: platform.Limits{MaxBody: 100}}})
	with(srv, "bench", "-s", "101").want(t, exitRefused, "", "the platform refused the message")
}

func TestBenchDropsTheQueueThatItMakes(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServerConfig(t, prismtest.Config{Memory: memory.Config{Bindings: []memory.Binding{{Pattern: "order.#"}}}})
	if r, _ := benched(t, srv, exitDone, "-d", shortLoad(), "--topic", "load"); r.Consumed == 0 || r.Consumed != r.Published {
		t.Errorf("%+v", r)
	}
	with(srv, "queue", "list").want(t, exitDone, "", "")

	srv.LoseAcks(1)
	_, r := benched(t, srv, exitRefused, "-d", shortLoad(), "--topic", "load", "--patience", "2s")
	if !strings.Contains(r.err, " left in the queue when it was dropped") {
		t.Errorf("%+v", r)
	}
	with(srv, "queue", "list").want(t, exitDone, "", "")
}

func TestBenchRefusesARoutingKeyThatFillsOtherQueues(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	with(srv, "bench", "--topic", "load", "-p", "2").want(t, exitRefused, "", "the default queue gets copies of messages with the routing key bench.load, which nobody would consume")
	if srv.Depth("") != 0 {
		t.Errorf("%d copies were left behind", srv.Depth(""))
	}
	with(srv, "queue", "list").want(t, exitDone, "", "")
}

func TestBenchSaysThatItsMessagesDoNotCome(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServerConfig(t, prismtest.Config{Memory: memory.Config{Bindings: []memory.Binding{{Pattern: "order.#"}}}})
	with(srv, "bench", "--patience", "1s").want(t, exitTimeout, "", "did not come to the default queue (is it bound to that? \"prismctl queue bind\" does it) within 1s")
}

func TestBenchLoadsThisMachineOnlyUnlessTold(t *testing.T) {
	t.Parallel()
	env := map[string]string{"PRISM_URL": "http://192.0.2.1/api", "PRISM_KEY": "k", "PRISM_SECRET": "s"}
	invocation{args: []string{"bench"}, env: env}.run().want(t, exitUsage, "", "192.0.2.1 is not this machine, and bench would put a heavy load on it: give --remote")
	if r := (invocation{args: []string{"bench", "--remote", "--timeout", "50ms"}, env: env}).run(); r.status != exitTimeout && r.status != exitUnreachable {
		t.Errorf("%+v", r) // by the network that is here, 192.0.2.1 being nobody
	}
	env["PRISM_URL"] = "http://127.0.0.1:1/api"
	invocation{args: []string{"bench"}, env: env}.run().want(t, exitUnreachable, "", "cannot reach the platform")

	srv := prismtest.NewServer(t)
	env = of(srv)
	env["PRISM_URL"] = strings.Replace(srv.URL(), "127.0.0.1", "localhost", 1)
	invocation{args: []string{"bench", "-d", "10ms", "--output", "json"}, env: env, out: new(buffer)}.run().want(t, exitDone, "", "")
}

func TestBenchSaysWhatIsAllowed(t *testing.T) {
	t.Parallel()
	env := map[string]string{"PRISM_URL": "http://127.0.0.1:1/api", "PRISM_KEY": "k", "PRISM_SECRET": "s"}
	for args, want := range map[string]string{
		"-p 0":                         "--publishers is 0: use 1 to 100",
		"-p 101":                       "--publishers is 101: use 1 to 100",
		"-c 101":                       "--consumers is 101: use 1 to 100",
		"-w 1001":                      "--workers is 1001: use 1 to 1000",
		"--confirm-each --callers 0":   "--callers is 0: use 1 to 100",
		"--callers 2":                  "--callers is for --confirm-each",
		"--rate=-1":                    "--rate is -1: use 0 to 10000000",
		"--rate 99999999999999999999":  "--rate",
		"--in-flight 0":                "--in-flight is 0: use 1 to 100000",
		"--in-flight 3 -p 4":           "--in-flight is 3: each of the 4 publishers needs one",
		"--in-flight 100000 -s 100000": "--in-flight is 100000: of 100000 bytes each, use at most 2684, which are 256 MiB",
		"-s 31":                        "--size is 31 bytes: use 32, which hold the run and the time, to 1048576",
		"-s 1048577":                   "--size is 1048577 bytes",
		"--size=-1":                    "--size is -1 bytes",
		"-d 0s":                        "--duration is 0s: use 10ms to 24h",
		"-d 25h":                       "--duration is 25h0m0s: use 10ms to 24h",
		"-d x":                         "--duration",
		"--patience 0s":                "--patience is 0s: use 100ms to 10m",
		"--routing-key=":               "the routing key is empty",
		"--routing-key a.#":            `the routing key "a.#" is a pattern`,
		"--routing-key " + strings.Repeat("k", 257): "routing key of 257 bytes",
		"--topic " + strings.Repeat("t", 257):       "topic of 257 bytes",
		"order.new":                                 "unexpected argument order.new",
		"--timeout=-1s":                             "--timeout must not be negative",
	} {
		invocation{args: append([]string{"bench"}, strings.Fields(args)...), env: env}.run().want(t, exitUsage, "", want)
	}
}
