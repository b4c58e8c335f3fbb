package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/oauth2"
)

// Token is what the platform issues for a user who has logged in. This package does
// not change a Token after it has returned it.
//
// Its JSON is for storing it, and contains the secrets. Printed or logged, a Token
// shows none.
type Token struct {
	// AccessToken is sent with calls in the user's name, by
	// [prism.Client.WithToken].
	AccessToken string `json:"access_token"`

	// RefreshToken is exchanged for the next token, once: each token comes with
	// a new one. It is empty if there is none.
	RefreshToken string `json:"refresh_token,omitempty"`

	// SessionID identifies the user's session on the platform, for
	// [Login.CheckSession].
	SessionID string `json:"session_id,omitempty"`

	// Issued is when the token was requested. This time and the two below are on
	// the clock of this machine.
	Issued time.Time `json:"issued,omitzero"`

	// Expiry and RefreshExpiry are when AccessToken and RefreshToken expire.
	// Zero means that this is not known.
	Expiry        time.Time `json:"expiry,omitzero"`
	RefreshExpiry time.Time `json:"refresh_expiry,omitzero"`

	// Data is what the platform says about the user; see [Token.User]. Numbers
	// in it are of type [json.Number].
	Data map[string]any `json:"data,omitempty"`
}

// Identity identifies a user.
type Identity struct {
	// ID is the stable id of the user ("@id" in Data).
	ID string

	// Login is the name that the user logs in with. It may change, and is empty
	// if the platform does not send it.
	Login string

	// Data is all that the platform says about the user. It must not be changed.
	Data map[string]any
}

// User returns the user to whom t belongs.
func (t *Token) User() Identity {
	return Identity{ID: member(t.Data, "@id"), Login: member(t.Data, "login"), Data: t.Data}
}

func member(data map[string]any, name string) string {
	switch v := data[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// OAuth2 returns t as a token of golang.org/x/oauth2, whose Extra has "session_id"
// and "data". Unlike t, it shows its secrets when it is printed.
func (t *Token) OAuth2() *oauth2.Token {
	other := &oauth2.Token{AccessToken: t.AccessToken, TokenType: "Bearer", RefreshToken: t.RefreshToken, Expiry: t.Expiry}
	return other.WithExtra(map[string]any{"session_id": t.SessionID, "data": t.Data})
}

// UnmarshalJSON reads a token that was stored as JSON.
func (t *Token) UnmarshalJSON(stored []byte) error {
	type plain Token // without this method
	d := json.NewDecoder(bytes.NewReader(stored))
	d.UseNumber()
	var read plain
	if d.Decode(&read) != nil {
		// The text of the error may quote a token.
		return errors.New("oauth: a stored token cannot be read: it is not the JSON of an oauth.Token")
	}
	*t = Token(read)
	return nil
}

// String returns the user and the expiry, and never a secret.
func (t Token) String() string {
	if t.Expiry.IsZero() {
		return fmt.Sprintf("oauth.Token{user %q}", t.User().ID)
	}
	return fmt.Sprintf("oauth.Token{user %q, until %s}", t.User().ID, t.Expiry.Format(time.RFC3339))
}

// GoString returns String: %#v must not show the secrets either.
func (t Token) GoString() string { return t.String() }

// LogValue returns String as the value for logs.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// skew is how far apart the clocks of two machines with one session store may be.
const skew = time.Minute

// due reports whether t should be refreshed: its expiry is less than ahead away, and
// half of its life has passed. It is due as well if the clock was put back since it
// was issued, as its expiry on the new clock is not known.
func (t *Token) due(now time.Time, ahead time.Duration) bool {
	switch {
	case t.AccessToken == "":
		return true
	case t.Expiry.IsZero():
		return false
	case now.Before(t.Issued.Add(-skew)):
		return true
	case !t.Issued.IsZero():
		ahead = min(ahead, t.Expiry.Sub(t.Issued)/2)
	}
	return !now.Before(t.Expiry.Add(-ahead))
}

// expired reports whether the access token has expired, or there is none.
func (t *Token) expired(now time.Time) bool {
	return t.AccessToken == "" || !t.Expiry.IsZero() && !now.Before(t.Expiry)
}
