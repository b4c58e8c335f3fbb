package jetstream

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/leak"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/enginetest"
)

func TestMain(m *testing.M) {
	child() // does not return in a child process
	eraseChild()
	leak.Main(m)
}

const shop = "buwb2lii"

// quiet returns a logger that writes only warnings and errors to the log of a test.
func quiet(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
}

// open opens an engine whose owners begin with their default queues bound to
// everything, unless c says otherwise.
func open(t testing.TB, c Config) *Engine {
	t.Helper()
	if c.Logger == nil {
		c.Logger = quiet(t)
	}
	if c.Bindings == nil {
		c.Bindings = []platform.Binding{{Pattern: "#"}}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	e, err := Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// counts is Status without the limits of the queue.
func (e *Engine) counts(ctx context.Context, owner, topic string) (platform.QueueStatus, error) {
	s, err := e.Status(ctx, owner, topic)
	s.Limits = platform.QueueLimits{}
	return s, err
}

func errorOf(_ []int, err error) error { return err }

// suite returns c with the limits that a promise needs.
func suite(c Config, wanted platform.QueueBounds) Config {
	c.QueueBounds = wanted
	c.Bindings = append([]platform.Binding{}, c.Bindings...) // none, if none are wanted
	c.Patience = time.Minute                                 // so that a slow machine fails no test
	return c
}

func TestKeepsThePromisesOfAnEngine(t *testing.T) {
	enginetest.Queues(t, func(t testing.TB, wanted platform.QueueBounds) platform.Queues {
		return open(t, suite(Config{Dir: t.TempDir()}, wanted))
	})
}

// With next to no garbage allowed, each record is soon carried on.
func TestKeepsThePromisesWhileTheLogIsCleaned(t *testing.T) {
	enginetest.Queues(t, func(t testing.TB, wanted platform.QueueBounds) platform.Queues {
		return open(t, suite(Config{Dir: t.TempDir(), SyncInterval: time.Minute, CacheBytes: 1, cleanAbove: 1}, wanted))
	})
}
