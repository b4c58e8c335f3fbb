package platform

import (
	"crypto/subtle"
	"net/http"
	"regexp"
)

// formField is the hidden field of each form. Its value must equal the browser's
// formCookie, which no other site can read.
const formField = "form_token"

// formTokens matches the tokens that the platform makes: 130 random bits.
var formTokens = regexp.MustCompile(`^[a-z2-7]{26}$`)

// formToken returns the token for the forms in this browser. All pages that are open
// at the same time share it, so that none of them becomes invalid.
func (p *Platform) formToken(w http.ResponseWriter, r *http.Request) string {
	if token := p.cookie(r, formCookie); formTokens.MatchString(token) {
		return token
	}
	token := randomName()
	p.setCookie(w, r, formCookie, token)
	return token
}

// ownForm reports whether the form of c comes from a page of the platform in this
// browser.
func (p *Platform) ownForm(r *http.Request, c *call) bool {
	cookie := p.cookie(r, formCookie)
	sent := c.form[formField]
	return formTokens.MatchString(cookie) && len(sent) == 1 &&
		subtle.ConstantTimeCompare([]byte(cookie), []byte(sent[0])) == 1
}

// crossSite reports whether the browser says that another site sent the form.
func crossSite(r *http.Request) bool {
	var protection http.CrossOriginProtection
	return protection.Check(r) != nil
}
