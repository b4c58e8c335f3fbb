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
// share it: all methods may be called by many goroutines at the same time. It logs
// to the Logger of the client.
type Login struct {
	cfg      Config        // checked, defaults filled in
	client   *prism.Client // of the API, without a user
	server   *prism.Client // of the OAuth server, without a user
	web      oauth2.Config // builds addresses, sends nothing
	callback *url.URL
	cookie   string // what the names of this Login's cookies begin with
	sessions *scs.SessionManager
	claims   Claimer // the store of sessions, or a timed lock on it
	sealer   sealer  // of pending logins
	own      *memory // the store of sessions if New made it, or nil
	shared   shared
}

// New checks cfg, copies it and returns a Login with the key of client. It sends
// nothing. The access token of client, if it has one, is not used.
func New(client *prism.Client, cfg Config) (*Login, error) {
	if client == nil {
		return nil, errors.New("oauth: the client is nil: make one with prism.New")
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
	l.claims = timedLock{l}
	if store, ok := l.sessions.Store.(Claimer); ok {
		l.claims = store
	}
	l.sessions.Cookie.HttpOnly = true
	l.sessions.Cookie.SameSite = http.SameSiteLaxMode // Strict would hide the session from a callback
	if callback.Scheme == "https" {
		l.sessions.Cookie.Secure = true
	}
	return l, nil
}

// Close removes the sessions that are kept in memory because Config.Sessions was
// nil, so their users are logged out; a manager in Config.Sessions is not changed.
// A second call does nothing.
func (l *Login) Close() {
	if l.own != nil {
		l.own.clear()
	}
}

// newSessions returns a manager like that of scs.New, which is not used because it
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

// cookieName returns a name that no other application on the same host has, not
// even one with the same key at another port: cookies do not depend on the port.
// Over https its prefix makes browsers refuse a cookie that another host sets.
func cookieName(key string, callback *url.URL) string {
	sum := sha256.Sum256([]byte(key + " " + callback.String()))
	name := "prism_" + hex.EncodeToString(sum[:8])
	if callback.Scheme == "https" {
		name = "__Host-" + name
	}
	return name
}
