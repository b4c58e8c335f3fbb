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

// Open connections must follow changes of their key and app. Each key with open
// connections has a keyState, which a refresher reads anew at intervals, so that no
// message needs a read of the store.

// A change by another process has to count within a second, as long as the store
// answers. While the store hangs, the last known state is enforced.
const (
	refreshInterval = time.Second / 2
	refreshTimeout  = 2 * time.Second // of all keys together
)

// A keyState is the last known state of a key with open connections.
type keyState struct {
	key      string
	channels map[*channel]struct{} // guarded by passes.mu
	expired  func(*holder)         // is told that the key has expired and is not yet unused

	refreshing chan struct{}          // a lock of refresh, so that no older answer comes last
	refreshed  atomic.Int64           // when it was last tried, in nanoseconds
	holder     atomic.Pointer[holder] // the last known; nil before the first refresh
	gone       atomic.Bool            // the key was deleted
}

func newKeyState(key string, expired func(*holder)) *keyState {
	return &keyState{key: key, expired: expired, channels: make(map[*channel]struct{}), refreshing: make(chan struct{}, 1)}
}

// refresh reads the key from the store. After an error the last known state stays.
func (p *keyState) refresh(ctx context.Context, r *Registry) error {
	select {
	case p.refreshing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.refreshing }()
	p.refreshed.Store(time.Now().UnixNano())
	h, err := r.holder(ctx, p.key, p.holder.Load())
	switch {
	case errors.Is(err, ErrUnknownKey):
		p.gone.Store(true)
		return nil
	case err != nil:
		return err
	}
	p.gone.Store(false) // it may have been deleted and made again
	p.holder.Store(h)
	return nil
}

// refusal returns why a connection that has shown this secret may no longer use the key,
// or nil if it may.
func (p *keyState) refusal(secret string, now time.Time) *failure {
	switch h := p.holder.Load(); {
	case p.gone.Load():
		return unknownKey()
	case h == nil:
		return nil
	case h.app.Disabled:
		return appDisabled()
	case h.expired(now):
		p.expired(h)
		return keyExpired()
	case !h.key.shows(secret, now):
		return secretChanged()
	}
	return nil
}

// isOf reports whether the key belongs to the app, or may.
func (p *keyState) isOf(app string) bool {
	h := p.holder.Load()
	return h == nil || h.key.App == app
}

// keyStates has the state of each key with open connections. A refresher runs while
// there is one.
type keyStates struct {
	registry *Registry
	owners   *owners
	now      func() time.Time
	expired  func(*holder) // as that of a keyState
	log      *slog.Logger

	mu        sync.Mutex // guards what follows
	byKey     map[string]*keyState
	refresher *refresher // nil if no key has open connections
	failed    bool       // the last round met a store that cannot tell
}

// A refresher is the goroutine that refreshes all key states at intervals.
type refresher struct {
	stop context.CancelFunc
	done chan struct{}
}

func (s *keyStates) init(r *Registry, o *owners, now func() time.Time, log *slog.Logger) {
	s.registry, s.owners, s.now, s.log = r, o, now, log
	s.byKey = make(map[string]*keyState)
}

// enter sets the key state of c, or returns why the key may not be used. The key is read
// after c is added, so that c misses no change.
func (s *keyStates) enter(ctx context.Context, c *channel) error {
	c.keyState = s.add(c)
	err := c.keyState.refresh(ctx, s.registry)
	s.allowEnforcement(c)
	refused := c.keyState.refusal(c.secret, s.now())
	switch {
	case refused == nil && c.keyState.holder.Load() != nil:
		return nil // whatever err: while the store fails, the last known state holds
	case err == nil:
		err = refused
	}
	s.leave(c)
	return err
}

// allowEnforcement allows ending c. Before the first refresh for c the key state may have
// an older secret than the one that c has shown.
func (s *keyStates) allowEnforcement(c *channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.enforced = true
}

func (s *keyStates) add(c *channel) *keyState {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byKey[c.info.Key]
	if p == nil {
		p = newKeyState(c.info.Key, s.expired)
		s.byKey[p.key] = p
	}
	p.channels[c] = struct{}{}
	if s.refresher == nil {
		s.refresher = s.startRefresher()
	}
	return p
}

