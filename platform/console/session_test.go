package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
)

func TestALinkLetsInOnce(t *testing.T) {
	s := newSite(t)
	link := s.console.Link()
	query, _ := url.ParseQuery(strings.SplitN(link, "?", 2)[1])
	first, second := s.browser(), s.browser()
	if page := first.get("/enter?" + query.Encode()); !strings.Contains(page, query.Get("link")) {
		t.Error("the page of the link has no button for it")
	}
	if got := first.send("POST", "/enter", query); got.status != http.StatusSeeOther {
		t.Fatalf("the link: %d", got.status)
	}
	first.get("/")
	if got := second.send("POST", "/enter", query); got.status != http.StatusForbidden {
		t.Errorf("the link, a second time: %d", got.status)
	}
	if got := second.send("GET", "/", nil); got.status != http.StatusSeeOther || !strings.Contains(got.header.Get("Location"), "/console/login") {
		t.Errorf("a page without a session: %d to %s", got.status, got.header.Get("Location"))
	}
}

func TestAUserWithoutARoleIsNotLetIn(t *testing.T) {
	s := newSite(t)
	b := s.user(platform.UserRole{Login: "alice", Role: platform.AdminRole})
	b.get("/")
	if err := s.registry.DeleteRole(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if got := b.send("GET", "/", nil); got.status != http.StatusSeeOther {
		t.Errorf("a page after the role was taken away: %d", got.status)
	}
	if got := s.browser().send("POST", "/login", url.Values{"login": {"alice"}, "password": {"a-long-password"}}); got.status != http.StatusForbidden {
		t.Errorf("a login without a role: %d", got.status)
	}
}

func TestASessionEndsWithItsUser(t *testing.T) {
	s := newSite(t)
	for name, end := range map[string]func() error{
		"disabled":         func() error { return s.registry.DisableUser(t.Context(), "bob") },
		"another password": func() error { return s.registry.EndUserSessions(t.Context(), "bob") },
		"deleted":          func() error { return s.registry.DeleteUser(t.Context(), "bob") },
	} {
		b := s.user(platform.UserRole{Login: "bob", Role: platform.OperatorRole})
		b.get("/")
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if got := b.send("GET", "/", nil); got.status != http.StatusSeeOther {
			t.Errorf("%s: a page is answered with %d", name, got.status)
		}
		if err := s.registry.EnableUser(t.Context(), "bob"); name == "disabled" && err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFormOfAnotherSiteOrSessionDoesNothing(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	for name, header := range map[string][]string{
		"by fetch metadata": {"Sec-Fetch-Site", "cross-site"},
		"by origin":         {"Origin", "https://evil.example"},
	} {
		if got := b.post("/language", url.Values{"lang": {"zh-CN"}}, header...); got.status != http.StatusForbidden {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	if got := b.send("POST", "/language", url.Values{"lang": {"zh-CN"}}); got.status != http.StatusForbidden {
		t.Errorf("without a token: %d", got.status)
	}
	if strings.Contains(b.get("/"), "退出登录") {
		t.Error("a refused form has changed the language")
	}
	if got := b.post("/language", url.Values{"lang": {"zh-CN"}}); got.status != http.StatusSeeOther || !strings.Contains(b.get("/"), "退出登录") {
		t.Errorf("the page's own form: %d", got.status)
	}
}

func TestAHostThatIsNotThisMachineIsRefused(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	req, _ := http.NewRequestWithContext(t.Context(), "GET", s.url+s.console.Base()+"/", nil)
	req.Host = "rebound.example"
	if got := b.do(req); got.status != http.StatusMisdirectedRequest {
		t.Errorf("a forged host: %d", got.status)
	}
}

func TestPagesLoadNothingFromElsewhereAndAreInNoFrame(t *testing.T) {
	s := newSite(t)
	for path, b := range map[string]*browser{"/": s.operator(), "/login": s.browser()} {
		got := b.send("GET", path, nil)
		policy := got.header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy %q lacks %s", path, policy, part)
			}
		}
		if strings.Contains(policy, "unsafe") || got.header.Get("Cache-Control") != "no-store" || got.header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: %v", path, got.header)
		}
	}
}

func TestALogoutEndsTheSession(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	if got := b.post("/logout", nil); got.status != http.StatusSeeOther {
		t.Fatalf("logout: %d", got.status)
	}
	if got := b.send("GET", "/", nil); got.status != http.StatusSeeOther {
		t.Errorf("a page after the logout: %d", got.status)
	}
}

func TestTheLoginGoesOnToNoOtherSite(t *testing.T) {
	s := newSite(t)
	s.user(platform.UserRole{Login: "carol", Role: platform.OperatorRole})
	for next, want := range map[string]string{
		"queues?q=1": "/console/queues?q=1", "//evil.example": "/console/", "https://evil.example": "/console/", "/\\evil.example": "/console/", "../api/x": "/console/",
	} {
		got := s.browser().send("POST", "/login", url.Values{"login": {"carol"}, "password": {"a-long-password"}, "next": {next}})
		if got.status != http.StatusSeeOther || got.header.Get("Location") != want {
			t.Errorf("next %q: %d to %q", next, got.status, got.header.Get("Location"))
		}
	}
}
