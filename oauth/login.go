package oauth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/alexedwards/scs/v2"
	"golang.org/x/oauth2"

	"github.com/shopex/prism-go"
)

// Login logs users in with one key of the platform. Make one with [New] and
// share it: all methods may be called by many goroutines at the same time.
type Login struct {
	cfg      Config        // checked, defaults filled in
	client   *prism.Client // of the API, without a user
	server   *prism.Client // of the OAuth server, without a user
	web      oauth2.Config // builds addresses, sends nothing
	callback *url.URL
	cookie   string // what the names of own cookies begin with
	sessions *scs.SessionManager
	sealer   sealer  // of pending logins
	own      *memory // the store of sessions if New made it, or nil
	visits   visits  // what the requests of users have in common
}

// New checks cfg, copies it and returns a Login by the key of client. It sends
// nothing. A user that client has is not used.
func New(client *prism.Client, cfg Config) (*Login, error) {
	if client == nil {
		return nil, errors.New("oauth: the client is nil: make one by prism.New")
	}
	callback, err := cfg.check()
	if err != nil {
		return nil, err
	}
	cfg.fill()
	client = client.WithToken("")
	l := &Login{cfg: cfg, client: client, server: client.OAuth(), callback: callback, cookie: cookieName(client.Key(), callback), sessions: cfg.Sessions}
	l.sealer = newSealer(client.DeriveKey("prism-go oauth login " + callback.String()))
	l.web = oauth2.Config{
		ClientID:    client.Key(),
		Endpoint:    oauth2.Endpoint{AuthURL: l.server.Server().JoinPath("authorize").String()},
		RedirectURL: cfg.CallbackURL,
	}
	if l.sessions == nil {
		l.own = newMemory()
		l.sessions = newSessions(l.own, l.cookie)
	}
	l.sessions.Cookie.HttpOnly = true
	l.sessions.Cookie.SameSite = http.SameSiteLaxMode // Strict would hide the session from who comes from the platform
	if callback.Scheme == "https" {
		l.sessions.Cookie.Secure = true
	}
	return l, nil
}

// Close drops the sessions that are kept in memory because Config.Sessions was
// nil, so everyone is logged out; a manager that was given is left alone. A
// second call is harmless.
func (l *Login) Close() {
	if l.own != nil {
		l.own.drop()
	}
}

// newSessions returns a manager as scs.New does, which cannot be used: it
// starts a goroutine that cannot be stopped without a data race.
func newSessions(store scs.Store, cookie string) *scs.SessionManager {
	return &scs.SessionManager{
		Lifetime: 24 * time.Hour,
		Store:    store,
		Codec:    scs.GobCodec{},
		Cookie:   scs.SessionCookie{Name: cookie, Path: "/", Persist: true},
		ErrorFunc: func(w http.ResponseWriter, _ *http.Request, _ error) {
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		},
	}
}

// cookieName returns one that other applications on the same host have not,
// even with the same key at another port, as cookies know no ports. The prefix
// of https makes browsers refuse one that another host has set.
func cookieName(key string, callback *url.URL) string {
	sum := sha256.Sum256([]byte(key + " " + callback.String()))
	name := "prism_" + hex.EncodeToString(sum[:8])
	if callback.Scheme == "https" {
		name = "__Host-" + name
	}
	return name
}
