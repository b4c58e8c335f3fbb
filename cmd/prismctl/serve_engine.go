package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
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

// An engine is where a platform keeps everything.
type engine struct {
	store  platform.Store
	queues platform.Queues
	js     *jetstream.Engine // nil in memory
}

// openEngine starts the engine of s: in memory, in a directory, or at servers. Sync is
// how much of the latest a power failure may take from a directory; 0 is nothing.
func openEngine(ctx context.Context, s *settings.Storage, sync time.Duration, bounds platform.QueueBounds, log *slog.Logger) (*engine, error) {
	if s.InMemory() {
		return inMemory(bounds), nil
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
	return &engine{js.Store(), js, js}, nil
}

func inMemory(bounds platform.QueueBounds) *engine {
	return &engine{store: new(memory.Store), queues: memory.New(bounds)}
}

// notOpened says what to do about an engine that does not open.
func notOpened(s *settings.Storage, err error) error {
	if told := known(s, err); told != nil {
		return told
	}
	return &refusal{err, fmt.Sprintf("the messages in %s cannot be opened: %s", s.Where(), withoutPackage(err))}
}

// known returns in the words of this program what the engine says by an error of
// its own, or nil.
func known(s *settings.Storage, err error) error {
	for _, c := range []struct {
		cause error
		text  string
	}{
		{jetstream.ErrInUse, "another program works on %s: stop it, or choose another directory by --data"},
		{jetstream.ErrNewerVersion, "%s was written by a newer prismctl: run that version or a later one"},
		{jetstream.ErrHalfRestored, "a backup was not wholly restored to %s: if nobody is restoring to it now, delete what is in it and restore again"},
		{jetstream.ErrNotEmpty, "there is something in %s: a backup is restored to an empty place only"},
	} {
		if errors.Is(err, c.cause) {
			return &refusal{err, fmt.Sprintf(c.text, s.Where())}
		}
	}
	return nil
}

// withoutPackage is the text of an error without the names of Go packages, and
// without what a program needs to know but nobody else.
func withoutPackage(err error) string {
	text := strings.TrimPrefix(err.Error(), platform.ErrUnavailable.Error()+": ")
	return strings.ReplaceAll(text, "jetstream: ", "")
}

// A refusal is an error of the engine in the words of this program.
type refusal struct {
	err  error
	text string
}

func (r *refusal) Error() string { return r.text }

func (r *refusal) Unwrap() error { return r.err }

// ready returns nil when the engine can store now.
func (e *engine) ready(ctx context.Context) error {
	if e.js == nil {
		return nil
	}
	return e.js.Ready(ctx)
}

// close returns when all is written and the place is free.
func (e *engine) close() error {
	if e.js == nil {
		return nil
	}
	return e.js.Close()
}

func checkCreds(s *settings.Storage) error {
	if s.NatsCreds == "" {
		return nil
	}
	if err := files.CheckFile(s.NatsCreds); err != nil {
		return exit.Usagef("the credentials for --nats cannot be read: %w", err)
	}
	return nil
}
