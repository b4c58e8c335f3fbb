package platform

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/sign"
)

// logout ends the session of the browser, and with it the login at every app. If another
// site may have sent the browser, a page asks the user to confirm. Published SDKs send
// browsers here without a proof, so their users have to confirm.
func (p *Platform) logout(w *answer, r *http.Request, c *call) error {
	s, err := p.knownSession(r.Context(), p.cookie(r, sessionCookie))
	if err != nil {
		return err
	}
	back, err := p.logoutRedirect(r.Context(), c, s)
	if err != nil {
		return err
	}
	status, refusal, err := p.confirmation(r, c, s)
	if err != nil {
		return err
	}
	if status != 0 {
		w.code = refusal
		return p.askLogout(w, r, status, back)
	}
	if s != nil {
		if err := p.endSession(r.Context(), s.ID); err != nil {
			return err
		}
	}
	return p.loggedOut(w, r, back)
}

// confirmation returns the status and code with which to ask the user before s is ended;
// status 0 means that no confirmation is needed. Any site can send a browser here, with
// parameters that are public except for the proof of an app. So a request needs
// confirmation unless it has the proof or its address was typed in.
func (p *Platform) confirmation(r *http.Request, c *call, s *session) (status int, refusal string, err error) {
	switch {
	case r.Method == http.MethodPost && crossSite(r):
		return http.StatusForbidden, code.CrossSite, nil
	case r.Method == http.MethodPost && !p.ownForm(r, c):
		return http.StatusForbidden, code.FormExpired, nil
	case r.Method == http.MethodPost:
		return 0, "", nil
	case !opensPage(r):
		return http.StatusOK, "", nil
	}
	from := r.Header.Get("Sec-Fetch-Site")
	if s == nil || from == "none" || from == "same-origin" {
		return 0, "", nil
	}
	proven, err := p.provenLogout(r.Context(), c, s)
	if err == nil && !proven {
		status = http.StatusOK
	}
	return status, "", err
}

// provenLogout reports whether the request has the proof of an app that knows the
// session. Package oauth makes it (LogoutURLFor).
func (p *Platform) provenLogout(ctx context.Context, c *call, s *session) (bool, error) {
	proof, named := c.query.Get("logout_proof"), c.query.Get("client_id")
	if proof == "" {
		return false, nil
	}
	key, _, err := loadRecord[storedKey](ctx, p.cfg.Store, kindKey, named)
	if err != nil || !slices.Contains(s.Keys, key.holder()) {
		if errors.Is(err, ErrNoRecord) {
			err = nil
		}
		return false, err
	}
	matches := func(secret string) bool {
		want := hex.EncodeToString(sign.DeriveKey(secret, "prism logout "+s.ID+" "+c.query.Get("redirect_uri")))
		return subtle.ConstantTimeCompare([]byte(proof), []byte(want)) == 1
	}
	return matches(key.Secret) || key.hasOld(p.cfg.Now()) && matches(key.OldSecret), nil
}

// opensPage reports whether the browser will show the answer to r to the user now, as
// far as its headers say: r is not for an image, nor a prefetch.
func opensPage(r *http.Request) bool {
	mode, dest := r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Sec-Fetch-Dest")
	prefetch := r.Header.Get("Sec-Purpose") + r.Header.Get("Purpose") + r.Header.Get("X-Moz")
	return r.Method == http.MethodGet && prefetch == "" && acceptsPage(r) &&
		(mode == "" || mode == "navigate") && (dest == "" || dest == "document")
}

// acceptsPage reports whether r may be for a page. Over plain HTTP, only Accept
// distinguishes a page from an image. Programs that follow links send no Accept or */*.
func acceptsPage(r *http.Request) bool {
	accept := strings.ToLower(strings.Join(r.Header.Values("Accept"), ","))
	return accept == "" || accept == "*/*" || strings.Contains(accept, "text/html")
}

// logoutRedirect returns the redirect_uri of the request if it is registered for an app
// of the session or for the app of the request, and otherwise "".
func (p *Platform) logoutRedirect(ctx context.Context, c *call, s *session) (string, error) {
	uri, err := c.only("redirect_uri")
	if err != nil {
		return "", err
	}
	named, err := c.only("client_id")
	if err != nil || uri == "" {
		return "", err
	}
	keys := []string{named}
	if s != nil {
		keys = append(keys, s.Keys...)
	}
	for _, key := range keys {
		app, err := p.appOf(ctx, heldBy(key))
		if err != nil && !errors.Is(err, ErrUnknownKey) && !errors.Is(err, ErrUnknownApp) {
			return "", err
		}
		if err == nil && app.allows(uri) {
			return uri, nil
		}
	}
	return "", nil
}

func (p *Platform) askLogout(w *answer, r *http.Request, status int, back string) error {
	t := pageLanguage(r).words()
	return p.showForm(w, r, status, "confirm", back, pageView{Title: t.AskSignOut, Text: t.AskSignOutOf})
}

func (p *Platform) loggedOut(w *answer, r *http.Request, back string) error {
	if p.cookie(r, sessionCookie) != "" {
		p.setCookie(w, r, sessionCookie, "")
	}
	if back != "" {
		return w.redirect(back)
	}
	t := pageLanguage(r).words()
	return p.show(w, r, http.StatusOK, "message", pageView{Title: t.SignedOut, Text: t.SignedOutOf})
}
