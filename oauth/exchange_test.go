package oauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/shopex/prism-go"
)

// otherPlatform answers as ours does not, and keeps what it was asked.
type otherPlatform struct {
	*httptest.Server
	mu    sync.Mutex // guards asked
	asked []url.Values
	path  []string
	auth  []string
}

func newOther(t testing.TB, answer http.HandlerFunc) *otherPlatform {
	o := &otherPlatform{}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		o.mu.Lock()
		o.asked = append(o.asked, r.PostForm)
		o.path = append(o.path, r.Method+" "+r.URL.Path)
		o.auth = append(o.auth, r.Header.Get("Authorization"))
		o.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *otherPlatform) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.asked)
}

// says answers with a status and a body.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func TestAuthCodeURLNamesTheKeyTheCallbackAndTheOptions(t *testing.T) {
	l := newLogin(t, "https://example.com/prism/api/", Config{CallbackURL: sampleBack + "?site=7"})
	u, err := url.Parse(l.AuthCodeURL("the state", oauth2.S256ChallengeOption("verifier"), oauth2.SetAuthURLParam("view", "mobile")))
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"client_id": {sampleKey}, "redirect_uri": {sampleBack + "?site=7"}, "response_type": {"code"}, "state": {"the state"}, "view": {"mobile"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier("verifier")}, "code_challenge_method": {"S256"},
	}
	if u.Host != "example.com" || u.Path != "/prism/oauth/authorize" || u.Query().Encode() != want.Encode() {
		t.Errorf("got %s", u)
	}
}

func TestLogoutURLNamesWhereToReturn(t *testing.T) {
	l := newLogin(t, "https://example.com/api", Config{CallbackURL: sampleBack})
	for returnTo, want := range map[string]string{
		"":                               "https://example.com/oauth/logout",
		"https://shop.example/bye?a=b&c": "https://example.com/oauth/logout?client_id=buwb2lii&redirect_uri=https%3A%2F%2Fshop.example%2Fbye%3Fa%3Db%26c",
	} {
		if got := l.LogoutURL(returnTo); got != want {
			t.Errorf("%q: got %s", returnTo, got)
		}
	}
}

func TestExchangeSendsTheCodeItsCallbackAndItsVerifier(t *testing.T) {
	o := newOther(t, says(200, `{"access_token":"a"}`))
	l := newLogin(t, o.URL+"/api", Config{CallbackURL: sampleBack})
	_, err := l.Exchange(t.Context(), "the code", oauth2.VerifierOption("the verifier"), oauth2.SetAuthURLParam("grant_type", "other"), oauth2.SetAuthURLParam("client_id", "other"))
	if err != nil {
		t.Fatal(err)
	}
	got := o.asked[0]
	for name, want := range map[string]string{
		"grant_type": "authorization_code", "code": "the code", "redirect_uri": sampleBack, "code_verifier": "the verifier",
		"client_id": sampleKey, "response_type": "", "client_secret": "",
	} {
		if got.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Get(name), want)
		}
	}
	if got.Get("sign") == "" || o.path[0] != "POST /oauth/token" || o.auth[0] != "" {
		t.Errorf("asked %s by %v, as %q", o.path[0], got, o.auth[0])
	}
}

func TestRefreshSendsTheTokenAndKeepsWhatDidNotChange(t *testing.T) {
	for body, want := range map[string]string{
		`{"access_token":"a","refresh_token":"new"}`:                         "new",
		`{"access_token":"a"}`:                                               "old",
		`{"result":{"access_token":"a","refresh_token":"new"},"error":null}`: "new",
	} {
		o := newOther(t, says(200, body))
		got, err := newLogin(t, o.URL, Config{CallbackURL: sampleBack}).Refresh(t.Context(), "old")
		if err != nil || got.RefreshToken != want || got.AccessToken != "a" {
			t.Errorf("%s: got %v, %v", body, got, err)
		}
		if asked := o.asked[0]; asked.Get("grant_type") != "refresh_token" || asked.Get("refresh_token") != "old" || asked.Has("code") {
			t.Errorf("asked %v", asked)
		}
	}
}

