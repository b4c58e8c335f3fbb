package platform

import (
	"context"
	"errors"
	"time"
)

// MaxRecord is how many bytes the value of a record may have.
const MaxRecord = 512 << 10

// A Record is a value that a Store keeps under a kind and an id.
type Record struct {
	Value []byte
	// Revision is the number that Save returned for this value.
	Revision uint64
}

// Store holds the platform's records: the apps, keys and users of a [Registry],
// and what the platform itself has to remember for a while (login sessions,
// codes, grants). Its methods may be called from any number of goroutines.
// Package platform/enginetest has its promises as tests.
//
// A kind is a word of letters; an id has 1 to 64 letters and digits. Records of
// different kinds have nothing to do with each other. Those of one kind are
// saved either all with a ttl or all without.
type Store interface {
	// Load returns a record, or [ErrNoRecord] when there is none or it has
	// expired. The value belongs to the caller. What another process over the
	// same records has saved or deleted is seen at once.
	Load(ctx context.Context, kind, id string) (Record, error)

	// Save stores value, at most MaxRecord of any bytes, for ttl; the record may
	// live a little longer, by at most some seconds, but never shorter. A ttl
	// of 0 keeps it until it is deleted; a negative one is an error. Revision 0
	// stores it only where there is no record; any other only in place of the
	// record with exactly this revision. Where that does not hold nothing is
	// stored and the error is [ErrConflict].
	//
	// It returns the revision of what was stored: larger than 0, and one that no
	// other Save of this kind and id has returned or will, also when the record
	// was deleted or has expired in between. So a revision identifies the value.
	Save(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error)

	// Delete removes a record. There need not be one.
	Delete(ctx context.Context, kind, id string) error

	// List returns the records of a kind that is saved without a ttl, by id.
	List(ctx context.Context, kind string) (map[string]Record, error)
}

var (
	// ErrNoRecord is returned by [Store.Load] when there is no such record.
	ErrNoRecord = errors.New("platform: no such record")
	// ErrConflict is returned by [Store.Save] when the record is not as the
	// revision says; load it again to see what it is now.
	ErrConflict = errors.New("platform: the record was changed meanwhile")
	// ErrUnavailable is matched by the errors of an engine that cannot store or
	// look up at present: its disk is full, or too few of its servers can be
	// reached. The operation may have been done or not. The engine works again by
	// itself when the cause is over.
	ErrUnavailable = errors.New("platform: the engine is not available")
)
