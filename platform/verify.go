package platform

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/sign"
)

// credentials are the system parameters of a call, in the query or in the
// form (protocol chapter 2).
type credentials struct {
	clientID, sign, signTime, signMethod, secret string
}

// verify finds out which key calls, and refuses a caller that cannot prove it.
//
// A call with both a signature and client_secret, as the Python SDK sends over
// https, is accepted when either is right: the signature, or the secret where
// secret mode is allowed. An access token in Authorization takes part in the
// signature.
func (p *Platform) verify(r *http.Request, c *call) error {
	cred, err := c.credentials()
	if err != nil {
		return err
	}
	if cred.clientID == "" {
		return p.noClientID(c)
	}
	h, err := p.lookUp(r.Context(), cred.clientID)
	if err != nil {
		return p.disproved(c, "", err)
	}
	c.codes, c.claimed = h.key.ErrorCodes, h
	if err := p.guessing(c, cred.clientID); err != nil {
		return err
	}
	if c.secret, err = p.proveAny(r, c, cred, h.key); err != nil {
		p.signRefused(c, h, err)
		return p.disproved(c, cred.clientID, err)
	}
	if h.expired(p.expiry()) {
		p.keyExpired(h)
		return keyExpired()
	}
	if h.app.Disabled {
		return appDisabled()
	}
	c.key, c.app, c.holder = *h.key, h.app, h
	c.user, err = p.bearer(r, &c.key)
	return err
}

// proveAny checks the caller's proof with the secret of the key, and if that fails, with
// the previous secret while that is valid. It returns the one that was right.
func (p *Platform) proveAny(r *http.Request, c *call, cred credentials, key *storedKey) (secret string, err error) {
	err = p.prove(r, c, cred, key.Key)
	if err == nil || !key.hasOld(p.expiry()) {
		return key.Secret, err
	}
	old := key.Key
	old.Secret = key.OldSecret
	if p.prove(r, c, cred, old) == nil {
		return old.Secret, nil
	}
	return "", err
}

func (p *Platform) prove(r *http.Request, c *call, cred credentials, key Key) error {
	if key.Secret == "" { // anybody could sign with it
		return unauthorized(code.InvalidKey, "this client_id has no secret: let an admin make it one")
	}
	if cred.secret == "" {
		return p.checkSign(r, c, cred, key)
	}
	bySecret := p.checkSecret(r, c, cred, key)
	if bySecret == nil || cred.sign == "" {
		return bySecret
	}
	return p.checkSign(r, c, cred, key)
}

func (p *Platform) noClientID(c *call) error {
	if c.api == "" && c.oauth != "token" {
		return p.unknownAPI(c)
	}
	return unauthorized(code.MissingClientID, "the call names no key: send client_id, sign_method, sign_time and sign in the query or in a form")
}

func (p *Platform) lookUp(ctx context.Context, id string) (*holder, error) {
	known := p.holders.get(id)
	h, err := p.registry.holder(ctx, id, known)
	if errors.Is(err, ErrUnknownKey) {
		return nil, unknownKey()
	}
	if err == nil && (known == nil || h.keyRevision != known.keyRevision || h.appRevision != known.appRevision) {
		p.holders.put(h)
	}
	return h, err
}

// credentials reads the system parameters. Each may come once. Only sign may be in both
// query and form, since SDKs permit a call's own parameter with that name: then the one
// beside client_id counts.
func (c *call) credentials() (cred credentials, err error) {
	for _, param := range []struct {
		name  string
		value *string
	}{
		{"client_id", &cred.clientID},
		{"client_secret", &cred.secret},
		{"sign_method", &cred.signMethod},
		{"sign_time", &cred.signTime},
	} {
		if *param.value, err = single(param.name, c.query[param.name], c.form[param.name]); err != nil {
			return cred, err
		}
	}
	inQuery, inForm := c.query["sign"], c.form["sign"]
	if len(inQuery) > 0 && len(inForm) > 0 {
		if c.form.Has("client_id") {
			inQuery = nil
		} else {
			inForm = nil
		}
	}
	cred.sign, err = single("sign", inQuery, inForm)
	return cred, err
}

// single returns the only value of a system parameter, or "".
func single(name string, inQuery, inForm []string) (string, error) {
	switch {
	case len(inQuery)+len(inForm) > 1:
		return "", badRequest(code.DuplicateParameter, name+" was sent more than once; it is reserved for the platform, once in the query or the form")
	case len(inQuery) == 1:
		return inQuery[0], nil
	case len(inForm) == 1:
		return inForm[0], nil
	}
	return "", nil
}

// checkSecret checks a call in secret mode.
func (p *Platform) checkSecret(r *http.Request, c *call, cred credentials, key Key) error {
	if !c.caller.secure && !p.cfg.AllowSecretOverHTTP && !p.local(r, c.caller) {
		return &failure{
			status: http.StatusForbidden, code: code.SecretOverHTTP,
			message: "client_secret is not accepted over plain HTTP, where others can read it: use https, or sign the call; and change this secret",
		}
	}
	if subtle.ConstantTimeCompare([]byte(cred.secret), []byte(key.Secret)) != 1 {
		return unauthorized(code.InvalidSecret, "client_secret is not the secret of this client_id")
	}
	return nil
}

