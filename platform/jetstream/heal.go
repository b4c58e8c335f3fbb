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

// A stream of the server that could not write once, for example as the disk was
// full, does not write again until the server is restarted. What it has confirmed
// is on the disk.

const (
	checkInterval = 500 * time.Millisecond
	// roomNeeded is what must be free on the disk before the server is started
	// again: enough for the waiting operations and some more.
	roomNeeded = 4 << 20
)

// supervise restarts the server when it has stopped storing, until ctx ends.
func (s *server) supervise(ctx context.Context) {
	tick := time.NewTicker(checkInterval)
	defer tick.Stop()
	for was := false; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		s.watchDisk()
		why := s.health()
		if why != nil && was { // twice in a row, so it is not just starting
			s.heal(ctx, tick.C, why)
		}
		was = why != nil
	}
}

// health returns why the server does not store, or nil.
func (s *server) health() error {
	if health := s.current().Healthz(&nats.HealthzOptions{}); health.Error != "" {
		return errors.New(health.Error)
	}
	return nil
}

// heal stops the server, and starts it again when there is room on the disk.
func (s *server) heal(ctx context.Context, tick <-chan time.Time, why error) {
	s.config.Logger.Error("jetstream: the server of the data directory has stopped storing; it is started again when there is room on the disk",
		"directory", s.config.Dir, "error", why)
	s.setFailure(why)
	s.halt()
	for ctx.Err() == nil {
		err := s.restart()
		if err == nil {
			s.watchDisk()
			s.failure.set(nil)
			s.config.Logger.Info("jetstream: the server of the data directory stores again", "directory", s.config.Dir)
			return
		}
		s.setFailure(err)
		select {
		case <-tick:
		case <-ctx.Done():
		}
	}
}

func (s *server) setFailure(why error) {
	s.failure.set(fmt.Errorf("%w: nothing can be written to %s: make room on its disk, then this goes on by itself (%w)",
		platform.ErrUnavailable, s.config.Dir, why))
}

// unavailableError returns why s does not store, or nil if no reason is known. s may
// be nil.
func (s *server) unavailableError() error {
	if err := s.lostError(); s == nil || err != nil {
		return err
	}
	return s.failure.get()
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

// tryRoom returns an error unless roomNeeded bytes can be written.
func tryRoom(dir string) error {
	name := filepath.Join(dir, "room")
	err := os.WriteFile(name, make([]byte, roomNeeded), 0o600)
	return errors.Join(err, os.Remove(name))
}
