package oauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/alexedwards/scs/v2"
)

// Tokens are kept in the session store, in records of their own beside the sessions.
// A session is saved as a whole when its request ends, so in a session a slow
// request would put an old refresh token in place of a new one.

// A record holds the token of a user. A process claims it before it refreshes the
// token.
type record struct {
	Token *Token `json:"token"`
}

// Kinds of records.
const (
	tokenKind     = "token"
	claimKind     = "claim"
	tombstoneKind = "gone"
)

// content is the name of a record's only value. A site that iterates over its
// sessions sees a record as a session without values of the site.
const content = "prism.oauth record"

// secretLength is the number of characters of a secret.
const secretLength = 43

// secret returns 256 random bits as text.
func secret() string {
	var b [32]byte
	rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// id returns the key of a record in the store. It has the form of a session id,
// because the tables of some stores are not wider. A browser that sends one as its
// session id gets a session in which nobody is logged in.
func (l *Login) id(kind, name string) string {
	sum := sha256.Sum256([]byte("prism oauth " + kind + "\n" + l.client.Key() + "\n" + name))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// load returns the record of a handle, or nil if there is none.
func (l *Login) load(ctx context.Context, handle string) (*record, error) {
	var rec record
	found, err := l.find(ctx, l.id(tokenKind, handle), &rec)
	if err != nil || !found || rec.Token == nil {
		return nil, err
	}
	return &rec, nil
}

func (l *Login) save(ctx context.Context, handle string, rec *record, expiry time.Time) error {
	return l.put(ctx, l.id(tokenKind, handle), rec, expiry)
}

// deleteRecord deletes the record of a handle. It first stores a tombstone, so that
// a refresh that is about to write the record does not bring it back.
func (l *Login) deleteRecord(ctx context.Context, handle string) error {
	if err := l.put(ctx, l.id(tombstoneKind, handle), true, time.Now().Add(2*claimLife)); err != nil {
		return err
	}
	return l.remove(ctx, l.id(tokenKind, handle))
}

// hasTombstone reports whether the record of a handle was deleted a short while ago.
func (l *Login) hasTombstone(ctx context.Context, handle string) (bool, error) {
	var deleted bool
	return l.find(ctx, l.id(tombstoneKind, handle), &deleted)
}

// find reads a record into value. Its errors do not quote the record.
func (l *Login) find(ctx context.Context, id string, value any) (bool, error) {
	stored, found, err := l.findBytes(ctx, id)
	if err != nil || !found {
		return false, err
	}
	_, values, err := l.sessions.Codec.Decode(stored)
	if err != nil {
		return false, errors.New("oauth: a record in the session store cannot be decoded: check whether Config.Sessions.Codec was changed")
	}
	text, _ := values[content].(string)
	if text == "" {
		return false, nil // a session
	}
	if json.Unmarshal([]byte(text), value) != nil {
		return false, errors.New("oauth: a record in the session store cannot be read: another version may have written it")
	}
	return true, nil
}

func (l *Login) put(ctx context.Context, id string, value any, expiry time.Time) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("oauth: a record cannot be written: %w", err)
	}
	stored, err := l.sessions.Codec.Encode(expiry.UTC(), map[string]any{content: string(text)})
	if err != nil {
		return fmt.Errorf("oauth: a record cannot be encoded by Config.Sessions.Codec: %w", err)
	}
	if store, ok := l.sessions.Store.(scs.CtxStore); ok {
		return store.CommitCtx(ctx, id, stored, expiry)
	}
	return l.sessions.Store.Commit(id, stored, expiry)
}

func (l *Login) findBytes(ctx context.Context, id string) ([]byte, bool, error) {
	if store, ok := l.sessions.Store.(scs.CtxStore); ok {
		return store.FindCtx(ctx, id)
	}
	return l.sessions.Store.Find(id)
}

func (l *Login) remove(ctx context.Context, id string) error {
	if store, ok := l.sessions.Store.(scs.CtxStore); ok {
		return store.DeleteCtx(ctx, id)
	}
	return l.sessions.Store.Delete(id)
}
