package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/shopex/prism-go/platform"
)

// loginFlags say who can sign in at a platform, and where browsers go then.
type loginFlags struct {
	User     []string `sep:"none" placeholder:"NAME:FILE" help:"A user who can sign in, with the password in FILE, instead of a new user. May be repeated."`
	Redirect []string `sep:"none" placeholder:"URL" help:"An address that the browser may be sent back to after a login or a logout; on 127.0.0.1 and localhost with any port. May be repeated. Without it: /callback, /auth/callback and / of this machine."`
}

func (f *loginFlags) check() error {
	var names []string
	for _, user := range f.User {
		name, file, _ := strings.Cut(user, ":")
		if name == "" || file == "" {
			return fmt.Errorf("--user: %q is no user: write NAME:FILE, such as alice:password.txt", user)
		}
		if slices.Contains(names, name) {
			return fmt.Errorf("--user: there are two of the name %q", name)
		}
		names = append(names, name)
	}
	for _, redirect := range f.Redirect {
		if !isRedirect(redirect) {
			return fmt.Errorf("--redirect: %q is no address to come back to: write a whole URL without a fragment, such as http://127.0.0.1/callback", redirect)
		}
	}
	return nil
}

func isRedirect(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || u.Opaque != "" || u.User != nil || strings.ContainsAny(address, "# ") {
		return false
	}
	return u.Host != "" || u.Scheme != "http" && u.Scheme != "https" // such as myapp:/callback
}

// app is the app of the platform's first key.
func (f *loginFlags) app(name string) platform.App {
	app := platform.App{ID: name, Redirects: f.Redirect}
	if len(app.Redirects) == 0 {
		for _, host := range []string{"http://127.0.0.1", "http://localhost"} {
			app.Redirects = append(app.Redirects, host+callbackPath, host+"/auth/callback", host+"/")
		}
	}
	return app
}

// A newcomer is who signs in first: of a user that was made here, also the
// password.
type newcomer struct {
	Name     string `json:"user"`
	Password string `json:"password,omitempty"`
}

// introduction says who can sign in.
func (n newcomer) introduction() string {
	if n.Password == "" {
		return "Who was given by --user can sign in, with the password of the file."
	}
	return fmt.Sprintf("The user who can sign in is %s, with the password %s", n.Name, n.Password)
}

// users makes the users that were asked for, or else a new one.
func (f *loginFlags) users(users *platform.Registry) (newcomer, error) {
	if len(f.User) == 0 {
		n := newcomer{Name: "demo", Password: strings.ToLower(rand.Text()[:16])}
		// What is that random needs no slow hash.
		return n, addUser(users, n.Name, n.Password, 1)
	}
	first, _, _ := strings.Cut(f.User[0], ":")
	for _, user := range f.User {
		name, file, _ := strings.Cut(user, ":")
		password, err := readSecret("password", file)
		if err != nil {
			return newcomer{}, fmt.Errorf("--user %s: %w", name, err)
		}
		if err := addUser(users, name, password, 0); err != nil {
			return newcomer{}, err
		}
	}
	return newcomer{Name: first}, nil
}

func addUser(users *platform.Registry, name, password string, iterations int) error {
	hash, err := platform.HashPassword(password, iterations)
	if err != nil {
		return errors.Join(fmt.Errorf("the password of %s cannot be used", name), err)
	}
	return users.SaveUser(context.Background(), platform.User{ID: name, Login: name}, hash)
}
