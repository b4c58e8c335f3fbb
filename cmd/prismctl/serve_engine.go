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
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/jetstream"
	"github.com/shopex/prism-go/platform/memory"
)

// storage is the flags that say where messages and records are. Without any of
// them they are in memory.
type storage struct {
	Data      string `is:"file" config:"data" placeholder:"DIR" help:"Keep messages, keys and logins in this directory."`
	Nats      string `config:"nats" placeholder:"URL[,URL]" help:"Keep them in JetStream on these servers, which several platforms may share."`
	NatsCreds string `is:"file" config:"nats-creds" placeholder:"FILE" help:"The credentials file for --nats."`
	Replicas  int    `config:"replicas" default:"1" placeholder:"N" help:"How many servers of --nats keep each message (${default}); it counts at the first start."`
}

func (s *storage) check(from sources) error {
	switch {
	case s.Data != "" && s.Nats != "":
		return fmt.Errorf("%s and %s are both set: messages are either in a directory or in JetStream", from["data"], from["nats"])
	case s.NatsCreds != "" && s.Nats == "":
		return fmt.Errorf("%s: credentials are for JetStream servers: set nats too", from["nats-creds"])
	case s.Replicas < 1 || s.Replicas > 5:
		return fmt.Errorf("%s: %d replicas; it must be 1 to 5", from["replicas"], s.Replicas)
	case s.Replicas > 1 && s.Nats == "":
		return fmt.Errorf("%s: replicas are for JetStream servers: set nats too", from["replicas"])
	}
	return nil
}

func (s *storage) inMemory() bool { return s.Data == "" && s.Nats == "" }

// where names the place for people, without what may be a password.
func (s *storage) where() string {
	if s.Data != "" {
		return s.Data
	}
	return jetstream.WithoutPassword(s.Nats)
}

// config returns what package jetstream needs to find the place.
func (s *storage) config(log *slog.Logger) jetstream.Config {
	return jetstream.Config{Dir: s.Data, URL: s.Nats, Creds: s.NatsCreds, Replicas: s.Replicas, Logger: log}
}

// An engine is where a platform keeps everything.
type engine struct {
	store  platform.Store
	queues platform.Queues
	js     *jetstream.Engine // nil in memory
}

// open starts the engine of s: in memory, in a directory, or at servers. Sync is
// how much of the latest a power failure may take from a directory; 0 is nothing.
func (s *storage) open(ctx context.Context, sync time.Duration, bounds platform.QueueBounds, log *slog.Logger) (*engine, error) {
	if s.inMemory() {
		return inMemory(bounds), nil
	}
	if err := s.checkCreds(); err != nil {
		return nil, err
	}
	c := s.config(log)
	c.SyncInterval = sync
	c.QueueBounds = bounds
	js, err := jetstream.Open(ctx, c)
	if err != nil {
		return nil, s.refused(err)
	}
	return &engine{js.Store(), js, js}, nil
}

func inMemory(bounds platform.QueueBounds) *engine {
	return &engine{store: new(memory.Store), queues: memory.New(bounds)}
}

// refused says what to do about an engine that does not open.
func (s *storage) refused(err error) error {
	if known := s.known(err); known != nil {
		return known
	}
	return &refusal{err, fmt.Sprintf("the messages in %s cannot be opened: %s", s.where(), withoutPackage(err))}
}

// known returns in the words of this program what the engine says by an error of
// its own, or nil.
func (s *storage) known(err error) error {
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
			return &refusal{err, fmt.Sprintf(c.text, s.where())}
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

func (s *storage) checkCreds() error {
	if s.NatsCreds == "" {
		return nil
	}
	if err := files.CheckFile(s.NatsCreds); err != nil {
		return exit.Usagef("the credentials for --nats cannot be read: %w", err)
	}
	return nil
}
