package platform

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// The engine has to know of each key which domain it is in and what it may listen to. A
// platform declares a key before it uses the key's queues, and when it sees that the key
// or its app has changed. Several platforms over one store may declare a key at the same
// moment, with different states of it. So after a declaration the key is read again, and
// declared again if it has changed: the last declaration is of the newest state.

// Reconcile declares all keys of the Registry to Queues. A platform declares a key itself
// when it uses the queues of the key, and when it sees a change. Call Reconcile when a
// program begins to serve, and after it has changed apps, keys or services in the Registry, or has
// called Forget of Queues for a key that stays, so that this counts at once, for the open
// connections of this platform and for keys that nobody uses at present; new push
// addresses count a moment later. It returns when
// the engine has declared all, or the first error; the keys that it could declare are
// declared then.
func (p *Platform) Reconcile(ctx context.Context) error {
	p.keyStates.changed(ctx, func(*keyState) bool { return true })
	p.pushers.wake()
	p.services.lookAgain()
	p.curves.begin()
	ids, err := p.owners.sweep(ctx)
	if err != nil {
		return err
	}
	return p.owners.declareAll(ctx, ids, func(ctx context.Context, id string) error {
		ctx, cancel := finishing(ctx)
		defer cancel()
		return p.owners.declareAgain(ctx, id)
	})
}

// declare makes the engine know the newest state of a key. h is one that the caller has
// seen. The engine is only asked if that was not declared here. While the engine hangs, a
// caller that has gone does not wait for it, unless it was the first.
func (p *Platform) declare(ctx context.Context, h *holder) error {
	p.curves.begin()
	if p.owners.knows(h) {
		return nil
	}
	unlock, err := p.owners.lock(ctx, h.key.ID)
	if err != nil {
		return err
	}
	defer unlock()
	ctx, cancel := finishing(ctx) // or a state that is no longer the newest could stay
	defer cancel()
	err = p.owners.declareLocked(ctx, h.key.ID, p.owners.knows)
	if errors.Is(err, ErrUnknownKey) {
		return unknownKey()
	}
	return err
}

// declareApp makes the engine know the newest state of all keys of an app.
func (p *Platform) declareApp(ctx context.Context, app string) error {
	ctx, cancel := finishing(ctx)
	defer cancel()
	keys, err := p.registry.keysOf(ctx, app)
	if err != nil {
		return err
	}
	ids := make([]string, len(keys))
	for i, key := range keys {
		ids[i] = key.ID
	}
	return p.owners.declareAll(ctx, ids, p.owners.declare)
}

// owners remembers which state of each key the engine knows, and counts what keys have
// published. It has a few words for each key that was used here and exists: sweep removes
// those that were deleted elsewhere.
type owners struct {
	queues   Queues
	registry *Registry

	seed  maphash.Seed
	locks [64]chan struct{} // each for the keys of its part of all hashes

	mu      sync.Mutex // guards what follows
	byKey   map[string]*owner
	sweepAt int // the size of byKey
}

// An owner is what owners has of a key.
type owner struct {
	keyRevision, appRevision uint64 // of what was declared last; 0 before that
	count                    *keyCount
}

// A keyCount counts the messages of a key that were stored, and the bytes of answers that
// it has not read.
type keyCount struct{ published, unrouted, answers atomic.Int64 }

// leastSweep is from how many keys on owners looks for those that were deleted.
const leastSweep = 1000

func (o *owners) init(queues Queues, r *Registry) {
	o.queues, o.registry = queues, r
	o.seed = maphash.MakeSeed()
	for i := range o.locks {
		o.locks[i] = make(chan struct{}, 1)
	}
	o.byKey = make(map[string]*owner)
	o.sweepAt = leastSweep
}

