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

// Token is what the platform gives for a user who logged in. A Token that was
// handed out is not changed any more.
//
// Its JSON is for keeping it, and holds the secrets. Printed or logged it shows
// none.
type Token struct {
	// AccessToken is sent with calls in the user's name, by
	// [prism.Client.WithToken].
	AccessToken string `json:"access_token"`

	// RefreshToken buys the next token, once: the platform gives a new one
	// with each. It is empty if there is none.
	RefreshToken string `json:"refresh_token,omitempty"`

	// SessionID names the user's session on the platform, for
	// [Login.CheckSession].
	SessionID string `json:"session_id,omitempty"`

	// Issued is when the token was asked for. It and the two below are on the
	// clock of this machine.
	Issued time.Time `json:"issued,omitzero"`

	// Expiry and RefreshExpiry are when AccessToken and RefreshToken end. If
	// zero, that is not known.
	Expiry        time.Time `json:"expiry,omitzero"`
	RefreshExpiry time.Time `json:"refresh_expiry,omitzero"`

	// Data is what the platform tells about the user; see [Token.User].
	// Numbers in it are a [json.Number].
	Data map[string]any `json:"data,omitempty"`
}

// Identity is who a user is.
type Identity struct {
	// ID is the stable id of the user ("@id" in Data).
	ID string

	// Login is the name that the user logs in with. It may change, and some
	// platforms do not tell it.
	Login string

	// Data is all that the platform tells about the user. It must not be
	// changed.
	Data map[string]any
}

// User returns whose token t is.
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

// OAuth2 returns t as the type of golang.org/x/oauth2. Its Extra knows
// "session_id" and "data". It shows its secrets when it is printed.
func (t *Token) OAuth2() *oauth2.Token {
	other := &oauth2.Token{AccessToken: t.AccessToken, TokenType: "Bearer", RefreshToken: t.RefreshToken, Expiry: t.Expiry}
	return other.WithExtra(map[string]any{"session_id": t.SessionID, "data": t.Data})
}

// UnmarshalJSON reads a token that was kept as JSON.
func (t *Token) UnmarshalJSON(kept []byte) error {
	type plain Token // without this method
	d := json.NewDecoder(bytes.NewReader(kept))
	d.UseNumber()
	var read plain
	if d.Decode(&read) != nil {
		// The text of the error may quote a token.
		return errors.New("oauth: a token that was kept cannot be read: it is not the JSON of one")
	}
	*t = Token(read)
	return nil
}

// String names the user and the time, and never a secret.
func (t Token) String() string {
	if t.Expiry.IsZero() {
		return fmt.Sprintf("oauth.Token{user %q}", t.User().ID)
	}
	return fmt.Sprintf("oauth.Token{user %q, until %s}", t.User().ID, t.Expiry.Format(time.RFC3339))
}

// GoString is String: %#v must not show the secrets either.
func (t Token) GoString() string { return t.String() }

// LogValue makes a logged Token its String.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// skew is by how much the clocks of two machines with one session store may
// differ.
const skew = time.Minute

// due reports whether t should be refreshed: ahead of its end, but not in the
// first half of its life, or when the clock was put back since it was issued,
// as its end on that clock is not known then.
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

// expired reports whether the access token is of no use any more.
func (t *Token) expired(now time.Time) bool {
	return t.AccessToken == "" || !t.Expiry.IsZero() && !now.Before(t.Expiry)
}
