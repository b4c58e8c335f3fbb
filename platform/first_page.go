package platform

import (
	"net/http"
	"strings"

	"github.com/shopex/prism-go/internal/code"
)

// ofBrowser reports whether a browser is at a page, or at an address that is none of an API:
// what is refused there is answered with a page. Elsewhere whoever names a key is a program.
func (p *Platform) ofBrowser(r *http.Request, c *call) bool {
	if !strings.Contains(strings.ToLower(r.Header.Get("Accept")), "text/html") {
		return false
	}
	opens := r.Method == http.MethodGet || r.Method == http.MethodHead
	return p.oauthPage(c.oauth) != nil || opens && c.api == "" && c.oauth != "token" && !r.URL.Query().Has("client_id")
}

// showRefusal is refuse for browsers. The first page says what this is, and nothing of keys
// or data. Where a console is mounted, it has this address.
func (p *Platform) showRefusal(w *answer, r *http.Request, c *call, f *failure) error {
	setPageHeader(w.Header())
	t, first := pageLanguage(r).words(), besideBase(p.cfg.BasePath)+"/"
	switch {
	case f.code == code.UnknownAPI && (r.URL.Path == "/" || r.URL.Path == first):
		return p.show(w, r, http.StatusOK, "first", pageView{Title: t.First, APIs: p.apiBase, Version: p.cfg.Version})
	case f.code == code.UnknownAPI:
		w.code = f.code
		return p.show(w, r, f.status, "nowhere", pageView{Title: t.NoPage, Text: t.NoPageHelp, APIs: p.apiBase, First: first})
	}
	return p.showFailure(w, r, c, f)
}
