package oauth

import (
	"errors"
	"mime"
	"net/http"
	"strings"
)

// Require returns a handler that lets the requests of signed-in users through
// to next, with [User], [UserToken] and [UserClient] in their context. It also
// answers the path of Config.CallbackURL.
//
// Anybody else who asks for a page is sent to the platform's login, and comes
// back to that page, with its query, afterwards. A request that is no page view
// (a script's, a form's, one that does not accept HTML, methods other than GET
// and HEAD) is answered 401 with {"error":"login_required"}, as a redirect would
// do it no good.
//
// Before next runs, the user's token is refreshed when it is due, and the
// platform is asked now and then whether the user has signed out elsewhere.
// Requests wait for that, all of a session for the same answer. What happens
// when there is none is told at Config.Unreachable: 503 is what a request gets
// that may neither pass nor be sent to the login.
//
// next may use the session by Config.Sessions; it is loaded and saved here,
// unless a LoadAndSave of the same manager is further out. The paths of pages
// are taken from the request's URL, so a [http.StripPrefix] belongs inside.
// Answers have Cache-Control: private, no-cache unless next sets another.
func (l *Login) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == l.callback.Path {
			l.serveCallback(w, r)
			return
		}
		r, own, err := l.open(r)
		if err != nil {
			l.fail(w, r, err)
			return
		}
		t, err := l.identify(r)
		if err != nil {
			l.refuse(w, r, own, err)
			return
		}
		l.pass(w, r.WithContext(withVisit(r.Context(), l, t)), own, next)
	})
}

func (l *Login) pass(w http.ResponseWriter, r *http.Request, own bool, next http.Handler) {
	l.arrived(w, r)
	w.Header().Set("Cache-Control", "private, no-cache")
	if own {
		next = l.sessions.LoadAndSave(next) // it finds the session in the context
	}
	next.ServeHTTP(w, r)
}

// identify returns the token of the signed-in user, good to be used. The error
// is errNobody, or a LoginError that says why there is no user any more
// (SessionEnded) or that it cannot be told.
func (l *Login) identify(r *http.Request) (*Token, error) {
	handle := l.handle(r)
	if handle == "" {
		return nil, errNobody
	}
	rec, err := l.load(r.Context(), handle)
	switch {
	case err != nil:
		return nil, &LoginError{Reason: StoreFailed, Err: err}
	case rec == nil:
		return nil, errNobody
	}
	if err := l.check(r, handle, rec.Token); err != nil {
		return nil, err
	}
	return l.fresh(r, handle, rec.Token)
}

var errNobody = errors.New("oauth: nobody is signed in")

// refuse answers a request that is not let through.
func (l *Login) refuse(w http.ResponseWriter, r *http.Request, own bool, err error) {
	if reasonOf(err) == SessionEnded {
		l.report(r, err)
		if broken := l.destroy(w, r, own); broken != nil {
			l.fail(w, r, &LoginError{Reason: StoreFailed, Err: broken})
			return
		}
		err = errNobody
	}
	switch {
	case reasonOf(err) == NoAnswer:
		l.show(w, r, err) // who has asked the platform has reported it
	case err != errNobody:
		l.fail(w, r, err)
	case isPageView(r):
		l.begin(w, r)
	default:
		answerJSON(w, http.StatusUnauthorized, map[string]string{
			"error": "login_required", "message": "nobody is signed in: open a page of this site in the browser to log in",
		})
	}
}

// isPageView tells whether a browser asks for r to show it to a person.
func isPageView(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && navigates(r)
}

// navigates tells whether the answer to r is for a person to see. Old browsers
// send no Sec-Fetch-Mode.
func navigates(r *http.Request) bool {
	h := r.Header
	mode := h.Get("Sec-Fetch-Mode")
	if mode != "" && mode != "navigate" || h.Get("X-Requested-With") != "" || h.Get("Upgrade") != "" {
		return false
	}
	accept := strings.Join(h.Values("Accept"), ",")
	if accept == "" {
		return true
	}
	html := false
	for part := range strings.SplitSeq(accept, ",") {
		switch kind, _, _ := mime.ParseMediaType(part); kind {
		case "application/json":
			return false
		case "text/html", "application/xhtml+xml", "*/*":
			html = true
		}
	}
	return html
}
