package oauth

import "net/http"

// Logout returns a handler that signs the user out: of this site, and then of
// the platform, which ends the sessions of all applications. A form posts to it:
//
//	<form method="post" action="/logout"><button>Log out</button></form>
//
// It sends the browser to the platform's logout, and from there back to
// Config.AfterLogout. To a script, which cannot follow that, it answers 200 with
// {"logout_url": "..."}, to send the browser to.
//
// It takes POST only, and answers 405 to all else. A POST that another site has
// made the browser send is answered 403. It needs no [Login.Require] around it.
func (l *Login) Logout() http.Handler {
	protection := http.NewCrossOriginProtection()
	// Behind a proxy the Host may be another one. The origin is well formed.
	_ = protection.AddTrustedOrigin(l.origin())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		if err := protection.Check(r); err != nil {
			http.Error(w, "The logout was asked for by another site.", http.StatusForbidden)
			return
		}
		l.serveLogout(w, r)
	})
}

func (l *Login) serveLogout(w http.ResponseWriter, r *http.Request) {
	r, own, err := l.open(r)
	if err != nil {
		l.fail(w, r, err)
		return
	}
	var token *Token
	if rec, err := l.load(r.Context(), l.handle(r)); err == nil && rec != nil { // without it the platform asks the user
		token = rec.Token
	}
	if err := l.destroy(w, r, own); err != nil {
		l.fail(w, r, &LoginError{Reason: ReasonStoreFailed, Err: err})
		return
	}
	address := l.LogoutURLFor(token, l.origin()+l.cfg.AfterLogout)
	if navigates(r) {
		redirect(w, address)
		return
	}
	answerJSON(w, http.StatusOK, map[string]string{"logout_url": address})
}

// origin is this site's, as browsers see it.
func (l *Login) origin() string { return l.callback.Scheme + "://" + l.callback.Host }
