package platform

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// An account is a user as it is stored.
type account struct {
	User
	Hash     string
	Disabled bool `json:",omitempty"`

	// Epoch is random. It changes when the sessions and tokens of the user have to
	// end. A time instead would be wrong when a clock is.
	Epoch string    `json:",omitempty"`
	Since time.Time `json:",omitzero"` // of Epoch, for people
}

// firstEpoch is that of accounts which were stored before they had one.
const firstEpoch = "0"

func (a *account) epoch() string {
	if a.Epoch == "" {
		return firstEpoch
	}
	return a.Epoch
}

// end ends all sessions and tokens of the user.
func (a *account) end() { a.Epoch, a.Since = randomName(), time.Now().UTC() }

var _ interface {
	Users
	UserEpochs
} = (*Registry)(nil)

// ErrUnknownUser is returned for a login that a [Registry] does not have.
var ErrUnknownUser = errors.New("platform: unknown user")

// SaveUser stores a user with a hash of [HashPassword], in place of the one
// that had the same Login; with any other hash it is an error. When the ID or the
// hash is another one than before, the sessions and tokens of the user end. A user
// that is disabled stays disabled.
//
// Which logins exist stays secret: checking the password of an unknown login takes as
// long as that of the user whose hash has the most iterations.
func (r *Registry) SaveUser(ctx context.Context, u User, hash string) error {
	iterations, _, _, err := parseHash(hash)
	if err != nil {
		return err
	}
	if err := r.raiseDecoy(ctx, iterations); err != nil {
		return err
	}
	return putRecord(ctx, r.store, kindUser, u.Login, func(old *account) (*account, error) {
		a := &account{User: u, Hash: hash}
		switch {
		case old == nil || old.ID != u.ID || old.Hash != hash:
			a.end()
		default:
			a.Epoch, a.Since = old.Epoch, old.Since
		}
		a.Disabled = old != nil && old.Disabled
		return a, nil
	})
}

