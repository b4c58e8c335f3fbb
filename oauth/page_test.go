package oauth

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestErrorPagesSpeakTheVisitorsLanguage(t *testing.T) {
	l := newLogin(t, "http://127.0.0.1:1/api", Config{CallbackURL: sampleBack, AfterLogin: "/start?a=b&c"})
	for _, reason := range []Reason{ReasonStateMissing, ReasonStateInvalid, ReasonAccessDenied, ReasonCodeMissing, ReasonCodeRefused, ReasonPlatformFailed, ReasonLoginLooped, ReasonStoreFailed} {
		for _, language := range []string{"zh", "en"} {
			w := httptest.NewRecorder()
			r := httptest.NewRequest("GET", "/auth/callback", nil)
			r.Header.Set("Accept-Language", language+"-XX,fr;q=0.5")
			l.fail(w, r, &LoginError{Reason: reason})
			page := w.Body.String()
			for _, part := range []string{`<html lang="` + language + `">`, html.EscapeString(texts[language].reasons[reason]), `href="/start?a=b&amp;c"`, `role="alert"`} {
				if part == "" || !strings.Contains(strings.ReplaceAll(page, "&#39;", "'"), strings.ReplaceAll(part, "&#39;", "'")) {
					t.Errorf("%s, %s: lacks %q:\n%s", reason, language, part, page)
				}
			}
			if texts[language].reasons[reason] == "" {
				t.Errorf("%s: no words in %s", reason, language)
			}
		}
	}
}

func TestErrorPagesLeadBackToThePageThatFailed(t *testing.T) {
	l := newLogin(t, "http://127.0.0.1:1/api", Config{CallbackURL: sampleBack, AfterLogin: "/start"})
	for _, row := range []struct{ method, target, want string }{
		{"GET", "/orders?a=b&c=%22", "/orders?a=b&amp;c=%22"},
		{"GET", "//evil.example/x", "/evil.example/x"},
		{"GET", "/auth/callback?state=x", "/start"},
		{"POST", "/logout", "/start"},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(row.method, "/", nil)
		u, err := url.ParseRequestURI(row.target)
		if err != nil {
			t.Fatal(err)
		}
		r.URL = u
		if l.fail(w, r, &LoginError{Reason: ReasonPlatformFailed}); !strings.Contains(w.Body.String(), `href="`+row.want+`"`) {
			t.Errorf("%s: %s", row.target, w.Body)
		}
	}
}

func TestErrorPagesLetNothingIn(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.srv.Browser()
	address := s.wentBack(browser, "/x")
	for _, forged := range []string{
		s.url + "/callback?state=<script>alert(1)</script>",
		address + "&error=<script>alert(1)</script>&error_description=<b>call%200900</b>",
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", strings.NewReplacer("<", "%3C", ">", "%3E").Replace(forged), nil)
		s.login.Callback().ServeHTTP(w, r)
		if page := w.Body.String(); strings.Contains(page, "alert(1)") || strings.Contains(page, "0900") {
			t.Errorf("the page quotes the address: %s", page)
		}
		h := w.Header()
		csp := h.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "style-src 'sha256-"} {
			if !strings.Contains(csp, part) {
				t.Errorf("the policy %q lacks %s", csp, part)
			}
		}
		for name, want := range map[string]string{
			"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cache-Control": "no-store", "Content-Type": "text/html; charset=utf-8",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
	}
}

func TestOwnErrorPageIsShownInstead(t *testing.T) {
	s := newShop(t, newPlatform(t), func(c *Config) {
		c.ErrorPage = func(w http.ResponseWriter, r *http.Request, err error) {
			http.Error(w, "sorry: "+string(reasonOf(err)), http.StatusTeapot)
		}
	})
	status, body := s.get(s.srv.Browser(), "/callback")
	if status != http.StatusTeapot || body != "sorry: state_missing\n" {
		t.Errorf("got %d %q", status, body)
	}
	s.wantReasons(ReasonStateMissing)
}