// The local clock is two days behind the platform's, or is right, or the
// platform does not tell its time.
func TestLifeOfATokenDoesNotDependOnTheLocalClock(t *testing.T) {
	for _, now := range []time.Time{localTime, platformTime, platformTime.Add(48 * time.Hour)} {
		for _, form := range []string{`%d`, `"%d"`} {
			body := fmt.Sprintf(`{"access_token":"a","expires_in":`+form+`,"refresh_expires":86400}`, platformTime.Add(time.Hour).Unix())
			o := newOther(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Date", platformTime.Format(http.TimeFormat))
				io.WriteString(w, body)
			})
			l := newLogin(t, o.URL, Config{CallbackURL: sampleBack, Now: func() time.Time { return now }})
			got, err := l.Refresh(t.Context(), "r")
			if err != nil || got.Expiry.Sub(now) != time.Hour || got.RefreshExpiry.Sub(now) != 24*time.Hour || !got.Issued.Equal(now) {
				t.Errorf("at %v: %v, %v", now, got, err)
			}
		}
	}
}

func TestWithoutADateTheLocalClockIsBelieved(t *testing.T) {
	o := newOther(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		fmt.Fprintf(w, `{"access_token":"a","expires_in":%d}`, platformTime.Add(time.Hour).Unix())
	})
	l := newLogin(t, o.URL, Config{CallbackURL: sampleBack, Now: func() time.Time { return platformTime }})
	got, err := l.Refresh(t.Context(), "r")
	if err != nil || got.Expiry.Sub(platformTime) != time.Hour {
		t.Errorf("got %v, %v", got, err)
	}
}

// Each row is an answer to a code, a refresh token and a session id, and
// whether it says that these are no good.
func TestRefusalsAreToldFromTrouble(t *testing.T) {
	for _, row := range []struct {
		status  int
		body    string
		refused bool
	}{
		{400, `{"error":"invalid_grant","error_description":"the code is used"}`, true},
		{401, `{"error":"invalid_grant","message":"the code is used"}`, true},
		{200, `{"error":"invalid_grant","error_description":"the code is used"}`, true},
		{400, `{"result":null,"error":{"code":"invalid_session","message":"over"}}`, true},
		{200, `{"result":null,"error":{"code":"session_not_found","message":"over"}}`, true},
		{404, `{"result":null,"error":{"code":"session_not_found","message":"over"}}`, true},
		{200, `{"result":null,"error":"the session does not exist"}`, true},
		{400, `{"error":"the session does not exist"}`, true},
		{401, `{"error":{"code":"token_expired","message":"over"}}`, true},
		{200, `{"rsp":"fail","res":"e0042","err_msg":"over"}`, true},

		{401, `{"error":"invalid_sign","error_description":"x"}`, false},
		{401, `{"error":"invalid_client","error_description":"x"}`, false},
		{401, `{"result":null,"error":{"code":"unknown_key","message":"x"}}`, false},
		{401, `{"result":null,"error":{"code":"invalid_secret","message":"x"}}`, false},
		{403, `{"result":null,"error":{"code":"forbidden","message":"x"}}`, false},
		{404, `{"result":null,"error":{"code":"unknown_api","message":"x"}}`, false},
		{200, `{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":"1"}`, false},
		{200, `{"jsonrpc":"2.0","error":{"code":-32603,"message":"Internal error"},"id":"1"}`, false},
		{408, `{"error":"invalid_grant"}`, false},
		{429, `{"error":"invalid_grant"}`, false},
		{500, `{"error":"invalid_grant"}`, false},
		{503, `{"result":null,"error":{"code":"invalid_session","message":"x"}}`, false},
		{200, `{"result":null,"error":{"code":"internal_error","message":"x"}}`, false},
		{302, ``, false},
		{400, `<html>Bad Request</html>`, false},
		{400, ``, false},
		{401, `who are you?`, false},
		{403, `<html>firewall</html>`, false},
		{404, `404 page not found`, false},
		{502, `<html>Bad Gateway</html>`, false},
	} {
		t.Run(fmt.Sprintf("%d %s", row.status, row.body), func(t *testing.T) {
			o := newOther(t, says(row.status, row.body))
			l := newOnce(t, o.URL+"/api", nil)
			for name, err := range askAll(t.Context(), l) {
				want := ErrLoginRequired
				if name == "check" {
					want = ErrSessionEnded
				}
				if errors.Is(err, want) != row.refused {
					t.Errorf("%s: %v", name, err)
				}
				var answered *prism.Error
				if !errors.As(err, &answered) || answered.Status != row.status {
					t.Errorf("%s: the platform's own error is out of reach: %v", name, err)
				}
				if !strings.HasPrefix(err.Error(), "oauth: ") {
					t.Errorf("%s: the error does not say whose it is: %v", name, err)
				}
			}
		})
	}
}

