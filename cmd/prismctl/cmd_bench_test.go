package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/load"
	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/prismtest"
)

// benched runs bench against srv and returns the report.
func benched(t *testing.T, srv *prismtest.Server, status int, args ...string) (report load.Report) {
	t.Helper()
	r := with(srv, append([]string{"bench", "--output", "json"}, args...)...)
	if err := json.Unmarshal([]byte(r.out), &report); err != nil || r.status != status {
		t.Fatalf("%v: %v in %+v, want exit status %d", args, err, r, status)
	}
	return report
}

// shortLoad is long enough for some messages.
func shortLoad() string { return patience.Of(200 * time.Millisecond).String() }

func TestBenchDoesWhatItsFlagsSay(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	r := benched(t, srv, exitDone, strings.Fields("-p 2 -c 3 -w 4 -s 100 -r 500 --confirm-each --callers 5 --in-flight 60 --patience 9s --routing-key load.x -d "+shortLoad())...)
	want := load.Settings{
		RoutingKey: "load.x", Duration: r.Settings.Duration, Size: 100, Rate: 500, Publishers: 2, ConfirmEach: true, Callers: 5,
		Consumers: 3, Workers: 4, InFlight: 60, Patience: 9,
	}
	if r.Settings != want || r.Settings.Duration < 0.2 || r.Published == 0 || r.Consumed != r.Published {
		t.Errorf("%+v, want settings %+v", r, want)
	}
}

func TestBenchForPeople(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	r := with(srv, "bench", "-d", shortLoad())
	if r.status != exitDone || r.err != "" { // no progress without a terminal
		t.Errorf("exit status %d\n%s", r.status, r.err)
	}
	if lines := strings.Split(r.out, "\n"); len(lines) > 24 || strings.Contains(r.out, "█") || !strings.HasPrefix(lines[len(lines)-2], "to the confirmation ") {
		t.Errorf("it does not end with the summary, on one screen:\n%s", r.out)
	}
	if r := with(srv, "bench", "-d", shortLoad(), "--histogram"); !strings.Contains(r.out, "\nto the confirmation\n  up to ") || !strings.Contains(r.out, "█") {
		t.Errorf("no histogram in\n%s", r.out)
	}
	for _, want := range []string{"1 publisher (without waiting)", "\npublished ", " messages/s ", " MB/s\n", "\nlost                              0\n", "p99.9"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no %q in\n%s", want, r.out)
		}
	}
}

func TestBenchEndsWithItsTimeout(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	if r := benched(t, srv, exitTimeout, "-d", "1h", "--timeout", patience.Of(time.Second).String()); !r.Early || *r.Left != 0 {
		t.Errorf("%+v", r)
	}
}

func TestAnInterruptedBenchPrintsItsReport(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := begin(invocation{ctx: ctx, args: []string{"bench", "-d", "1h", "--rate", "1000"}, env: of(srv)})
	srv.WaitAcks(50)
	cancel()
	if r := <-done; r.status != exitInterrupted || r.err != "" || !strings.Contains(r.out, ", ended early\n") {
		t.Errorf("%+v", r)
	}
}

func TestBenchPrintsItsReportAndThenWhatIsWrong(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	srv.LoseAcks(1)
	r := with(srv, "bench", "-d", shortLoad(), "--patience", "2s")
	if r.status != exitRefused || !strings.Contains(r.out, "\nleft in the queue ") || !strings.Contains(r.err, " left in the queue: more --patience") {
		t.Errorf("%+v", r)
	}
}

func TestBenchMakesAQueueWhereTheDefaultOneIsInUse(t *testing.T) {
	t.Parallel()
	srv := prismtest.NewServer(t)
	srv.Publish("order.new", "not of bench")
	r := with(srv, "bench", "-d", shortLoad())
	r.want(t, exitDone, r.out, "the default queue is in use")
	if !strings.Contains(r.out, "\nwritten into the queue by calls, past the routing\n") || srv.Depth("") != 1 {
		t.Errorf("the default queue holds %d messages:\n%s", srv.Depth(""), r.out)
	}
	with(srv, "bench", "--topic", "load").want(t, exitRefused, "", "the default queue gets copies of messages")
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
