package platform

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/topic"
)

// What the keys of an app may publish and listen to.

// publish routes a message of the app, and returns to how many queues. The engine knows
// what their owners may listen to.
func (p *Platform) publish(ctx context.Context, app *App, m *Message) (queues int, err error) {
	if err := app.mayPublish(m.Key); err != nil {
		return 0, err
	}
	routed, err := p.cfg.Queues.Publish(ctx, app.Exchange(), m)
	if len(routed) > 0 {
		queues = routed[0]
	}
	return queues, err
}

// mayPublish returns why the app may not publish a routing key, or nil.
func (a *App) mayPublish(key string) error {
	if err := notReserved(key); err != nil {
		return err
	}
	if !a.Publish.Allows(key) {
		return forbiddenKey(fmt.Sprintf("the app may not publish the routing key %q; an admin key can allow it", shorten(key, 48)))
	}
	return nil
}

// notReserved refuses the routing keys that are the platform's own.
func notReserved(key string) error {
	if topic.Reserved(key) {
		return forbiddenKey(fmt.Sprintf("the routing key %q begins with @system., as those of the platform do; choose another first word", shorten(key, 48)))
	}
	return nil
}

// mayListen returns why the app may not listen to all that a pattern matches, or nil.
func (a *App) mayListen(pattern string) error {
	listen := a.Listen
	if listen == nil {
		listen = Matching("#")
	}
	if slices.ContainsFunc(listen, func(allowed string) bool { return topic.Covers(allowed, pattern) }) {
		return nil
	}
	may := "nothing"
	if len(listen) > 0 {
		may = shorten(strings.Join(listen, ", "), 256)
	}
	return forbiddenKey(fmt.Sprintf("the app may not listen to all that %q matches: it may listen to %s; an admin key can allow more", shorten(pattern, 48), may))
}

func forbiddenKey(message string) *failure {
	return &failure{status: http.StatusForbidden, code: code.ForbiddenRoutingKey, message: message}
}

func unknownKey() *failure {
	return unauthorized(code.UnknownKey, "the platform has no key with this client_id: check it, and that it belongs to this server")
}

func keyExpired() *failure {
	return unauthorized(code.KeyExpired, "this key has expired: an admin key can make a new one")
}

func appDisabled() *failure {
	return unauthorized(code.KeyExpired, "the app of this key is disabled: an admin key can enable it (prismctl app enable)")
}

func secretChanged() *failure {
	return unauthorized(code.SecretChanged, "this key has another secret now: use that")
}

// A holder is a key and its app, as they are in the store.
type holder struct {
	key                      *storedKey
	app                      *App
	keyRevision, appRevision uint64
	size                     int // bytes of the records
}

// over reports whether the key may not be used, as it has expired or its app is disabled.
func (h *holder) over(now time.Time) bool { return h.app.Disabled || h.expired(now) }

func (h *holder) expired(now time.Time) bool { return isOver(h.key.Expires, now) }

// isOver reports whether a key that expires at this time, zero meaning never, has expired.
func isOver(expires, now time.Time) bool { return !expires.IsZero() && !now.Before(expires) }

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
	key, err := r.store.Load(ctx, kindKey, digest(id))
	if err == nil {
		h.key, h.keyRevision, err = decodeRecord(kindKey, key, h.key, h.keyRevision)
	}
	if err != nil {
		return nil, instead(err, ErrUnknownKey)
	}
	if h.app != nil && h.app.ID != h.key.App {
		h.app = nil
	}
	app, err := r.store.Load(ctx, kindApp, digest(h.key.App))
	if err == nil {
		h.app, h.appRevision, err = decodeRecord(kindApp, app, h.app, h.appRevision)
	}
	if err != nil {
		return nil, instead(err, ErrUnknownKey)
	}
	h.size = len(key.Value) + len(app.Value)
	return h, nil
}
