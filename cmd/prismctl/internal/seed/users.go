package seed

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"github.com/shopex/prism-go/cmd/prismctl/internal/secrets"
	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/platform"
)

// localRedirects are the addresses of programs on this machine.
func localRedirects() []string {
	var redirects []string
	for _, host := range []string{"http://127.0.0.1", "http://localhost"} {
		redirects = append(redirects, host+"/callback", host+"/auth/callback", host+"/")
	}
	return redirects
}

// A Newcomer is the user that is announced, with the password if the user was made
// now.
type Newcomer struct {
	Name     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`

	Elsewhere bool `json:"-"` // the users are, so that there is none to announce
}

// Introduction is the text that announces the user.
func (n Newcomer) Introduction() string {
	if n.Elsewhere {
		return "Those can sign in whom the API or the database of the settings knows."
	}
	if n.Name == "" {
		return "Nobody can sign in yet: give a user by --user."
	}
	if n.Password == "" {
		return fmt.Sprintf("The user %s can sign in, with the password that was given or shown at the first start.", n.Name)
	}
	return fmt.Sprintf("The user who can sign in is %s, with the password %s", n.Name, n.Password)
}

// users stores the users that were given.
func (s *seeder) users(ctx context.Context) error {
	there, err := s.registry.Users(ctx)
	if err != nil {
		return err
	}
	for _, entry := range s.lists.Users {
		if err := s.user(ctx, entry, there); err != nil {
			return fmt.Errorf("%s %s: %w", s.from["user"], entry.Login, err)
		}
	}
	return nil
}

// newcomer returns the first user of the settings, or else one that was there. Without
// any it makes one, but not for an operator that has given keys or has just taken the
// last user away: that operator would not expect it.
func (s *seeder) newcomer(ctx context.Context, provisioned bool) (Newcomer, error) {
	there, err := s.registry.Users(ctx)
	if err != nil {
		return Newcomer{}, err
	}
	for _, entry := range s.lists.Users {
		if slices.ContainsFunc(there, func(u platform.User) bool { return u.Login == entry.Login }) {
			return Newcomer{Name: entry.Login}, nil
		}
	}
	switch {
	case len(there) > 0:
		return Newcomer{Name: there[0].Login}, nil
	case provisioned, s.ended, len(s.lists.Users) > 0:
		return Newcomer{}, nil
	}
	return s.visitor(ctx)
}

// user stores a user, unless an earlier start gave the same: what has become of
// the user since counts.
func (s *seeder) user(ctx context.Context, entry settings.User, there []platform.User) error {
	password, err := passwordOf(&entry)
	if err != nil {
		return err
	}
	before, err := s.given(ctx, "user", entry.Login)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(there, func(u platform.User) bool { return u.Login == entry.Login })
	if before != nil && isOf(before.Proof, &entry, password) {
		if i < 0 {
			s.say("The user %s was deleted since the settings gave it, and stays so; with another password the user is made again.", words.Shown(entry.Login))
		}
		return s.stays(ctx, before)
	}
	user := platform.User{ID: entry.Login, Login: entry.Login}
	if i >= 0 {
		user = there[i]
	}
	hash := entry.PasswordHash
	if hash == "" {
		if hash, err = s.registry.HashPassword(password); err != nil {
			return err
		}
	}
	if before != nil || i < 0 || !s.has(ctx, entry.Login, password) {
		if err := s.registry.SaveUser(ctx, user, hash); err != nil {
			return err
		}
	}
	return s.give(ctx, gift{Kind: "user", ID: entry.Login, Proof: hash})
}

// passwordOf is what the entry has in a file.
func passwordOf(e *settings.User) (string, error) {
	if e.PasswordHash != "" {
		return "", nil
	}
	return secrets.Read("password", e.PasswordFile)
}

// isOf reports whether proof is of what the entry gives.
func isOf(proof string, e *settings.User, password string) bool {
	if e.PasswordHash != "" {
		return e.PasswordHash == proof
	}
	right, err := platform.CheckPassword(proof, password)
	return err == nil && right
}

// has reports whether a user has this password already, from before gifts were
// remembered: then nobody is to be logged out.
func (s *seeder) has(ctx context.Context, login, password string) bool {
	if password == "" {
		return false
	}
	_, err := s.registry.Authenticate(ctx, login, password)
	return err == nil
}

// visitor makes the user demo. Only the hash of the password is remembered, so
// it is shown once.
func (s *seeder) visitor(ctx context.Context) (Newcomer, error) {
	const name = "demo"
	password, mine := strings.ToLower(rand.Text()[:16]), ""
	hash, err := remembered(ctx, s.store, name, func() (string, error) {
		var err error
		mine, err = platform.HashPassword(password, 1) // what is that random needs no slow hash
		return mine, err
	}, true)
	if err != nil {
		return Newcomer{}, err
	}
	if hash != mine { // of another platform on the same records, which shows it and saves the user; or an administrator has deleted the user
		return Newcomer{}, nil
	}
	return Newcomer{Name: name, Password: password}, s.registry.SaveUser(ctx, platform.User{ID: name, Login: name}, hash)
}