// leave removes c from its key state. With the last connection the refresher ends, and
// leave waits for that.
func (s *keyStates) leave(c *channel) {
	if ending := s.remove(c); ending != nil {
		ending.stop()
		<-ending.done
	}
}

// channelsOf returns the open connections of a key.
func (s *keyStates) channelsOf(key string) []*channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.byKey[key]; p != nil {
		return slices.Collect(maps.Keys(p.channels))
	}
	return nil
}

func (s *keyStates) remove(c *channel) (ending *refresher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(c.keyState.channels, c)
	if len(c.keyState.channels) == 0 {
		delete(s.byKey, c.keyState.key)
	}
	if len(s.byKey) == 0 {
		ending, s.refresher = s.refresher, nil
	}
	return ending
}

func (s *keyStates) startRefresher() *refresher {
	ctx, stop := context.WithCancel(context.Background())
	p := &refresher{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		ticker := time.NewTicker(refreshInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				s.refreshAll(ctx)
			case <-ctx.Done():
				return
			}
		}
	}()
	return p
}

// refreshAll first ends the connections whose key state is already known to be invalid,
// and then refreshes all key states. What has changed is declared to the engine after
// that, so that an engine that hangs delays no end.
func (s *keyStates) refreshAll(ctx context.Context) {
	all := s.matching(func(*keyState) bool { return true })
	for _, p := range all {
		s.enforce(p)
	}
	err := s.refresh(ctx, all)
	if !errors.Is(err, ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
		// A record that cannot be read does not concern the other keys.
		err = cmp.Or(err, s.declareChanged(ctx, all))
	}
	if ctx.Err() == nil {
		s.report(err)
	}
}

// declareChanged declares the keys of which the engine knows another state.
func (s *keyStates) declareChanged(ctx context.Context, all []*keyState) error {
	var ids []string
	for _, p := range all {
		if h := p.holder.Load(); p.gone.Load() {
			s.owners.drop(p.key)
		} else if h != nil && !s.owners.knows(h) {
			ids = append(ids, p.key)
		}
	}
	// A declaration that has begun does not stop when the last connection leaves.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
	defer cancel()
	return s.owners.declareAll(ctx, ids, s.owners.declare)
}

// changed refreshes the key states that a change on this platform concerns. If that
// fails, the refresher does it later.
func (s *keyStates) changed(ctx context.Context, concerns func(*keyState) bool) {
	_ = s.refresh(context.WithoutCancel(ctx), s.matching(concerns))
}

func (s *keyStates) keyChanged(ctx context.Context, id string) {
	s.changed(ctx, func(p *keyState) bool { return p.key == id })
}

func (s *keyStates) appChanged(ctx context.Context, id string) {
	s.changed(ctx, func(p *keyState) bool { return p.isOf(id) })
}

// refresh refreshes key states and enforces them, several at a time, for at most
// refreshTimeout, beginning with those that were refreshed longest ago.
func (s *keyStates) refresh(ctx context.Context, all []*keyState) error {
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	return inParallel(ctx, oldestFirst(all), func(ctx context.Context, p *keyState) error {
		err := p.refresh(ctx, s.registry)
		s.enforce(p)
		return err
	})
}

// oldestFirst sorts by the times of the last refreshes. It reads them once, as other
// goroutines change them.
func oldestFirst(all []*keyState) []*keyState {
	at := make(map[*keyState]int64, len(all))
	for _, p := range all {
		at[p] = p.refreshed.Load()
	}
	slices.SortFunc(all, func(a, b *keyState) int { return cmp.Compare(at[a], at[b]) })
	return all
}

// report logs the first of several failures in a row.
func (s *keyStates) report(err error) {
	s.mu.Lock()
	first := err != nil && !s.failed
	s.failed = err != nil
	s.mu.Unlock()
	if first {
		s.log.Warn("permissions cannot be looked up, or not be passed to the engine; what was known holds", slog.Any("error", err))
	}
}

func (s *keyStates) matching(concerns func(*keyState) bool) []*keyState {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*keyState
	for _, p := range s.byKey {
		if concerns(p) {
			all = append(all, p)
		}
	}
	return all
}

// enforce ends the connections that may no longer use the key.
func (s *keyStates) enforce(p *keyState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for c := range p.channels {
		if refused := p.refusal(c.secret, now); refused != nil && c.enforced {
			c.end(ending{code: socket.PolicyViolation, reason: refused.message, refused: refused.code})
		}
	}
}
