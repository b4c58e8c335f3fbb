package oauth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

var secretToken = Token{
	AccessToken: "hush-access", RefreshToken: "hush-refresh", SessionID: "hush-session",
	Issued: localTime.UTC(), Expiry: localTime.Add(time.Hour).UTC(), RefreshExpiry: localTime.Add(24 * time.Hour).UTC(),
	Data: map[string]any{"@id": "42", "login": "joe", "phone": "hush-phone", "n": json.Number("9007199254740993")},
}

func TestPrintedAndLoggedTokenShowsNoSecret(t *testing.T) {
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("login", "token", secretToken, "pointer", &secretToken, "in", struct{ T any }{"none"})
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		fmt.Fprintf(&out, format+"\n", secretToken)
		fmt.Fprintf(&out, format+"\n", &secretToken)
		fmt.Fprintf(&out, format+"\n", []Token{secretToken})
		fmt.Fprintf(&out, format+"\n", struct{ T Token }{secretToken})
		fmt.Fprintf(&out, format+"\n", map[string]*Token{"joe": &secretToken}["joe"])
	}
	if strings.Contains(out.String(), "hush") {
		t.Errorf("a secret is shown:\n%s", &out)
	}
	if got := secretToken.String(); !strings.HasPrefix(got, `oauth.Token{user "42", until 2026-`) {
		t.Errorf("printed as %s", got)
	}
	if got := (Token{}).String(); got != `oauth.Token{user ""}` {
		t.Errorf("an empty one is printed as %s", got)
	}
}

func TestTokenIsTheSameAfterItWasKept(t *testing.T) {
	kept, err := json.Marshal(secretToken)
	if err != nil {
		t.Fatal(err)
	}
	var got Token
	if err := json.Unmarshal(kept, &got); err != nil {
		t.Fatal(err)
	}
	if got.Data["n"] != json.Number("9007199254740993") {
		t.Errorf("the number lost digits: %v", got.Data["n"])
	}
	if again, _ := json.Marshal(&got); string(again) != string(kept) {
		t.Errorf("kept as %s, then as %s", kept, again)
	}
	if empty, _ := json.Marshal(Token{AccessToken: "a"}); string(empty) != `{"access_token":"a"}` {
		t.Errorf("what is not known is kept: %s", empty)
	}
}

func TestKeptTokenThatIsBrokenIsNotQuoted(t *testing.T) {
	got := Token{AccessToken: "before"}
	for _, kept := range []string{`{"access_token":7}`, `{"expiry":"hush-hush"}`, `"hush-hush"`, `[]`} {
		err := json.Unmarshal([]byte(kept), &got)
		if err == nil || strings.Contains(err.Error(), "hush") || got.AccessToken != "before" {
			t.Errorf("%s gives %v and %q", kept, err, got.AccessToken)
		}
	}
}

func TestOAuth2TokenHasAllThatWeKnow(t *testing.T) {
	got := secretToken.OAuth2()
	if got.AccessToken != "hush-access" || got.RefreshToken != "hush-refresh" || got.Type() != "Bearer" || !got.Expiry.Equal(secretToken.Expiry) {
		t.Errorf("got %+v", got)
	}
	if got.Extra("session_id") != "hush-session" || got.Extra("data").(map[string]any)["login"] != "joe" {
		t.Errorf("the extra is %v and %v", got.Extra("session_id"), got.Extra("data"))
	}
}

func TestTokenIsDueAheadOfItsEndAndNotBeforeHalfItsLife(t *testing.T) {
	start := localTime
	token := func(life time.Duration) *Token {
		return &Token{AccessToken: "a", Issued: start, Expiry: start.Add(life)}
	}
	unissued := &Token{AccessToken: "a", Expiry: start.Add(time.Hour)}
	for _, row := range []struct {
		name         string
		token        *Token
		at           time.Duration
		due, expired bool
	}{
		{"new", token(time.Hour), 0, false, false},
		{"just before", token(time.Hour), 59*time.Minute - 1, false, false},
		{"ahead of the end", token(time.Hour), 59 * time.Minute, true, false},
		{"at the end", token(time.Hour), time.Hour, true, true},
		{"long over", token(time.Hour), 48 * time.Hour, true, true},
		{"short life, first half", token(10 * time.Second), 5*time.Second - 1, false, false},
		{"short life, second half", token(10 * time.Second), 5 * time.Second, true, false},
		{"over when it came", token(-time.Hour), 0, true, true},
		{"end not known", &Token{AccessToken: "a", Issued: start}, 1000 * time.Hour, false, false},
		{"nothing known but the end", unissued, 59 * time.Minute, true, false},
		{"nothing known but the end, early", unissued, 58 * time.Minute, false, false},
		{"clock of another machine", token(time.Hour), -time.Minute, false, false},
		{"clock put back", token(time.Hour), -2 * time.Hour, true, false},
		{"empty", &Token{}, 0, true, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			now := start.Add(row.at)
			if got := row.token.due(now, time.Minute); got != row.due {
				t.Errorf("due: %v", got)
			}
			if got := row.token.expired(now); got != row.expired {
				t.Errorf("expired: %v", got)
			}
		})
	}
}