// lock waits until no other goroutine of this platform declares or forgets the key.
func (o *owners) lock(ctx context.Context, id string) (unlock func(), err error) {
	mine := o.locks[maphash.String(o.seed, id)%uint64(len(o.locks))]
	select {
	case mine <- struct{}{}:
		return func() { <-mine }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// knows reports whether the last state that was declared here is h.
func (o *owners) knows(h *holder) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	owner := o.byKey[h.key.ID]
	return owner != nil && owner.keyRevision == h.keyRevision && owner.appRevision == h.appRevision
}

// declare makes the engine know the newest state of a key. It returns [ErrUnknownKey] for
// one that does not exist.
func (o *owners) declare(ctx context.Context, id string) error {
	return o.declareUnless(ctx, id, o.knows)
}

// declareAgain is declare, which asks the engine in any case.
func (o *owners) declareAgain(ctx context.Context, id string) error {
	return o.declareUnless(ctx, id, func(*holder) bool { return false })
}

func (o *owners) declareUnless(ctx context.Context, id string, done func(*holder) bool) error {
	unlock, err := o.lock(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	return o.declareLocked(ctx, id, done)
}

// declareLocked declares the newest state of a key, unless that is done. The caller holds
// the lock of the key.
func (o *owners) declareLocked(ctx context.Context, id string, done func(*holder) bool) error {
	h, err := o.registry.holder(ctx, id, nil)
	if err == nil && !done(h) {
		h, err = o.declareNewest(ctx, h)
	}
	switch {
	case errors.Is(err, ErrUnknownKey):
		o.drop(id)
	case err == nil && o.note(h):
		_, _ = o.sweep(ctx) // if it fails, it is due again later
	}
	return err
}

// declareNewest declares h, and what it becomes meanwhile. A key that is deleted
// meanwhile is forgotten: its deletion may have come to the engine first. If the engine
// does not forget it, that is the error, as nobody will try again.
func (o *owners) declareNewest(ctx context.Context, h *holder) (*holder, error) {
	for {
		id := h.key.ID
		if err := o.queues.Declare(ctx, id, h.owner()); err != nil {
			return nil, err
		}
		newest, err := o.registry.holder(ctx, id, h)
		switch {
		case errors.Is(err, ErrUnknownKey):
			return nil, cmp.Or(o.queues.Forget(ctx, id), err)
		case err != nil:
			return nil, err
		case newest.keyRevision == h.keyRevision && newest.appRevision == h.appRevision:
			return newest, nil
		}
		h = newest
	}
}

// owner returns what the engine has to know of a key.
func (h *holder) owner() Owner {
	return Owner{Exchange: h.app.Exchange(), Listen: h.app.Listen, Bindings: h.key.Bindings}
}

// declareAll calls declare for each key, as inParallel does. A key that does not exist is
// no error.
func (o *owners) declareAll(ctx context.Context, ids []string, declare func(ctx context.Context, id string) error) error {
	return inParallel(ctx, ids, func(ctx context.Context, id string) error {
		if err := declare(ctx, id); !errors.Is(err, ErrUnknownKey) {
			return err
		}
		return nil
	})
}

// forget removes a deleted key from the engine. A declaration of the key that is under way
// at this platform ends before, and a later one finds that the key does not exist.
func (o *owners) forget(ctx context.Context, id string) error {
	unlock, err := o.lock(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	o.drop(id)
	return o.queues.Forget(ctx, id)
}

// drop removes what is remembered of a key.
func (o *owners) drop(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.byKey, id)
}

// note remembers that h was declared, and reports whether a sweep is due.
func (o *owners) note(h *holder) (sweep bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	owner := o.obtain(h.key.ID)
	owner.keyRevision, owner.appRevision = h.keyRevision, h.appRevision
	return len(o.byKey) > o.sweepAt
}

// countOf returns the count of a key.
func (o *owners) countOf(id string) *keyCount {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.obtain(id).count
}

// obtain returns the owner of a key, and makes it if there is none. The caller holds mu.
func (o *owners) obtain(id string) *owner {
	if o.byKey[id] == nil {
		o.byKey[id] = &owner{count: new(keyCount)}
	}
	return o.byKey[id]
}

// sweep removes what is remembered of keys that do not exist, and returns those that do.
// The next one is due when twice as many are remembered.
func (o *owners) sweep(ctx context.Context) (ids []string, err error) {
	o.mu.Lock()
	old := slices.Collect(maps.Keys(o.byKey)) // those that come later may not be in the list
	o.sweepAt = max(leastSweep, 2*len(o.byKey))
	o.mu.Unlock()
	keys, err := o.registry.Keys(ctx)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.sweepAt = len(o.byKey) + leastSweep
		return nil, err
	}
	exist := make(map[string]bool, len(keys))
	for _, key := range keys {
		exist[key.ID] = true
		ids = append(ids, key.ID)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range old {
		if !exist[id] {
			delete(o.byKey, id)
		}
	}
	o.sweepAt = max(leastSweep, 2*len(o.byKey))
	return ids, nil
}
