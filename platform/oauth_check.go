package platform

import (
	"context"
	"errors"
	"slices"

	"github.com/shopex/prism-go/internal/code"
)

// sessionCheck answers whether the session of an app's user still exists, and extends
// it to SessionIdle from now (protocol chapter 4).
func (p *Platform) sessionCheck(ctx context.Context, c *call) (any, error) {
	own := c.params()
	id, err := once(own, "session_id")
	if err != nil {
		return nil, err
	}
	if id == "" {
		return nil, missing("session_id")
	}
	_, err = p.extendSession(ctx, sessionRef(id), func(s *session) error {
		if !slices.Contains(s.Keys, c.key.holder()) {
			return errSessionOver // of another app, which must not be revealed
		}
		return nil
	})
	if errors.Is(err, errSessionOver) {
		return nil, badRequest(code.InvalidSession, "the session is over or unknown to this key: log the user in again")
	}
	return true, err
}
