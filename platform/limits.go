package platform

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/apijson"
	rate "github.com/shopex/prism-go/internal/limit"
)

// Where platforms share a store, each counts the calls that it has allowed, and adds once a
// second what the others have told to have counted. So a caller of several platforms gets no
// more than its limit, and what the others have allowed since they have told of it.

const (
	// mostLimits is how many limits a platform counts at a time, in 200 bytes each.
	mostLimits = 1 << 16
	// levelEvery is how often platforms tell each other what they have counted, and
	// levelTime bounds how long that takes.
	levelEvery = time.Second
	levelTime  = 5 * time.Second
	// levelLife is for how long a platform counts that tells nothing any more.
	levelLife = 10 * time.Second
	// leveledBytes bounds what a platform tells.
	leveledBytes = 100 << 10
)

const (
	kindLimits    = "limits"    // what a platform has counted, with a ttl
	kindLimitedBy = "limitedBy" // which platforms count
	limitedByAll  = "all"
)

// limits counts the calls that have a limit.
type limits struct {
	p       *Platform
	windows *rate.Windows
	level   background
	leveled atomic.Bool   // there was an exchange
	first   chan struct{} // closed when there was one

	// Only the goroutine of level uses these.
	name   string    // of this platform among those that count
	quiet  bool      // nothing is told, and that is known
	last   time.Time // when something was told
	failed bool      // the last exchange failed
}

func (l *limits) init(p *Platform) {
	l.p, l.windows, l.name = p, rate.New(mostLimits), randomName()
	l.first = make(chan struct{})
}

// allowCall counts a call under a limit of its key and API, and reports whether it may go
// on. If not, wait is how long until it may. The zero limit allows every call.
func (p *Platform) allowCall(key, service, api string, l apijson.Limit) (wait time.Duration, ok bool) {
	if l.Count <= 0 || l.Per <= 0 {
		return 0, true
	}
	if p.cfg.Gateway.Shared && !p.limits.leveled.Load() {
		p.limits.begin()
	}
	return p.limits.windows.Allow(rate.Name{Key: key, Service: service, API: api}, l.Count, l.Per, p.cfg.Now())
}

// begin begins to level, and returns when this platform knows what others have counted
// before it, or soon if it cannot.
func (l *limits) begin() {
	if !l.level.begin(l.run) {
		return
	}
	select {
	case <-l.first:
	case <-time.After(levelEvery):
	}
}

// run levels what is counted until ctx ends.
func (l *limits) run(ctx context.Context) {
	ticker := time.NewTicker(levelEvery)
	defer ticker.Stop()
	for {
		err := withoutPanic(l.p.cfg.Logger, func() error { return l.exchange(ctx) })
		if err != nil && !l.failed && ctx.Err() == nil {
			l.p.cfg.Logger.Warn("limits of calls cannot be leveled with those of other platforms; what was known holds", slog.Any("error", err))
		}
		l.failed = err != nil
		if l.leveled.CompareAndSwap(false, true) {
			close(l.first)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// exchange tells what this platform has counted, and learns what others have.
func (l *limits) exchange(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, levelTime)
	defer cancel()
	if err := l.tell(ctx); err != nil {
		return err
	}
	return l.learn(ctx)
}

// tell stores what this platform has counted. While there is nothing to tell, it only shows
// that this platform is there.
func (l *limits) tell(ctx context.Context) error {
	counted := l.windows.Counted(leveledBytes/rate.CountBytes, l.p.cfg.Now())
	if len(counted) == 0 && l.quiet && time.Since(l.last) < levelLife/3 {
		return nil
	}
	if err := replaceRecord(ctx, l.p.cfg.Store, kindLimits, digest(l.name), rate.Encode(counted), levelLife); err != nil {
		return err
	}
	l.quiet, l.last = len(counted) == 0, time.Now()
	return nil
}

// A limitedBy is which platforms count.
type limitedBy struct{ Platforms []string }

// learn reads what the others have counted.
func (l *limits) learn(ctx context.Context) error {
	by, _, err := loadRecord[limitedBy](ctx, l.p.cfg.Store, kindLimitedBy, limitedByAll)
	if errors.Is(err, ErrNoRecord) {
		by, err = &limitedBy{}, nil
	}
	if err != nil {
		return err
	}
	if !slices.Contains(by.Platforms, l.name) { // also of a platform that was silent for long
		if err := l.enter(ctx, nil); err != nil {
			return err
		}
	}
	var others [][]rate.Count
	var gone []string
	for _, name := range by.Platforms {
		if name == l.name {
			continue
		}
		counted, err := l.told(ctx, name)
		switch {
		case errors.Is(err, ErrNoRecord):
			gone = append(gone, name)
		case err != nil:
			return err
		default:
			others = append(others, counted)
		}
	}
	l.windows.SetOthers(others...)
	if len(gone) > 0 {
		return l.enter(ctx, gone)
	}
	return nil
}

// told returns what another platform has counted. The error matches [ErrNoRecord] if it
// tells nothing any more.
func (l *limits) told(ctx context.Context, name string) ([]rate.Count, error) {
	record, err := l.p.cfg.Store.Load(ctx, kindLimits, digest(name))
	if err != nil {
		return nil, err
	}
	return rate.Decode(record.Value)
}

// enter names this platform among those that count, and those that are gone no more. It
// has told what it counts, so no other one takes it for gone.
func (l *limits) enter(ctx context.Context, gone []string) error {
	return putRecord(ctx, l.p.cfg.Store, kindLimitedBy, limitedByAll, func(old *limitedBy) (*limitedBy, error) {
		by := &limitedBy{}
		if old != nil {
			by.Platforms = slices.DeleteFunc(old.Platforms, func(name string) bool { return name == l.name || slices.Contains(gone, name) })
		}
		by.Platforms = append(by.Platforms, l.name)
		return by, nil
	})
}
