package prismtest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/oauth"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/prismtest"
)

// shop serves an application whose only page greets who is signed in.
func shop(t *testing.T, srv *prismtest.Server) (page string) {
	t.Helper()
	var login *oauth.Login
	page = srv.Site(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		login.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "hello "+oauth.User(r.Context()).Login)
		})).ServeHTTP(w, r)
	})) + "/orders?of=today"
	callback, _ := url.Parse(page)
	callback.Path, callback.RawQuery = "/callback", ""
	srv.AllowRedirect(callback.String())
	var err error
	if login, err = oauth.New(srv.Client(), oauth.Config{CallbackURL: callback.String(), Now: srv.Now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(login.Close)
	return page
}

// mustShow wants an answer from page with this text in it.
func mustShow(t *testing.T, resp *http.Response, page, text string) {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if at := resp.Request.URL.String(); err != nil || at != page || !strings.Contains(string(body), text) {
		at, _, _ = strings.Cut(at, "?")
		t.Errorf("%s from %s, want %q from %s, and %v:\n%s", resp.Status, at, text, page, err, body)
	}
}

// asked reports whether a browser that opens page has to log in.
func asked(t *testing.T, browser *http.Client, page string) bool {
	t.Helper()
	resp, err := browser.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.Request.URL.Path == "/oauth/authorize"
}

func TestAUserSignsIn(t *testing.T) {
	forms(t, func(t *testing.T, cfg prismtest.Config) {
		srv := prismtest.NewServerConfig(t, cfg)
		srv.AddUser(platform.User{ID: "u1", Login: "lin"}, "open sesame")
		page := shop(t, srv)
		browser := srv.Browser()
		if !asked(t, browser, page) {
			t.Error("the page is for everybody")
		}
		mustShow(t, srv.SignIn(browser, page, "lin", "open sesame"), page, "hello lin")
		mustShow(t, srv.SignIn(browser, page, "", ""), page, "hello lin") // there is no form any more
		if asked(t, browser, page) {
			t.Error("the login did not last")
		}
		if !asked(t, srv.Browser(), page) {
			t.Error("another browser is signed in")
		}
	})
}

func TestAWrongPasswordShowsTheFormAgain(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.AddUser(platform.User{Login: "lin"}, "open sesame")
	page, browser := shop(t, srv), srv.Browser()
	resp := srv.SignIn(browser, page, "lin", "open barley")
	if resp.StatusCode != http.StatusUnauthorized || resp.Request.URL.Path != "/oauth/authorize" {
		t.Errorf("%s from %s", resp.Status, resp.Request.URL.Path)
	}
	mustShow(t, srv.SignIn(browser, page, "lin", "open sesame"), page, "hello lin")
	srv.AddUser(platform.User{Login: "lin"}, "open barley")
	mustShow(t, srv.SignIn(srv.Browser(), page, "lin", "open barley"), page, "hello lin")
}

func TestSigningOutElsewhereIsNoticed(t *testing.T) {
	forms(t, func(t *testing.T, cfg prismtest.Config) {
		srv := prismtest.NewServerConfig(t, cfg)
		srv.AddUser(platform.User{Login: "lin"}, "open sesame")
		page, browser := shop(t, srv), srv.Browser()
		srv.SignIn(browser, page, "lin", "open sesame")
		srv.SignOut(browser)
		srv.Advance(2 * time.Minute) // further than CheckEvery
		if !asked(t, browser, page) {
			t.Error("still signed in")
		}
		mustShow(t, srv.SignIn(browser, page, "lin", "open sesame"), page, "hello lin")
		srv.SignOut(srv.Browser()) // somebody else
		srv.Advance(2 * time.Minute)
		if asked(t, browser, page) {
			t.Error("signed out with somebody else")
		}
	})
}

func TestALoginEndsByTheClockAndNotByARestart(t *testing.T) {
	forms(t, func(t *testing.T, cfg prismtest.Config) {
		srv := prismtest.NewServerConfig(t, cfg)
		srv.AddUser(platform.User{Login: "lin"}, "open sesame")
		page, browser := shop(t, srv), srv.Browser()
		srv.SignIn(browser, page, "lin", "open sesame")
		srv.Restart()
		srv.Advance(20 * time.Minute)
		if asked(t, browser, page) {
			t.Error("the login ended")
		}
		srv.Advance(48 * time.Hour)
		if !asked(t, browser, page) {
			t.Error("the login lasts for two days")
		}
	})
}

func TestVirtualTimeEndsALogin(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *prismtest.Server) {
		srv.AddUser(platform.User{Login: "lin"}, "open sesame")
		page, browser := shop(t, srv), srv.Browser()
		mustShow(t, srv.SignIn(browser, page, "lin", "open sesame"), page, "hello lin")
		time.Sleep(20 * time.Minute)
		if asked(t, browser, page) {
			t.Error("the login ended")
		}
		time.Sleep(48 * time.Hour)
		if !asked(t, browser, page) {
			t.Error("the login lasts for two days")
		}
		synctest.Wait()
	})
}

