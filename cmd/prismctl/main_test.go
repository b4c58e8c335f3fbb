package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/internal/leak"
	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/prismtest"
)

// The exit statuses.
const (
	exitDone        = exit.Done
	exitRefused     = exit.Refused
	exitUsage       = exit.Usage
	exitUnreachable = exit.Unreachable
	exitTimeout     = exit.Timeout
	exitInterrupted = exit.Interrupted
)

// asProgram makes the test binary the program itself, for tests that need a
// process.
const asProgram = "PRISMCTL_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main() // which exits
	}
	completeTime = time.Minute // nobody waits for it
	leak.Main(m)
}

// A buffer can be written by several goroutines, as standard error is.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// stuckAfter is how long a command of a test may take. One that is stuck is interrupted, so
// that its test fails, and no other.
const stuckAfter = 5 * time.Minute

// An invocation is a command line and what it meets.
type invocation struct {
	ctx  context.Context
	args []string
	in   io.Reader
	out  io.Writer // instead of result.out; a pipe ends with the command
	err  io.Writer // beside result.err; likewise
	env  map[string]string

	config string                                          // directory; empty: there is none
	browse func(ctx context.Context, address string) error // nil: there is no browser
	screen bool                                            // the output is a terminal
}

type result struct {
	status   int
	out, err string
}

func (i invocation) run() result {
	var out, err buffer
	t := tool{in: i.in, out: i.out, err: &err, env: i.variable, browse: i.browse, screen: i.screen}
	if t.in == nil {
		t.in = strings.NewReader("")
	}
	if t.out == nil {
		t.out = &out
	}
	if i.err != nil {
		t.err = io.MultiWriter(&err, i.err)
	}
	t.environ = func() (all []string) {
		for name, value := range i.env {
			all = append(all, name+"="+value)
		}
		return all
	}
	t.config = func() (string, error) {
		if i.config == "" {
			return "", errors.New("there is no home")
		}
		return i.config, nil
	}
	if t.browse == nil {
		t.browse = func(context.Context, string) error { return errors.New("there is no display") }
	}
	if i.ctx == nil {
		i.ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(i.ctx, patience.Of(stuckAfter))
	defer cancel()
	r := result{status: run(ctx, i.args, t)}
	r.out, r.err = out.String(), err.String()
	for _, w := range []io.Writer{i.out, i.err} {
		if pipe, ok := w.(*io.PipeWriter); ok { // whose reader would wait
			_ = pipe.CloseWithError(fmt.Errorf("%v ended with %d: %s", i.args, r.status, r.err))
		}
	}
	return r
}

// variable returns a variable of the environment. A platform tells of nothing but trouble
// unless a test sets PRISM_LOG, so that the tests see whether there was any.
func (i invocation) variable(name string) string {
	value, set := i.env[name]
	if name == "PRISM_LOG" && !set && len(i.args) > 0 && i.args[0] == "serve" && !slices.Contains(i.args, "--print-config") {
		return "warn"
	}
	return value
}

// of returns the environment by which the clients of srv find it.
func of(srv *prismtest.Server) map[string]string {
	return map[string]string{"PRISM_URL": srv.URL(), "PRISM_KEY": srv.Key(), "PRISM_SECRET": srv.Secret()}
}

// with runs a command against srv.
func with(srv *prismtest.Server, args ...string) result {
	return invocation{args: args, env: of(srv)}.run()
}

// begin runs an invocation in the background.
func begin(i invocation) <-chan result {
	done := make(chan result, 1)
	go func() { done <- i.run() }()
	return done
}

func (r result) want(t *testing.T, status int, out, err string) {
	t.Helper()
	if r.status != status {
		t.Errorf("exit status %d, want %d\nout: %s\nerr: %s", r.status, status, r.out, r.err)
	}
	if r.out != out {
		t.Errorf("output %q, want %q", r.out, out)
	}
	if !strings.Contains(r.err, err) || err == "" && r.err != "" {
		t.Errorf("error output %q, want %q", r.err, err)
	}
}
