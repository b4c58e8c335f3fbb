package jetstream

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	nats "github.com/nats-io/nats-server/v2/server"

	"github.com/shopex/prism-go/platform"
)

// A stream of the server that could not write once, as on a full disk, does not
// write again until the server is started anew. What it has confirmed is on
// the disk.

const (
	lookEvery = 500 * time.Millisecond
	// roomNeeded is what must be free on the disk before the server is started
	// again: enough for what waits and for a while.
	roomNeeded = 4 << 20
)

// watch starts the server again when it has stopped storing, until ctx ends.
func (s *server) watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for was := false; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		s.watchDisk()
		why := s.ill()
		if why != nil && was { // not just on its way
			s.heal(ctx, tick.C, why)
		}
		was = why != nil
	}
}

// ill returns why the server does not store, or nil.
func (s *server) ill() error {
	if health := s.now().Healthz(&nats.HealthzOptions{}); health.Error != "" {
		return errors.New(health.Error)
	}
	return nil
}

// heal ends the server and, when there is room on the disk, starts it again.
func (s *server) heal(ctx context.Context, tick <-chan time.Time, why error) {
	s.config.Logger.Error("jetstream: the server of the data directory has stopped storing; it is started again when there is room on the disk",
		"directory", s.config.Dir, "error", why)
	s.suffer(why)
	s.halt()
	for ctx.Err() == nil {
		err := s.restart()
		if err == nil {
			s.watchDisk()
			s.trouble.note(nil)
			s.config.Logger.Info("jetstream: the server of the data directory stores again", "directory", s.config.Dir)
			return
		}
		s.suffer(err)
		select {
		case <-tick:
		case <-ctx.Done():
		}
	}
}

func (s *server) suffer(why error) {
	s.trouble.note(fmt.Errorf("%w: nothing can be written to %s: make room on its disk, then this goes on by itself (%w)",
		platform.ErrUnavailable, s.config.Dir, why))
}

// ails returns why s does not store, as far as that is known. It may be nil.
func (s *server) ails() error {
	if err := s.gone(); s == nil || err != nil {
		return err
	}
	return s.trouble.last()
}

func (s *server) restart() error {
	if err := tryRoom(s.config.Dir); err != nil {
		return err
	}
	running, err := runServer(s.config)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = running
	return nil
}

// tryRoom finds out whether roomNeeded is free.
func tryRoom(dir string) error {
	name := filepath.Join(dir, "room")
	err := os.WriteFile(name, make([]byte, roomNeeded), 0o600)
	return errors.Join(err, os.Remove(name))
}
