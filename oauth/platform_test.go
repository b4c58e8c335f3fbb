package oauth

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
)

// A realLogin is at a platform of our own, with the user joe.
type realLogin struct {
	*Login
	srv     *prismtest.Server
	browser *http.Client
}

const realBack = "http://127.0.0.1/auth/callback"

func newReal(t *testing.T, change func(*Config)) *realLogin {
	srv := prismtest.NewServer(t)
	srv.AddUser(platform.User{ID: "42", Login: "joe", Data: map[string]string{"shop": "tea"}}, "open sesame")
	srv.AllowRedirect(realBack)
	cfg := Config{CallbackURL: realBack}
	if change != nil {
		change(&cfg)
	}
	l, err := New(srv.Client(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	browser := srv.Browser()
	browser.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/auth/callback" {
			return http.ErrUseLastResponse // nobody is there
		}
		return nil
	}
	return &realLogin{l, srv, browser}
}

// code walks through the platform's login to the callback.
func (l *realLogin) code(t *testing.T, opts ...oauth2.AuthCodeOption) string {
	t.Helper()
	resp := l.srv.SignIn(l.browser, l.AuthCodeURL("the-state", opts...), "joe", "open sesame")
	back, err := resp.Location()
	if err != nil || !strings.HasPrefix(back.String(), realBack) || back.Query().Get("state") != "the-state" {
		t.Fatalf("the platform sends back to %v (%s, %v)", back, resp.Status, err)
	}
	return back.Query().Get("code")
}

func (l *realLogin) token(t *testing.T) *Token {
	t.Helper()
	token, err := l.Exchange(t.Context(), l.code(t))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestCodeOfTheRealPlatformBecomesATokenOnce(t *testing.T) {
	l := newReal(t, nil)
	code := l.code(t, oauth2.S256ChallengeOption("a-verifier-of-more-than-forty-three-characters"))
	token, err := l.Exchange(t.Context(), code, oauth2.VerifierOption("a-verifier-of-more-than-forty-three-characters"))
	if err != nil {
		t.Fatal(err)
	}
	if user := token.User(); user.ID != "42" || user.Login != "joe" || user.Data["shop"] != "tea" {
		t.Errorf("the user is %+v", user)
	}
	if life := time.Until(token.Expiry); life < 59*time.Minute || life > time.Hour+time.Second {
		t.Errorf("the token lives for %v", life)
	}
	if life := time.Until(token.RefreshExpiry); life < 29*24*time.Hour {
		t.Errorf("the refresh token lives for %v", life)
	}
	if got := l.whoami(t, token.AccessToken); got != "joe" {
		t.Errorf("the API knows the user as %q", got)
	}
	if err := l.CheckSession(t.Context(), token.SessionID); err != nil {
		t.Errorf("the session: %v", err)
	}
	_, err = l.Exchange(t.Context(), code, oauth2.VerifierOption("a-verifier-of-more-than-forty-three-characters"))
	checkRefused(t, err, "invalid_grant")
}

func (l *realLogin) whoami(t *testing.T, access string) string {
	t.Helper()
	res, err := l.srv.Client().WithToken(access).Get(t.Context(), "platform/oauth/user", nil)
	if err != nil {
		return err.Error()
	}
	var user struct{ Login string }
	if err := res.Decode(&user); err != nil {
		t.Fatal(err)
	}
	return user.Login
}

func TestRealPlatformRefusesWhatIsNotItsOwn(t *testing.T) {
	l := newReal(t, nil)
	_, err := l.Exchange(t.Context(), "no-such-code")
	checkRefused(t, err, "invalid_grant")
	_, err = l.Exchange(t.Context(), l.code(t, oauth2.S256ChallengeOption("a-verifier-of-more-than-forty-three-characters")))
	if !errors.Is(err, ErrLoginRequired) {
		t.Errorf("without the verifier: %v", err)
	}
	_, err = l.Refresh(t.Context(), "no-such.token")
	checkRefused(t, err, "invalid_grant")
	if err := l.CheckSession(t.Context(), "no-such-session"); !errors.Is(err, ErrSessionEnded) {
		t.Errorf("the session: %v", err)
	}
}

func TestRealRefreshTokenRotatesAndTheOldOneIsRefused(t *testing.T) {
	l := newReal(t, nil)
	first := l.token(t)
	second, err := l.Refresh(t.Context(), first.RefreshToken)
	if err != nil || second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken || second.User().ID != "42" || second.SessionID != first.SessionID {
		t.Fatalf("got %v, %v", second, err)
	}
	_, err = l.Refresh(t.Context(), first.RefreshToken)
	checkRefused(t, err, "invalid_grant")
}

func TestSignOutElsewhereEndsTheSession(t *testing.T) {
	l := newReal(t, nil)
	token := l.token(t)
	l.srv.SignOut(l.browser)
	err := l.CheckSession(t.Context(), token.SessionID)
	var answered *prism.Error
	if !errors.Is(err, ErrSessionEnded) || !errors.As(err, &answered) || answered.Code != "invalid_session" {
		t.Errorf("got %v", err)
	}
	_, err = l.Refresh(t.Context(), token.RefreshToken)
	checkRefused(t, err, "invalid_grant")
}

// The client's clock stays behind by two days. Its signatures are corrected by
// package prism, the life of its tokens here.
func TestRealPlatformWhoseClockIsTwoDaysOn(t *testing.T) {
	l := newReal(t, nil)
	l.srv.Advance(48 * time.Hour)
	token := l.token(t)
	if life := time.Until(token.Expiry); life < 59*time.Minute || life > time.Hour+time.Second {
		t.Errorf("the token lives for %v", life)
	}
	if token.due(time.Now(), time.Minute) || !token.due(time.Now().Add(time.Hour), time.Minute) {
		t.Error("the token is due at another time")
	}
	l.srv.Advance(31 * 24 * time.Hour)
	_, err := l.Refresh(t.Context(), token.RefreshToken)
	checkRefused(t, err, "invalid_grant")
}

func TestLogoutURLLeadsBackFromTheRealPlatform(t *testing.T) {
	l := newReal(t, nil)
	token := l.token(t)
	resp, err := l.browser.Get(l.LogoutURLFor(token, realBack))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if back, _ := resp.Location(); back == nil || back.String() != realBack {
		t.Errorf("sent to %v with %s", back, resp.Status)
	}
	if err := l.CheckSession(t.Context(), token.SessionID); !errors.Is(err, ErrSessionEnded) {
		t.Errorf("the session: %v", err)
	}
}

func TestTokenOfTheRealPlatformCanBeKept(t *testing.T) {
	l := newReal(t, nil)
	kept, err := json.Marshal(l.token(t))
	if err != nil {
		t.Fatal(err)
	}
	var token Token
	if err := json.Unmarshal(kept, &token); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Refresh(t.Context(), token.RefreshToken); err != nil {
		t.Error(err)
	}
}
