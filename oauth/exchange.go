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

// AuthCodeURL returns the address of the platform's login, to send a browser
// to. state comes back with it and should be a secret that only this browser
// has, such as [oauth2.GenerateVerifier] makes.
//
// Options add parameters: [oauth2.S256ChallengeOption] those of PKCE, and
// oauth2.SetAuthURLParam("view", "mobile") a look of the platform's page.
func (l *Login) AuthCodeURL(state string, opts ...oauth2.AuthCodeOption) string {
	return l.web.AuthCodeURL(state, opts...)
}

// Exchange turns the code that a browser brought back into a token. After a
// [oauth2.S256ChallengeOption] it needs the [oauth2.VerifierOption].
//
// A code is good for one Exchange, so this is not repeated after it may have
// reached the platform. The error matches [ErrLoginRequired] when the code was
// refused; all others leave open whether the code was used. Either way
// errors.As finds the [*prism.Error] if the platform has answered.
func (l *Login) Exchange(ctx context.Context, code string, opts ...oauth2.AuthCodeOption) (*Token, error) {
	if code == "" {
		return nil, errors.New("oauth: there is no code to exchange: the browser brings it in the query of the callback")
	}
	params := prism.Params{"redirect_uri": l.cfg.CallbackURL}
	for name, values := range optionParams(opts) {
		params[name] = values
	}
	params["grant_type"], params["code"] = "authorization_code", code
	return l.askToken(ctx, params)
}

// Refresh buys a new token with a refresh token. The platform takes each
// refresh token once: keep the new one before the new access token is used,
// and do not refresh twice at the same time.
//
// The answer may leave the session id and the data of the user out; they are
// those of the token before. The errors are as those of [Login.Exchange]. ctx
// should not end early: if it does when the platform has answered already, the
// new token is lost.
func (l *Login) Refresh(ctx context.Context, refreshToken string) (*Token, error) {
	if refreshToken == "" {
		return nil, fmt.Errorf("%w: there is no refresh token", ErrLoginRequired)
	}
	t, err := l.askToken(ctx, prism.Params{"grant_type": "refresh_token", "refresh_token": refreshToken})
	if err == nil && t.RefreshToken == "" {
		t.RefreshToken = refreshToken // the platform has not changed it
	}
	return t, err
}

// askToken calls the token endpoint. The call must not become Repeatable: the
// second try would be refused, and the token that the first one gave be lost.
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

// optionParams returns what options add to an address, which is the only way
// to look into them.
func optionParams(opts []oauth2.AuthCodeOption) url.Values {
	u, err := url.Parse(new(oauth2.Config).AuthCodeURL("", opts...))
	if err != nil {
		return nil // it was made of escaped text
	}
	values := u.Query()
	values.Del("client_id") // the client sets it itself
	values.Del("response_type")
	return values
}

// CheckSession asks the platform whether the session of a token lives, and
// keeps it alive for another 30 minutes (protocol chapter 4).
//
// It is nil if the session lives. The error matches [ErrSessionEnded] if it
// does not: the user has signed out, perhaps of another application. Any other
// error leaves that open, as the platform gave no usable answer.
func (l *Login) CheckSession(ctx context.Context, sessionID string) error {
	if sessionID == "" {
		return errors.New("oauth: there is no session id to check: it comes with a token")
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
		return fmt.Errorf("oauth: it is not known whether the session lives: %w", err)
	case slices.Contains([]any{false, json.Number("0"), "0", "false"}, alive):
		return ErrSessionEnded
	case !slices.Contains([]any{true, json.Number("1"), "1", "true"}, alive):
		return errors.New("oauth: it is not known whether the session lives: the platform answered neither true nor false")
	}
	return nil
}

// LogoutURL returns the address at which a browser ends the user's session on
// the platform, and with it those of all applications. returnTo is the absolute
// address to come back to, which has to be registered with the platform; if
// empty, the browser stays there. As anybody could send a browser to this
// address, the platform may ask the user first; see [Login.LogoutURLFor].
func (l *Login) LogoutURL(returnTo string) string {
	u := l.server.Server().JoinPath("logout")
	if returnTo != "" {
		u.RawQuery = url.Values{"client_id": {l.web.ClientID}, "redirect_uri": {returnTo}}.Encode()
	}
	return u.String()
}

// LogoutURLFor is LogoutURL with a proof that this application asks to end the
// session of t, so that the platform does not ask the user. It is of use for that
// session only. Without a session id in t it is LogoutURL.
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
