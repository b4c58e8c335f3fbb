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

// What the handlers remember lies in the session store, in records of its own
// beside the sessions. A session is written as a whole when its request ends, so
// in it a slow request would put an old refresh token in place of a new one.

// A record is a user's token. Whoever wants to refresh it, claims it first.
type record struct {
	Token *Token `json:"token"`
}

// kinds of records.
const (
	tokenKind = "token"
	claimKind = "claim"
	goneKind  = "gone"
)

// content is the name of a record's only value, so that who iterates over the
// sessions finds one that has nothing of theirs.
const content = "prism.oauth record"

// secretLength is how many characters a secret has.
const secretLength = 43

// secret returns a text of 256 random bits.
func secret() string {
	var b [32]byte
	rand.Read(b[:]) // it never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// id returns where a record lies in the store. It has the form of a session id,
// as the tables of some stores have room for no more, and who sends it as such
// gets a session in which nobody is signed in.
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

// drop deletes the record of a handle for good: it leaves a note first, for a
// refresh that is just about to write the record.
func (l *Login) drop(ctx context.Context, handle string) error {
	if err := l.put(ctx, l.id(goneKind, handle), true, time.Now().Add(2*claimTime)); err != nil {
		return err
	}
	return l.remove(ctx, l.id(tokenKind, handle))
}

// gone reports whether the record of a handle was dropped a short while ago.
func (l *Login) gone(ctx context.Context, handle string) (bool, error) {
	var gone bool
	return l.find(ctx, l.id(goneKind, handle), &gone)
}

// find reads a record into value. Its errors do not quote the record.
func (l *Login) find(ctx context.Context, id string, value any) (bool, error) {
	stored, found, err := l.findBytes(ctx, id)
	if err != nil || !found {
		return false, err
	}
	_, values, err := l.sessions.Codec.Decode(stored)
	if err != nil {
		return false, errors.New("oauth: a record in the session store cannot be decoded: was Config.Sessions.Codec changed?")
	}
	text, _ := values[content].(string)
	if text == "" {
		return false, nil // a session; nobody made this id by chance
	}
	if json.Unmarshal([]byte(text), value) != nil {
		return false, errors.New("oauth: a record in the session store cannot be read: was it written by another version?")
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
