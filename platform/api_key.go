package platform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopex/prism-go/internal/code"
)

// The calls that provision keys.

const (
	metaBytes   = 4096
	metaTexts   = 64
	expiresLast = 253402300799 // the last second that RFC 3339 can write
)

// A keyDoc is a key with the members that existing tools read. ClientId is not
// the client_id, which is Key, but the ID of the app: the names are older than
// the distinction.
type keyDoc struct {
	GUID          string            `json:"Guid"`
	Key           string            `json:"Key"`
	Secret        string            `json:"Secret,omitempty"` // only when it is made
	ClientID      string            `json:"ClientId"`
	Notes         string            `json:"Notes"`
	DomainID      string            `json:"DomainId"`
	Meta          map[string]string `json:"Meta"`
	CreateTime    string            `json:"CreateTime"`
	Expired       int64             `json:"Expired"` // Unix seconds; the zero time, in the year 1, means never
	NotifyPushURL string            `json:"NotifyPushUrl"`
	PushWorkers   int               `json:"PushWorkers,omitempty"` // without a push address 0
}

// newKeyDoc shows no secret. The call that makes a secret adds it: no other one shows
// it.
func newKeyDoc(app *App, key *Key) keyDoc {
	meta := key.Meta
	if meta == nil {
		meta = map[string]string{}
	}
	doc := keyDoc{
		GUID: app.Exchange() + "-" + key.ID, Key: key.ID, ClientID: app.ID,
		Notes: key.Notes, DomainID: app.Exchange(), Meta: meta,
		CreateTime: key.Created.UTC().Format(createdLayout), Expired: key.Expires.Unix(),
	}
	if key.Push.URL != "" {
		doc.NotifyPushURL, doc.PushWorkers = key.Push.URL, key.Push.workers()
	}
	return doc
}

func (p *Platform) keyCreate(ctx context.Context, c *call) (any, error) {
	app, err := p.namedApp(ctx, c)
	if err != nil {
		return nil, err
	}
	key, err := p.newKey(c, app)
	if err != nil {
		return nil, err
	}
	count, err := p.countKeys(ctx)
	if err != nil {
		return nil, err
	}
	if limit := p.cfg.Limits.KeysPerApp; count[app.ID] >= limit {
		return nil, &failure{
			status: http.StatusForbidden, code: code.TooManyKeys,
			message: fmt.Sprintf("this app has its %d keys; delete one with platform/key/delete", limit),
		}
	}
	if err := p.storeKey(ctx, key); err != nil {
		return nil, err
	}
	return withSecret(newKeyDoc(app, key), key), nil
}

func withSecret(doc keyDoc, key *Key) keyDoc {
	doc.Secret = key.Secret
	return doc
}

func (p *Platform) newKey(c *call, app *App) (*Key, error) {
	own := c.params()
	key := NewKey(app.ID)
	key.Created = p.cfg.Now().UTC()
	var err error
	if key.Notes, err = optional(own, "desc", textBytes); err != nil {
		return nil, err
	}
	if !isText(key.Notes) {
		return nil, badRequest(code.InvalidParameter, "desc must be UTF-8 without control characters other than line breaks")
	}
	expires, err := once(own, "expired_date")
	if err != nil {
		return nil, err
	}
	if key.Expires, err = parseExpires(expires); err != nil {
		return nil, err
	}
	if !key.Expires.IsZero() && !key.Expires.After(key.Created) {
		return nil, badRequest(code.InvalidParameter, fmt.Sprintf("expired_date is %s, which is over; a key of that date would be good for nothing", key.Expires.Format(time.RFC3339)))
	}
	meta, err := optional(own, "meta", metaBytes)
	if err != nil {
		return nil, err
	}
	if key.Meta, err = parseMeta(meta); err != nil {
		return nil, err
	}
	codes, err := optional(own, "error_codes", idBytes)
	if err != nil {
		return nil, err
	}
	if key.ErrorCodes = ErrorCodes(codes); !key.ErrorCodes.valid() {
		return nil, badRequest(code.InvalidParameter, "error_codes must be word or prism")
	}
	key.Bindings, err = c.bindings(app)
	return &key, err
}

// bindings reads what the default queue of a new key of the app begins with; nil if the
// call says nothing about that.
func (c *call) bindings(app *App) ([]Binding, error) {
	patterns, ok, err := c.patterns("bindings")
	if !ok || err != nil {
		return nil, err
	}
	bindings := make([]Binding, len(patterns))
	for i, pattern := range patterns {
		if err := app.mayListen(pattern); err != nil {
			return nil, err
		}
		bindings[i].Pattern = pattern
	}
	return bindings, nil
}

