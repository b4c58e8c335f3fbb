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

// A pending login has begun and its callback has not come yet. The browser carries
// it, sealed, as the state: this site stores nothing for visitors who have not
// logged in.
type pending struct {
	Return   string    `json:"return"`             // path to go to after the login
	Verifier string    `json:"verifier,omitempty"` // of PKCE
	Browser  []byte    `json:"browser,omitempty"`  // SHA-256 of the secret of its login cookie
	Began    time.Time `json:"began"`
}

// longestReturn bounds the path to go to after the login, in bytes: it is part of
// an address, and proxies cut or refuse long addresses.
const longestReturn = 1024

// startParam is the parameter of the callback with which a login begins for a page
// that was opened under another host, where no cookie of the login would be sent.
// Its value is that page, sealed.
const startParam = "start"

// begin redirects the browser to the platform's login, by way of the callback's
// host if the page was opened under another one.
func (l *Login) begin(w http.ResponseWriter, r *http.Request) {
	if err := l.misrouted(r); err != nil {
		l.fail(w, l.withCallbackPath(r), err)
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
	l.redirectToLogin(w, r, page)
}

// onOtherHost reports whether the page seems to have been opened under another host
// than the callback's. Behind a proxy the Host may differ although it was not; then
// the way by the callback costs one redirect, and leads to the login as well.
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

// startForPage begins, at the callback, the login for a page that was opened under
// another host. It does not look at the host again, so there is one such redirect.
func (l *Login) startForPage(w http.ResponseWriter, r *http.Request, sealed string) error {
	p := l.sealer.open(sealed)
	switch {
	case p == nil:
		return invalidState("the parameter start was not made by this site")
	case !isPageView(r):
		answerNobody(w)
		return nil
	}
	loggedIn, err := l.isLoggedIn(r)
	switch {
	case err != nil:
		return err
	case loggedIn:
		redirect(w, p.Return)
		return nil
	}
	l.redirectToLogin(w, r, p.Return)
	return nil
}

// redirectToLogin redirects the browser to the platform's login. Nothing is stored:
// many visitors never come back, and their logins would fill the store.
func (l *Login) redirectToLogin(w http.ResponseWriter, r *http.Request, page string) {
	cookie, looped := l.chooseLoginCookie(r)
	if looped {
		l.setWithoutRounds(w, cookie) // the page has a link to try again
		l.fail(w, r, &LoginError{Reason: ReasonLoginLooped, Err: errors.New("oauth: each login was completed, and the next request had no session: check that the browser sends the session cookie, and that all processes share one session store")})
		return
	}
	p := pending{Return: page, Browser: digest(cookie.secret), Began: l.cfg.Now()}
	var opts []oauth2.AuthCodeOption
	if !l.cfg.DisablePKCE {
		p.Verifier = oauth2.GenerateVerifier()
		opts = append(opts, oauth2.S256ChallengeOption(p.Verifier))
	}
	l.setLoginCookie(w, cookie)
	redirect(w, l.AuthCodeURL(l.sealer.seal(&p), opts...))
}

// misrouted returns an error if r is a callback that arrived as a page view: another
// login would lead here again, in an endless loop.
func (l *Login) misrouted(r *http.Request) error {
	query := r.URL.Query()
	if l.sealer.open(query.Get("state")) == nil && l.sealer.open(query.Get(startParam)) == nil {
		return nil
	}
	return &LoginError{Reason: ReasonCallbackMisrouted, Err: fmt.Errorf("oauth: the callback came as %q, and Config.CallbackURL has the path %q: check whether a proxy or an http.StripPrefix around Require cuts it", r.URL.Path, l.callback.Path)}
}

// returnPath returns the path of a page of this site, with its query. It cannot
// lead to another site: browsers read //host and /\host as one.
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

// consumeState returns the pending login of state, which is accepted once, and the
// login cookie to set, in which the state is marked as used. The error is a
// LoginError; the pending login comes with it if this browser began that login, and
// its state was used already or has expired.
func (l *Login) consumeState(r *http.Request, state string) (*pending, loginCookie, error) {
	p := l.sealer.open(state)
	if p == nil {
		return nil, loginCookie{}, invalidState("the state is unknown: this site did not make it, or the secret of the key has changed since")
	}
	c, found := l.cookieOf(r, p)
	if !found {
		return nil, loginCookie{}, invalidState("the login was begun by another browser, or this browser accepts no cookies")
	}
	id := stateID(state)
	switch {
	case l.cfg.Now().Sub(p.Began).Abs() > loginTime:
		return p, c, invalidState("the state has expired: it is older than " + loginTime.String())
	case c.hasUsed(id) || !l.shared.states.setOnce(id, l.cfg.Now(), l.cfg.Now().Add(loginTime)):
		return p, c, invalidState("the state was used already")
	}
	return p, c.use(id), nil
}

// cookieOf returns the login cookie that p was begun with, if r has it.
func (l *Login) cookieOf(r *http.Request, p *pending) (loginCookie, bool) {
	for _, c := range l.loginCookies(r) {
		if subtle.ConstantTimeCompare(digest(c.secret), p.Browser) == 1 {
			return c, true
		}
	}
	return loginCookie{}, false
}

func invalidState(text string) error {
	return &LoginError{Reason: ReasonStateInvalid, Err: errors.New("oauth: " + text)}
}

func digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// redirect is like http.Redirect, which would also clean the path of address and
// write a body.
func redirect(w http.ResponseWriter, address string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", address)
	w.WriteHeader(http.StatusSeeOther)
}
