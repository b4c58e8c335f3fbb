package platform

import (
	"context"
	"errors"
	"time"
)

// finishTime is how long work that has begun may go on after its caller has gone.
const finishTime = 30 * time.Second

// finishing returns a context for work that must be completed even if ctx ends: half of
// it would leave keys without an app.
func finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), finishTime)
}

// DeleteKey removes a key. There need not be one. Its open connections are
// closed within a second, by each platform over this store. The registry knows
// no queues: [Queues].Forget removes those of the key.
func (r *Registry) DeleteKey(ctx context.Context, id string) error {
	return deleteRecord(ctx, r.store, kindKey, id)
}

// DeleteApp removes an app and its keys, each as DeleteKey does. The services and apps that
// its keys have made stay, as those of no app. There need not be
// one. Once begun it does not stop when ctx ends, but after half a minute. The
// app goes last, so after an error another DeleteApp completes it.
func (r *Registry) DeleteApp(ctx context.Context, id string) error {
	return r.deleteApp(ctx, id, func(ctx context.Context, key *Key) error {
		_, err := r.deleteKeyOf(ctx, key)
		return err
	})
}

// deleteApp looks for keys again after the app is deleted: some may have been made
// meanwhile, by processes that no longer run.
func (r *Registry) deleteApp(ctx context.Context, id string, deleteKey deleteKeyFunc) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := finishing(ctx)
	defer cancel()
	keys, err := r.keysOf(ctx, id)
	if err != nil {
		return err
	}
	if err := deleteKeys(ctx, keys, deleteKey); err != nil {
		return err
	}
	if err := errors.Join(r.leaveServices(ctx, id), r.leaveApps(ctx, id)); err != nil {
		return err
	}
	if err := deleteRecord(ctx, r.store, kindApp, id); err != nil {
		return err
	}
	return r.deleteOrphans(ctx, id, deleteKey)
}

// A deleteKeyFunc deletes a key if it still belongs to its app.
type deleteKeyFunc func(ctx context.Context, key *Key) error

func deleteKeys(ctx context.Context, keys []Key, deleteKey deleteKeyFunc) (err error) {
	for _, key := range keys {
		err = errors.Join(err, deleteKey(ctx, &key))
	}
	return err
}

func (r *Registry) keysOf(ctx context.Context, app string) ([]Key, error) {
	keys, err := r.Keys(ctx)
	var own []Key
	for _, key := range keys {
		if key.App == app {
			own = append(own, key)
		}
	}
	return own, err
}

// deleteOrphans removes the keys of an earlier app with this ID. Otherwise they would
// belong to the app that is about to be made. It lists the keys before it looks for the
// app: if there is no app then, no app has them.
func (r *Registry) deleteOrphans(ctx context.Context, app string, deleteKey deleteKeyFunc) error {
	keys, err := r.keysOf(ctx, app)
	if err != nil || len(keys) == 0 {
		return err
	}
	if _, err := r.App(ctx, app); !errors.Is(err, ErrUnknownApp) {
		return err
	}
	return deleteKeys(ctx, keys, deleteKey)
}

// deleteKeyOf removes a key, unless it has been moved to another app, and
// reports whether it is gone.
func (r *Registry) deleteKeyOf(ctx context.Context, key *Key) (gone bool, err error) {
	return r.deleteKeyIf(ctx, key.ID, func(now *storedKey) bool { return now.App == key.App })
}

// beginDeletion marks a key as deleted, unless it has been moved to another app, and
// reports whether it is marked. An older version, which does not know the mark, finds
// the key expired.
func (r *Registry) beginDeletion(ctx context.Context, key *Key, now time.Time) (useless bool, err error) {
	stored, err := updateRecord(ctx, r.store, kindKey, key.ID, 0, func(stored *storedKey) (bool, error) {
		if stored.App != key.App || stored.Deleted {
			return false, nil
		}
		stored.Deleted, stored.Expires = true, now.UTC()
		return true, nil
	})
	if errors.Is(err, ErrNoRecord) {
		return true, nil
	}
	return err == nil && stored.App == key.App, err
}

func (r *Registry) deleteKeyIf(ctx context.Context, id string, same func(now *storedKey) bool) (gone bool, err error) {
	now, _, err := loadRecord[storedKey](ctx, r.store, kindKey, id)
	if errors.Is(err, ErrNoRecord) {
		return true, nil
	}
	if err != nil || !same(now) {
		return false, err
	}
	err = r.DeleteKey(ctx, id)
	return err == nil, err
}

// confirmKey removes a key that was saved if its app no longer exists: otherwise the key
// would belong to a later app with that ID.
func (r *Registry) confirmKey(ctx context.Context, key *Key) error {
	ctx, cancel := finishing(ctx)
	defer cancel()
	_, err := r.App(ctx, key.App)
	if errors.Is(err, ErrUnknownApp) {
		_, deleting := r.deleteKeyOf(ctx, key)
		return errors.Join(err, deleting)
	}
	return err
}

// withdrawKey removes a key that was made, or may have been, and that no caller has got.
func (r *Registry) withdrawKey(ctx context.Context, key *Key) error {
	ctx, cancel := finishing(ctx)
	defer cancel()
	_, err := r.deleteKeyIf(ctx, key.ID, func(now *storedKey) bool { return now.Secret == key.Secret })
	return err
}
