package platform

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/shopex/prism-go/internal/guard"
	"github.com/shopex/prism-go/internal/push"
)

// A platform that pushes has a receiver for each key with a push address. In a cluster all
// platforms have one, and the engine gives the messages to the one that asked first.

const (
	// pushRefresh is how often a platform looks whether another one has changed the push
	// address of a key.
	pushRefresh = time.Second
	// pushRelist is when it looks at all keys in any case.
	pushRelist = time.Minute
	// pushLookTime is how long it looks at most.
	pushLookTime = 10 * time.Second
)

// Push posts the messages in the default queues of the keys that have a push address,
// until ctx ends or [Platform.Shutdown] is called, and returns when every POST has
// ended. When ctx ends, POSTs under way are cut, and their messages come again. If
// several platforms over the same engine push, one of them does so for each key; when it
// dies, another one goes on within 15 seconds. Push is called once in the life of a
// platform; a further call returns at once.
//
// A change of a push address counts at once if a call to this platform has made it, and
// else within a few seconds.
func (p *Platform) Push(ctx context.Context) {
	s := &p.pushers
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !s.begin(ctx, cancel) {
		return
	}
	defer s.client.Close()
	defer close(s.ended)
	ticker := time.NewTicker(pushRefresh)
	defer ticker.Stop()
	for {
		s.refresh(ctx)
		select {
		case <-ticker.C:
			continue
		case <-s.woken:
			s.listed = time.Time{}
			continue
		case <-s.stopping:
		case <-ctx.Done():
		}
		break
	}
	s.shut()
	s.group.Wait()
}

// pushNetworks returns to which networks the settings allow to push.
func (p *Platform) pushNetworks() guard.Networks {
	return guard.Networks{Private: p.cfg.PushPrivate, Loopback: p.cfg.PushLoopback}
}

// pushers has the receivers of all keys with a push address.
type pushers struct {
	p      *Platform
	client *push.Client

	// Only the goroutine of Push uses these.
	revision uint64 // of the pushNote when all keys were looked at
	listed   time.Time
	failed   bool // the last look at the store failed

	beginning chan struct{} // a semaphore of the receivers that begin
	woken     chan struct{} // gets one when all keys are to be looked at
	stopping  chan struct{} // closed by shut
	ended     chan struct{} // closed when Push has returned
	group     sync.WaitGroup

	mu    sync.Mutex // guards what follows
	ctx   context.Context
	kill  context.CancelFunc // nil until begin
	shutd bool
	byKey map[string]*receiver
}

func (s *pushers) init(p *Platform) {
	s.p = p
	s.client = push.New(push.Config{Networks: p.pushNetworks(), Timeout: p.cfg.PushTimeout, IdleConns: MaxPushWorkers})
	s.stopping, s.ended = make(chan struct{}), make(chan struct{})
	s.beginning, s.woken = make(chan struct{}, mostInParallel), make(chan struct{}, 1)
	s.byKey = make(map[string]*receiver)
}

// begin reports whether this is the first call of a platform that was not shut.
func (s *pushers) begin(ctx context.Context, kill context.CancelFunc) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kill != nil || s.shutd {
		return false
	}
	s.ctx, s.kill = ctx, kill
	return true
}

// shut makes Push end: receivers begin nothing new. The channel that it returns is closed
// when Push has returned.
func (s *pushers) shut() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.shutd {
		s.shutd = true
		close(s.stopping)
		if s.kill == nil {
			close(s.ended)
		}
		for _, r := range s.byKey {
			r.drain()
		}
	}
	return s.ended
}

// cut ends the POSTs under way.
func (s *pushers) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kill != nil {
		s.kill()
	}
}

// refresh looks at all keys if the push address of one may have changed.
func (s *pushers) refresh(ctx context.Context) {
	err := s.look(ctx)
	if err != nil && !s.failed && ctx.Err() == nil {
		s.p.cfg.Logger.Warn("push addresses cannot be looked up; what was known holds", slog.Any("error", err))
	}
	s.failed = err != nil
}

func (s *pushers) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pushLookTime)
	defer cancel()
	revision, err := s.p.registry.pushRevision(ctx)
	if err != nil || revision == s.revision && time.Since(s.listed) < pushRelist && !s.listed.IsZero() {
		return err
	}
	keys, err := listRecords[storedKey](ctx, s.p.registry.store, kindKey)
	if err != nil {
		return err
	}
	apps, err := s.p.registry.Apps(ctx)
	if err != nil {
		return err
	}
	disabled := make(map[string]bool)
	for i := range apps {
		disabled[apps[i].ID] = apps[i].Disabled
	}
	s.revision, s.listed = revision, time.Now()
	wanted := make(map[string]bool)
	for i := range keys {
		if disabled[keys[i].App] {
			continue
		}
		s.set(keys[i].ID, &keys[i])
		wanted[keys[i].ID] = true
	}
	for _, id := range s.ids() {
		if !wanted[id] {
			s.set(id, nil)
		}
	}
	return nil
}

func (s *pushers) ids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]string, 0, len(s.byKey))
	for id := range s.byKey {
		ids = append(ids, id)
	}
	return ids
}

// changed makes a change of a key on this platform count at once. If that fails, refresh
// does it later.
func (s *pushers) changed(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
	defer cancel()
	h, err := s.p.registry.holder(ctx, id, nil)
	switch {
	case err == nil && !h.app.Disabled:
		s.set(id, h.key)
	case err == nil, errors.Is(err, ErrUnknownKey):
		s.set(id, nil)
	}
}

// set makes the receiver of a key what the key says; nil is a key that does not exist.
func (s *pushers) set(id string, key *storedKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kill == nil || s.shutd {
		return
	}
	before := s.byKey[id]
	wanted := key != nil && !key.Deleted && key.Push.URL != "" && !isOver(key.Expires, s.p.expiry())
	switch {
	case wanted && before != nil && before.is(&key.Push):
		return
	case before != nil:
		before.stop()
		delete(s.byKey, id)
	}
	if !wanted {
		return
	}
	r := newReceiver(s.ctx, s.p, id, &key.Push, before)
	s.byKey[id] = r
	r.next(r.open)
}

// wake makes Push look at all keys soon.
func (s *pushers) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// count returns how many receivers there are, and for how many of them messages wait
// after a failure. One that has ended by itself, as its key is gone, stays in byKey until
// the next look.
func (s *pushers) count() (all, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.byKey {
		if r.hasEnded() {
			continue
		}
		all++
		if r.state.since.Load() != 0 {
			waiting++
		}
	}
	return all, waiting
}

// stateOf returns what this platform knows of the pushing for a key, or nil.
func (s *pushers) stateOf(id string) *pushState {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.byKey[id]; r != nil {
		return r.state
	}
	return nil
}
