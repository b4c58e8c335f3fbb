package oauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// A pending login is one that the browser was sent away for.
type pending struct {
	Return   string    `json:"return"`             // path to come back to
	Verifier string    `json:"verifier,omitempty"` // of PKCE
	Browser  []byte    `json:"browser"`            // SHA-256 of its mark's secret
	Began    time.Time `json:"began"`
}

// longestReturn bounds the path to come back to, in bytes, as anybody can fill
// the store with them.
const longestReturn = 4096

// begin sends the browser to the platform. No session is made: the store would
// fill with those of visitors who never come back.
func (l *Login) begin(w http.ResponseWriter, r *http.Request) {
	if err := l.astray(r); err != nil {
		l.fail(w, l.seen(r), err)
		return
	}
	m, loops := l.choose(r)
	if loops {
		l.restart(w, m) // the page has a link to try again
		l.fail(w, r, &LoginError{Reason: ReasonLoop, Err: errors.New("oauth: each login was completed, and the next request had no session: does the browser send the session cookie, and do all processes share one session store?")})
		return
	}
	state := secret()
	p := pending{Return: l.returnPath(r.URL), Browser: digest(m.secret), Began: l.cfg.Now()}
	var opts []oauth2.AuthCodeOption
	if !l.cfg.DisablePKCE {
		p.Verifier = oauth2.GenerateVerifier()
		opts = append(opts, oauth2.S256ChallengeOption(p.Verifier))
	}
	if err := l.put(r.Context(), l.id(pendingKind, state), &p, time.Now().Add(loginTime)); err != nil {
		l.fail(w, r, &LoginError{Reason: ReasonStoreFailed, Err: err})
		return
	}
	l.setMark(w, m)
	redirect(w, l.AuthCodeURL(state, opts...))
}

// astray tells whether r is a callback that has come to a page: another login
// would lead here again, and the browser go round for ever.
func (l *Login) astray(r *http.Request) error {
	query := r.URL.Query()
	if !query.Has("state") || !query.Has("code") && !query.Has("error") {
		return nil
	}
	found, err := l.find(r.Context(), l.id(pendingKind, query.Get("state")), &pending{})
	switch {
	case err != nil:
		return &LoginError{Reason: ReasonStoreFailed, Err: err}
	case found:
		return &LoginError{Reason: ReasonMisrouted, Err: fmt.Errorf("oauth: the callback came as %q, and Config.CallbackURL has the path %q: does a proxy or an http.StripPrefix around Require cut it?", r.URL.Path, l.callback.Path)}
	}
	return nil
}

// returnPath returns the path of a page of this site, with its query. It
// cannot lead elsewhere: browsers take //host and /\host for another site.
func (l *Login) returnPath(u *url.URL) string {
	path := "/" + strings.TrimLeft(u.EscapedPath(), `/\`)
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	if len(path) > longestReturn {
		return l.cfg.AfterLogin
	}
	return path
}

// take removes and returns the pending login of state, which is good once. All
// that can be wrong with it is a LoginError.
func (l *Login) take(r *http.Request, state string) (*pending, mark, error) {
	id := l.id(pendingKind, state)
	if _, taken := l.visits.taking.LoadOrStore(id, nil); taken {
		return nil, mark{}, wrongState("another request is just using the state")
	}
	defer l.visits.taking.Delete(id)
	var p pending
	found, err := l.find(r.Context(), id, &p)
	if err == nil && found {
		err = l.remove(r.Context(), id)
	}
	switch {
	case err != nil:
		return nil, mark{}, &LoginError{Reason: ReasonStoreFailed, Err: err}
	case !found:
		return nil, mark{}, wrongState("the state is not known: it was used already, is older than " + loginTime.String() + ", or was never given out")
	case l.cfg.Now().Sub(p.Began).Abs() > loginTime:
		return nil, mark{}, wrongState("the state is older than " + loginTime.String())
	}
	for _, m := range l.marks(r) {
		if subtle.ConstantTimeCompare(digest(m.secret), p.Browser) == 1 {
			return &p, m, nil
		}
	}
	return nil, mark{}, wrongState("the login was begun by another browser, or this one keeps no cookies")
}

func wrongState(text string) error {
	return &LoginError{Reason: ReasonWrongState, Err: errors.New("oauth: " + text)}
}

func digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// redirect is http.Redirect, which would clean the path of address and write a
// body with it.
func redirect(w http.ResponseWriter, address string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", address)
	w.WriteHeader(http.StatusSeeOther)
}
