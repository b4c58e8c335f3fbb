package oauth

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"golang.org/x/oauth2"

	"github.com/shopex/prism-go"
)

// AuthCodeURL returns the address of the platform's login, to send a browser to.
// The callback returns state, which should be a secret that only this browser has,
// such as the result of [oauth2.GenerateVerifier].
//
// Options add parameters: [oauth2.S256ChallengeOption] those of PKCE, and
// oauth2.SetAuthURLParam("view", "mobile") selects the layout of the platform's page.
func (l *Login) AuthCodeURL(state string, opts ...oauth2.AuthCodeOption) string {
	return l.web.AuthCodeURL(state, opts...)
}

// Exchange exchanges the code of a callback for a token. If AuthCodeURL was called
// with [oauth2.S256ChallengeOption], it needs [oauth2.VerifierOption].
//
// The platform accepts a code once, so a call that may have reached the platform is
// not repeated. The error matches [ErrLoginRequired] if the code was refused; after
// any other error it is not known whether the code was used. errors.As finds the
// [*prism.Error] if the platform has answered.
func (l *Login) Exchange(ctx context.Context, code string, opts ...oauth2.AuthCodeOption) (*Token, error) {
	if code == "" {
		return nil, errors.New("oauth: the code is empty: take it from the query of the callback")
	}
	params := prism.Params{"redirect_uri": l.cfg.CallbackURL}
	for name, values := range optionParams(opts) {
		params[name] = values
	}
	params["grant_type"], params["code"] = "authorization_code", code
	return l.askToken(ctx, params)
}

// Refresh exchanges a refresh token for a new token. The platform accepts each
// refresh token once: store the new one before you use the new access token, and
// never refresh twice at the same time.
//
// The answer may omit the session id and the data of the user, which then are those
// of the previous token. The errors are those of [Login.Exchange]. If ctx ends after
// the platform has answered, the new token is lost, so it should not end early.
func (l *Login) Refresh(ctx context.Context, refreshToken string) (*Token, error) {
	if refreshToken == "" {
		return nil, fmt.Errorf("%w: there is no refresh token", ErrLoginRequired)
	}
	t, err := l.askToken(ctx, prism.Params{"grant_type": "refresh_token", "refresh_token": refreshToken})
	if err == nil && t.RefreshToken == "" {
		t.RefreshToken = refreshToken // it is still valid
	}
	return t, err
}

// askToken calls the token endpoint. The call must not become Repeatable: a second
// try would be refused, and the token of the first one would be lost.
func (l *Login) askToken(ctx context.Context, params prism.Params) (*Token, error) {
	began := l.cfg.Now()
	res, err := l.server.Post(ctx, "token", params)
	switch {
	case refused(err):
		return nil, fmt.Errorf("%w: %w", ErrLoginRequired, err)
	case err != nil:
		return nil, fmt.Errorf("oauth: no token: %w", err)
	}
	return readToken(res, began)
}

// optionParams returns the parameters that options add to an address, which is the
// only way to read them.
func optionParams(opts []oauth2.AuthCodeOption) url.Values {
	u, err := url.Parse(new(oauth2.Config).AuthCodeURL("", opts...))
	if err != nil {
		return nil // cannot happen: its parts are escaped
	}
	values := u.Query()
	values.Del("client_id") // the client sets it itself
	values.Del("response_type")
	return values
}

// CheckSession asks the platform whether the session of a token still exists, and
// extends it by 30 minutes from now (protocol chapter 4).
//
// The error is nil if the session exists, and matches [ErrSessionEnded] if it does
// not: the user has logged out, perhaps of another application. After any other error
// that is not known, as the platform gave no usable answer.
func (l *Login) CheckSession(ctx context.Context, sessionID string) error {
	if sessionID == "" {
		return errors.New("oauth: the session id is empty: take it from Token.SessionID")
	}
	res, err := l.client.Do(ctx, prism.Call{
		Method: http.MethodPost, Path: "platform/oauth/session_check",
		Params: prism.Params{"session_id": sessionID}, Repeatable: true,
	})
	var alive any
	if err == nil {
		err = res.Result(&alive)
	}
	switch {
	case refused(err):
		return fmt.Errorf("%w: %w", ErrSessionEnded, err)
	case err != nil:
		return fmt.Errorf("oauth: it is not known whether the session still exists: %w", err)
	case slices.Contains([]any{false, json.Number("0"), "0", "false"}, alive):
		return ErrSessionEnded
	case !slices.Contains([]any{true, json.Number("1"), "1", "true"}, alive):
		return errors.New("oauth: it is not known whether the session still exists: the platform answered neither true nor false")
	}
	return nil
}

// LogoutURL returns the address at which a browser ends the user's session on
// the platform, and with it the login at all applications. returnTo is the absolute
// address to return to, which must be registered with the platform; if empty, the
// browser stays there. Any site could send a browser to this address, so the platform
// may ask the user to confirm; see [Login.LogoutURLFor].
func (l *Login) LogoutURL(returnTo string) string {
	u := l.server.Server().JoinPath("logout")
	if returnTo != "" {
		u.RawQuery = url.Values{"client_id": {l.web.ClientID}, "redirect_uri": {returnTo}}.Encode()
	}
	return u.String()
}

// LogoutURLFor is LogoutURL with a proof that this application ends the session of t,
// so that the platform does not ask the user. The proof is valid for that session
// only. If t has no session id, or is nil, it is LogoutURL.
func (l *Login) LogoutURLFor(t *Token, returnTo string) string {
	if t == nil || t.SessionID == "" {
		return l.LogoutURL(returnTo)
	}
	query := url.Values{
		"client_id":    {l.web.ClientID},
		"logout_proof": {hex.EncodeToString(l.client.DeriveKey("prism logout " + t.SessionID + " " + returnTo))},
	}
	if returnTo != "" {
		query.Set("redirect_uri", returnTo)
	}
	u := l.server.Server().JoinPath("logout")
	u.RawQuery = query.Encode()
	return u.String()
}
