// Package engine opens where a platform keeps everything, as the settings say, and
// copies all of it to a backup and back.
package engine

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/files"
	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/jetstream"
	"github.com/shopex/prism-go/platform/memory"
)

// jetstreamConfig returns what package jetstream needs to find the place.
func jetstreamConfig(s *settings.Storage, log *slog.Logger) jetstream.Config {
	return jetstream.Config{Dir: s.Data, URL: s.Nats, Creds: s.NatsCreds, Replicas: s.Replicas, Logger: log}
}

// An Engine is where a platform keeps everything.
type Engine struct {
	Store  platform.Store
	Queues platform.Queues
	js     *jetstream.Engine // nil in memory
}

// Open starts the engine of s: in memory, in a directory, or at servers. Sync is
// how much of the latest a power failure may take from a directory; 0 is nothing.
func Open(ctx context.Context, s *settings.Storage, sync time.Duration, bounds platform.QueueBounds, log *slog.Logger) (*Engine, error) {
	if s.InMemory() {
		return InMemory(bounds), nil
	}
	if err := checkCreds(s); err != nil {
		return nil, err
	}
	c := jetstreamConfig(s, log)
	c.SyncInterval = sync
	c.QueueBounds = bounds
	js, err := jetstream.Open(ctx, c)
	if err != nil {
		return nil, notOpened(s, err)
	}
	return &Engine{js.Store(), js, js}, nil
}

// InMemory returns an engine of which nothing stays.
func InMemory(bounds platform.QueueBounds) *Engine {
	return &Engine{Store: new(memory.Store), Queues: memory.New(bounds)}
}

// Ready returns nil when the engine can store now.
func (e *Engine) Ready(ctx context.Context) error {
	if e.js == nil {
		return nil
	}
	return e.js.Ready(ctx)
}

// Close returns when all is written and the place is free.
func (e *Engine) Close() error {
	if e.js == nil {
		return nil
	}
	return e.js.Close()
}

// Backup writes all that is kept to w. An engine in memory has none.
func (e *Engine) Backup(ctx context.Context, w io.Writer) error { return e.js.Backup(ctx, w) }

// checkCreds refuses credentials that others may read.
func checkCreds(s *settings.Storage) error {
	if s.NatsCreds == "" {
		return nil
	}
	if err := files.CheckFile(s.NatsCreds); err != nil {
		return exit.Usagef("the credentials for --nats cannot be read: %w", err)
	}
	return nil
}
