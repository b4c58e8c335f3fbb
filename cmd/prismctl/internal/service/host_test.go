package service

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// forming is an engine whose servers choose a leader for a while.
type forming struct {
	platform.Queues
	left int
}

func (f *forming) Declare(ctx context.Context, name string, o platform.Owner) error {
	if f.left--; f.left >= 0 {
		return platform.ErrUnavailable
	}
	return f.Queues.Declare(ctx, name, o)
}

func TestAStartWaitsUntilTheEngineIsAvailable(t *testing.T) {
	for name, c := range map[string]struct {
		failures  int
		available bool
	}{"for a while": {5, true}, "for ever": {1000, false}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, err := memory.NewStore(platform.Key{ID: "shop", Secret: "secret-of-the-shop", App: "shop"})
				if err != nil {
					t.Fatal(err)
				}
				p, err := platform.New(platform.Config{Store: store, Queues: &forming{memory.New(memory.Config{}), c.failures}})
				if err != nil {
					t.Fatal(err)
				}
				defer p.Shutdown(context.Background())
				err = reconcile(t.Context(), p, slog.New(slog.DiscardHandler))
				if c.available != (err == nil) || err != nil && !errors.Is(err, platform.ErrUnavailable) {
					t.Errorf("it begins with %v", err)
				}
			})
		})
	}
}