// newOnce returns a Login whose client tries once.
func newOnce(t testing.TB, server string, log *slog.Logger) *Login {
	t.Helper()
	client, err := prism.New(prism.Config{Server: server, Key: sampleKey, Secret: sampleSecret, Retry: prism.Retry{Tries: 1}, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	l, err := New(client, Config{CallbackURL: sampleBack})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// askAll makes each of the calls.
func askAll(ctx context.Context, l *Login) map[string]error {
	_, code := l.Exchange(ctx, "hush-code", oauth2.VerifierOption("hush-verifier"))
	_, refresh := l.Refresh(ctx, "hush-refresh")
	return map[string]error{"code": code, "refresh": refresh, "check": l.CheckSession(ctx, "hush-session")}
}

func TestAnswersOfNoUseLeaveItOpen(t *testing.T) {
	for _, body := range []string{``, `null`, `{}`, `[]`, `"yes"`, `<html>Welcome to the hotel</html>`, `{"result":null,"error":null}`, `{"result":"hush","error":null}`, `{"result":{},"error":null}`} {
		o := newOther(t, says(200, body))
		for name, err := range askAll(t.Context(), newOnce(t, o.URL, nil)) {
			if err == nil || errors.Is(err, ErrLoginRequired) || errors.Is(err, ErrSessionEnded) || strings.Contains(err.Error(), "hush") {
				t.Errorf("%s to %s: %v", body, name, err)
			}
		}
	}
}

func TestUnreachablePlatformLeavesItOpen(t *testing.T) {
	o := newOther(t, nil)
	o.Close()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, ctx := range []context.Context{t.Context(), ended} {
		for name, err := range askAll(ctx, newOnce(t, o.URL, nil)) {
			if err == nil || errors.Is(err, ErrLoginRequired) || errors.Is(err, ErrSessionEnded) {
				t.Errorf("%s: %v", name, err)
			}
			if ctx == ended && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: the end of the context is out of reach: %v", name, err)
			}
		}
	}
}

func TestNothingIsAskedWithoutACodeATokenOrASession(t *testing.T) {
	o := newOther(t, says(200, `{"access_token":"a"}`))
	l := newLogin(t, o.URL, Config{CallbackURL: sampleBack})
	_, code := l.Exchange(t.Context(), "")
	_, refresh := l.Refresh(t.Context(), "")
	check := l.CheckSession(t.Context(), "")
	if code == nil || !errors.Is(refresh, ErrLoginRequired) || check == nil || errors.Is(check, ErrSessionEnded) {
		t.Errorf("got %v, %v, %v", code, refresh, check)
	}
	if o.count() != 0 {
		t.Errorf("asked %v", o.asked)
	}
}

// A server that takes the call and breaks the connection may have rotated the
// token. The second try would present the old one, by which a platform ends
// the whole login.
func TestCallThatMayHaveRotatedATokenIsNotRepeated(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"connection broken": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"bad gateway":       says(502, ""),
		"unavailable":       says(503, ""),
		"gateway timeout":   says(504, ""),
		"half an answer": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, `{"access_token":`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOther(t, answer)
			l := newLogin(t, o.URL, Config{CallbackURL: sampleBack})
			if _, err := l.Refresh(t.Context(), "r"); err == nil || errors.Is(err, ErrLoginRequired) {
				t.Errorf("refresh: %v", err)
			}
			if _, err := l.Exchange(t.Context(), "c"); err == nil || errors.Is(err, ErrLoginRequired) {
				t.Errorf("exchange: %v", err)
			}
			if n := o.count(); n != 2 {
				t.Errorf("two calls were sent %d times", n)
			}
		})
	}
}

