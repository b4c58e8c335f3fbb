package prismtest_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/shopex/prism-go/internal/leak"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/prismtest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// fake is a test that takes note of its failures and goes on.
type fake struct {
	mu       sync.Mutex
	failures []string
	cleanups []func()
}

func (f *fake) Helper()           {}
func (f *fake) Cleanup(do func()) { f.cleanups = append(f.cleanups, do) }
func (f *fake) Fatalf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures = append(f.failures, fmt.Sprintf(format, args...))
}

func (f *fake) end() {
	for len(f.cleanups) > 0 {
		last := len(f.cleanups) - 1
		do := f.cleanups[last]
		f.cleanups = f.cleanups[:last]
		do()
	}
}

// failure returns the only failure.
func (f *fake) failure(t *testing.T) string {
	t.Helper()
	if len(f.failures) != 1 {
		t.Fatalf("%d failures, want 1: %q", len(f.failures), f.failures)
	}
	return f.failures[0]
}

func mustContain(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q lacks %q", text, part)
		}
	}
}

// forms runs a test over TCP and over pipes.
func forms(t *testing.T, test func(t *testing.T, cfg prismtest.Config)) {
	t.Run("tcp", func(t *testing.T) { test(t, prismtest.Config{}) })
	t.Run("pipe", func(t *testing.T) { test(t, prismtest.Config{Pipe: true}) })
}

// consume runs a consumer until stop is called or the test ends.
func consume(t *testing.T, srv *prismtest.Server, cfg notify.ConsumerConfig, handle notify.Handler) (stop func()) {
	t.Helper()
	consumer, err := notify.NewConsumer(srv.Client(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := consumer.Run(ctx, handle); err != context.Canceled {
			t.Errorf("Run: %v", err)
		}
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func publisher(t *testing.T, srv *prismtest.Server) *notify.Publisher {
	t.Helper()
	pub, err := notify.NewPublisher(srv.Client(), notify.PublisherConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pub.Close(context.Background()) })
	return pub
}

func accept(context.Context, *notify.Delivery) error { return nil }

// stopping is a fake whose Fatalf ends the goroutine, as that of a test does.
type stopping struct{ fake }

func (s *stopping) Fatalf(format string, args ...any) {
	s.fake.Fatalf(format, args...)
	runtime.Goexit()
}

func (s *stopping) run(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	<-done
	s.end()
}
