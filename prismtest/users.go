package prismtest

import (
	"context"

	"github.com/shopex/prism-go/platform"
)

// iterations are few, as no password of a test needs protection against guessing.
const iterations = 1

// AddUser adds a user with a password, in place of the one that had the same Login.
// Without an ID, the ID is the Login.
func (s *Server) AddUser(user platform.User, password string) {
	s.t.Helper()
	users, ok := s.cfg.Users.(interface {
		SaveUser(ctx context.Context, user platform.User, hash string) error
	})
	if !ok {
		s.t.Fatalf("prismtest: Config.Platform.Users takes no user: leave it unset, or give it a method SaveUser as that of platform.Registry")
		return
	}
	if user.ID == "" {
		user.ID = user.Login
	}
	hash, err := platform.HashPassword(password, iterations)
	if err == nil {
		err = users.SaveUser(context.Background(), user, hash)
	}
	if err != nil {
		s.t.Fatalf("prismtest: no user %q: %v", user.Login, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passwords[user.Login] = password
}

// password returns the password of a user of AddUser.
func (s *Server) password(login string) (password string, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	password, known = s.passwords[login]
	return password, known
}

// AllowRedirect registers addresses to which the platform may redirect a browser after a
// login and after a logout. They belong to the app of the first key, which is also that
// of [Server.NewKey]. The port of a loopback address is ignored:
// http://127.0.0.1/callback allows that path at every port.
func (s *Server) AllowRedirect(uris ...string) {
	s.t.Helper()
	_, err := s.registry.UpdateApp(context.Background(), s.key.App, func(app *platform.App) error {
		app.Redirects = append(app.Redirects, uris...)
		return nil
	})
	if err != nil {
		s.t.Fatalf("prismtest: no redirect for app %q: %v", s.key.App, err)
	}
}
