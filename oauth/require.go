package oauth

import (
	"errors"
	"mime"
	"net/http"
	"strings"
	"time"
)

// Require returns a handler that lets the requests of signed-in users through
// to next, with [User], [UserToken] and [UserClient] in their context. It also
// answers the path of Config.CallbackURL.
//
// Anybody else who asks for a page is sent to the platform's login, and comes
// back to that page, with its query, afterwards. If the page was opened under
// another host than that of Config.CallbackURL, as localhost or without www, the
// browser is first sent to that one, and stays there. A request that is no page
// view (a script's, a form's, an image's, a prefetch, one that does not accept
// HTML, methods other than GET) is answered 401 with {"error":"login_required"},
// as a redirect would do it no good.
//
// Before next runs, the user's token is refreshed when it is due, and the
// platform is asked now and then whether the user has signed out elsewhere.
// Requests wait for that, all of a session for the same answer. What happens
// when there is none is told at Config.Unreachable: 503 is what a request gets
// that may neither pass nor be sent to the login.
//
// next may use the session by Config.Sessions; it is loaded and saved here,
// unless a LoadAndSave of the same manager is further out. The paths of pages
// are taken from the request's URL, so a [http.StripPrefix] belongs inside. A
// connection that stays open, such as a WebSocket, outlives the logout.
// Answers have Cache-Control: private, no-cache unless next sets another.
func (l *Login) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == l.callback.Path {
			l.serveCallback(w, r)
			return
		}
		if visitOf(r.Context()).login == l {
			next.ServeHTTP(w, r) // inside of another Require
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
		l.arrived(w, r)
		l.pass(w, r.WithContext(withVisit(r.Context(), l, t)), own, next)
	})
}

// Recognize returns a handler that lets every request through to next, and with
// those of signed-in users their [User], [UserToken] and [UserClient]; for all
// others these are zero. It is for pages that everybody may see and that look
// different to who is signed in; nobody is sent to the login. Where it cannot
// be told who it is, it is nobody.
//
// All else is as with [Login.Require].
func (l *Login) Recognize(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if visitOf(r.Context()).login == l {
			next.ServeHTTP(w, r)
			return
		}
		r, own, err := l.open(r)
		if err != nil {
			l.report(r, err)
			next.ServeHTTP(w, r)
			return
		}
		t, err := l.identify(r)
		if err == nil {
			l.arrived(w, r)
			r = r.WithContext(withVisit(r.Context(), l, t))
		} else if err := l.forget(r, err); err != nil {
			l.report(r, err)
		}
		l.pass(w, r, own, next)
	})
}

// forget takes a user out of the session that has ended on the platform, and
// leaves what the site keeps there.
func (l *Login) forget(r *http.Request, why error) error {
	switch reasonOf(why) {
	case ReasonStoreFailed:
		return why
	case ReasonSessionEnded:
		l.reportEnd(r, why)
		handle := l.handle(r)
		l.sessions.Remove(r.Context(), l.handleName())
		if err := l.drop(r.Context(), handle); err != nil {
			return &LoginError{Reason: ReasonStoreFailed, Err: err}
		}
	}
	return nil
}

func (l *Login) pass(w http.ResponseWriter, r *http.Request, own bool, next http.Handler) {
	w.Header().Set("Cache-Control", "private, no-cache")
	if own {
		next = l.sessions.LoadAndSave(next) // it finds the session in the context
	}
	next.ServeHTTP(w, r)
}

// identify returns the token of the signed-in user, good to be used. The error
// is errNobody, or a LoginError that says why there is no user any more
// (ReasonSessionEnded) or that it cannot be told.
func (l *Login) identify(r *http.Request) (*Token, error) {
	handle := l.handle(r)
	if handle == "" {
		return nil, errNobody
	}
	rec, err := l.load(r.Context(), handle)
	switch {
	case err != nil:
		return nil, &LoginError{Reason: ReasonStoreFailed, Err: err}
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
	if reasonOf(err) == ReasonSessionEnded {
		l.reportEnd(r, err)
		if broken := l.destroy(w, r, own); broken != nil {
			l.fail(w, r, &LoginError{Reason: ReasonStoreFailed, Err: broken})
			return
		}
		err = errNobody
	}
	switch {
	case reasonOf(err) == ReasonNoAnswer:
		l.show(w, r, err) // who has asked the platform has reported it
	case err != errNobody:
		l.fail(w, r, err)
	case isPageView(r):
		setVary(w)
		l.begin(w, r)
	default:
		answerNobody(w)
	}
}

func answerNobody(w http.ResponseWriter) {
	setVary(w)
	answerJSON(w, http.StatusUnauthorized, map[string]string{
		"error": "login_required", "message": "nobody is signed in: open a page of this site in the browser to log in",
	})
}

// setVary names what decides between a redirect to the login and a refusal.
func setVary(w http.ResponseWriter) {
	w.Header().Add("Vary", "Cookie, Accept, Purpose, Sec-Fetch-Dest, Sec-Fetch-Mode, Sec-Purpose, X-Requested-With")
}

// reportEnd tells the operator once, however many requests of the session find
// its end at the same time.
func (l *Login) reportEnd(r *http.Request, err error) {
	l.visits.ends.do(r.Context(), l.handle(r), l.cfg.Now, func() (struct{}, time.Duration, error) {
		l.report(r, err)
		return struct{}{}, pause, nil
	})
}

// isPageView reports whether a browser asks for r to show it to a person now:
// not to look whether it is there, nor to have it ready if it should be wanted.
func isPageView(r *http.Request) bool {
	h := r.Header
	ahead := h.Get("Sec-Purpose") + h.Get("Purpose") + h.Get("X-Purpose") + h.Get("X-Moz")
	return r.Method == http.MethodGet && ahead == "" && navigates(r)
}

// navigates reports whether the answer to r is for a person to see. Old browsers
// send no Sec-Fetch headers, and none does over plain HTTP beyond loopback.
// There a page is known by its asking for HTML by name: images, scripts and
// fonts take "anything". Programs that walk like a browser may say nothing.
func navigates(r *http.Request) bool {
	h := r.Header
	mode, dest := h.Get("Sec-Fetch-Mode"), h.Get("Sec-Fetch-Dest")
	if mode != "" && mode != "navigate" || !shows(dest) || h.Get("X-Requested-With") != "" || h.Get("Upgrade") != "" {
		return false
	}
	accept := strings.Join(h.Values("Accept"), ",")
	html := accept == "" || mode == "navigate"
	for part := range strings.SplitSeq(accept, ",") {
		switch kind, _, _ := mime.ParseMediaType(part); kind {
		case "application/json":
			return false
		case "text/html", "application/xhtml+xml":
			html = true
		}
	}
	return html
}

// shows reports whether a Sec-Fetch-Dest is a page, as a whole or in a frame.
func shows(dest string) bool {
	switch dest {
	case "", "document", "frame", "iframe":
		return true
	}
	return false
}