// checkSign checks the time and the signature of a call.
func (p *Platform) checkSign(r *http.Request, c *call, cred credentials, key Key) error {
	if cred.sign == "" {
		return unauthorized(code.MissingSign, "the call has no signature: send the parameter sign")
	}
	if cred.signMethod != "" && cred.signMethod != "md5" {
		return unauthorized(code.InvalidSignMethod, fmt.Sprintf("sign_method %q is not supported: use md5", shorten(cred.signMethod, 32)))
	}
	if err := p.checkTime(cred.signTime); err != nil {
		return err
	}
	signed := c.signed(r)
	if sign.Verify(key.Secret, signed, cred.sign) {
		c.sign = cred.sign
		return nil
	}
	return p.invalidSign(r, c, signed, cred, key)
}

func (c *call) signed(r *http.Request) sign.Request {
	return sign.Request{
		Method:  r.Method,
		Path:    r.URL.Path,
		RawPath: wirePath(r.URL),
		Header:  r.Header,
		Query:   c.query,
		Form:    c.form,
	}
}

// wirePath returns the path as it was in the request line, even with raw UTF-8, which
// EscapedPath would escape.
func wirePath(u *url.URL) string {
	if u.RawPath != "" {
		return u.RawPath
	}
	return u.EscapedPath()
}

// checkTime refuses a sign_time outside of the window around the platform's
// clock.
func (p *Platform) checkTime(signTime string) error {
	if signTime == "" {
		return unauthorized(code.MissingSignTime, "the call has no sign_time: send the Unix time in seconds")
	}
	seconds, err := strconv.ParseInt(signTime, 10, 64)
	if err != nil {
		return unauthorized(code.InvalidSignTime, fmt.Sprintf("sign_time %q is no Unix time in seconds", shorten(signTime, 32)))
	}
	now := p.cfg.Now()
	window := p.cfg.SignWindow
	if seconds < now.Unix() {
		window = p.cfg.SignWindowPast
	}
	if window < 0 || within(seconds, now, window) {
		return nil
	}
	return expired(seconds, now, window)
}

// within reports whether a Unix time is within the window around now. It does not
// overflow, whatever the caller has sent.
func within(seconds int64, now time.Time, window time.Duration) bool {
	at := now.Unix()
	reach := int64(window / time.Second)
	return at-reach <= seconds && seconds <= at+reach
}

func expired(seconds int64, now time.Time, window time.Duration) *failure {
	theirs := strconv.FormatInt(seconds, 10)
	const year9999 = 253402300800
	if 0 <= seconds && seconds < year9999 {
		theirs += " (" + time.Unix(seconds, 0).UTC().Format(time.RFC3339) + ")"
	}
	message := fmt.Sprintf("sign_time %s is more than %v from the platform's clock, which shows %d (%s): set the caller's clock",
		theirs, window, now.Unix(), now.UTC().Format(time.RFC3339))
	if seconds >= year9999 {
		message += "; sign_time must be in seconds"
	}
	f := unauthorized(code.SignTimeExpired, message)
	f.data = map[string]any{"sign_time": seconds, "server_time": now.Unix(), "window_seconds": int64(window / time.Second)}
	return f
}

// invalidSign returns the failure for a wrong signature, in explain mode with the reason.
func (p *Platform) invalidSign(r *http.Request, c *call, signed sign.Request, cred credentials, key Key) error {
	message := "the signature does not match: check the secret, and that the string to sign has the method, the path with the base path, " +
		"Authorization and X-Api-* headers, and all parameters but sign, each part escaped once"
	if sign.Verify(key.Secret, signed, strings.ToUpper(cred.sign)) {
		message = "the signature is right, but sign must be in upper case"
	}
	f := unauthorized(code.InvalidSign, message)
	c.said = message
	shown := p.explained(r, c)
	if !shown && p.cfg.Gateway.KeepCalls < 0 && !p.cfg.Logger.Enabled(r.Context(), slog.LevelInfo) {
		return f
	}
	d, ok := p.diagnose(r, c, signed, cred.sign, key.Secret)
	if shown {
		explain(f, signed, cred, key)
	}
	if shown && ok {
		f.data["causes"], f.data["explanation"] = d.Causes, d.Text
		f.message += ". " + d.Text
	}
	return f
}

// explain adds what the platform signed and which SDK signs as the caller did.
func explain(f *failure, signed sign.Request, cred credentials, key Key) {
	// Without the secret: to mask it in a parameter would confirm a guess.
	text := sign.Mask(sign.StringToSign("", signed), "")
	shown := shorten(text, 4096)
	f.data = map[string]any{"string_to_sign": shown}
	f.message += "; the platform signed: " + shown
	const costly = 64 << 10 // sign.Explain hashes it dozens of times
	if len(text) > costly {
		return
	}
	if dialect, ok := sign.Explain(key.Secret, signed, cred.sign); ok {
		f.data["dialect"] = dialect
		f.message += "; that is how the published SDK signs (" + dialect + "), where it differs from the rule"
	}
}
