package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
)

// Config says how a [Login] logs users in. CallbackURL is required; every
// other field has a useful zero value. [New] copies it.
type Config struct {
	// CallbackURL is the absolute address of this site to which the platform
	// sends the browser back, such as https://shop.example/auth/callback. It
	// has to be registered with the platform. Its path must be one that is
	// used for nothing else: the handler of [Login.Require] answers it, and so
	// does that of [Login.Callback].
	CallbackURL string

	// Sessions keeps who is logged in, in whichever store it has. New sets
	// HttpOnly and SameSite=Lax on its cookie, and Secure if CallbackURL is
	// https. If nil, sessions are kept in memory for 24 hours, and the cookie
	// is named after the key and CallbackURL, so that applications on one host
	// do not take it from each other. Two of those must not be nested in one
	// another: give each a manager by scs.New then.
	//
	// Several processes may share a store, so that any of them serves any
	// user. It must give everyone what was last written, within a quarter of a
	// second, and the clocks must agree to some seconds; a refresh then takes
	// 0.6 s longer, lest two processes use one refresh token.
	Sessions *scs.SessionManager

	// AfterLogin is the path of this site to go to when it is not known where
	// the user wanted to go: after a login that failed, or when the address of
	// that page is longer than 1 KiB. Empty means "/".
	AfterLogin string

	// AfterLogout is the path of this site to go to after a logout. Its
	// absolute address has to be registered with the platform, as CallbackURL
	// is. Empty means "/".
	AfterLogout string

	// RefreshAhead is how long before its end a token is refreshed, but never
	// before half of its life has passed. Zero means 1 minute.
	RefreshAhead time.Duration

	// CheckEvery is how long the platform's word that a user has not signed
	// out elsewhere is good for. Zero means 1 minute; if negative, the
	// platform is never asked.
	CheckEvery time.Duration

	// Unreachable says what happens to signed-in users while the platform does
	// not answer.
	Unreachable Unreachable

	// DisablePKCE leaves the code challenge away, for a platform that refuses
	// what it does not know.
	DisablePKCE bool

	// OnToken is called with each token that was got or refreshed, after it
	// was stored and before it is used. It must not change t and should not
	// block: the request waits for it.
	OnToken func(ctx context.Context, t *Token)

	// OnError is told of each login that failed, and of each session that
	// ended or could not be kept fresh; err is a [*LoginError]. It should not
	// block.
	OnError func(r *http.Request, err error)

	// ErrorPage answers a request whose login failed, in place of the page in
	// Chinese and English that is built in. err is a [*LoginError], whose
	// Status is the one to answer with.
	ErrorPage func(w http.ResponseWriter, r *http.Request, err error)

	// Now is the clock, for tests. If nil, it is time.Now.
	Now func() time.Time
}

// Unreachable says what happens to a signed-in user when the platform cannot
// be asked whether the session lives, or does not refresh a token.
type Unreachable int

const (
	// StayUntilExpiry lets users stay until their access token expires.
	StayUntilExpiry Unreachable = iota
	// SignOutAtOnce ends the session.
	SignOutAtOnce
	// RefuseMeanwhile answers HTTP 503 and keeps the session.
	RefuseMeanwhile
)

const (
	defaultRefreshAhead = time.Minute
	defaultCheckEvery   = time.Minute
)

func (c *Config) fill() {
	c.AfterLogin = cmp.Or(c.AfterLogin, "/")
	c.AfterLogout = cmp.Or(c.AfterLogout, "/")
	c.RefreshAhead = cmp.Or(c.RefreshAhead, defaultRefreshAhead)
	c.CheckEvery = cmp.Or(c.CheckEvery, defaultCheckEvery)
	if c.Now == nil {
		c.Now = time.Now
	}
}

// check returns the parsed CallbackURL, or says what is wrong and what to do.
func (c *Config) check() (*url.URL, error) {
	callback, err := parseCallback(c.CallbackURL)
	if err != nil {
		return nil, err
	}
	for _, f := range []struct{ name, value string }{{"AfterLogin", c.AfterLogin}, {"AfterLogout", c.AfterLogout}} {
		if err := checkPath(f.name, f.value, callback.Path); err != nil {
			return nil, err
		}
	}
	switch {
	case c.RefreshAhead < 0:
		return nil, errors.New("oauth: Config.RefreshAhead is negative: leave it zero for the default")
	case c.Unreachable < StayUntilExpiry || c.Unreachable > RefuseMeanwhile:
		return nil, fmt.Errorf("oauth: Config.Unreachable is %d: use StayUntilExpiry, SignOutAtOnce or Refuse", c.Unreachable)
	}
	return callback, checkSessions(c.Sessions, callback)
}

func parseCallback(address string) (*url.URL, error) {
	if address == "" {
		return nil, errors.New("oauth: Config.CallbackURL is empty: give the absolute address that the platform sends browsers back to, such as https://shop.example/auth/callback")
	}
	u, err := url.Parse(address)
	if err != nil {
		// The text of err quotes the address, and with it a password.
		return nil, errors.New("oauth: Config.CallbackURL is not a URL")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, errors.New("oauth: Config.CallbackURL is not absolute: begin it with https:// or http:// and the host that browsers see")
	case u.User != nil:
		return nil, errors.New("oauth: Config.CallbackURL holds a user name or password: the platform would not send browsers there")
	case u.Fragment != "" || strings.HasSuffix(address, "#"):
		return nil, errors.New("oauth: Config.CallbackURL has a fragment: cut it off at the #")
	case u.Path == "" || u.Path == "/":
		return nil, errors.New("oauth: Config.CallbackURL has no path of its own: give it one that no page has, such as /auth/callback")
	case path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/"):
		return nil, errors.New("oauth: Config.CallbackURL has a . or .. segment or a double slash: give the plain path")
	}
	return u, nil
}

func checkPath(name, value, callback string) error {
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || value[0] != '/' || u.Host != "" || strings.HasPrefix(value, "//") || strings.Contains(value, `\`):
		return fmt.Errorf("oauth: Config.%s must be a path of this site, such as /start", name)
	case u.Path == callback:
		return fmt.Errorf("oauth: Config.%s is the path of Config.CallbackURL, which is no page: name another one", name)
	}
	return nil
}

func checkSessions(s *scs.SessionManager, callback *url.URL) error {
	switch {
	case s == nil:
		return nil
	case s.Store == nil || s.Codec == nil || s.Cookie.Name == "":
		return errors.New("oauth: Config.Sessions has no Store, Codec or Cookie.Name: make it by scs.New and change that")
	case s.Lifetime <= 0 || s.IdleTimeout < 0:
		return errors.New("oauth: Config.Sessions has a Lifetime that is not positive, or a negative IdleTimeout, so every session would be over at once: scs.New has good ones")
	case s.Cookie.Secure && callback.Scheme == "http" && !isLoopback(callback.Hostname()):
		return errors.New("oauth: Config.Sessions.Cookie.Secure is set, but Config.CallbackURL is http, where browsers would not send the cookie: use https")
	}
	return nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
