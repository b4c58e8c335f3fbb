package platform

import (
	"context"
	"errors"
	"net/http"

	"github.com/shopex/prism-go/internal/code"
)

// token serves /oauth/token, where an app exchanges a code or a refresh token for an
// access token (protocol chapter 4). Neither its answer nor its errors have an envelope.
func (p *Platform) token(w *answer, r *http.Request, c *call) error {
	kind, err := requiredTokenParam(c, "grant_type")
	if err != nil {
		return err
	}
	var t *tokens
	switch kind {
	case "authorization_code":
		t, err = p.redeem(r.Context(), c)
	case "refresh_token":
		t, err = p.refresh(r.Context(), c)
	default:
		err = badRequest(code.UnsupportedGrantType, "grant_type must be authorization_code or refresh_token")
	}
	if err != nil {
		return err
	}
	return w.send(http.StatusOK, t.doc())
}

// redeem exchanges a code. The grant is made before the code is marked as used, so that
// a second use finds the grant and ends it.
func (p *Platform) redeem(ctx context.Context, c *call) (*tokens, error) {
	name, a, revision, err := p.presentedCode(ctx, c)
	if err != nil {
		return nil, err
	}
	s, err := p.keepSession(ctx, a.Session, c.key.holder())
	if errors.Is(err, errSessionOver) {
		return nil, invalidGrant("the user has logged out: log the user in again")
	}
	if err != nil {
		return nil, err
	}
	if s.ID, err = openSession(name, a.SealedID); err != nil {
		return nil, err
	}
	t, err := p.newGrant(ctx, s, &c.key)
	if err != nil {
		return nil, err
	}
	a.Grant = t.grant
	err = saveRecord(ctx, p.cfg.Store, kindCode, name, a, revision, p.cfg.OAuth.TokenLife)
	if errors.Is(err, ErrConflict) {
		return nil, p.lostCode(ctx, c, t)
	}
	if err == nil {
		p.loggedInEvent(c.holder, s)
	}
	return t, err
}

// lostCode ends a grant whose code was used by another call meanwhile. As the code was
// used twice then, the grant of the other call ends, too.
func (p *Platform) lostCode(ctx context.Context, c *call, t *tokens) error {
	if err := p.endGrant(ctx, t.grant); err != nil {
		return err
	}
	if _, _, _, err := p.presentedCode(ctx, c); err != nil {
		return err
	}
	return errors.New("platform: the store reports a conflict over a code that nobody has used")
}

// refresh exchanges a refresh token for a new one and an access token. A second use
// means that the token may be stolen, and it is not known by whom: all tokens of the
// login are revoked, including those of the first use. Only a call that has read the
// grant before the first one stored it is merely refused. So an app must not refresh
// twice at the same time.
func (p *Platform) refresh(ctx context.Context, c *call) (*tokens, error) {
	text, err := requiredTokenParam(c, "refresh_token")
	if err != nil {
		return nil, err
	}
	name, g, revision, err := p.presentedGrant(ctx, c, text)
	if err != nil {
		return nil, err
	}
	s, err := p.keepSession(ctx, g.Session, c.key.holder())
	if errors.Is(err, errSessionOver) {
		return nil, invalidGrant("the user has logged out: log the user in again")
	}
	if err != nil {
		return nil, err
	}
	_, secret, _ := parseToken(text)
	if s.ID, err = openSession(secret, g.SealedID); err != nil {
		return nil, err
	}
	t := p.renew(g, name, s)
	err = saveRecord(ctx, p.cfg.Store, kindGrant, name, g, revision, p.grantTTL())
	if errors.Is(err, ErrConflict) {
		return nil, invalidGrant("another call has just used this refresh_token: use the tokens that it got")
	}
	return t, err
}

// A flatError is the body of an error of /oauth/token.
type flatError struct {
	Code        string         `json:"error"`
	Description string         `json:"error_description"`
	Data        map[string]any `json:"data,omitempty"`
}

func invalidGrant(message string) *failure { return badRequest(code.InvalidGrant, message) }

func invalidRequest(message string) *failure { return badRequest(code.InvalidRequest, message) }

// tokenParam returns a parameter of the form, or "". These parameters are secret, so they
// are not accepted in the query.
func tokenParam(c *call, name string) (string, error) {
	if len(c.form[name])+len(c.query[name]) > 1 {
		return "", invalidRequest(name + " was sent more than once")
	}
	return c.form.Get(name), nil
}

func requiredTokenParam(c *call, name string) (string, error) {
	value, err := tokenParam(c, name)
	if err == nil && value == "" {
		err = invalidRequest("the parameter " + name + " is missing: send it in a form")
	}
	return value, err
}
