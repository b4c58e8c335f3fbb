package gateway

import (
	"errors"
	"math"
	"net/http"
	"time"

	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/guard"
)

// refuse says why a call has no answer. The breaker counts only what the backend has done.
func (c *call) refuse(err error) *Refusal {
	c.restoreHeader()
	phase, still := c.clock.at()
	breaker := &c.target.at.breaker
	if refused := c.refuseCaller(phase, still, err); refused != nil {
		breaker.undecided(c.f.cfg.Breaker, time.Now())
		return refused
	}
	paused := breaker.failed(c.f.cfg.Breaker, time.Now())
	if still {
		return &Refusal{Status: http.StatusGatewayTimeout, Code: code.BackendTimeout, Phase: phase.String(), Paused: paused, Cause: errStill,
			Message: "the backend did not answer within " + c.clock.timeout.String()}
	}
	return &Refusal{Status: http.StatusBadGateway, Code: code.BadGateway, Phase: phase.String(), Paused: paused,
		Message: badGateway(phase, err), Cause: guard.Failure("backend", "request", err)}
}

// refuseCaller says why a call has no answer if its caller is the cause. It returns nil if
// that is the backend.
func (c *call) refuseCaller(phase phase, still bool, err error) *Refusal {
	bad := c.body.failure()
	var refused *Refusal
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &refused) || errors.As(bad, &refused):
		return refused
	case still && phase == reading:
		return &Refusal{Status: http.StatusRequestTimeout, Code: code.RequestTimeout, Phase: phase.String(), Cause: errStill,
			Message: "the body did not come within " + c.clock.idle.String()}
	case c.in.Context().Err() != nil:
		return &Refusal{Status: 499, Code: code.Canceled, Message: "the caller has gone", Phase: phase.String(), Cause: err}
	case errors.As(bad, &large):
		return &Refusal{Status: http.StatusRequestEntityTooLarge, Code: code.RequestTooLarge, Phase: phase.String(), Cause: bad, Message: "the body is too large"}
	case bad != nil && !still:
		return &Refusal{Status: http.StatusBadRequest, Code: code.InvalidBody, Phase: phase.String(), Cause: bad, Message: "the body ended before it was complete"}
	}
	return nil
}

// badGateway says what happened without a word of the backend.
func badGateway(p phase, err error) string {
	var refused *guard.Refused
	switch {
	case errors.As(err, &refused):
		return "the address of the backend is not allowed"
	case p == dialing:
		return "the backend cannot be reached"
	case p == shaking:
		return "there is no secure connection to the backend"
	case errors.Is(err, errSwitched):
		return errSwitched.Error()
	case p == sending || p == reading:
		return "the backend ended the connection before it had the call"
	}
	return "the backend ended the connection without an answer, or its answer cannot be read"
}

func broken(wait time.Duration) *Refusal {
	wait = time.Duration(math.Ceil(wait.Seconds())) * time.Second
	return &Refusal{Status: http.StatusServiceUnavailable, Code: code.Unavailable, RetryAfter: wait, Paused: true,
		Message: "the backend has failed several times and gets no calls for a while"}
}
