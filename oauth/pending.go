package oauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// A pending login is one that the browser was sent away for. The browser keeps
// it, sealed, as the state: this site holds nothing for visitors who have not
// logged in.
type pending struct {
	Return   string    `json:"return"`             // path to come back to
	Verifier string    `json:"verifier,omitempty"` // of PKCE
	Browser  []byte    `json:"browser,omitempty"`  // SHA-256 of its mark's secret
	Began    time.Time `json:"began"`
}

// longestReturn bounds the path to come back to, in bytes: it is part of an
// address, which proxies cut off or refuse when it is long.
const longestReturn = 1024

// startParam holds a sealed page to log in for, at the callback: a browser came
// to that page under another host, where no cookie of the login would be seen.
const startParam = "start"

// begin sends the browser to the platform, by way of the callback's host if it
// is on another one.
func (l *Login) begin(w http.ResponseWriter, r *http.Request) {
	if err := l.astray(r); err != nil {
		l.fail(w, l.seen(r), err)
		return
	}
	page := l.returnPath(r.URL)
	if l.onOtherHost(r) {
		u := *l.callback
		query := u.Query()
		query.Set(startParam, l.sealer.seal(&pending{Return: page, Began: l.cfg.Now()}))
		u.RawQuery = query.Encode()
		redirect(w, u.String())
		return
	}
	l.sendAway(w, r, page)
}

// onOtherHost reports whether the browser seems to be on another host than the
// callback's. Behind a proxy the Host may be another one all the same; then the
// way by the callback costs a redirect and leads to the login, too.
func (l *Login) onOtherHost(r *http.Request) bool {
	host, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Host"), ",")
	if host = strings.TrimSpace(host); host == "" {
		host = r.Host
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return host != "" && !strings.EqualFold(strings.Trim(host, "[]"), l.callback.Hostname())
}

// start begins at the callback the login for a page that was asked for on
// another host. It never looks at the host: there is one such redirect.
func (l *Login) start(w http.ResponseWriter, r *http.Request, sealed string) error {
	p := l.sealer.open(sealed)
	switch {
	case p == nil:
		return wrongState("the page to log in for was not sealed by this site")
	case !isPageView(r):
		answerNobody(w)
		return nil
	}
	in, err := l.isSignedIn(r)
	switch {
	case err != nil:
		return err
	case in:
		redirect(w, p.Return)
		return nil
	}
	l.sendAway(w, r, p.Return)
	return nil
}

// sendAway sends the browser to the platform. Nothing is stored: the store would
// fill with what visitors leave who never come back.
func (l *Login) sendAway(w http.ResponseWriter, r *http.Request, page string) {
	m, loops := l.choose(r)
	if loops {
		l.restart(w, m) // the page has a link to try again
		l.fail(w, r, &LoginError{Reason: ReasonLoop, Err: errors.New("oauth: each login was completed, and the next request had no session: does the browser send the session cookie, and do all processes share one session store?")})
		return
	}
	p := pending{Return: page, Browser: digest(m.secret), Began: l.cfg.Now()}
	var opts []oauth2.AuthCodeOption
	if !l.cfg.DisablePKCE {
		p.Verifier = oauth2.GenerateVerifier()
		opts = append(opts, oauth2.S256ChallengeOption(p.Verifier))
	}
	l.setMark(w, m)
	redirect(w, l.AuthCodeURL(l.sealer.seal(&p), opts...))
}

// astray returns an error if r is a callback that has come to a page: another
// login would lead here again, and the browser go round for ever.
func (l *Login) astray(r *http.Request) error {
	query := r.URL.Query()
	if l.sealer.open(query.Get("state")) == nil && l.sealer.open(query.Get(startParam)) == nil {
		return nil
	}
	return &LoginError{Reason: ReasonMisrouted, Err: fmt.Errorf("oauth: the callback came as %q, and Config.CallbackURL has the path %q: does a proxy or an http.StripPrefix around Require cut it?", r.URL.Path, l.callback.Path)}
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

// take returns the pending login of state, which is good once, and the mark of
// the browser, which says from then on that it was used. All that can be wrong
// is a LoginError. With one, there is a pending login only if it was this
// browser's own, and was used or is too old.
func (l *Login) take(r *http.Request, state string) (*pending, mark, error) {
	p := l.sealer.open(state)
	if p == nil {
		return nil, mark{}, wrongState("the state is not known: this site never gave it out, or the secret of its key was changed")
	}
	m, own := l.markOf(r, p)
	if !own {
		return nil, mark{}, wrongState("the login was begun by another browser, or this one keeps no cookies")
	}
	id := usedID(state)
	switch {
	case l.cfg.Now().Sub(p.Began).Abs() > loginTime:
		return p, m, wrongState("the state is older than " + loginTime.String())
	case m.hasUsed(id) || !l.visits.used.first(id, l.cfg.Now(), l.cfg.Now().Add(loginTime)):
		return p, m, wrongState("the state was used already")
	}
	return p, m.use(id), nil
}

// markOf returns the mark of the browser that p was begun in, if that sent r.
func (l *Login) markOf(r *http.Request, p *pending) (mark, bool) {
	for _, m := range l.marks(r) {
		if subtle.ConstantTimeCompare(digest(m.secret), p.Browser) == 1 {
			return m, true
		}
	}
	return mark{}, false
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
