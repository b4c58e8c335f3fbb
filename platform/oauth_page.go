package platform

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"slices"

	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/face"
)

var (
	//go:embed pages/pages.html
	pageText string

	pageTemplate = template.Must(template.New("").Parse(pageText))
	styleHash    = sha256.Sum256([]byte(face.CSS))
)

// A pageView is the content of a page.
type pageView struct {
	Title string

	Text      string
	Detail    string // for the developers of apps
	RequestID string

	App   string // the app to log in to
	Alert string // why the form is shown again
	Login string // what the login field contains

	APIs    string // the path of the APIs, on the first page
	Version string // of the program around the platform, likewise
	First   string // the path of the first page

	// Set by show.
	Lang         language
	Words        words
	Style        template.CSS
	Icon         template.HTML
	Field, Token string // hidden, if there is a form
}

// A page answers a browser at one of the paths of the OAuth server.
type page func(w *answer, r *http.Request, c *call) error

// oauthPage returns the page with a name below the path of the OAuth server, or nil.
// Browsers do not sign, so pages are served before signatures are verified.
func (p *Platform) oauthPage(name string) page {
	switch name {
	case "authorize":
		return p.authorize
	case "logout":
		return p.logout
	case "done":
		return p.done
	}
	return nil
}

// servePage answers with a page, also for errors.
func (p *Platform) servePage(w *answer, r *http.Request, c *call, serve page) error {
	setPageHeader(w.Header())
	r = asCalled(r, c.caller)
	err := p.readPage(w, r, c)
	if err == nil {
		err = serve(w, r, c)
	}
	if err == nil || r.Context().Err() != nil {
		return err
	}
	return p.showFailure(w, r, c, p.failureOf(r, c, err))
}

// The longest query and form of a page, in bytes. A login needs much less, and an
// address is sent to the app in a header.
const (
	maxPageQuery = 8 << 10
	maxPageForm  = 64 << 10
)

func (p *Platform) readPage(w *answer, r *http.Request, c *call) error {
	methods := []string{http.MethodGet, http.MethodHead, http.MethodPost}
	if !slices.Contains(methods, r.Method) {
		return wrongMethod(r, methods)
	}
	if len(r.URL.RawQuery) > maxPageQuery {
		return &failure{status: http.StatusRequestURITooLong, code: code.RequestTooLarge, message: "the query of the address is too long"}
	}
	r.Body = http.MaxBytesReader(nil, r.Body, maxPageForm)
	return p.readParams(w, r, c)
}

func setPageHeader(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", contentPolicy("'none'"))
	h.Set("Referrer-Policy", "same-origin") // with no-referrer, browsers hide the Origin of forms
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}

// contentPolicy allows a page its style and nothing else. formAction is the target of
// its form; browsers apply it to the redirect after the form, too.
func contentPolicy(formAction string) string {
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(styleHash[:]) +
		"'; form-action " + formAction + "; frame-ancestors 'none'; base-uri 'none'"
}

// showForm answers with a page that has a form. After the form the browser may be
// redirected to redirect, if that is not empty.
func (p *Platform) showForm(w *answer, r *http.Request, status int, name, redirect string, v pageView) error {
	v.Field, v.Token = formField, p.formToken(w, r)
	formAction := "'self'"
	if redirect != "" {
		formAction += " " + cspSource(redirect)
	}
	w.Header().Set("Content-Security-Policy", contentPolicy(formAction))
	return p.show(w, r, status, name, v)
}

func (p *Platform) show(w *answer, r *http.Request, status int, name string, v pageView) error {
	v.Lang = pageLanguage(r)
	v.Words = v.Lang.words()
	v.Style, v.Icon = template.CSS(face.CSS), template.HTML(face.Icon)
	var body bytes.Buffer
	if err := pageTemplate.ExecuteTemplate(&body, name, v); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(body.Bytes()) // an error means that the browser has hung up
	return nil
}

func pageLanguage(r *http.Request) language { return preferred(r.Header.Get("Accept-Language")) }

// showFailure shows a text for the user and, as a detail, the error for developers.
func (p *Platform) showFailure(w *answer, r *http.Request, c *call, f *failure) error {
	f.setHeader(w.Header())
	w.code = f.code
	t := pageLanguage(r).words()
	v := pageView{Title: t.BadLink, Text: t.BadLinkHelp, Detail: f.code + ": " + f.message, RequestID: c.id}
	switch {
	case f.status == http.StatusForbidden:
		v.Title, v.Text = t.Refused, t.RefusedHelp
	case f.status == http.StatusRequestTimeout || f.status >= http.StatusInternalServerError:
		v.Title, v.Text = t.Broken, t.BrokenHelp
	}
	return p.show(w, r, f.status, "message", v)
}
