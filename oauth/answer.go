package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/shopex/prism-go"
)

// answer is the platform's answer to a code or a refresh token. Its members are
// raw because platforms send them in several forms.
type answer struct {
	AccessToken    json.RawMessage `json:"access_token"`
	RefreshToken   json.RawMessage `json:"refresh_token"`
	SessionID      json.RawMessage `json:"session_id"`
	ExpiresIn      json.RawMessage `json:"expires_in"`
	RefreshExpires json.RawMessage `json:"refresh_expires"`
	Data           json.RawMessage `json:"data"`
}

// readToken reads the answer to a request that was sent at began, on the local
// clock.
func readToken(res *prism.Response, began time.Time) (*Token, error) {
	var raw json.RawMessage
	if err := res.Decode(&raw); err != nil {
		return nil, err
	}
	date, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		date = began // the best estimate of the platform's clock
	}
	return decodeToken(raw, date, began)
}

// decodeToken converts times of the platform's clock, which showed date, to the
// local clock, which showed began. Its errors do not quote the answer, which
// contains the tokens.
func decodeToken(raw []byte, date, began time.Time) (*Token, error) {
	var a answer
	if json.Unmarshal(raw, &a) != nil {
		return nil, errors.New("oauth: no token: the platform's answer is not a JSON object: check that Config.Server of the client is the address of the platform's API")
	}
	access := text(a.AccessToken)
	if access == "" {
		return nil, errors.New("oauth: no token: the platform's answer has no access_token")
	}
	began = began.Round(0).UTC() // so that it equals itself after it was stored
	return &Token{
		AccessToken:   access,
		RefreshToken:  text(a.RefreshToken),
		SessionID:     text(a.SessionID),
		Issued:        began,
		Expiry:        expiryOf(a.ExpiresIn, date, began),
		RefreshExpiry: expiryOf(a.RefreshExpires, date, began),
		Data:          object(a.Data),
	}, nil
}

const (
	// A smaller number is a number of seconds; no Unix time of the platform is smaller.
	leastUnix = 10 * 365 * 24 * 60 * 60
	// A longer life counts as one without an end.
	longestLife = 100 * 365 * 24 * time.Hour
)

// expiryOf returns the time that raw stands for: a Unix time on the platform's clock
// (protocol chapter 4) or, from other platforms, a number of seconds from now.
// Either may be a string. It is zero if there is none.
func expiryOf(raw json.RawMessage, date, began time.Time) time.Time {
	n, err := strconv.ParseFloat(text(raw), 64)
	if err != nil || !(n >= 1) {
		return time.Time{}
	}
	if n >= leastUnix {
		n -= float64(date.Unix()) // the remaining life; negative if it is over
	}
	if n > longestLife.Seconds() {
		return time.Time{}
	}
	n = max(n, -longestLife.Seconds()) // a Duration cannot be much longer
	return began.Add(time.Duration(n) * time.Second)
}

// text returns the content of a string or the digits of a number, and "" for
// anything else.
func text(raw json.RawMessage) string {
	var s string
	var n json.Number
	switch {
	case json.Unmarshal(raw, &s) == nil:
		return s
	case json.Unmarshal(raw, &n) == nil:
		return n.String()
	}
	return ""
}

// object returns a JSON object, and nil for anything else: PHP writes an empty
// object as [].
func object(raw json.RawMessage) map[string]any {
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&m) != nil {
		return nil
	}
	return m
}
