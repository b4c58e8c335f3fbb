package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/jetstream"
	"github.com/shopex/prism-go/platform/memory"
)

// An engine is where a station keeps its messages and its key. Its queues have
// no bounds.
type engine struct {
	dir    string // of files; empty if there are none
	store  platform.Store
	queues platform.Queues
	close  func() error
	fans   atomic.Int64 // keys that fan has declared
}

var unbounded = platform.QueueBounds{
	MaxMessages: platform.NoBound, MaxBytes: platform.NoBound, MaxTopics: platform.NoBound, MaxBindings: platform.NoBound,
	MaxOwnerMessages: platform.NoBound, MaxOwnerBytes: platform.NoBound,
}

// exchange is the domain of the app of both keys.
const exchange = "default"

var bothKeys = []platform.Key{
	{ID: benchKey, Secret: benchSecret, App: "shop"},
	{ID: otherKey, Secret: benchSecret, App: "shop"},
}

func inMemory() (*engine, error) {
	store, err := memory.NewStore(bothKeys...)
	if err != nil {
		return nil, err
	}
	return &engine{store: store, queues: memory.New(unbounded), close: func() error { return nil }}, nil
}

// syncInterval is that of prismctl serve --data DIR --sync 100ms, and of what it
// is compared with.
const syncInterval = 100 * time.Millisecond

// inJetStream is what prismctl serve --data has, in a directory that goes with it.
func inJetStream() (*engine, error) { return openJetStream(syncInterval) }

// openJetStream opens an engine that syncs at intervals, or with 0 before each
// confirmation.
func openJetStream(sync time.Duration) (*engine, error) {
	dir, err := os.MkdirTemp("", "prism-bench-")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	js, err := jetstream.Open(ctx, jetstream.Config{
		Dir: dir, SyncInterval: sync, Logger: slog.New(slog.DiscardHandler), QueueBounds: unbounded,
	})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	e := &engine{dir: dir, store: js.Store(), queues: js, close: func() error { return errors.Join(js.Close(), os.RemoveAll(dir)) }}
	registry := platform.NewRegistry(e.store)
	err = registry.SaveApp(ctx, platform.App{ID: bothKeys[0].App})
	for _, key := range bothKeys {
		if err == nil {
			err = registry.SaveKey(ctx, key)
		}
	}
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}
