package platform

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"time"
)

// A codeRequest holds the parameters with which an app requested a code.
type codeRequest struct {
	Key         string // client_id; in an authCode, the holder of the key
	RedirectURI string
	// Challenge is the code_challenge of PKCE (RFC 7636), or empty; with one,
	// ChallengeMethod is S256.
	Challenge, ChallengeMethod string
}

// An authCode is the record of an authorization code. It is kept for a while after the
// code was used, so that a second use is detected.
type authCode struct {
	codeRequest
	Session string // its sessionRef
	// SealedID is the ID of the session, encrypted with the code.
	SealedID []byte
	Expires  time.Time
	Grant    string // the name of the grant it was exchanged for, or ""
}

// issueCode makes a code with which the app of q.Key logs the user of s in. The error
// matches errSessionOver if s has ended meanwhile.
func (p *Platform) issueCode(ctx context.Context, s *session, q codeRequest) (string, error) {
	h, err := p.registry.holder(ctx, q.Key, nil)
	if err != nil {
		return "", err
	}
	if h.app.Disabled {
		return "", appDisabled()
	}
	q.Key = h.key.holder()
	if _, err := p.keepSession(ctx, sessionRef(s.ID), q.Key); err != nil {
		return "", err
	}
	name := randomName()
	c := &authCode{codeRequest: q, Session: sessionRef(s.ID), SealedID: sealSession(name, s.ID), Expires: p.cfg.Now().Add(p.cfg.OAuth.CodeLife)}
	return name, saveRecord(ctx, p.cfg.Store, kindCode, name, c, 0, p.cfg.OAuth.CodeLife)
}

// presentedCode returns the code of a call, if the app may exchange it.
func (p *Platform) presentedCode(ctx context.Context, c *call) (name string, a *authCode, revision uint64, err error) {
	if name, err = requiredTokenParam(c, "code"); err != nil {
		return "", nil, 0, err
	}
	a, revision, err = loadRecord[authCode](ctx, p.cfg.Store, kindCode, name)
	if errors.Is(err, ErrNoRecord) || err == nil && a.Key != c.key.holder() {
		err = invalidGrant("this code was not issued to this key, or it has expired: log the user in again")
	}
	if err == nil {
		err = p.checkCode(ctx, c, a)
	}
	return name, a, revision, err
}

func (p *Platform) checkCode(ctx context.Context, c *call, a *authCode) error {
	if a.Grant != "" {
		return p.usedTwice(ctx, c, a.Grant, "code")
	}
	if !p.cfg.Now().Before(a.Expires) {
		return invalidGrant("the code has expired: log the user in again")
	}
	if !c.app.allows(a.RedirectURI) { // any more
		return invalidGrant("the redirect_uri that the code was sent to is not registered for the app any more")
	}
	redirect, err := tokenParam(c, "redirect_uri")
	if err != nil {
		return err
	}
	if redirect != "" && redirect != a.RedirectURI {
		return invalidGrant("redirect_uri is not the one that the code was sent to")
	}
	verifier, err := tokenParam(c, "code_verifier")
	if err != nil {
		return err
	}
	return a.checkVerifier(verifier)
}

// checkVerifier returns an error unless the caller began the login itself (RFC 7636).
// A verifier without a challenge is refused: an attacker has removed the challenge on its
// way to the authorize page.
func (q codeRequest) checkVerifier(verifier string) error {
	switch {
	case q.Challenge == "" && verifier == "":
		return nil
	case q.Challenge == "":
		return invalidGrant("code_verifier was sent, but the code was asked for without a code_challenge")
	case verifier == "":
		return invalidGrant("code_verifier is missing: the code was asked for with a code_challenge")
	}
	sum := sha256.Sum256([]byte(verifier))
	if subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(q.Challenge)) != 1 {
		return invalidGrant("code_verifier does not belong to the code_challenge that the code was asked for with")
	}
	return nil
}
