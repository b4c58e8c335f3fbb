package platform

import "net/http"

// The platform's cookies. The session cookie is the secret that identifies a browser,
// and no app ever gets it; the form cookie protects the forms.
const (
	sessionCookie = "prism_session"
	formCookie    = "prism_form"
)

// cookieName returns the name of a cookie for r. Over TLS it has the prefix with which
// browsers accept it from this host only.
func (p *Platform) cookieName(r *http.Request, name string) string {
	if p.secureCookies(r) {
		return "__Host-" + name
	}
	return name
}

func (p *Platform) secureCookies(r *http.Request) bool {
	return callerIn(r).secure || p.publicTLS() || p.cfg.OAuth.SecureCookies
}

// cookie returns the value of a cookie, or "".
func (p *Platform) cookie(r *http.Request, name string) string {
	c, err := r.Cookie(p.cookieName(r, name))
	if err != nil {
		return ""
	}
	return c.Value
}

// setCookie sets a cookie that lasts until the browser is closed; an empty value
// removes the cookie.
func (p *Platform) setCookie(w http.ResponseWriter, r *http.Request, name, value string) {
	c := p.newCookie(r, name, value)
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

func (p *Platform) newCookie(r *http.Request, name, value string) *http.Cookie {
	return &http.Cookie{
		Name:     p.cookieName(r, name),
		Value:    value,
		Path:     "/",
		Secure:   p.secureCookies(r),
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
}
