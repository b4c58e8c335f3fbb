package console

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/shopex/prism-go/platform"
)

//go:embed pages/*.html
var pageFiles embed.FS

var pageTemplates = template.Must(template.New("").ParseFS(pageFiles, "pages/*.html"))

const (
	maxQuery = 8 << 10
	maxForm  = 1 << 20
	// pageTime bounds how long a browser may take to send a request, and to read a page.
	pageTime = 30 * time.Second
	// changeTime bounds how long a change may take until its answer is read.
	changeTime = 3 * time.Minute
)

// A view is what a template gets.
type view struct {
	Data   any
	Name   string // of the template
	Lang   language
	Base   string
	Path   string // of this page, with its query
	Nonce  string
	Token  string           // of forms
	Person *platform.Person // nil before the login
	Link   bool             // the person came by a link
	Now    time.Time
	Done   string // the phrase of what was done before this page
}

// T returns a phrase in the language of the page; its arguments stand for %s, %d and so on
// in it.
func (v *view) T(id string, args ...any) string { return v.Lang.phrase(id, args...) }

// URL returns the address of a page: the console's path, and parts below it, each of which
// is escaped.
func (v *view) URL(parts ...string) string { return address(v.Base, parts...) }

// At is URL with a query.
func (v *view) At(query string, parts ...string) string { return v.URL(parts...) + "?" + query }

func address(base string, parts ...string) string {
	var b strings.Builder
	b.WriteString(base)
	for _, part := range parts {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(part))
	}
	if len(parts) == 0 {
		b.WriteByte('/')
	}
	return b.String()
}

// With returns the view for a part of the page, which gets other data.
func (v *view) With(data any) *view {
	part := *v
	part.Data = data
	return &part
}

// Time returns a time for people, or "" for none.
func (v *view) Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// Moment returns a time with its milliseconds, as templates show it.
func (v *view) Moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000 UTC") }

// Static returns the address of a static file, which has the file's hash.
func (v *view) Static(name string) string {
	return v.Base + "/static/" + staticFiles[name].hash + "/" + name
}

// Is reports whether the person has one of these roles.
func (v *view) Is(roles ...string) bool {
	for _, role := range roles {
		if v.Person != nil && string(v.Person.Role) == role {
			return true
		}
	}
	return false
}

// On reports whether this page is the one at these parts, or below it.
func (v *view) On(parts ...string) bool {
	path, _, _ := strings.Cut(v.Path, "?")
	at := v.URL(parts...)
	return path == at || len(parts) > 0 && strings.HasPrefix(path, at+"/")
}

// page serves a page at a pattern of its path below the console's. load returns what the
// template shows, which is also its JSON.
func (c *Console) page(pattern, name string, load func(*request) (any, error)) {
	c.mux.HandleFunc("GET "+c.base+pattern, c.within(func(r *request) error {
		data, err := load(r)
		if err != nil {
			return err
		}
		return r.answer(http.StatusOK, name, data)
	}))
}

// change serves the forms that are sent to a pattern. do returns the page to go on to, below
// the console's path, and is not called for a form that is not of this session.
func (c *Console) change(pattern string, do func(*request) (next string, err error)) {
	c.action(pattern, func(r *request) error {
		next, err := do(r)
		if err != nil {
			return err
		}
		return r.goOn(next)
	})
}

// goOn sends the browser on to a page below the console's path.
func (r *request) goOn(next string) error {
	if wantsJSON(r.Request) {
		return r.answer(http.StatusOK, "", map[string]any{"location": r.c.base + "/" + next})
	}
	http.Redirect(r.w, r.Request, r.c.base+"/"+next, http.StatusSeeOther)
	return nil
}

// action is change for what answers by itself, such as with a page of its own. Both write
// what was done, or refused, into the audit log.
func (c *Console) action(pattern string, do func(*request) error) {
	if phrases["did."+pattern] == (phrase{}) && !unaudited[pattern] {
		panic("console: the audit log has no words for " + pattern)
	}
	c.mux.HandleFunc("POST "+c.base+pattern, c.within(func(r *request) error {
		token := r.PostFormValue("token")
		conn := http.NewResponseController(r.w) // the form is read; what it asks for may take longer
		_ = conn.SetReadDeadline(time.Time{})
		_ = conn.SetWriteDeadline(time.Now().Add(changeTime))
		if subtle.ConstantTimeCompare([]byte(token), []byte(r.s.token)) != 1 {
			return &callError{Status: http.StatusForbidden, Code: "form_expired", Message: "the form is not of this session: go back, load the page anew, and send it again"}
		}
		return r.audited(pattern, do)
	}))
}

// within serves requests of sessions, and sends all others to the login.
func (c *Console) within(serve func(*request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, err := c.sessionOf(r)
		if errors.Is(err, errNoSession) {
			c.askToLogin(w, r)
			return
		}
		if err != nil {
			c.fail(w, r, nil, err)
			return
		}
		req := &request{Request: r, c: c, w: w, s: s, person: s.person()}
		if err := serve(req); err != nil {
			c.fail(w, r, req, err)
		}
	}
}

// sessionOf returns the session of a request. What a page asks for by itself is no use of it.
func (c *Console) sessionOf(r *http.Request) (*session, error) {
	if r.Header.Get("X-Poll") != "" {
		return c.knownSession(r)
	}
	return c.session(r)
}

