package platform

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// saveTime bounds one try.
const saveTime = 5 * time.Second

// A saveTry is what those have in common who save what is kept in memory: one goroutine
// tries, and of several failures in a row the first one is in the log.
type saveTry struct {
	p      *Platform
	what   string // as a warning names it
	failed bool
	used   atomic.Bool // the store was used in this try
}

// store returns the store to use it. In a try it may be called from any goroutine.
func (s *saveTry) store() Store {
	s.used.Store(true)
	return s.p.cfg.Store
}

func (s *saveTry) try(ctx context.Context, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, saveTime)
	defer cancel()
	s.used.Store(false)
	err := withoutPanic(s.p.cfg.Logger, func() error { return do(ctx) })
	if err != nil && !s.failed && ctx.Err() != context.Canceled {
		s.p.cfg.Logger.Warn("statistics of "+s.what+" cannot be saved; they are kept in memory", slog.Any("error", err))
	}
	if s.used.Load() && ctx.Err() != context.Canceled {
		s.failed = err != nil
	}
}
