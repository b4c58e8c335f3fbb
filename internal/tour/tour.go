// Package tour is the demo of the whole project: it starts a platform on a free
// port of this machine and talks to it with the public packages over TCP.
// The program examples/tour and "prismctl demo" run it.
package tour

import (
	"context"
	"errors"
	"time"

	"github.com/shopex/prism-go/platform"
)

// Config says where the platform of a tour stores its data, and receives the report
// of the tour. Its zero value is a tour in memory without a report.
type Config struct {
	// Open opens the engine of the platform. If nil, the engine is in memory.
	Open func(context.Context) (Engine, error)
	// Line gets each line of the text for people, without its end: two for each
	// step that succeeds, and all that was said in one that fails. If nil, there is
	// none. Its first error ends the tour.
	Line func(text string) error
	// Step gets each step once it is over, in the same way.
	Step func(Step) error
}

// An Engine is where a platform stores everything. The tour leaves nothing of its own in
// it but records that expire, and an empty queue in a durable one.
type Engine struct {
	Store  platform.Store
	Queues platform.Queues
	Close  func() error
}

// A Step is a part of the tour, for programs.
type Step struct {
	Number  int      `json:"step"`
	Title   string   `json:"title"`
	OK      bool     `json:"ok"`
	Seconds float64  `json:"seconds"`
	Said    []string `json:"said"`
}

const (
	// tourTime is more than enough on any machine; a healthy tour takes a second.
	tourTime  = 2 * time.Minute
	leaveTime = 5 * time.Second
)

// Run makes the tour. It returns when everything that it started has ended. Its error
// is nil only if each step succeeded and was reported; it is that of ctx if ctx has
// ended. Environment variables are ignored, so that a tour is the same everywhere.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Open == nil {
		cfg.Open = inMemory
	}
	s := &story{Config: cfg, acked: make(chan struct{}, 1)}
	began := time.Now()
	s.write("A platform and its clients talk over TCP, on this machine only.\n")
	timed, cancel := context.WithTimeout(ctx, tourTime)
	defer cancel()
	err := s.run(timed)
	err = errors.Join(err, s.leave())
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.failed != nil:
		return s.failed
	case err != nil:
		return err
	}
	s.write("\nAll of it held, in %.1f s.", time.Since(began).Seconds())
	return s.failed
}