// parseExpires reads Unix seconds. A time that is not after 1970 means never: tools
// send the zero value of their language.
func parseExpires(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || seconds > expiresLast:
		return time.Time{}, badRequest(code.InvalidParameter, fmt.Sprintf("expired_date is %q; it must be a Unix time in seconds, or 0 for never", shorten(text, 32)))
	case seconds <= 0:
		return time.Time{}, nil
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// parseMeta reads a JSON object of texts. An empty array is an empty object, as
// PHP writes it.
func parseMeta(text string) (map[string]string, error) {
	text = strings.TrimSpace(text)
	if text == "" || text == "[]" {
		return nil, nil
	}
	var meta map[string]string
	if json.Unmarshal([]byte(text), &meta) != nil || len(meta) > metaTexts || !utf8.ValidString(text) {
		return nil, badRequest(code.InvalidParameter, fmt.Sprintf("meta must be a JSON object of at most %d texts", metaTexts))
	}
	for name, value := range meta {
		if !isText(name) || !isText(value) {
			return nil, badRequest(code.InvalidParameter, "the texts of meta must be without control characters other than line breaks")
		}
	}
	return meta, nil
}

// storeKey stores a new key and declares it. If that fails, it deletes the key, as its
// secret will be shown to no caller. A key that the engine does not forget stays, marked
// as deleted: another deletion completes that.
func (p *Platform) storeKey(ctx context.Context, key *Key) error {
	err := p.saveNewKey(ctx, key)
	if err != nil {
		return err
	}
	declaring, cancel := finishing(ctx)
	defer cancel()
	err = p.owners.declare(declaring, key.ID)
	if errors.Is(err, ErrUnknownKey) { // it went with its app
		return unknownApp()
	}
	if err == nil {
		err = ctx.Err() // the caller has gone
	}
	if err != nil {
		deleting, cancel := finishing(ctx) // declaring may have ended
		defer cancel()
		return errors.Join(err, p.deleteAppKey(deleting, key))
	}
	return nil
}

// saveNewKey stores a new key, or nothing.
func (p *Platform) saveNewKey(ctx context.Context, key *Key) error {
	err := saveRecord(ctx, p.cfg.Store, kindKey, key.ID, newStoredKey(*key), 0, 0)
	for errors.Is(err, ErrConflict) && ctx.Err() == nil { // there is a key with this random ID
		key.ID = randomText(keyIDLength)
		err = saveRecord(ctx, p.cfg.Store, kindKey, key.ID, newStoredKey(*key), 0, 0)
	}
	if err == nil {
		err = p.registry.confirmKey(ctx, key)
	}
	if errors.Is(err, ErrUnknownApp) {
		err = unknownApp()
	}
	if err != nil {
		return errors.Join(err, p.registry.withdrawKey(ctx, key))
	}
	return nil
}

func (p *Platform) keyInfo(ctx context.Context, c *call) (any, error) {
	app, key, err := p.namedKey(ctx, c, p.registry.holder)
	if err != nil {
		return nil, err
	}
	return newKeyDoc(app, key), nil
}

func (p *Platform) keyList(ctx context.Context, c *call) (any, error) {
	app, err := p.namedApp(ctx, c)
	if err != nil {
		return nil, err
	}
	keys, err := p.registry.Keys(ctx)
	if err != nil {
		return nil, err
	}
	docs := []keyDoc{}
	for _, key := range keys {
		if key.App == app.ID {
			docs = append(docs, newKeyDoc(app, &key))
		}
	}
	return docs, nil
}

// maxGrace bounds for how long an old secret stays valid: a rotation has to end.
const maxGrace = 90 * 24 * time.Hour

// keyRotate gives a key a new secret. The old one stays valid for the grace.
func (p *Platform) keyRotate(ctx context.Context, c *call) (any, error) {
	app, key, err := p.namedKey(ctx, c, p.registry.holder)
	if err != nil {
		return nil, err
	}
	grace, err := c.grace(0)
	if err != nil {
		return nil, err
	}
	rotated, err := p.registry.rotateKeyIf(ctx, key.ID, p.cfg.Now().Add(grace), grace > 0, func(now *storedKey) bool { return now.App == key.App })
	if errors.Is(err, ErrUnknownKey) {
		return nil, unknownKeyHere()
	}
	if err != nil {
		return nil, err
	}
	p.keyStates.keyChanged(ctx, key.ID)
	doc := withSecret(newKeyDoc(app, &rotated.Key), &rotated.Key)
	return struct {
		keyDoc
		OldUntil int64 `json:"OldUntil"` // Unix seconds
	}{doc, rotated.OldUntil.Unix()}, nil
}

// grace reads the parameter of this name, in seconds.
func (c *call) grace(preset time.Duration) (time.Duration, error) {
	text, err := once(c.params(), "grace")
	if err != nil || text == "" {
		return preset, err
	}
	seconds, err := strconv.ParseUint(text, 10, 32)
	if err != nil || time.Duration(seconds)*time.Second > maxGrace {
		return 0, badRequest(code.InvalidParameter, fmt.Sprintf("grace is %q; it must be seconds, from 0 to %d", shorten(text, 32), int64(maxGrace.Seconds())))
	}
	return time.Duration(seconds) * time.Second, nil
}

// keyExpire changes when a key ends: now, at a time, or never. It keeps the queues, so that
// a key can be switched off and on again; not the caller's own, which could not do that.
func (p *Platform) keyExpire(ctx context.Context, c *call) (any, error) {
	app, key, err := p.namedKey(ctx, c, p.registry.holder)
	if err != nil {
		return nil, err
	}
	text, err := required(c.params(), "expired_date", idBytes)
	if err != nil {
		return nil, err
	}
	expires, err := parseExpires(text)
	if err != nil {
		return nil, err
	}
	if key.ID == c.key.ID && !expires.IsZero() && !expires.After(p.cfg.Now()) {
		return nil, ownRefused("this key makes the call; it cannot be ended by itself")
	}
	changed, err := p.registry.expireKeyIf(ctx, key.ID, expires, ofApp(key.App))
	if errors.Is(err, ErrUnknownKey) {
		return nil, unknownKeyHere()
	}
	if err != nil {
		return nil, err
	}
	p.keyStates.keyChanged(ctx, key.ID)
	return newKeyDoc(app, &changed.Key), nil
}

// keyDelete refuses to delete the caller's own key: no key might be left that can
// make another.
func (p *Platform) keyDelete(ctx context.Context, c *call) (any, error) {
	_, key, err := p.namedKey(ctx, c, p.registry.anyHolder)
	if err != nil {
		return nil, err
	}
	if key.ID == c.key.ID {
		return nil, ownRefused("this key makes the call; it cannot be deleted with itself")
	}
	ctx, cancel := finishing(ctx)
	defer cancel()
	switch gone, err := p.deleteKey(ctx, key); {
	case err != nil:
		return nil, err
	case !gone:
		return nil, unknownKeyHere()
	}
	return true, nil
}

// deleteKey removes a key with its queues, unless it has been moved to another
// app, and reports whether the key is gone. Its record goes last, so that a
// deletion that failed can be completed.
func (p *Platform) deleteKey(ctx context.Context, key *Key) (gone bool, err error) {
	gone, err = p.registry.beginDeletion(ctx, key, p.cfg.Now())
	if err != nil || !gone {
		return false, err
	}
	p.keyStates.keyChanged(ctx, key.ID)
	p.pushers.changed(ctx, key.ID)
	if err := p.owners.forget(ctx, key.ID); err != nil {
		return false, err
	}
	return p.registry.deleteKeyIf(ctx, key.ID, func(now *storedKey) bool { return now.Deleted })
}

func (p *Platform) deleteAppKey(ctx context.Context, key *Key) error {
	_, err := p.deleteKey(ctx, key)
	return err
}

func unknownKeyHere() *failure {
	return &failure{
		status: http.StatusNotFound, code: code.UnknownKey,
		message: "this domain has no key with this client_id; platform/key/list names those of an app",
	}
}

// namedKey returns the key that a call is about, with its app. For a key of an
// app that the caller does not provision the error is the same as if there were none.
func (p *Platform) namedKey(ctx context.Context, c *call, find func(ctx context.Context, id string, known *holder) (*holder, error)) (*App, *Key, error) {
	id, err := c.names("key")
	if err != nil {
		return nil, nil, err
	}
	h, err := find(ctx, id, nil)
	if errors.Is(err, ErrUnknownKey) || err == nil && !c.provisions(h.app) {
		return nil, nil, unknownKeyHere()
	}
	if err != nil {
		return nil, nil, err
	}
	if h.key.Admin && !c.mayTouchAdminKeys() {
		return nil, nil, adminOnly("this key administers the domain, and what can be done with it is more than this role may: it is for operators")
	}
	return h.app, &h.key.Key, nil
}
