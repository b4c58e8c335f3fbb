package platform

import (
	"cmp"
	"net/http"
	"time"

	"github.com/shopex/prism-go/internal/calls"
	"github.com/shopex/prism-go/internal/code"
)

// noteRefused remembers a call that did not get to a service: because the key that it names
// exists, and was not proved; or because it was refused for another reason on its way there.
// Such calls are in no statistics, as anybody can make them. It reports whether the call is
// remembered.
func (p *Platform) noteRefused(r *http.Request, c *call, status int, name string, took time.Duration) bool {
	h := cmp.Or(c.holder, c.claimed)
	unproved := c.holder == nil
	switch {
	case p.cfg.Gateway.KeepCalls < 0 || h == nil || c.person != nil:
		return false
	case replayIn(r.Context()) != nil:
	case name == "" || name == code.TooManyFailures: // of which there may be very many
		return false
	case !unproved:
		if _, own := p.find(c); own || c.api == "" {
			return false
		}
	}
	rec := &calls.Record{
		ID: c.id, At: c.began, Domain: h.app.Exchange(), App: h.key.App, Key: h.key.ID, User: c.user.ID,
		Status: status, Code: name, Message: c.said, Unproved: unproved, Took: took,
		Caller:     calls.Side{Method: r.Method, URL: r.URL.RequestURI(), Header: r.Header, Body: c.formed, Status: status},
		Sent:       max(c.inFlight, r.ContentLength, 0),
		RemoteAddr: c.caller.remote,
		UserAgent:  shorten(r.UserAgent(), loggedBytes),

		SecretNames: secretParams[c.api],
		Secrets:     []string{h.key.Secret, h.key.OldSecret},
	}
	if c.oauth != "" {
		rec.SecretNames = []string{"code", "user_code", "username", "login"}
	}
	rec.Cut = rec.Sent > int64(len(c.formed)) || c.form == nil && !c.noBody
	if c.why != "" {
		rec.Diagnosis = &calls.Diagnosis{Causes: c.causes, Text: c.why}
	}
	markReplay(r, rec)
	p.calls.last.Add(rec)
	return true
}
