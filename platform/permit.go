package platform

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/topic"
)

// What the keys of an app may publish and listen to.

// publish routes a message of app, as far as the app is allowed to publish it
// and to listen to it.
func (p *Platform) publish(ctx context.Context, app *App, m *Message) error {
	routed, err := app.routes(m.Key)
	if !routed || err != nil {
		return err
	}
	_, err = p.cfg.Queues.Publish(ctx, app.domain(), m)
	return err
}

// routes reports whether a message of the app goes to its queues, or why it is
// refused. What the app may not listen to is dropped, as if no queue were bound
// to it.
func (a *App) routes(key string) (bool, error) {
	if !a.Publish.Allows(key) {
		return false, forbiddenKey(fmt.Sprintf("the app may not publish the routing key %q", shorten(key, 48)))
	}
	return a.Listen.Allows(key), nil
}

// bind binds a queue, as far as the app is allowed to listen.
func (p *Platform) bind(ctx context.Context, c *call, name, pattern string) error {
	covers := func(allowed string) bool { return topic.Covers(allowed, pattern) }
	if listen := c.app.Listen; listen != nil && !slices.ContainsFunc(listen, covers) {
		return forbiddenKey(fmt.Sprintf("the app may not listen to all that %q matches", shorten(pattern, 48)))
	}
	return p.cfg.Queues.Bind(ctx, c.key.ID, name, pattern)
}

func forbiddenKey(message string) *failure {
	return &failure{status: http.StatusForbidden, code: code.ForbiddenRoutingKey, message: message + "; an admin key can allow it"}
}

func unknownKey() *failure {
	return unauthorized(code.UnknownKey, "the platform has no key with this client_id: check it, and that it belongs to this server")
}

func keyExpired() *failure {
	return unauthorized(code.KeyExpired, "this key has expired: an admin key can make a new one")
}

func secretChanged() *failure {
	return unauthorized(code.SecretChanged, "this key has another secret now: use that")
}

// A holder is a key and its app, as they are in the store.
type holder struct {
	key                      *storedKey
	app                      *App
	keyRevision, appRevision uint64
}

func (h *holder) expired(now time.Time) bool {
	return !h.key.Expires.IsZero() && !now.Before(h.key.Expires)
}

// holder returns a key with its app, or [ErrUnknownKey]. known is what it was
// before, if anything: what has the same revision is not decoded again.
func (r *Registry) holder(ctx context.Context, id string, known *holder) (*holder, error) {
	h, err := r.anyHolder(ctx, id, known)
	if err == nil && h.key.Deleted {
		return nil, ErrUnknownKey
	}
	return h, err
}

// anyHolder is holder, which also finds a key whose deletion was not completed.
func (r *Registry) anyHolder(ctx context.Context, id string, known *holder) (*holder, error) {
	h := &holder{}
	if known != nil {
		*h = *known
	}
	var err error
	if h.key, h.keyRevision, err = reloadRecord(ctx, r.store, kindKey, id, h.key, h.keyRevision); err != nil {
		return nil, instead(err, ErrUnknownKey)
	}
	if h.app != nil && h.app.ID != h.key.App {
		h.app = nil
	}
	if h.app, h.appRevision, err = reloadRecord(ctx, r.store, kindApp, h.key.App, h.app, h.appRevision); err != nil {
		return nil, instead(err, ErrUnknownKey)
	}
	return h, nil
}
