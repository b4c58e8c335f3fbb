package platform

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/shopex/prism-go/internal/code"
)

// bearer returns the user of the call's access token. Without a valid token it returns
// no user and no error, because a call that needs no user is served with any token
// (protocol chapter 2).
func (p *Platform) bearer(r *http.Request, key *storedKey) (User, error) {
	name, secret, ok := bearerToken(r.Header)
	if !ok || p.cfg.Users == nil {
		return User{}, nil
	}
	user, err := p.grantee(r.Context(), key, name, secret)
	if errors.Is(err, ErrNoRecord) {
		return User{}, nil
	}
	return user, err
}

// grantee returns the user that key acts as with an access token. The error matches
// ErrNoRecord if the token is not valid.
func (p *Platform) grantee(ctx context.Context, key *storedKey, name, secret string) (User, error) {
	g, _, err := loadRecord[grant](ctx, p.cfg.Store, kindGrant, name)
	if err != nil {
		return User{}, err
	}
	now := p.cfg.Now()
	valid := func(i issued) bool { return i.is(secret) && now.Before(i.Expires) }
	if g.Key != key.holder() || !slices.ContainsFunc(g.Access, valid) {
		return User{}, ErrNoRecord
	}
	s, _, err := loadRecord[session](ctx, p.cfg.Store, kindSession, g.Session)
	if err == nil {
		err = p.checkSession(ctx, s)
	}
	if errors.Is(err, errSessionOver) {
		err = ErrNoRecord
	}
	if err != nil {
		return User{}, err
	}
	return s.User, nil
}

// bearerToken reads the Authorization header: "Bearer TOKEN", or the bare
// token as old SDKs send it.
func bearerToken(h http.Header) (name, secret string, ok bool) {
	values := h["Authorization"]
	if len(values) != 1 {
		return "", "", false
	}
	token := values[0]
	if scheme, rest, found := strings.Cut(token, " "); found && strings.EqualFold(scheme, "Bearer") {
		token = strings.TrimLeft(rest, " ")
	}
	return parseToken(token)
}

// oauthUser returns the user of the call's access token.
func (p *Platform) oauthUser(_ context.Context, c *call) (any, error) {
	if c.user.ID == "" {
		return nil, unauthorized(code.InvalidToken, "this call needs a user: send a valid access token as Authorization: Bearer TOKEN")
	}
	return userData(c.user), nil
}

// userQuery returns the X-Api-Oauth header of a user (protocol chapter 5).
func userQuery(u User) string {
	query := make(url.Values)
	for name, value := range userData(u) {
		query.Set(name, value)
	}
	return query.Encode()
}
