package prism

import (
	"fmt"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/shopex/prism-go/internal/escape"
)

// userAgent names this client on the platform's console.
const userAgent = "PrismSDK/Go " + Version

const formType = "application/x-www-form-urlencoded"

// The headers of most requests: with parameters in the query, and in a form. All
// requests share them, so nothing may change them.
var (
	usualHeader     = http.Header{"User-Agent": {userAgent}}
	usualFormHeader = http.Header{"User-Agent": {userAgent}, "Content-Type": {formType}}
)

// setHeader builds the header of the request from what the user gave. Values
// are trimmed as net/http trims them, or the signature would not fit. With a
// standard transport, which changes no header, requests can share one.
func (r *request) setHeader(given http.Header, standard bool) error {
	if err := checkToken(r.token); err != nil {
		return err
	}
	if standard && len(given) == 0 && r.token == "" {
		r.header = usualHeader
		if r.inForm() {
			r.header = usualFormHeader
		}
		return nil
	}
	fixed := [...]string{userAgent, formType, "Bearer " + r.token}
	h := make(http.Header, len(given)+len(fixed))
	h["User-Agent"] = fixed[0:1:1]
	for name, values := range given {
		canonical := http.CanonicalHeaderKey(name)
		if err := r.checkHeader(canonical); err != nil {
			return err
		}
		if _, twice := h[canonical]; twice && canonical != "User-Agent" {
			return fmt.Errorf("prism: header %s is given twice, in different spellings", canonical)
		}
		trimmed := make([]string, len(values))
		for i, v := range values {
			var ok bool
			if trimmed[i], ok = headerValue(v); !ok {
				return fmt.Errorf("prism: header %s has a control character in its value", canonical)
			}
		}
		h[canonical] = trimmed
	}
	if r.inForm() {
		h["Content-Type"] = fixed[1:2:2]
	}
	if r.token != "" {
		h["Authorization"] = fixed[2:3:3]
	}
	r.header = h
	return nil
}

// headerValue returns the value of a header as it is sent, and whether it may be one.
func headerValue(v string) (string, bool) {
	return textproto.TrimString(v), !hasControl(strings.ReplaceAll(v, "\t", " "))
}

func (r *request) checkHeader(name string) error {
	if name == "" || strings.IndexFunc(name, notInHeaderName) >= 0 {
		return fmt.Errorf("prism: %q is not the name of a header", name)
	}
	switch name {
	case "Authorization":
		return fmt.Errorf("prism: header Authorization is made from the token: set Call.Token or Config.Token")
	case "Accept-Encoding", "Content-Encoding", "Content-Length", "Content-Type", "Expect", "Host", "Keep-Alive",
		"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding":
		return fmt.Errorf("prism: header %s is set by the client itself: leave it out", name)
	case "Connection", "Upgrade":
		if !r.upgrade {
			return fmt.Errorf("prism: header %s is set by the client itself: leave it out", name)
		}
	}
	return nil
}

func checkToken(token string) error {
	if i := strings.IndexFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }); i >= 0 {
		return fmt.Errorf("prism: the token has a character at byte %d that no token has: give the bare token, without Bearer", i)
	}
	return nil
}

func notInHeaderName(c rune) bool {
	return c >= 0x80 || !escape.Alphanumeric(byte(c)) && !strings.ContainsRune("!#$%&'*+-.^_`|~", c)
}
