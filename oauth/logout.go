package oauth

import "net/http"

// Logout returns a handler that logs the user out, first of this site and then
// of the platform, which ends the sessions of all applications. A form posts to
// it:
//
//	<form method="post" action="/logout"><button>Log out</button></form>
//
// It redirects the browser to the platform's logout, and from there back to
// Config.AfterLogout. A script cannot follow that redirect: it is answered 200 with
// {"logout_url": "..."}, the address to open in the browser.
//
// Methods other than POST are answered 405, and a POST that comes from another
// site 403. It needs no [Login.Require] around it.
func (l *Login) Logout() http.Handler {
	protection := http.NewCrossOriginProtection()
	// Behind a proxy the Host may differ. There is no error, as the origin is well formed.
	_ = protection.AddTrustedOrigin(l.origin())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		if err := protection.Check(r); err != nil {
			http.Error(w, "The logout was requested by another site.", http.StatusForbidden)
			return
		}
		l.serveLogout(w, r)
	})
}

func (l *Login) serveLogout(w http.ResponseWriter, r *http.Request) {
	s, err := l.openSession(r)
	if err != nil {
		l.fail(w, r, err)
		return
	}
	var token *Token
	if rec, err := l.load(s.r.Context(), l.handle(s.r)); err == nil && rec != nil { // without it the platform asks the user
		token = rec.Token
	}
	if err := s.destroy(w); err != nil {
		l.fail(w, s.r, &LoginError{Reason: ReasonStoreFailed, Err: err})
		return
	}
	address := l.LogoutURLFor(token, l.origin()+l.cfg.AfterLogout)
	if navigates(r) {
		redirect(w, address)
		return
	}
	answerJSON(w, http.StatusOK, map[string]string{"logout_url": address})
}

// origin returns the origin of this site as browsers see it.
func (l *Login) origin() string { return l.callback.Scheme + "://" + l.callback.Host }
