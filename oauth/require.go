package oauth

import (
	"errors"
	"mime"
	"net/http"
	"strings"
	"time"
)

// Require returns a handler that passes the requests of logged-in users on to
// next, with [User], [UserToken] and [UserClient] in their context. It also
// answers the path of Config.CallbackURL.
//
// A page view without a user is redirected to the platform's login and, after
// it, back to the page with its query. If the page was opened under another host
// than that of Config.CallbackURL, such as localhost or one without www, the
// browser is first redirected to that host, and stays there. A request that is
// not a page view (of a script, a form, an image or a prefetch, one that does not
// accept HTML, a method other than GET) is answered 401 with
// {"error":"login_required"}, because it could not follow the redirect.
//
// Before next runs, a token that is due is refreshed, and every Config.CheckEvery
// the platform is asked whether the user has logged out elsewhere. All requests
// of a session wait for the same answer. Config.Outage says what happens when
// there is none; a request that may then neither pass nor be redirected to the
// login is answered 503.
//
// next may use the session of Config.Sessions. It is loaded and saved here,
// unless a LoadAndSave of the same manager is further out. The path of a page is
// taken from the URL of the request, so [http.StripPrefix] must be inside of
// Require. A connection that stays open, such as a WebSocket, outlives the
// logout. Answers have Cache-Control: private, no-cache unless next sets another.
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
		s, err := l.openSession(r)
		if err != nil {
			l.fail(w, r, err)
			return
		}
		t, err := l.identify(s.r)
		if err != nil {
			l.refuse(w, s, err)
			return
		}
		l.resetRounds(w, s.r)
		s.r = s.r.WithContext(withVisit(s.r.Context(), l, t))
		s.serve(w, next)
	})
}

// Recognize returns a handler that passes every request on to next, and those of
// logged-in users with their [User], [UserToken] and [UserClient]; for all others
// these are zero. It is for pages that everybody may see and that show more to a
// logged-in user. Nobody is redirected to the login. If it cannot be found out
// whether a user is logged in, the request has none.
//
// Everything else is as with [Login.Require].
func (l *Login) Recognize(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if visitOf(r.Context()).login == l {
			next.ServeHTTP(w, r)
			return
		}
		s, err := l.openSession(r)
		if err != nil {
			l.report(r, err)
			next.ServeHTTP(w, r)
			return
		}
		t, err := l.identify(s.r)
		if err == nil {
			l.resetRounds(w, s.r)
			s.r = s.r.WithContext(withVisit(s.r.Context(), l, t))
		} else if err := l.removeUser(s.r, err); err != nil {
			l.report(s.r, err)
		}
		s.serve(w, next)
	})
}

// removeUser takes the user out of a session that has ended on the platform, and
// leaves the values of the site in it. cause is the error of identify.
func (l *Login) removeUser(r *http.Request, cause error) error {
	switch reasonOf(cause) {
	case ReasonStoreFailed:
		return cause
	case ReasonSessionEnded:
		l.reportEnd(r, cause)
		handle := l.handle(r)
		l.sessions.Remove(r.Context(), l.handleName())
		if err := l.deleteRecord(r.Context(), handle); err != nil {
			return &LoginError{Reason: ReasonStoreFailed, Err: err}
		}
	}
	return nil
}

// serve passes the request of the session on to next.
func (s *session) serve(w http.ResponseWriter, next http.Handler) {
	w.Header().Set("Cache-Control", "private, no-cache")
	if s.owned {
		next = s.login.sessions.LoadAndSave(next) // it finds the session in the context
	}
	next.ServeHTTP(w, s.r)
}

// identify returns the token of the logged-in user, fit for use. The error is
// errNobody, or a LoginError: the session has ended (ReasonSessionEnded), or it
// cannot be found out whether a user is logged in.
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
	return l.usable(r, handle, rec.Token)
}

var errNobody = errors.New("oauth: nobody is logged in")

// refuse answers a request that identify returned an error for.
func (l *Login) refuse(w http.ResponseWriter, s *session, err error) {
	if reasonOf(err) == ReasonSessionEnded {
		l.reportEnd(s.r, err)
		if storeErr := s.destroy(w); storeErr != nil {
			l.fail(w, s.r, &LoginError{Reason: ReasonStoreFailed, Err: storeErr})
			return
		}
		err = errNobody
	}
	switch {
	case reasonOf(err) == ReasonPlatformFailed:
		l.show(w, s.r, err) // the request that asked the platform has reported it
	case err != errNobody:
		l.fail(w, s.r, err)
	case isPageView(s.r):
		setVary(w)
		l.begin(w, s.r)
	default:
		answerNobody(w)
	}
}

func answerNobody(w http.ResponseWriter) {
	setVary(w)
	answerJSON(w, http.StatusUnauthorized, map[string]string{
		"error": "login_required", "message": "nobody is logged in: open a page of this site in the browser to log in",
	})
}

// setVary names the headers that decide between a redirect to the login and a 401.
func setVary(w http.ResponseWriter) {
	w.Header().Add("Vary", "Cookie, Accept, Purpose, Sec-Fetch-Dest, Sec-Fetch-Mode, Sec-Purpose, X-Requested-With")
}

// reportEnd reports the end of a session once, however many of its requests
// notice it at the same time.
func (l *Login) reportEnd(r *http.Request, err error) {
	l.shared.ends.do(r.Context(), l.handle(r), l.cfg.Now, func() (struct{}, time.Duration, error) {
		l.report(r, err)
		return struct{}{}, pause, nil
	})
}

// isPageView reports whether the browser will show the answer to r now: it does
// not only look whether the page exists, nor fetch it in advance.
func isPageView(r *http.Request) bool {
	h := r.Header
	prefetch := h.Get("Sec-Purpose") + h.Get("Purpose") + h.Get("X-Purpose") + h.Get("X-Moz")
	return r.Method == http.MethodGet && prefetch == "" && navigates(r)
}

// navigates reports whether the answer to r is shown as a page. Old browsers send
// no Sec-Fetch headers, and no browser does over plain HTTP beyond loopback. A
// page view is then recognized by its Accept, which names HTML: images, scripts
// and fonts accept */*. Programs that follow links may send no Accept at all.
func navigates(r *http.Request) bool {
	h := r.Header
	mode, dest := h.Get("Sec-Fetch-Mode"), h.Get("Sec-Fetch-Dest")
	if mode != "" && mode != "navigate" || !isDocument(dest) || h.Get("X-Requested-With") != "" || h.Get("Upgrade") != "" {
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

// isDocument reports whether a Sec-Fetch-Dest is a page, on its own or in a frame.
func isDocument(dest string) bool {
	switch dest {
	case "", "document", "frame", "iframe":
		return true
	}
	return false
}
