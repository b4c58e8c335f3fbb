package platform

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/internal/socket"
)

// What becomes of open connections when their key or app changes. Each key with
// any has a pass, which a patrol keeps up to date: nothing is looked up for a
// message.

// What another process has changed has to count within a second, as long as the
// store answers. When it hangs, what was known still has to be enforced.
const (
	patrolInterval = time.Second / 2 // how long the patrol rests
	lookTime       = 2 * time.Second // of all look-ups of a round
	lookers        = 16              // look-ups at the same time
)

// A pass is what the open connections of a key may do.
type pass struct {
	key      string
	channels map[*channel]struct{} // guarded by passes.mu

	looking chan struct{}          // a lock of look, so that no older answer comes last
	looked  atomic.Int64           // when it was last tried, in nanoseconds
	holder  atomic.Pointer[holder] // the last known; nil before the first look
	gone    atomic.Bool            // the key was deleted
}

func newPass(key string) *pass {
	return &pass{key: key, channels: make(map[*channel]struct{}), looking: make(chan struct{}, 1)}
}

// look finds out what has become of the key. When the store cannot tell, what
// was known holds.
func (p *pass) look(ctx context.Context, r *Registry) error {
	select {
	case p.looking <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.looking }()
	p.looked.Store(time.Now().UnixNano())
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

// refusal tells why the key is good for nothing any more, in the hands of who
// has shown this secret of it; nil if it is good.
func (p *pass) refusal(secret string, now time.Time) *failure {
	switch h := p.holder.Load(); {
	case p.gone.Load():
		return unknownKey()
	case h == nil:
		return nil
	case h.expired(now):
		return keyExpired()
	case !h.key.shows(secret, now):
		return secretChanged()
	}
	return nil
}

// isOf reports whether the pass may be one of this app's keys.
func (p *pass) isOf(app string) bool {
	h := p.holder.Load()
	return h == nil || h.key.App == app
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
	s.watch(c)
	refused := c.pass.refusal(c.secret, s.now())
	switch {
	case refused == nil && c.pass.holder.Load() != nil:
		return nil // err would be of the store, and what was known holds
	case err == nil:
		err = refused
	}
	s.leave(c)
	return err
}

// watch lets the pass be enforced for c. Before its first look it may know an
// older secret than the one that c has shown.
func (s *passes) watch(c *channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.watched = true
}

func (s *passes) admit(c *channel) *pass {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byKey[c.info.Key]
	if p == nil {
		p = newPass(c.info.Key)
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

// channelsOf returns the open connections of a key.
func (s *passes) channelsOf(key string) []*channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.byKey[key]; p != nil {
		return slices.Collect(maps.Keys(p.channels))
	}
	return nil
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

// round ends the connections of keys that are known to be good for nothing any
// more, and then looks at every pass.
func (s *passes) round(ctx context.Context) {
	all := s.those(func(*pass) bool { return true })
	for _, p := range all {
		s.enforce(p)
	}
	err := s.look(ctx, all)
	if ctx.Err() == nil {
		s.report(err)
	}
}

// changed looks at the passes that a change on this platform concerns. If the
// store cannot tell, the patrol comes to know it.
func (s *passes) changed(ctx context.Context, concerns func(*pass) bool) {
	_ = s.look(context.WithoutCancel(ctx), s.those(concerns))
}

func (s *passes) keyChanged(ctx context.Context, id string) {
	s.changed(ctx, func(p *pass) bool { return p.key == id })
}

func (s *passes) appChanged(ctx context.Context, id string) {
	s.changed(ctx, func(p *pass) bool { return p.isOf(id) })
}

// look looks at several passes at a time, for lookTime at most, beginning with
// those that have not been looked at for longest. Once the store is out of reach
// it is left alone: each question could take long.
func (s *passes) look(ctx context.Context, all []*pass) error {
	ctx, giveUp := context.WithTimeout(ctx, lookTime)
	defer giveUp()
	next, failed := make(chan *pass), make(chan error, 1)
	var group sync.WaitGroup
	for range min(lookers, len(all)) {
		group.Go(func() {
			for p := range next {
				s.lookAt(ctx, p, failed, giveUp)
			}
		})
	}
	for _, p := range longestFirst(all) {
		next <- p
	}
	close(next)
	group.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// longestFirst sorts by when they were looked at as it is now: others look, too.
func longestFirst(all []*pass) []*pass {
	at := make(map[*pass]int64, len(all))
	for _, p := range all {
		at[p] = p.looked.Load()
	}
	slices.SortFunc(all, func(a, b *pass) int { return cmp.Compare(at[a], at[b]) })
	return all
}

// lookAt looks at one pass, unless ctx has ended, and enforces what it finds.
// Only the first error counts: what follows giving up is of no interest.
func (s *passes) lookAt(ctx context.Context, p *pass, failed chan<- error, giveUp func()) {
	if ctx.Err() != nil {
		return
	}
	if err := p.look(ctx, s.registry); err != nil {
		select {
		case failed <- err:
		default:
		}
		if errors.Is(err, ErrUnavailable) {
			giveUp()
		}
	}
	s.enforce(p)
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

func (s *passes) those(concerns func(*pass) bool) []*pass {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*pass
	for _, p := range s.byKey {
		if concerns(p) {
			all = append(all, p)
		}
	}
	return all
}

// enforce ends the connections that the pass is not good for any more.
func (s *passes) enforce(p *pass) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for c := range p.channels {
		if refused := p.refusal(c.secret, now); refused != nil && c.watched {
			c.end(ending{code: socket.PolicyViolation, reason: refused.message})
		}
	}
}
