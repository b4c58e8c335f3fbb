package platform

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// An account is a user as it is stored.
type account struct {
	User
	Hash string
}

var _ Users = (*Registry)(nil)

// SaveUser stores a user with a hash of [HashPassword], in place of the one
// that had the same Login; with any other hash it is an error. Whoever is
// logged in stays so.
//
// Hashes of one number of iterations keep secret which logins exist: an
// unknown one costs as much time as the last that was saved.
func (r *Registry) SaveUser(ctx context.Context, u User, hash string) error {
	iterations, _, _, err := parseHash(hash)
	if err != nil {
		return err
	}
	if err := r.saveDecoy(ctx, iterations); err != nil {
		return err
	}
	return replaceRecord(ctx, r.store, kindUser, u.Login, &account{u, hash})
}

// DeleteUser removes the user with this login. There need not be one. Whoever
// is logged in stays so.
func (r *Registry) DeleteUser(ctx context.Context, login string) error {
	return deleteRecord(ctx, r.store, kindUser, login)
}

// Users returns all users, sorted by Login.
func (r *Registry) Users(ctx context.Context) ([]User, error) {
	accounts, err := listRecords[account](ctx, r.store, kindUser)
	users := make([]User, len(accounts))
	for i, a := range accounts {
		users[i] = a.User
	}
	slices.SortFunc(users, func(a, b User) int { return strings.Compare(a.Login, b.Login) })
	return users, err
}

// Authenticate returns the user with this login and password, or
// [ErrWrongPassword]. It takes as long as the hash's iterations do, however
// soon ctx ends.
func (r *Registry) Authenticate(ctx context.Context, login, password string) (User, error) {
	decoy, err := r.decoy(ctx)
	if err != nil {
		return User{}, instead(err, ErrWrongPassword) // nobody was ever saved
	}
	a, _, err := loadRecord[account](ctx, r.store, kindUser, login)
	known := !errors.Is(err, ErrNoRecord)
	switch {
	case !known:
		a = &account{Hash: decoy}
	case err != nil:
		return User{}, err
	}
	right, err := CheckPassword(a.Hash, password)
	switch {
	case err != nil:
		return User{}, err
	case !known || !right:
		return User{}, ErrWrongPassword
	}
	return a.User, nil
}

// The one record of kindDecoy is what the password of an unknown login is
// checked against. It has the iterations of a user's hash, and no password
// makes it. Every login reads it, or the reading would tell them apart.
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

// saveDecoy sees to it that an unknown login costs iterations.
func (r *Registry) saveDecoy(ctx context.Context, iterations int) error {
	old, err := r.decoy(ctx)
	if err != nil && !errors.Is(err, ErrNoRecord) {
		return err
	}
	if n, _, _, err := parseHash(old); err == nil && n == iterations {
		return nil
	}
	decoy := decoyHash(iterations)
	return replaceRecord(ctx, r.store, kindDecoy, theDecoy, &decoy)
}
