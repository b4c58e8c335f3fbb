package platform

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// logout ends the session of the browser, and with it the login at every app.
// A request that may not come from the user's own wish gets a page that asks.
func (p *Platform) logout(w *answer, r *http.Request, c *call) error {
	s, err := p.knownSession(r.Context(), p.cookie(r, sessionCookie))
	if err != nil {
		return err
	}
	back, err := p.logoutRedirect(r.Context(), c, s)
	if err != nil {
		return err
	}
	if status, code := p.doubtful(r, c, back != ""); status != 0 {
		w.code = code
		return p.askLogout(w, r, status, back)
	}
	if s != nil {
		if err := p.endSession(r.Context(), s.ID); err != nil {
			return err
		}
	}
	return p.loggedOut(w, r, back)
}

// doubtful tells whether to ask before logging out, and with which status and
// code; 0 is for no. allowed says that an app may be behind r.
func (p *Platform) doubtful(r *http.Request, c *call, allowed bool) (status int, code string) {
	switch {
	case r.Method == http.MethodPost && crossSite(r):
		return http.StatusForbidden, "cross_site"
	case r.Method == http.MethodPost && !p.ownForm(r, c):
		return http.StatusForbidden, "form_expired"
	case r.Method == http.MethodPost:
		return 0, ""
	case !opensPage(r), !allowed && r.Header.Get("Sec-Fetch-Site") == "cross-site":
		return http.StatusOK, ""
	}
	return 0, ""
}

// opensPage tells whether r opens a page in front of the user, as far as the
// browser says what it wants: not an image, nor a page that the user may want
// to see later.
func opensPage(r *http.Request) bool {
	mode, dest := r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Sec-Fetch-Dest")
	ahead := r.Header.Get("Sec-Purpose") + r.Header.Get("Purpose") + r.Header.Get("X-Moz")
	return r.Method == http.MethodGet && ahead == "" && acceptsPage(r) &&
		(mode == "" || mode == "navigate") && (dest == "" || dest == "document")
}

// acceptsPage tells whether r may want a page: over plain HTTP that is all by
// which a browser distinguishes one from an image. Who says nothing, or takes
// anything, is a program that walks like a browser.
func acceptsPage(r *http.Request) bool {
	accept := strings.ToLower(strings.Join(r.Header.Values("Accept"), ","))
	return accept == "" || accept == "*/*" || strings.Contains(accept, "text/html")
}

// logoutRedirect returns where the browser wants to go after the logout, if
// that is an address of an app that the session knows, or that the request
// names; else "".
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