func TestSessionCheckIsRepeatedAndSentWithoutTheUser(t *testing.T) {
	tries := 0
	o := newOther(t, func(w http.ResponseWriter, r *http.Request) {
		if tries++; tries == 1 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		io.WriteString(w, `{"result":true,"error":null}`)
	})
	l := newLogin(t, o.URL+"/api", Config{CallbackURL: sampleBack})
	if err := l.CheckSession(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	if o.count() != 2 || o.path[1] != "POST /api/platform/oauth/session_check" || o.asked[1].Get("session_id") != "s" || o.auth[1] != "" {
		t.Errorf("asked %v %v, as %q", o.path, o.asked, o.auth)
	}
}

func TestSessionThatIsNotTrueHasEnded(t *testing.T) {
	o := newOther(t, says(200, `{"result":false,"error":null}`))
	if err := newLogin(t, o.URL, Config{CallbackURL: sampleBack}).CheckSession(t.Context(), "s"); !errors.Is(err, ErrSessionEnded) {
		t.Errorf("got %v", err)
	}
}

func TestASessionIsTrueHoweverThePlatformWritesIt(t *testing.T) {
	for answer, want := range map[string]error{
		`{"result":1,"error":""}`: nil, `{"result":"1"}`: nil, `{"result":true,"error":{"code":"","message":""}}`: nil,
		`{"result":0,"error":""}`: ErrSessionEnded, `{"result":"0","error":null}`: ErrSessionEnded,
	} {
		o := newOther(t, says(200, answer))
		if err := newLogin(t, o.URL, Config{CallbackURL: sampleBack}).CheckSession(t.Context(), "s"); !errors.Is(err, want) {
			t.Errorf("%s: %v", answer, err)
		}
	}
	for _, answer := range []string{`<html>back soon`, ``, `{"result":null,"error":null}`, `{"result":{}}`, `{"error":{"code":"0040301","message":"sign"}}`} {
		o := newOther(t, says(200, answer))
		if err := newLogin(t, o.URL, Config{CallbackURL: sampleBack}).CheckSession(t.Context(), "s"); err == nil || errors.Is(err, ErrSessionEnded) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

// A server that repeats all it was told, in each way to fail.
func TestSecretsAreInNoErrorAndNoRecord(t *testing.T) {
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, format := range []string{
		`{"error":"invalid_grant","error_description":%q}`, `{"result":null,"error":{"code":%[1]q,"message":%[1]q}}`, `%s`, `<html>%s</html>`,
		`{"access_token":["%s"]}`, `{"result":%q,"error":null}`,
	} {
		for _, status := range []int{200, 302, 400, 401, 404, 429, 500, 503} {
			o := newOther(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "http://example.com/?"+r.PostForm.Encode())
				w.WriteHeader(status)
				fmt.Fprintf(w, format, r.PostForm.Encode())
			})
			for name, err := range askAll(t.Context(), newOnce(t, o.URL, logger)) {
				if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "hush") || strings.Contains(err.Error(), sampleSecret) {
					t.Errorf("%d %s to %s: %v", status, format, name, err)
				}
			}
		}
	}
	if strings.Contains(log.String(), "hush") || strings.Contains(log.String(), sampleSecret) {
		t.Errorf("the log shows a secret:\n%s", &log)
	}
}

func checkRefused(t *testing.T, err error, code string) {
	t.Helper()
	var answered *prism.Error
	if !errors.Is(err, ErrLoginRequired) || !errors.As(err, &answered) || answered.Code != code {
		t.Errorf("got %v, want a refusal by %s", err, code)
	}
}