func TestAccessTokenIsAUsers(t *testing.T) {
	forms(t, func(t *testing.T, cfg prismtest.Config) {
		srv := prismtest.NewServerConfig(t, cfg)
		srv.AddUser(platform.User{ID: "u1", Login: "lin", Data: map[string]string{"shop": "7"}}, "open sesame")
		srv.AddUser(platform.User{Login: "guo"}, "open barley")
		client := srv.Client().WithToken(srv.AccessToken("lin"))
		res, err := client.Get(t.Context(), "platform/oauth/user", nil)
		if err != nil {
			t.Fatal(err)
		}
		var user map[string]string
		if err := res.Decode(&user); err != nil || user["@id"] != "u1" || user["login"] != "lin" || user["shop"] != "7" {
			t.Errorf("%v, %v", user, err)
		}
		if calls := srv.Calls("platform/oauth/user"); len(calls) != 1 || calls[0].UserID != "u1" {
			t.Errorf("calls: %+v", calls)
		}
		if first, second := srv.AccessToken("lin"), srv.AccessToken("lin"); first == second {
			t.Error("a token was given twice")
		}
		guo := srv.Client().WithToken(srv.AccessToken("guo"))
		srv.Advance(2 * time.Hour)
		if _, err := guo.Get(context.Background(), "platform/oauth/user", nil); !errors.Is(err, prism.ErrUnauthorized) {
			t.Errorf("after two hours: %v", err)
		}
	})
}

// What a handler of the test gets says who calls, as behind the gateway.
func TestScriptedAnswersKnowTheUser(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.AddUser(platform.User{ID: "u1", Login: "lin"}, "open sesame")
	srv.Handle("orders", func(w http.ResponseWriter, r *http.Request) {
		user, _ := url.ParseQuery(r.Header.Get("X-Api-Oauth"))
		prismtest.Answer(user.Get("@id"))(w, r)
	})
	for token, want := range map[string]string{"": "", "wrong": "", srv.AccessToken("lin"): "u1"} {
		res, err := srv.Client().WithToken(token).Get(t.Context(), "orders", nil)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		if err := res.Decode(&got); err != nil || got != want {
			t.Errorf("user %q, want %q, and %v", got, want, err)
		}
	}
}

func TestWhatCannotBeSignedInFailsTheTest(t *testing.T) {
	for name, row := range map[string]struct {
		do  func(*prismtest.Server)
		say []string
	}{
		"unknown user":    {func(s *prismtest.Server) { s.AccessToken("nobody") }, []string{`no user "nobody"`, "AddUser"}},
		"no page":         {func(s *prismtest.Server) { s.SignIn(s.Browser(), "::", "lin", "x") }, []string{"no address"}},
		"nobody answers":  {func(s *prismtest.Server) { s.SignIn(s.Browser(), "http://127.0.0.1:1/?code=geheim", "lin", "x") }, []string{"no answer", "http://127.0.0.1:1/"}},
		"platform is off": {func(s *prismtest.Server) { s.Refuse(true); s.SignOut(s.Browser()) }, []string{"no answer", "/oauth/logout"}},
		"no logout": {func(s *prismtest.Server) {
			browser := s.Browser()
			browser.Transport = answer(http.StatusNotFound)
			s.SignOut(browser)
		}, []string{"logout", "404"}},
	} {
		f := &stopping{}
		f.run(func() { row.do(prismtest.NewServer(f)) })
		mustContain(t, f.failure(t), row.say...)
		if strings.Contains(f.failure(t), "geheim") {
			t.Errorf("%s: a query is shown: %s", name, f.failure(t))
		}
	}
}

// answer answers every request with a status.
type answer int

func (status answer) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: int(status), Status: http.StatusText(int(status)) + " 404", Body: http.NoBody, Request: r}, nil
}

func TestUsersOfTheUser(t *testing.T) {
	f := &fake{}
	srv := prismtest.NewServerConfig(f, prismtest.Config{Platform: platform.Config{Users: fixedUsers{}}})
	defer f.end()
	srv.AddUser(platform.User{Login: "guo"}, "x")
	mustContain(t, f.failure(t), "Config.Platform.Users takes no user")
	page := shop(t, srv)
	mustShow(t, srv.SignIn(srv.Browser(), page, "lin", "any"), page, "hello lin")
}

// fixedUsers knows one user and takes no other.
type fixedUsers struct{}

func (fixedUsers) Authenticate(_ context.Context, login, _ string) (platform.User, error) {
	if login != "lin" {
		return platform.User{}, platform.ErrWrongPassword
	}
	return platform.User{ID: "u1", Login: "lin"}, nil
}

// Addresses that were registered before stay, whoever registered them.
func TestAllowRedirectAddsToTheApp(t *testing.T) {
	store := new(memory.Store)
	store.AddApp(platform.App{ID: "test", Redirects: []string{"https://a.example/"}})
	srv := prismtest.NewServerConfig(t, prismtest.Config{Platform: platform.Config{Store: store}})
	done := make(chan struct{})
	for _, uri := range []string{"https://b.example/", "https://c.example/"} {
		go func() {
			srv.AllowRedirect(uri)
			done <- struct{}{}
		}()
	}
	<-done
	<-done
	app, err := platform.NewRegistry(store).App(t.Context(), "test")
	if err != nil || len(app.Redirects) != 3 || app.Redirects[0] != "https://a.example/" {
		t.Errorf("%+v, %v", app, err)
	}
}

func TestSitesOfABubble(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *prismtest.Server) {
		say := func(text string) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) })
		}
		a, b := srv.Site(say("a")), srv.Site(say("b"))
		for page, text := range map[string]string{a: "a", b: "b", strings.Replace(b, "127.0.0.1", "localhost", 1): "b"} {
			mustShow(t, srv.SignIn(srv.Browser(), page, "", ""), page, text)
		}
		if _, err := srv.Client().Get(t.Context(), "platform/notify/status", nil); err != nil {
			t.Error(err)
		}
	})
}
