package memory

import (
	"context"
	"maps"
	"sync"

	"github.com/shopex/prism-go/platform"
)

// Users holds users with their passwords, as [platform.Users] describes. Its
// methods may be called from any number of goroutines.
type Users struct {
	mu    sync.RWMutex // guards users and decoy
	users map[string]account
	decoy string // the hash that a password of an unknown login is checked against
}

type account struct {
	platform.User
	hash string
}

var _ platform.Users = (*Users)(nil)

// NewUsers returns a Users that holds none.
func NewUsers() *Users {
	return &Users{users: make(map[string]account)}
}

// Add adds a user with a hash of [platform.HashPassword], in place of the one
// that had the same Login. Hashes of one number of iterations keep secret
// which logins exist: an unknown one costs as much time as the last that was
// added.
func (u *Users) Add(user platform.User, hash string) {
	user.Data = maps.Clone(user.Data)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.users[user.Login] = account{user, hash}
	u.decoy = hash
}

// Remove removes the user with this login, if there is one. Whoever is logged
// in stays so.
func (u *Users) Remove(login string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.users, login)
}

// Authenticate returns the user with this login and password, or
// [platform.ErrWrongPassword]. It takes as long as the hash's iterations do,
// and does not look at ctx.
func (u *Users) Authenticate(_ context.Context, login, password string) (platform.User, error) {
	a, known := u.account(login)
	if a.hash == "" {
		return platform.User{}, platform.ErrWrongPassword // nobody was ever added
	}
	right, err := platform.CheckPassword(a.hash, password)
	switch {
	case err != nil:
		return platform.User{}, err
	case !known || !right:
		return platform.User{}, platform.ErrWrongPassword
	}
	a.Data = maps.Clone(a.Data)
	return a.User, nil
}

// account returns the account of login, or one with the decoy's hash.
func (u *Users) account(login string) (a account, known bool) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	if a, known = u.users[login]; !known {
		a.hash = u.decoy
	}
	return a, known
}
