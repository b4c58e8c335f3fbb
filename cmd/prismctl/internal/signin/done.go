package signin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/shopex/prism-go"
)

// doneTime is how long a platform has to say that it has a page for the end of a login.
const doneTime = 5 * time.Second

// A DonePage is the address of a platform's page for the end of a login; "" if it has none.
type DonePage string

// FindDonePage returns that beside the page at authorize. Other platforms and earlier ones
// have none, and one that does not answer in time counts as one of them.
func FindDonePage(ctx context.Context, authorize string) DonePage {
	beside, err := url.Parse(authorize)
	if err != nil {
		return ""
	}
	done := beside.JoinPath("..", "done")
	done.RawQuery, done.Fragment = "", ""
	ctx, cancel := context.WithTimeout(ctx, doneTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, done.String(), nil)
	if err != nil {
		return ""
	}
	req.Header.Set("Accept", "text/html")
	req.Close = true
	resp, err := http.DefaultTransport.RoundTrip(req) // which follows no redirect
	if err != nil {
		return ""
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Prism-Page") != "done" {
		return ""
	}
	return DonePage(done.String())
}

// SignedIn is what the browser shows after a login: the page at d, or one with text.
func (d DonePage) SignedIn(text string) Page {
	return Page{Status: http.StatusOK, Title: "You are signed in", Text: text, Instead: string(d)}
}

// Failed is what the browser shows after a login that failed with err.
func (d DonePage) Failed(err error) Page {
	p := Page{Status: http.StatusBadRequest, Title: "You are not signed in", Text: "The terminal in which prismctl runs says why."}
	if d != "" {
		p.Instead = string(d) + "?" + url.Values{"error": {codeOf(err)}}.Encode()
	}
	return p
}

// codeOf is the code of the platform's error, or "failed" for an error of this machine.
func codeOf(err error) string {
	var refusal *prism.Error
	var denied *DeniedError
	switch {
	case errors.As(err, &denied):
		return Readable(denied.Code)
	case errors.As(err, &refusal) && refusal.Code != "":
		return Readable(refusal.Code)
	}
	return "failed"
}
