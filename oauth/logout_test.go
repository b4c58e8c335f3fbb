package oauth

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func bufioReader(s string) *bufio.Reader { return bufio.NewReader(strings.NewReader(s)) }

func TestLogoutEndsTheSessionHereAndOnThePlatform(t *testing.T) {
	s := newShop(t, newPlatform(t), func(c *Config) { c.AfterLogout = "/bye" })
	s.serveWithBye()
	browser := s.signedIn(joe)
	stolen := s.sessionCookie(browser)
	if status, got := s.send(browser, "POST", "/logout", "Accept", "text/html"); status != 200 || got != "bye" {
		t.Errorf("the logout ended with %d %q", status, got)
	}
	if s.sessionCookie(browser) != "" {
		t.Error("the cookie is still there")
	}
	_, to := s.step(browser, "/x")
	if resp, _ := s.step(browser, to.String()); resp.StatusCode != 200 {
		t.Errorf("the platform answered %d, not with its login page", resp.StatusCode)
	}
	thief := s.srv.Browser()
	u, _ := url.Parse(s.url)
	thief.Jar.SetCookies(u, []*http.Cookie{{Name: s.login.sessions.Cookie.Name, Value: stolen}})
	s.wantLogin(thief, "/x")
	if body := s.body(s.srv.SignIn(browser, s.url+"/again", joe, password)); body != "joe at /again" {
		t.Errorf("logged in again, got %q", body)
	}
	s.wantReasons()
}

func (s *shop) serveWithBye() {
	mux := http.NewServeMux()
	mux.Handle("/", s.login.Require(http.HandlerFunc(s.page)))
	mux.Handle("/logout", s.login.Logout())
	mux.HandleFunc("/bye", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("bye")) })
	s.serve(mux)
}

func TestLogoutTellsScriptsWhereToGo(t *testing.T) {
	s := newShop(t, newPlatform(t), func(c *Config) { c.AfterLogout = "/bye" })
	s.serveWithBye()
	browser := s.signedIn(joe)
	status, body := s.send(browser, "POST", "/logout", "Accept", "*/*", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin")
	var answer map[string]string
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 {
		t.Fatalf("got %d %q: %v", status, body, err)
	}
	if _, got := s.get(browser, answer["logout_url"]); got != "bye" {
		t.Errorf("%s ended with %q", answer["logout_url"], got)
	}
	s.wantLogin(browser, "/x")
}

func TestLogoutThatIsNoPOSTOrComesFromAnotherSiteIsRefused(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.signedIn(joe)
	for _, row := range []struct {
		method, name, value string
		status              int
	}{
		{"GET", "", "", 405},
		{"HEAD", "", "", 405},
		{"DELETE", "", "", 405},
		{"POST", "Sec-Fetch-Site", "cross-site", 403},
		{"POST", "Sec-Fetch-Site", "same-site", 403},
		{"POST", "Origin", "https://evil.example", 403},
		{"POST", "Origin", "null", 403},
	} {
		header := []string{"Accept", "text/html"}
		if row.name != "" {
			header = append(header, row.name, row.value)
		}
		resp := s.sendRaw(browser, row.method, "/logout", header...)
		s.body(resp)
		if resp.StatusCode != row.status || row.status == 405 && resp.Header.Get("Allow") != "POST" {
			t.Errorf("%v: got %d", row, resp.StatusCode)
		}
		s.wantPage(browser, joe, "/still")
	}
}

// A proxy in front may have changed the Host, but not the Origin.
func TestLogoutBehindAProxyIsTaken(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.signedIn(joe)
	req, _ := http.NewRequest("POST", s.url+"/logout", nil)
	req.Host = "backend:8080"
	req.Header.Set("Origin", s.url)
	req.Header.Set("Sec-Fetch-Mode", "cors")
	resp, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if s.body(resp); resp.StatusCode != 200 {
		t.Errorf("got %d", resp.StatusCode)
	}
}

func TestLogoutOfWhoIsNotSignedInEndsThePlatformsSessionToo(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	resp := s.sendRaw(noRedirects(s.srv.Browser()), "POST", "/logout", "Accept", "text/html")
	s.body(resp)
	to, _ := resp.Location()
	if resp.StatusCode != 303 || to == nil || !strings.HasSuffix(to.Path, "/oauth/logout") || to.Query().Get("redirect_uri") != s.url+"/" {
		t.Errorf("got %d to %v", resp.StatusCode, to)
	}
	if len(resp.Cookies()) != 0 {
		t.Errorf("cookies: %v", resp.Cookies())
	}
}

func noRedirects(browser *http.Client) *http.Client {
	other := *browser
	other.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &other
}

func TestOutOfOneApplicationIsOutOfBoth(t *testing.T) {
	srv := newPlatform(t)
	one := newShop(t, srv, nil)
	other := newShopFor(t, srv, srv.ClientConfig(), nil)
	browser := one.signedIn(joe)
	other.wantPage(browser, joe, "/x")
	one.send(browser, "POST", "/logout", "Accept", "text/html")
	other.wantPage(browser, joe, "/x") // the platform's word is good for a minute
	other.ahead.Store(int64(defaultCheckEvery) + 1)
	resp, to := other.step(browser, "/x")
	if resp.StatusCode != 303 || to == nil {
		t.Fatalf("got %d", resp.StatusCode)
	}
	if resp, _ := other.step(browser, to.String()); resp.StatusCode != 200 {
		t.Errorf("the platform let the user in again: %d", resp.StatusCode)
	}
	other.wantReasons(ReasonSessionEnded)
	one.wantLogin(browser, "/x")
}
