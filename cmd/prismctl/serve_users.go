package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"github.com/shopex/prism-go/platform"
)

// localRedirects are the addresses of programs on this machine.
func localRedirects() []string {
	var redirects []string
	for _, host := range []string{"http://127.0.0.1", "http://localhost"} {
		redirects = append(redirects, host+callbackPath, host+"/auth/callback", host+"/")
	}
	return redirects
}

// A newcomer is who signs in first: of a user that was made now, also the
// password.
type newcomer struct {
	Name     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
}

// introduction says who can sign in.
func (n newcomer) introduction() string {
	if n.Name == "" {
		return "Nobody can sign in yet: give a user by --user."
	}
	if n.Password == "" {
		return fmt.Sprintf("The user %s can sign in, with the password that was given or shown at the first start.", n.Name)
	}
	return fmt.Sprintf("The user who can sign in is %s, with the password %s", n.Name, n.Password)
}

// users stores the users that were given, and returns those who were there before.
func (s *seeder) users(ctx context.Context) ([]platform.User, error) {
	there, err := s.registry.Users(ctx)
	if err != nil {
		return nil, err
	}
	for _, entry := range s.lists.Users {
		if err := s.user(ctx, entry, there); err != nil {
			return nil, fmt.Errorf("%s %s: %w", s.from["user"], entry.Login, err)
		}
	}
	return there, nil
}

// newcomer returns the first user who was given, or else one who was there. Where
// there is nobody it makes one, unless an operator who has given keys of his own
// would not expect that.
func (s *seeder) newcomer(ctx context.Context, there []platform.User, provisioned bool) (newcomer, error) {
	switch {
	case len(s.lists.Users) > 0:
		return newcomer{Name: s.lists.Users[0].Login}, nil
	case len(there) > 0:
		return newcomer{Name: there[0].Login}, nil
	case provisioned:
		return newcomer{}, nil
	}
	return s.visitor(ctx)
}

func (s *seeder) user(ctx context.Context, entry userEntry, there []platform.User) error {
	hash := entry.PasswordHash
	if hash == "" {
		password, err := readSecret("password", entry.PasswordFile)
		if err != nil {
			return err
		}
		if hash, err = platform.HashPassword(password, 0); err != nil {
			return err
		}
	}
	user := platform.User{ID: entry.Login, Login: entry.Login}
	if i := slices.IndexFunc(there, func(u platform.User) bool { return u.Login == entry.Login }); i >= 0 {
		user = there[i]
	}
	return s.registry.SaveUser(ctx, user, hash)
}

// visitor makes the user demo. Only the hash of the password is remembered, so
// it is shown once.
func (s *seeder) visitor(ctx context.Context) (newcomer, error) {
	const name = "demo"
	password, mine := strings.ToLower(rand.Text()[:16]), ""
	hash, err := remembered(ctx, s.store, name, func() (string, error) {
		var err error
		mine, err = platform.HashPassword(password, 1) // what is that random needs no slow hash
		return mine, err
	}, true)
	if err != nil {
		return newcomer{}, err
	}
	if hash != mine {
		password = "" // of another platform on the same records, which shows it
	}
	return newcomer{name, password}, s.registry.SaveUser(ctx, platform.User{ID: name, Login: name}, hash)
}
