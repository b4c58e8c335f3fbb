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

// A grant is the right of a key to act as the user of a session, which a code was
// exchanged for. It holds the family of tokens that refreshing has issued. It ends when
// its record, or that of the session, is deleted.
type grant struct {
	Session string // its sessionRef
	// SealedID is the ID of the session, encrypted with the valid refresh token.
	SealedID []byte
	Key      string   // its holder
	Refresh  issued   // the valid one
	Access   []issued // oldest first; they stay valid after a refresh
}

// issued is a token of which only a digest is stored.
type issued struct {
	Digest  string
	Expires time.Time
}

func (i issued) is(secret string) bool {
	return subtle.ConstantTimeCompare([]byte(i.Digest), []byte(digest(secret))) == 1
}

// maxAccess is how many access tokens of a grant are valid at the same time. It bounds
// the record when an app refreshes too often.
const maxAccess = 8

// tokens are the tokens of a grant that an app gets.
type tokens struct {
	grant                   string // its name
	access, refresh         string
	expires, refreshExpires time.Time
	session                 *session
}

// grantTTL is how long the record of a grant is kept after a refresh.
func (p *Platform) grantTTL() time.Duration {
	return max(p.cfg.OAuth.RefreshLife, p.cfg.OAuth.TokenLife)
}

// newGrant makes a grant with which key acts as the user of s.
func (p *Platform) newGrant(ctx context.Context, s *session, key *storedKey) (*tokens, error) {
	name := randomName()
	g := &grant{Session: sessionRef(s.ID), Key: key.holder()}
	t := p.renew(g, name, s)
	return t, saveRecord(ctx, p.cfg.Store, kindGrant, name, g, 0, p.grantTTL())
}

// renew puts new tokens into g. They are valid once g is stored.
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
	// Expired tokens are kept until there are too many: the clock may be wrong for a
	// while, and then be corrected.
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

// presentedGrant returns the grant of a refresh token, if the app may refresh it.
func (p *Platform) presentedGrant(ctx context.Context, c *call, token string) (name string, g *grant, revision uint64, err error) {
	unknown := invalidGrant("this refresh_token was not issued to this key, has expired or was revoked: log the user in again")
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
		err = invalidGrant("the refresh_token has expired: log the user in again")
	}
	return name, g, revision, err
}

// usedTwice ends a grant because its code or a refresh token of it was used twice.
func (p *Platform) usedTwice(ctx context.Context, c *call, name, what string) error {
	if err := p.endGrant(ctx, name); err != nil {
		return err
	}
	p.cfg.Logger.Warn("a code or refresh token was used twice; its grant has ended", slog.String("what", what), slog.String("key", c.key.ID), slog.String("request_id", c.id))
	return invalidGrant("this " + what + " was used before, so somebody may have stolen it: all tokens of the login were revoked; log the user in again")
}

func (p *Platform) endGrant(ctx context.Context, name string) error {
	return deleteRecord(ctx, p.cfg.Store, kindGrant, name)
}

// tokenShape matches access and refresh tokens: the name of the grant and a secret,
// each a randomName.
var tokenShape = regexp.MustCompile(`^[a-z2-7]{26}\.[a-z2-7]{26}$`)

// parseToken splits a token into its parts. It refuses anything that the platform
// cannot have issued, which saves a read of the store.
func parseToken(token string) (name, secret string, ok bool) {
	if !tokenShape.MatchString(token) {
		return "", "", false
	}
	return strings.Cut(token, ".")
}
