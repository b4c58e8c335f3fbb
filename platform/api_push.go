package platform

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/guard"
	"github.com/shopex/prism-go/internal/push"
)

// The calls about the push addresses of keys.

// pushGrace is how long an old secret signs, too, if the call does not say it.
const pushGrace = 24 * time.Hour

const addressBytes = 2048

// A pushDoc is a key whose push address was set.
type pushDoc struct {
	keyDoc
	PushSecret   string `json:"PushSecret,omitempty"`   // only when it is made
	PushOldUntil int64  `json:"PushOldUntil,omitempty"` // Unix seconds: until when the old secret signs, too
}

// pushSet sets the push address of a key, or changes it.
func (p *Platform) pushSet(ctx context.Context, c *call) (any, error) {
	app, key, err := p.namedKey(ctx, c, p.registry.holder)
	if err != nil {
		return nil, err
	}
	address, workers, err := p.pushParams(c)
	if err != nil {
		return nil, err
	}
	secret, err := p.registry.setPushIf(ctx, key.ID, address, workers, ofApp(key.App))
	return p.pushAnswer(ctx, app, key.ID, pushDoc{PushSecret: secret}, err)
}

func (p *Platform) pushParams(c *call) (address string, workers int, err error) {
	own := c.params()
	if address, err = optional(own, "url", addressBytes); err != nil {
		return "", 0, err
	}
	text, err := once(own, "workers")
	if err != nil {
		return "", 0, err
	}
	if text != "" {
		if workers, err = strconv.Atoi(text); err != nil || workers < 1 {
			return "", 0, badRequest(code.InvalidParameter, fmt.Sprintf("workers is %q; it must be a number from 1 to %d", shorten(text, 32), MaxPushWorkers))
		}
	}
	to := Push{URL: address, Workers: workers, Secret: push.NewSecret()}
	if err := to.check(); err != nil {
		return "", 0, badRequest(code.InvalidParameter, err.Error())
	}
	u, err := guard.ParseAddress(address)
	if err == nil {
		err = p.pushNetworks().CheckHost(u)
	}
	if err != nil {
		return "", 0, badRequest(code.InvalidParameter, "the address "+err.Error())
	}
	return address, workers, nil
}

// pushRotate gives the pushing for a key a new secret. The old one signs too, for the
// grace.
func (p *Platform) pushRotate(ctx context.Context, c *call) (any, error) {
	app, key, err := p.namedKey(ctx, c, p.registry.holder)
	if err != nil {
		return nil, err
	}
	grace, err := c.grace(pushGrace)
	if err != nil {
		return nil, err
	}
	now := p.cfg.Now()
	until := now.Add(grace)
	secret, err := p.registry.rotatePushIf(ctx, key.ID, now, until, ofApp(key.App))
	if errors.Is(err, errNoPush) {
		return nil, badRequest(code.InvalidParameter, "the key has no push address; platform/key/push sets one")
	}
	return p.pushAnswer(ctx, app, key.ID, pushDoc{PushSecret: secret, PushOldUntil: until.Unix()}, err)
}

// pushStop ends the pushing for a key.
func (p *Platform) pushStop(ctx context.Context, c *call) (any, error) {
	_, key, err := p.namedKey(ctx, c, p.registry.holder)
	if err != nil {
		return nil, err
	}
	if err = p.registry.stopPushIf(ctx, key.ID, ofApp(key.App)); err != nil {
		return nil, pushRefusal(err)
	}
	p.pushers.changed(ctx, key.ID)
	return true, nil
}

// ofApp returns whether a key still belongs to the app.
func ofApp(app string) func(*storedKey) bool {
	return func(now *storedKey) bool { return now.App == app }
}

// pushAnswer applies a change that was made here at once, and answers with the key.
func (p *Platform) pushAnswer(ctx context.Context, app *App, id string, doc pushDoc, err error) (any, error) {
	if err != nil {
		return nil, pushRefusal(err)
	}
	p.pushers.changed(ctx, id)
	h, err := p.registry.holder(ctx, id, nil)
	if err != nil {
		return nil, pushRefusal(err)
	}
	doc.keyDoc = newKeyDoc(app, &h.key.Key)
	return doc, nil
}

func pushRefusal(err error) error {
	if errors.Is(err, ErrUnknownKey) {
		return unknownKeyHere()
	}
	return err
}

// A pushStatusDoc is what this process of the platform has done for the push address of a
// key since it began. In a cluster one process pushes for a key, and the others show that
// they have done nothing.
type pushStatusDoc struct {
	Workers      int    `json:"Workers"`
	Delivered    uint64 `json:"Delivered"`
	Failed       uint64 `json:"Failed"`                  // POSTs
	LastStatus   int    `json:"Last_status,omitempty"`   // of the last POST; none without an answer
	LastError    string `json:"Last_error,omitempty"`    // of the last POST that failed
	WaitingSince int64  `json:"Waiting_since,omitempty"` // Unix seconds: since when all POSTs have failed
}

// pushStatus returns nil for a key without a push address.
func (p *Platform) pushStatus(key *Key) *pushStatusDoc {
	if key.Push.URL == "" {
		return nil
	}
	doc := &pushStatusDoc{Workers: key.Push.workers()}
	if s := p.pushers.stateOf(key.ID); s != nil {
		doc.Delivered, doc.Failed = s.delivered.Load(), s.failed.Load()
		doc.LastStatus, doc.WaitingSince = int(s.status.Load()), s.since.Load()
		if reason := s.reason.Load(); reason != nil {
			doc.LastError = *reason
		}
	}
	return doc
}
