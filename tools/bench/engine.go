package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/jetstream"
	"github.com/shopex/prism-go/platform/memory"
)

// An engine is where a station keeps its messages and its key. Its queues have
// no bounds.
type engine struct {
	store  platform.Store
	queues platform.Queues
	close  func() error
}

var unbounded = platform.QueueBounds{
	MaxMessages: platform.NoBound, MaxBytes: platform.NoBound, MaxTopics: platform.NoBound, MaxBindings: platform.NoBound,
}

var key = platform.Key{ID: benchKey, Secret: benchSecret, App: "shop"}

func inMemory() (*engine, error) {
	store, err := memory.NewStore(key)
	if err != nil {
		return nil, err
	}
	return &engine{store, memory.New(unbounded), func() error { return nil }}, nil
}

// syncInterval is that of prismctl serve --data DIR --sync 100ms, and of what it
// is compared with.
const syncInterval = 100 * time.Millisecond

// inJetStream is what prismctl serve --data has, in a directory that goes with it.
func inJetStream() (*engine, error) {
	dir, err := os.MkdirTemp("", "prism-bench-")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	js, err := jetstream.Open(ctx, jetstream.Config{
		Dir: dir, SyncInterval: syncInterval, Logger: slog.New(slog.DiscardHandler), QueueBounds: unbounded,
	})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	e := &engine{js.Store(), js, func() error { return errors.Join(js.Close(), os.RemoveAll(dir)) }}
	registry := platform.NewRegistry(e.store)
	err = registry.SaveApp(ctx, platform.App{ID: key.App})
	if err == nil {
		err = registry.SaveKey(ctx, key)
	}
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}
