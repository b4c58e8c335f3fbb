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

// Config says how a [Login] logs users in. CallbackURL is required. Every other
// field may be left zero, or nil, which stands for its default; New refuses a
// negative value other than a named constant such as [CheckNever].
//
// There is no logger here: failures are logged by the Logger of the client, and
// by none if the client has none.
type Config struct {
	// CallbackURL is the absolute address of this site to which the platform
	// sends browsers back, such as https://shop.example/auth/callback. It must
	// be registered with the platform. Its path must be used for nothing else:
	// [Login.Require] and [Login.Callback] answer it.
	CallbackURL string

	// Sessions holds the sessions of the site's visitors, in a store of your
	// choice. New sets HttpOnly and SameSite=Lax on its cookie, and Secure if
	// CallbackURL is https. If nil, sessions are kept in memory for 24 hours,
	// and the name of the cookie is derived from the key and CallbackURL, so
	// that applications on one host do not overwrite each other's. Handlers of
	// two Logins without Sessions must not be nested: give each a manager made
	// by scs.New then.
	//
	// Several processes may share a store, so that each of them serves all
	// users. Reads of the store must return the last write within a quarter of
	// a second, and the clocks of the processes may differ by a few seconds. A
	// refresh of a token takes 0.6 s longer then, so that two processes do not
	// use one refresh token; a store that is a [Claimer] avoids that wait.
	Sessions *scs.SessionManager

	// AfterLogin is the path of this site to go to after a login if the page
	// that the user asked for is not known: because the login failed, or the
	// address of that page is longer than 1 KiB. Empty means "/".
	AfterLogin string

	// AfterLogout is the path of this site to go to after a logout. Its
	// absolute address must be registered with the platform, as CallbackURL
	// is. Empty means "/".
	AfterLogout string

	// RefreshAhead is how long before its expiry a token is refreshed, but
	// never before half of its life has passed. Zero means 1 minute.
	RefreshAhead time.Duration

	// CheckEvery is how often the platform is asked, at most, whether a user
	// has logged out elsewhere. Zero means 1 minute, and [CheckNever] that it
	// is never asked.
	CheckEvery time.Duration

	// Outage says what happens to logged-in users while the platform does not
	// answer. Zero means [OutageKeepsSession].
	Outage Outage

	// DisablePKCE omits the code challenge (RFC 7636), for a platform that
	// refuses unknown parameters.
	DisablePKCE bool

	// OnToken is called with each new token, from a login or a refresh, after
	// the token was stored and before it is used. It must not change t and
	// should not block, as the request waits for it. If nil, nothing is called.
	OnToken func(ctx context.Context, t *Token)

	// OnError is called for each login that failed, and each session that
	// ended or whose token could not be refreshed; err is a [*LoginError]. It
	// should not block. If nil, nothing is called.
	OnError func(r *http.Request, err error)

	// ErrorPage answers a request whose login failed; err is a [*LoginError],
	// whose Status is the HTTP status to answer with. If nil, a built-in page
	// in Chinese and English is shown.
	ErrorPage func(w http.ResponseWriter, r *http.Request, err error)

	// Now is the clock, for tests. If nil, it is time.Now.
	Now func() time.Time
}

// CheckNever is the value of Config.CheckEvery with which the platform is never
// asked whether a user has logged out elsewhere.
const CheckNever time.Duration = -1

// Outage says what happens to a logged-in user when the platform does not answer
// whether the session has ended, or does not refresh a token.
type Outage int

const (
	// OutageKeepsSession keeps users logged in until their access token expires.
	OutageKeepsSession Outage = iota
	// OutageEndsSession logs users out.
	OutageEndsSession
	// OutageRefusesRequest answers HTTP 503 and keeps the session.
	OutageRefusesRequest
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
	case c.CheckEvery < 0 && c.CheckEvery != CheckNever:
		return nil, errors.New("oauth: Config.CheckEvery is negative: leave it zero for the default, or use CheckNever")
	case c.Outage < OutageKeepsSession || c.Outage > OutageRefusesRequest:
		return nil, fmt.Errorf("oauth: Config.Outage is %d: use OutageKeepsSession, OutageEndsSession or OutageRefusesRequest", c.Outage)
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
		return nil, errors.New("oauth: Config.CallbackURL has a fragment: remove it, from the # on")
	case u.Path == "" || u.Path == "/":
		return nil, errors.New("oauth: Config.CallbackURL has no path of its own: use one that no page has, such as /auth/callback")
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
		return fmt.Errorf("oauth: Config.%s is the path of Config.CallbackURL, which is not a page: use another path", name)
	}
	return nil
}

func checkSessions(s *scs.SessionManager, callback *url.URL) error {
	switch {
	case s == nil:
		return nil
	case s.Store == nil || s.Codec == nil || s.Cookie.Name == "":
		return errors.New("oauth: Config.Sessions has no Store, Codec or Cookie.Name: make one by scs.New and change its fields")
	case s.Lifetime <= 0 || s.IdleTimeout < 0:
		return errors.New("oauth: Config.Sessions has a Lifetime that is not positive, or a negative IdleTimeout, so every session would end at once: scs.New sets good ones")
	case s.Cookie.Secure && callback.Scheme == "http" && !isLoopback(callback.Hostname()):
		return errors.New("oauth: Config.Sessions.Cookie.Secure is set, but Config.CallbackURL is http, where browsers would not send the cookie: use https")
	}
	return nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
