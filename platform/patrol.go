package platform

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/internal/socket"
)

// What becomes of open connections when their key or app changes. Each key with
// any has a pass, which a patrol keeps up to date: nothing is looked up for a
// message.

// patrolInterval is how long the patrol rests. What another process has changed
// has to count within a second.
const patrolInterval = time.Second / 2

// A pass is what the open connections of a key may do.
type pass struct {
	key      string
	channels map[*channel]struct{} // guarded by passes.mu

	looking sync.Mutex             // held while it is looked up, so that no older answer comes last
	holder  atomic.Pointer[holder] // the last known; nil before the first look
	gone    atomic.Bool            // the key was deleted
}

// look finds out what has become of the key. When the store cannot tell, what
// was known holds.
func (p *pass) look(ctx context.Context, r *Registry) error {
	p.looking.Lock()
	defer p.looking.Unlock()
	h, err := r.holder(ctx, p.key, p.holder.Load())
	switch {
	case errors.Is(err, ErrUnknownKey):
		p.gone.Store(true)
		return nil
	case err != nil:
		return err
	}
	p.gone.Store(false) // deleted, and made again
	p.holder.Store(h)
	return nil
}

// refusal tells why the key is good for nothing any more; nil if it is good.
func (p *pass) refusal(now time.Time) *failure {
	switch h := p.holder.Load(); {
	case p.gone.Load():
		return unknownKey()
	case h != nil && h.expired(now):
		return keyExpired()
	}
	return nil
}

// passes has one for each key with open connections. While there is any, the
// patrol goes round.
type passes struct {
	registry *Registry
	now      func() time.Time
	log      *slog.Logger

	mu     sync.Mutex // guards what follows
	byKey  map[string]*pass
	patrol *patrol // nil without a pass
	failed bool    // the last round met a store that cannot tell
}

// A patrol is the goroutine that looks at every pass from time to time.
type patrol struct {
	stop context.CancelFunc
	done chan struct{}
}

func (s *passes) init(r *Registry, now func() time.Time, log *slog.Logger) {
	s.registry, s.now, s.log = r, now, log
	s.byKey = make(map[string]*pass)
}

// enter gives c the pass of its key, or tells why it gets none. The key is
// looked up after c is known here: no change falls in between.
func (s *passes) enter(ctx context.Context, c *channel) error {
	c.pass = s.admit(c)
	err := c.pass.look(ctx, s.registry)
	if refused := c.pass.refusal(s.now()); refused != nil {
		err = refused
	} else if c.pass.holder.Load() != nil {
		return nil // err would be of the store, and what was known holds
	}
	s.leave(c)
	return err
}

func (s *passes) admit(c *channel) *pass {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byKey[c.info.Key]
	if p == nil {
		p = &pass{key: c.info.Key, channels: make(map[*channel]struct{})}
		s.byKey[p.key] = p
	}
	p.channels[c] = struct{}{}
	if s.patrol == nil {
		s.patrol = s.send()
	}
	return p
}

// leave takes c's pass away. With the last one the patrol ends, which leave
// waits for.
func (s *passes) leave(c *channel) {
	if ending := s.dismiss(c); ending != nil {
		ending.stop()
		<-ending.done
	}
}

func (s *passes) dismiss(c *channel) (ending *patrol) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(c.pass.channels, c)
	if len(c.pass.channels) == 0 {
		delete(s.byKey, c.pass.key)
	}
	if len(s.byKey) == 0 {
		ending, s.patrol = s.patrol, nil
	}
	return ending
}

func (s *passes) send() *patrol {
	ctx, stop := context.WithCancel(context.Background())
	p := &patrol{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		ticker := time.NewTicker(patrolInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				s.round(ctx)
			case <-ctx.Done():
				return
			}
		}
	}()
	return p
}

// round looks at every pass, and ends the connections of keys that are good for
// nothing any more. Once the store is out of reach it is left alone until the
// next round: each question could take long.
func (s *passes) round(ctx context.Context) {
	var failed error
	for _, p := range s.all() {
		if !errors.Is(failed, ErrUnavailable) && ctx.Err() == nil {
			failed = errors.Join(failed, p.look(ctx, s.registry))
		}
		if refused := p.refusal(s.now()); refused != nil {
			s.end(p, ending{code: socket.PolicyViolation, reason: refused.message})
		}
	}
	if ctx.Err() == nil {
		s.report(failed)
	}
}

// report logs the first of several rounds that fail.
func (s *passes) report(err error) {
	s.mu.Lock()
	first := err != nil && !s.failed
	s.failed = err != nil
	s.mu.Unlock()
	if first {
		s.log.Warn("permissions cannot be looked up; what was known holds", slog.Any("error", err))
	}
}

func (s *passes) all() []*pass {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*pass, 0, len(s.byKey))
	for _, p := range s.byKey {
		all = append(all, p)
	}
	return all
}

func (s *passes) end(p *pass, e ending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range p.channels {
		c.end(e)
	}
}
