package platform

import (
	"errors"
	"net/http"
	"time"

	"github.com/shopex/prism-go/internal/gateway"
)

// takeOut takes the reserved parameters out of a body that the signature does not cover: a form
// in parts, or a form of another method. The backend decides how long other bodies, and what
// is left of this one, may take.
func (p *Platform) takeOut(w *answer, r *http.Request, c *call) error {
	if c.form != nil || r.ContentLength == 0 {
		return nil
	}
	held, err := gateway.TakeOut(r, p.cfg.Limits.RequestBody)
	if err == nil && !p.forms.reserve(held) {
		err = overloaded()
	}
	if err != nil {
		w.Header().Set("Connection", "close")
		return takingFailed(err)
	}
	c.inFlight += held
	http.NewResponseController(w).SetReadDeadline(time.Time{})
	return nil
}

func takingFailed(err error) error {
	var refused *gateway.Refusal
	if errors.As(err, &refused) {
		return &failure{status: refused.Status, code: refused.Code, message: refused.Message}
	}
	return bodyFailure(err)
}