func (c *Console) askToLogin(w http.ResponseWriter, r *http.Request) {
	if wantsJSON(r) || r.Header.Get("HX-Request") != "" || r.Method != http.MethodGet {
		login := c.loginFor(c.cameFrom(r))
		w.Header().Set("HX-Redirect", login)
		c.show(w, r, nil, http.StatusUnauthorized, "error", &callError{Code: "login_required", Message: "log in at " + c.base + "/login", Login: login})
		return
	}
	http.Redirect(w, r, c.loginFor(r.URL), http.StatusSeeOther)
}

// loginFor returns the address of the login that leads to a page.
func (c *Console) loginFor(page *url.URL) string {
	return c.base + "/login?next=" + url.QueryEscape(strings.TrimPrefix(page.RequestURI(), c.base+"/"))
}

// cameFrom returns the page on which a form was sent, or that asked for something by itself:
// the overview if that is not known.
func (c *Console) cameFrom(r *http.Request) *url.URL {
	page, err := url.Parse(cmp.Or(r.Header.Get("HX-Current-URL"), r.Referer()))
	if err != nil || !strings.HasPrefix(page.Path, c.base+"/") {
		return &url.URL{Path: c.base + "/"}
	}
	return page
}

// answer answers with a page, or with its JSON.
func (r *request) answer(status int, name string, data any) error {
	return r.c.write(r.w, r.Request, r, status, name, data)
}

// show is answer, also before the login. Of an error it makes a log line.
func (c *Console) show(w http.ResponseWriter, r *http.Request, req *request, status int, name string, data any) {
	if err := c.write(w, r, req, status, name, data); err != nil {
		c.cfg.Logger.Error("a page of the console failed", slog.String("page", name), slog.Any("error", err))
		http.Error(w, "the page failed; the log says why", http.StatusInternalServerError)
	}
}

func (c *Console) write(w http.ResponseWriter, r *http.Request, req *request, status int, name string, data any) error {
	var body bytes.Buffer
	if wantsJSON(r) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		enc := json.NewEncoder(&body)
		if err := enc.Encode(data); err != nil {
			return err
		}
	} else {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		v := &view{Data: data, Name: name, Now: c.cfg.Now(), Base: c.base, Path: r.URL.RequestURI(), Lang: languageOf(r), Nonce: nonceOf(r), Done: knownPhrase(r.URL.Query().Get("done"))}
		if req != nil {
			v.Token, v.Person, v.Link = req.s.token, &req.person, req.s.Link
			if req.s.Lang != "" {
				v.Lang = req.s.Lang
			}
		}
		if err := pageTemplates.ExecuteTemplate(&body, name, v); err != nil {
			return err
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // an error means that the browser has gone
	return nil
}

// fail answers with what went wrong: the platform's words for a refusal.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, req *request, err error) {
	if r.Context().Err() != nil {
		return
	}
	var refused *callError
	if !errors.As(err, &refused) {
		c.cfg.Logger.Error("the console failed", slog.String("path", r.URL.Path), slog.Any("error", err))
		refused = &callError{Status: http.StatusInternalServerError, Code: "internal_error", Message: "the log of the platform says why"}
	}
	c.show(w, r, req, max(refused.Status, http.StatusBadRequest), "error", refused)
}

// ServeHTTP answers a request below the console's path.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	nonce := rand.Text()
	setHeader(w.Header(), nonce)
	r = r.WithContext(context.WithValue(r.Context(), nonceKey{}, nonce))
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Now().Add(pageTime)) // where there are no deadlines, the server's own limits have to do
	_ = conn.SetWriteDeadline(time.Now().Add(pageTime))
	defer func() { _ = conn.SetWriteDeadline(time.Time{}) }()
	caller, err := c.cfg.Platform.Caller(r)
	var protection http.CrossOriginProtection
	switch {
	case err != nil:
		c.refuse(w, r, http.StatusBadRequest, "ambiguous_forwarded", "the headers of the proxy contradict each other")
		return
	case caller.Local && !isLoopback(caller.Host):
		c.refuse(w, r, http.StatusMisdirectedRequest, "wrong_host", "on this machine the console is at localhost, 127.0.0.1 and [::1] only")
		return
	case len(r.URL.RawQuery) > maxQuery:
		c.refuse(w, r, http.StatusRequestURITooLong, "request_too_large", "the query of the address is too long")
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), callerKey{}, caller))
	r.Host = caller.Host
	if err := protection.Check(r); err != nil {
		c.refuse(w, r, http.StatusForbidden, "cross_site", "this was sent by another site, so nothing was done")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if r.URL.Path == c.base {
		http.Redirect(w, r, c.base+"/", http.StatusMovedPermanently)
		return
	}
	c.mux.ServeHTTP(w, r)
}

func (c *Console) refuse(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	c.show(w, r, nil, status, "error", &callError{Status: status, Code: code, Message: message})
}

// isLoopback reports whether a host, with or without a port, is this machine for a browser.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

type callerKey struct{}

// callerOf returns where a request comes from.
func callerOf(r *http.Request) platform.Caller {
	caller, _ := r.Context().Value(callerKey{}).(platform.Caller)
	return caller
}

type nonceKey struct{}

// nonceOf returns the nonce that the scripts of the answer to r have.
func nonceOf(r *http.Request) string {
	nonce, _ := r.Context().Value(nonceKey{}).(string)
	return nonce
}

// setHeader sets what keeps a page to itself: nothing is loaded from elsewhere, no script
// runs but those of the console, and no other site shows it in a frame.
func setHeader(h http.Header, nonce string) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", fmt.Sprintf("default-src 'none'; script-src 'nonce-%s'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
		"form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types htmx", nonce))
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}

// wantsJSON reports whether a page is asked for as JSON.
func wantsJSON(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Accept"), "application/json")
}
