package admin

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/code"
)

// Sentinels that errors.Is finds by the platform's code; errors.As finds the
// [*prism.Error] beside them.
var (
	// ErrExists: the ID of a new app is that of another app.
	ErrExists = errors.New("admin: there is an app with this ID")

	// ErrTooManyApps: the domain has as many apps as it may have.
	ErrTooManyApps = errors.New("admin: too many apps")

	// ErrTooManyKeys: the app has as many keys as it may have.
	ErrTooManyKeys = errors.New("admin: too many keys")

	// ErrInUse: a client cannot delete its own key or app.
	ErrInUse = errors.New("admin: in use by this client")

	// ErrMemberExists: the email of a new member is that of another one of the domain.
	ErrMemberExists = errors.New("admin: there is a member with this email")

	// ErrPrefixTaken: another service of the domain has the prefix.
	ErrPrefixTaken = errors.New("admin: another service has this prefix")

	// ErrTooManyServices: the domain has as many services as it may have.
	ErrTooManyServices = errors.New("admin: too many services")

	// ErrFetchFailed: the platform could not fetch an api.json. The error says why.
	ErrFetchFailed = errors.New("admin: the platform could not fetch the file")
)

var sentinels = map[string]error{
	code.AppExists:   ErrExists,
	code.TooManyApps: ErrTooManyApps,
	code.TooManyKeys: ErrTooManyKeys,
	code.InUse:       ErrInUse,

	code.MemberExists:    ErrMemberExists,
	code.PrefixTaken:     ErrPrefixTaken,
	code.TooManyServices: ErrTooManyServices,
	code.FetchFailed:     ErrFetchFailed,
}

// A BreakingChange is the error for an api.json that would break callers of the one that
// it is to replace. The [*prism.Error] is beside it.
type BreakingChange struct {
	Changes []Change // all of them, also those that break nothing
	Err     error
}

func (e *BreakingChange) Error() string { return e.Err.Error() }

// Unwrap returns the [*prism.Error].
func (e *BreakingChange) Unwrap() error { return e.Err }

// A Change is one difference between two versions of an api.json.
type Change struct {
	Service  string `json:"service"`  // its prefix
	Breaking bool   `json:"breaking"` // callers have to be changed
	API      string `json:"api"`      // the method ID; empty if the change is about the service
	Text     string `json:"text"`     // for people
}

// A FaultyFile is the error for an api.json that is not valid. The [*prism.Error] is
// beside it.
type FaultyFile struct {
	Faults []Fault // at least one, unless the platform gave no list
	Err    error
}

func (e *FaultyFile) Error() string { return e.Err.Error() }

// Unwrap returns the [*prism.Error].
func (e *FaultyFile) Unwrap() error { return e.Err }

// A Fault is one thing that is wrong in a file.
type Fault struct {
	URL    string `json:"url"` // of the file, if it was fetched
	Line   int    `json:"line"`
	Column int    `json:"column"` // both count from 1
	Text   string `json:"text"`   // what is wrong, and what to write
}

// withSentinel adds the sentinel of what the platform answered, if it has one.
func withSentinel(err error) error {
	var refused *prism.Error
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Code {
	case code.BreakingChange:
		return &BreakingChange{listIn[Change](refused, "changes"), err}
	case code.FaultyFile:
		return &FaultyFile{listIn[Fault](refused, "faults"), err}
	}
	if sentinels[refused.Code] == nil {
		return err
	}
	return fmt.Errorf("%w: %w", sentinels[refused.Code], err)
}

// listIn returns the list that the data of an error has under name, or nil.
func listIn[T any](refused *prism.Error, name string) []T {
	var data map[string]json.RawMessage
	var list []T
	if json.Unmarshal(refused.Data, &data) != nil || json.Unmarshal(data[name], &list) != nil {
		return nil
	}
	return list
}
