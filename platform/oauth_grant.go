package platform

import (
	"context"
	"crypto/subtle"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"time"
)

// A grant is what a code was exchanged for: the right of a key to act as the
// user of a session, with the family of tokens that follow from each other by
// refreshing. It is over when its record or the session's is gone.
type grant struct {
	Session string // its sessionRef
	// SealedID is the session's ID, which only the good refresh token opens.
	SealedID []byte
	Key      string   // its holder
	Refresh  issued   // the one that is good
	Access   []issued // oldest first; a refresh leaves those before it good
}

// An issued token, of which only a digest is kept.
type issued struct {
	Digest  string
	Expires time.Time
}

func (i issued) is(secret string) bool {
	return subtle.ConstantTimeCompare([]byte(i.Digest), []byte(digest(secret))) == 1
}

// maxAccess is how many access tokens of a grant are good at a time, as
// refreshing too often must not make its record grow.
const maxAccess = 8

// tokens are what an app gets of a grant.
type tokens struct {
	grant                   string // its name
	access, refresh         string
	expires, refreshExpires time.Time
	session                 *session
}

// grantTTL is for how long a grant's record is kept after a refresh.
func (p *Platform) grantTTL() time.Duration {
	return max(p.cfg.OAuth.RefreshLife, p.cfg.OAuth.TokenLife)
}

// newGrant lets key act as the user of s.
func (p *Platform) newGrant(ctx context.Context, s *session, key *storedKey) (*tokens, error) {
	name := randomName()
	g := &grant{Session: sessionRef(s.ID), Key: key.holder()}
	t := p.renew(g, name, s)
	return t, saveRecord(ctx, p.cfg.Store, kindGrant, name, g, 0, p.grantTTL())
}

// renew gives g new tokens. They are good once g is stored.
func (p *Platform) renew(g *grant, name string, s *session) *tokens {
	now := p.cfg.Now()
	access, refresh := randomName(), randomName()
	t := &tokens{
		grant:          name,
		access:         name + "." + access,
		refresh:        name + "." + refresh,
		expires:        now.Add(p.cfg.OAuth.TokenLife),
		refreshExpires: now.Add(p.cfg.OAuth.RefreshLife),
		session:        s,
	}
	g.Refresh, g.SealedID = issued{digest(refresh), t.refreshExpires}, sealSession(refresh, s.ID)
	// Those that are over stay until there is no room: the clock may be wrong for a
	// while, and then right again.
	g.Access = append(g.Access, issued{digest(access), t.expires})
	g.Access = g.Access[max(0, len(g.Access)-maxAccess):]
	return t
}

// doc returns the answer of /oauth/token. Both times are Unix times, whatever
// their names say (protocol chapter 4).
func (t *tokens) doc() any {
	return struct {
		AccessToken    string            `json:"access_token"`
		RefreshToken   string            `json:"refresh_token"`
		SessionID      string            `json:"session_id"`
		ExpiresIn      int64             `json:"expires_in"`
		RefreshExpires int64             `json:"refresh_expires"`
		Data           map[string]string `json:"data"`
	}{t.access, t.refresh, t.session.ID, t.expires.Unix(), t.refreshExpires.Unix(), userData(t.session.User)}
}

// presentedGrant returns the grant whose refresh token an app presents, if it
// may.
func (p *Platform) presentedGrant(ctx context.Context, c *call, token string) (name string, g *grant, revision uint64, err error) {
	unknown := invalidGrant("the platform has given no such refresh_token to this key, or it is too old, or it was revoked: log the user in again")
	name, secret, ok := parseToken(token)
	if !ok {
		return "", nil, 0, unknown
	}
	g, revision, err = loadRecord[grant](ctx, p.cfg.Store, kindGrant, name)
	switch {
	case errors.Is(err, ErrNoRecord):
		err = unknown
	case err != nil:
	case g.Key != c.key.holder():
		err = unknown
	case !g.Refresh.is(secret):
		err = p.usedTwice(ctx, c, name, "refresh_token")
	case !p.cfg.Now().Before(g.Refresh.Expires):
		err = invalidGrant("the refresh_token is too old: log the user in again")
	}
	return name, g, revision, err
}

// usedTwice ends a grant because what gives its tokens came twice.
func (p *Platform) usedTwice(ctx context.Context, c *call, name, what string) error {
	if err := p.endGrant(ctx, name); err != nil {
		return err
	}
	p.cfg.Logger.Warn("used twice, its grant has ended", slog.String("what", what), slog.String("key", c.key.ID), slog.String("request_id", c.id))
	return invalidGrant("this " + what + " was used before, so it may be in the wrong hands: all its tokens were revoked; log the user in again")
}

func (p *Platform) endGrant(ctx context.Context, name string) error {
	return deleteRecord(ctx, p.cfg.Store, kindGrant, name)
}

// tokenShape is that of both access and refresh tokens: the grant's name and
// a secret, each a randomName.
var tokenShape = regexp.MustCompile(`^[a-z2-7]{26}\.[a-z2-7]{26}$`)

// parseToken takes a token apart. What cannot be one of ours costs no look
// into the store.
func parseToken(token string) (name, secret string, ok bool) {
	if !tokenShape.MatchString(token) {
		return "", "", false
	}
	return strings.Cut(token, ".")
}