// createUser is SaveUser for a login that no user has, and reports whether that is so.
func (r *Registry) createUser(ctx context.Context, u User, hash string) (made bool, err error) {
	iterations, _, _, err := parseHash(hash)
	if err != nil {
		return false, err
	}
	if err := r.raiseDecoy(ctx, iterations); err != nil {
		return false, err
	}
	a := &account{User: u, Hash: hash}
	a.end()
	err = saveRecord(ctx, r.store, kindUser, u.Login, a, 0, 0)
	if errors.Is(err, ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// SetPassword gives the user with this login another password, by a hash of
// [HashPassword], and ends the sessions and tokens of the user. It returns
// [ErrUnknownUser] if there is no such user.
func (r *Registry) SetPassword(ctx context.Context, login, hash string) error {
	iterations, _, _, err := parseHash(hash)
	if err != nil {
		return err
	}
	if err := r.raiseDecoy(ctx, iterations); err != nil {
		return err
	}
	return r.changeUser(ctx, login, func(a *account) { a.Hash = hash })
}

// DisableUser refuses the logins of a user until [Registry.EnableUser], and ends
// the sessions and tokens that there are. It returns [ErrUnknownUser] if there
// is no such user.
func (r *Registry) DisableUser(ctx context.Context, login string) error {
	return r.changeUser(ctx, login, func(a *account) { a.Disabled = true })
}

// EnableUser lets a user log in again. What DisableUser has ended stays so. It
// returns [ErrUnknownUser] if there is no such user.
func (r *Registry) EnableUser(ctx context.Context, login string) error {
	return r.changeUser(ctx, login, func(a *account) { a.Disabled = false })
}

// EndUserSessions ends the sessions and tokens of a user. The user may log in again.
// It returns [ErrUnknownUser] if there is no such user.
func (r *Registry) EndUserSessions(ctx context.Context, login string) error {
	return r.changeUser(ctx, login, func(*account) {})
}

// changeUser changes a user and ends all that the user's logins have begun.
func (r *Registry) changeUser(ctx context.Context, login string, change func(*account)) error {
	_, err := updateRecord(ctx, r.store, kindUser, login, 0, func(a *account) (bool, error) {
		change(a)
		a.end()
		return true, nil
	})
	return unknownUser(err)
}

func unknownUser(err error) error {
	if errors.Is(err, ErrNoRecord) {
		return ErrUnknownUser
	}
	return err
}

// DeleteUser removes the user with this login and the user's role, and ends the user's
// sessions and tokens. There need not be one. A user that is saved under this login later
// gets none of these back.
func (r *Registry) DeleteUser(ctx context.Context, login string) error {
	if err := r.DeleteRole(ctx, login); err != nil { // first, as a user who is gone cannot be deleted again
		return err
	}
	return deleteRecord(ctx, r.store, kindUser, login)
}

// Users returns all users, sorted by Login.
func (r *Registry) Users(ctx context.Context) ([]User, error) {
	accounts, err := r.accounts(ctx)
	users := make([]User, len(accounts))
	for i, a := range accounts {
		users[i] = a.User
	}
	return users, err
}

func (r *Registry) accounts(ctx context.Context) ([]account, error) {
	accounts, err := listRecords[account](ctx, r.store, kindUser)
	slices.SortFunc(accounts, func(a, b account) int { return strings.Compare(a.Login, b.Login) })
	return accounts, err
}

// Epoch implements [UserEpochs]. It returns [ErrUnknownUser] if there is no such user, or
// the user is disabled.
func (r *Registry) Epoch(ctx context.Context, login string) (string, error) {
	a, _, err := loadRecord[account](ctx, r.store, kindUser, login)
	switch {
	case err != nil:
		return "", unknownUser(err)
	case a.Disabled:
		return "", ErrUnknownUser
	}
	return a.epoch(), nil
}

// Authenticate returns the user with this login and password, or [ErrWrongPassword],
// also for a user that is disabled. For every login it takes as long as for the user
// whose hash has the most iterations, even if ctx ends earlier. A hash with fewer
// iterations than [Registry.Iterations] is replaced when its user logs in.
func (r *Registry) Authenticate(ctx context.Context, login, password string) (User, error) {
	decoy, err := r.decoy(ctx)
	if err != nil {
		return User{}, instead(err, ErrNoUsers) // none was ever saved
	}
	a, _, err := loadRecord[account](ctx, r.store, kindUser, login)
	if err != nil && !errors.Is(err, ErrNoRecord) {
		return User{}, err
	}
	known := err == nil && !a.Disabled
	hash := decoy
	if known {
		hash = a.Hash
	}
	right, err := checkAsLong(hash, decoy, password)
	switch {
	case err != nil:
		return User{}, err
	case !known || !right:
		return User{}, ErrWrongPassword
	}
	_ = r.strengthen(ctx, a, password) // the next login tries again
	user := a.User
	user.Epoch = a.epoch()
	return user, nil
}

// checkAsLong is CheckPassword in the time of decoy.
func checkAsLong(hash, decoy, password string) (bool, error) {
	right, err := CheckPassword(hash, password)
	if err != nil {
		return false, err
	}
	iterations, _, _, _ := parseHash(hash)
	longest, _, _, _ := parseHash(decoy)
	burn(password, longest-iterations)
	return right, nil
}

// HashPassword is [HashPassword] with the Iterations of r, or the default ones where r
// keeps hashes as they are.
func (r *Registry) HashPassword(password string) (string, error) {
	return HashPassword(password, max(0, r.Iterations))
}

// strengthen replaces the hash of a user that has just logged in, if it has fewer
// iterations than it should have.
func (r *Registry) strengthen(ctx context.Context, a *account, password string) error {
	want := r.Iterations
	setDefault(&want, passwordIterations)
	if n, _, _, _ := parseHash(a.Hash); n >= want {
		return nil
	}
	hash, err := HashPassword(password, want)
	if err != nil {
		return err
	}
	if err := r.raiseDecoy(ctx, want); err != nil {
		return err
	}
	_, err = updateRecord(ctx, r.store, kindUser, a.Login, 0, func(now *account) (bool, error) {
		same := now.Hash == a.Hash // otherwise the password was changed meanwhile
		now.Hash = hash
		return same, nil
	})
	return err
}

// The one record of kindDecoy is the hash against which the password of an unknown login
// is checked. It has as many iterations as the slowest hash of a user that was ever
// saved, and no password matches it. Every login reads it, so that the time of the read
// does not reveal which logins exist.
const (
	kindDecoy = "decoy"
	theDecoy  = ""
)

func (r *Registry) decoy(ctx context.Context) (string, error) {
	decoy, _, err := loadRecord[string](ctx, r.store, kindDecoy, theDecoy)
	if err != nil {
		return "", err
	}
	return *decoy, nil
}

// raiseDecoy makes each login take at least iterations.
func (r *Registry) raiseDecoy(ctx context.Context, iterations int) error {
	return putRecord(ctx, r.store, kindDecoy, theDecoy, func(old *string) (*string, error) {
		if old != nil {
			if n, _, _, err := parseHash(*old); err == nil && n >= iterations {
				return nil, nil
			}
		}
		decoy := decoyHash(iterations)
		return &decoy, nil
	})
}
