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
	leak.Main(m)
}

const shop = "buwb2lii"

// quiet lets only what is wrong into the log of a test.
func quiet(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
}

func open(t testing.TB, c Config) *Engine {
	t.Helper()
	if c.Logger == nil {
		c.Logger = quiet(t)
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

// suite returns c with the limits that a promise needs.
func suite(c Config, wanted enginetest.Config) Config {
	c.MaxMessages, c.MaxBytes = wanted.MaxMessages, wanted.MaxBytes
	c.MaxOwnerMessages, c.MaxOwnerBytes = wanted.MaxOwnerMessages, wanted.MaxOwnerBytes
	c.MaxTotalMessages, c.MaxTotalBytes = wanted.MaxTotalMessages, wanted.MaxTotalBytes
	c.Patience = time.Minute // a test that must wait is not to fail
	c.MaxTopics, c.MaxBindings, c.MaxAge = wanted.MaxTopics, wanted.MaxBindings, wanted.MaxAge
	for _, b := range wanted.Bindings {
		c.Bindings = append(c.Bindings, Binding(b))
	}
	return c
}

func TestKeepsThePromisesOfAnEngine(t *testing.T) {
	enginetest.Queues(t, func(t testing.TB, wanted enginetest.Config) platform.Queues {
		return open(t, suite(Config{Dir: t.TempDir()}, wanted))
	})
}

// With next to no garbage allowed, each record is soon carried on.
func TestKeepsThePromisesWhileTheLogIsCleaned(t *testing.T) {
	enginetest.Queues(t, func(t testing.TB, wanted enginetest.Config) platform.Queues {
		return open(t, suite(Config{Dir: t.TempDir(), SyncInterval: time.Minute, CacheBytes: 1, cleanAbove: 1}, wanted))
	})
}