func TestLanguageIsTheOneThatIsPreferred(t *testing.T) {
	for accept, want := range map[string]string{
		"":                                 "en",
		"zh":                               "zh",
		"zh-CN,zh;q=0.9,en;q=0.8":          "zh",
		"ZH-hant":                          "zh",
		"en-US,en;q=0.9,zh;q=0.8":          "en",
		"fr-FR, zh;q=0.3, en;q=0.2":        "zh",
		"en;q=0.2,zh;q=0.3":                "zh",
		"zh;q=0,en;q=0.1":                  "en",
		"zh;q=0":                           "en",
		"zh;q=nonsense":                    "en",
		"zh;q=NaN,zh;q=2":                  "en",
		"zhx":                              "en",
		";;;,,,=":                          "en",
		"de":                               "en",
		"*":                                "en",
		" zh ; q=0.9 , en ; q=0.8":         "zh",
		strings.Repeat("zh;q=0.1,", 10000): "zh",
	} {
		if got := languageOf(accept); got != want {
			t.Errorf("%.40q: got %s, want %s", accept, got, want)
		}
	}
}

func FuzzLanguageIsOneThatWeSpeak(f *testing.F) {
	f.Add("zh-CN,zh;q=0.9,en;q=0.8")
	f.Add("en;q=1e309")
	f.Fuzz(func(t *testing.T, accept string) {
		got := languageOf(accept)
		if _, known := texts[got]; !known {
			t.Errorf("%q gives %q", accept, got)
		}
		if !strings.Contains(strings.ToLower(accept), "zh") && got == "zh" {
			t.Errorf("%q gives zh", accept)
		}
	})
}

// What a visitor cannot guess must not be told to anyone.
func TestLoginsShowNoSecretToAnyone(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	var secrets []string
	s.wire.set(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if r.GetBody != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			body, _ := r.GetBody()
			form, _ := readForm(body)
			for _, name := range []string{"code", "code_verifier", "refresh_token", "session_id", "sign"} {
				if v := form.Get(name); v != "" {
					secrets = append(secrets, v)
				}
			}
		}
		return next.RoundTrip(r)
	})
	browser := s.srv.Browser()
	address := s.wentBack(browser, "/x")
	s.get(browser, address)
	s.get(s.srv.Browser(), address)
	for _, forged := range []string{"&error=denied&error_description=x", "&code=invented"} {
		other := s.srv.Browser()
		s.get(other, s.wentBack(other, "/x")+forged)
	}
	s.advance(2 * defaultCheckEvery)
	s.wantPage(browser, joe, "/y")
	s.advance(29 * 60 * 1e9)
	s.wantPage(browser, joe, "/y")
	s.advance(29 * 60 * 1e9)
	s.wantPage(browser, joe, "/y")
	s.srv.SignOut(browser)
	s.advance(2 * defaultCheckEvery)
	s.wantLogin(browser, "/y")
	u, _ := http.NewRequest("GET", address, nil)
	secrets = append(secrets, u.URL.Query().Get("state"), u.URL.Query().Get("code"), s.srv.Secret(), password)
	for _, tok := range s.tokens {
		secrets = append(secrets, tok.AccessToken, tok.RefreshToken, tok.SessionID)
	}
	for _, c := range browser.Jar.Cookies(u.URL) {
		secrets = append(secrets, strings.Split(c.Value, ".")[0])
	}
	shown := s.logged.String() + strings.Join(s.pages, "\n")
	for _, err := range s.errs {
		shown += err.Error() + "\n"
	}
	if len(secrets) < 15 || len(shown) < 2000 || len(s.errs) < 4 {
		t.Errorf("%d secrets in %d bytes, %d errors: this test has lost its subject", len(secrets), len(shown), len(s.errs))
	}
	for _, secret := range secrets {
		if secret == "" || strings.Contains(strings.ReplaceAll(shown, password+" ", ""), secret) {
			t.Errorf("%q is shown", secret)
		}
	}
}

func TestBrowserThatHasLeftIsNobodysFailure(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	ctx, leave := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, "GET", "/x", nil)
	err := &LoginError{Reason: ReasonStoreFailed, Err: fmt.Errorf("reading: %w", context.Canceled)}
	s.login.report(r, err)
	s.wantReasons(ReasonStoreFailed)
	leave()
	s.login.report(r, err)
	s.wantReasons()
}

func TestReasonIsFoundInsideOfOtherErrors(t *testing.T) {
	if got := reasonOf(errors.Join(errors.New("x"), &LoginError{Reason: ReasonAccessDenied})); got != ReasonAccessDenied {
		t.Errorf("got %q", got)
	}
	if got := reasonOf(nil); got != "" {
		t.Errorf("got %q for no error", got)
	}
}
