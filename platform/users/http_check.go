package users

import (
	"cmp"
	"context"
	"errors"
	"net/url"

	"github.com/shopex/prism-go/platform"
)

// epochMember is the member of a user that changes with the password.
const epochMember = "epoch"

// Epoch implements [platform.UserEpochs]. An answer of CheckURL counts for CheckEvery, and
// for longer while there is no other; when there was none yet, the error matches
// [platform.ErrUnavailable] and [ErrUnavailable].
func (h *HTTP) Epoch(ctx context.Context, login string) (string, error) {
	if err := h.Check(); err != nil || h.CheckURL == "" {
		return "", err
	}
	ask := func(ctx context.Context) (string, error) {
		user, err := h.user(ctx, h.CheckURL, url.Values{h.loginName(): {login}}, "")
		switch {
		case errors.Is(err, platform.ErrWrongPassword):
			return "", platform.ErrUnknownUser
		case err != nil:
			return "", err
		}
		return epochOfAPI(user), nil
	}
	return h.epochs.of(ctx, login, check{cmp.Or(h.CheckEvery, defaultCheck), cmp.Or(h.Timeout, defaultTimeout), h.Logger, ask})
}

// epochOfAPI returns the epoch of a user as an API has answered.
func epochOfAPI(user platform.User) string { return epochOf(user.ID, user.Data[epochMember], 8) }
