package platform

import (
	"net/http"

	"github.com/shopex/prism-go/internal/code"
)

// doneHeader tells a program, by a HEAD, that there is a page for the end of a login. Servers
// that answer every address with a page do not set it.
const doneHeader = "X-Prism-Page"

// done says what became of a login, to the browser of a program on the user's machine that
// has no pages of its own. Anybody can send a browser here, so all its words are the platform's:
// the query only chooses among them.
func (p *Platform) done(w *answer, r *http.Request, c *call) error {
	if r.Method == http.MethodPost {
		return wrongMethod(r, []string{http.MethodGet, http.MethodHead})
	}
	refusal, err := c.only("error")
	if err != nil {
		return err
	}
	t := pageLanguage(r).words()
	v := pageView{Title: t.SignedIn, Text: t.GoOnInProgram}
	if c.query.Has("error") {
		v = pageView{Title: t.NotSignedIn, Text: t.whyNotSignedIn(refusal)}
	}
	w.Header().Set(doneHeader, "done")
	return p.show(w, r, http.StatusOK, "message", v)
}

// whyNotSignedIn explains the code of an error of the OAuth server.
func (t *words) whyNotSignedIn(refusal string) string {
	switch refusal {
	case "access_denied":
		return t.LoginDenied
	case code.InvalidGrant:
		return t.LoginOver
	case code.InvalidSign:
		return t.WrongSecret
	}
	return t.ProgramSaysWhy
}
