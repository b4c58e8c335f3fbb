package platform

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Records are JSON. Their ids are digests of their names. So a name that a caller chose
// gives a valid id, and a secret name is in no store.
const (
	kindSession = "session"
	kindCode    = "code"
	kindGrant   = "grant"
)

func digest(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// randomName returns 26 characters with 130 random bits.
func randomName() string { return strings.ToLower(rand.Text()) }

// loadRecord returns a record and its revision; it matches [ErrNoRecord] when
// there is none.
func loadRecord[T any](ctx context.Context, s Store, kind, name string) (*T, uint64, error) {
	return reloadRecord[T](ctx, s, kind, name, nil, 0)
}

// reloadRecord is loadRecord for one that may be known: if it still has this
// revision, known is returned.
func reloadRecord[T any](ctx context.Context, s Store, kind, name string, known *T, revision uint64) (*T, uint64, error) {
	record, err := s.Load(ctx, kind, digest(name))
	if err != nil {
		return nil, 0, err
	}
	return decodeRecord(kind, record, known, revision)
}

// decodeRecord returns the value of a record and its revision; known if it still has the
// revision of that.
func decodeRecord[T any](kind string, record Record, known *T, revision uint64) (*T, uint64, error) {
	if known != nil && record.Revision == revision {
		return known, revision, nil
	}
	value := new(T)
	if err := json.Unmarshal(record.Value, value); err != nil {
		return nil, 0, fmt.Errorf("platform: a record of kind %s cannot be read: %w", kind, err)
	}
	return value, record.Revision, nil
}

// saveRecord is storeRecord for callers that do not need the new revision.
func saveRecord[T any](ctx context.Context, s Store, kind, name string, value *T, revision uint64, ttl time.Duration) error {
	_, err := storeRecord(ctx, s, kind, name, value, revision, ttl)
	return err
}

// storeRecord stores a record as [Store.Save] does.
func storeRecord[T any](ctx context.Context, s Store, kind, name string, value *T, revision uint64, ttl time.Duration) (uint64, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return 0, err
	}
	if len(text) > MaxRecord {
		return 0, fmt.Errorf("platform: a record of kind %s would have %d bytes; at most %d are allowed", kind, len(text), MaxRecord)
	}
	return s.Save(ctx, kind, digest(name), text, revision, ttl)
}

// maxConflicts bounds how often a change is tried. Each conflict means that another
// change has succeeded, so the bound is not reached with a store that works.
const maxConflicts = 1000

// updateRecord changes a record that other goroutines and processes may change at the
// same time, and returns its new value. The error matches [ErrNoRecord] when there is
// none. change may be called several times; when it returns false or an error, the
// record is not changed.
func updateRecord[T any](ctx context.Context, s Store, kind, name string, ttl time.Duration, change func(*T) (bool, error)) (*T, error) {
	for range maxConflicts {
		value, revision, err := loadRecord[T](ctx, s, kind, name)
		if err != nil {
			return nil, err
		}
		changed, err := change(value)
		if err != nil || !changed {
			return value, err
		}
		err = saveRecord(ctx, s, kind, name, value, revision, ttl)
		if err == nil {
			return value, nil
		}
		if !errors.Is(err, ErrConflict) {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("platform: the store reports a conflict over a record of kind %s each time", kind)
}

// putRecord stores what change returns for a record without an end; old is nil if there
// is none. Other goroutines and processes may change it at the same time, so change may
// be called several times. When it returns nil, the record is not changed.
func putRecord[T any](ctx context.Context, s Store, kind, name string, change func(old *T) (*T, error)) error {
	for range maxConflicts {
		old, revision, err := loadRecord[T](ctx, s, kind, name)
		if err != nil && !errors.Is(err, ErrNoRecord) {
			return err
		}
		value, err := change(old)
		if err != nil || value == nil {
			return err
		}
		if err = saveRecord(ctx, s, kind, name, value, revision, 0); !errors.Is(err, ErrConflict) {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return fmt.Errorf("platform: the store reports a conflict over a record of kind %s each time", kind)
}

// replaceRecord stores any bytes, whatever was there.
func replaceRecord(ctx context.Context, s Store, kind, id string, value []byte, ttl time.Duration) error {
	for range maxConflicts {
		before, err := s.Load(ctx, kind, id)
		if err != nil && !errors.Is(err, ErrNoRecord) {
			return err
		}
		if _, err = s.Save(ctx, kind, id, value, before.Revision, ttl); !errors.Is(err, ErrConflict) {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return ErrConflict
}

func deleteRecord(ctx context.Context, s Store, kind, name string) error {
	return s.Delete(ctx, kind, digest(name))
}
