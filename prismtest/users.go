package prismtest

import (
	"context"
	"errors"
	"slices"

	"github.com/shopex/prism-go/platform"
)

// iterations are few: no user of a test needs a password that is slow to guess.
const iterations = 1

// AddUser adds a user with a password, in place of the one that had the same
// Login. Without an ID the user gets the Login for it.
func (s *Server) AddUser(user platform.User, password string) {
	s.t.Helper()
	users, ok := s.cfg.Users.(interface{ Add(platform.User, string) })
	if !ok {
		s.t.Fatalf("prismtest: Config.Platform.Users takes no user: give it one with a method Add(platform.User, string)")
		return
	}
	hash, err := platform.HashPassword(password, iterations)
	if err != nil {
		s.t.Fatalf("prismtest: no user %q: %v", user.Login, err)
		return
	}
	if user.ID == "" {
		user.ID = user.Login
	}
	users.Add(user, hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passwords[user.Login] = password
}

// password returns that of a user of AddUser.
func (s *Server) password(login string) (password string, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	password, known = s.passwords[login]
	return password, known
}

// AllowRedirect registers addresses to which the platform may send a browser
// back, after a login and after a logout, with the app of the first key and so
// with that of [Server.NewKey]. The port of a loopback address is of no
// importance: http://127.0.0.1/callback stands for that path at every port.
func (s *Server) AllowRedirect(uris ...string) {
	s.t.Helper()
	store, ok := s.cfg.Store.(interface{ AddApp(...platform.App) })
	if !ok {
		s.t.Fatalf("prismtest: Config.Platform.Store takes no app: give it one with a method AddApp(...platform.App)")
		return
	}
	s.mu.Lock() // so that nobody else adds to the app in between
	defer s.mu.Unlock()
	app, err := s.cfg.Store.App(context.Background(), s.key.App)
	if err != nil && !errors.Is(err, platform.ErrUnknownApp) {
		s.t.Fatalf("prismtest: no app %q: %v", s.key.App, err)
		return
	}
	app.Name = s.key.App
	app.Redirects = append(slices.Clip(app.Redirects), uris...)
	store.AddApp(app)
}
