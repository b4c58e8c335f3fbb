package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
)

func TestAUserIsMadeAndEndsInTheConsole(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	for _, login := range []string{evilName, "../a b?c#d"} {
		of := url.Values{"login": {login}}
		with := func(name, value string) url.Values { return url.Values{"login": {login}, name: {value}} }
		at := b.leads("/users", url.Values{"login": {login}, "id": {"7"}, "password": {"canary-password"}})
		if page := b.get(at); strings.Contains(page, "<script>alert") || strings.Contains(page, "canary") || strings.Contains(page, "pbkdf2") {
			t.Error(page)
		}
		b.fails("/users", url.Values{"login": {login}, "password": {"x"}}, "in_use")
		signIn := func(password string) int {
			return s.browser().send("POST", "/login", url.Values{"login": {login}, "password": {password}}).status
		}
		b.get(b.leads("/users/role", with("role", "operator")))
		if got := signIn("canary-password"); got != http.StatusSeeOther {
			t.Errorf("%q: a login with the password: %d", login, got)
		}
		b.get(b.leads("/users/disable", of))
		if got := signIn("canary-password"); got != http.StatusUnauthorized {
			t.Errorf("%q: a login of a user that is disabled: %d", login, got)
		}
		b.get(b.leads("/users/enable", of))
		b.get(b.leads("/users/sessions", of))
		b.get(b.leads("/users/password", with("password", "canary-other")))
		if got := signIn("canary-other"); got != http.StatusSeeOther {
			t.Errorf("%q: a login with the new password: %d", login, got)
		}
		b.get(b.leads("/users/role", with("role", "")))
		if got := signIn("canary-other"); got != http.StatusForbidden {
			t.Errorf("%q: a login without a role: %d", login, got)
		}
		b.fails("/users/delete", with("confirm", "x"), "not_confirmed")
		b.get(b.leads("/users/delete", with("confirm", login)))
		b.fails("/users/disable", of, "unknown_user")
	}
	b.fails("/users", url.Values{"login": {"x"}}, "invalid_parameter")
	for _, page := range []string{b.get("/users"), b.get("/audit"), b.send("GET", "/audit", nil, "Accept", "application/json").body, s.logged.String()} {
		if strings.Contains(page, "canary") || strings.Contains(page, "pbkdf2") || strings.Contains(page, "<script>alert") {
			t.Error(page)
		}
	}
	if log := b.changes("?q=/users/role"); len(log) != 4 || log[0].Before != "operator" || log[1].After != "operator" || log[0].Domain != "" {
		t.Errorf("%+v", log)
	}
}

func TestARoleThatIsChangedCountsAtTheNextPage(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	ann := s.user(platform.UserRole{Login: "ann", Role: platform.OperatorRole})
	ann.get("/users")
	op.leads("/users/role", url.Values{"login": {"ann"}, "role": {"admin"}, "domain": {"a"}})
	if got := ann.send("GET", "/users", nil); got.status != http.StatusForbidden {
		t.Errorf("users for an admin: %d", got.status)
	}
	ann.get("/apps")
	op.leads("/users/role", url.Values{"login": {"ann"}, "role": {""}})
	if got := ann.send("GET", "/apps", nil); got.status != http.StatusSeeOther || !strings.Contains(got.header.Get("Location"), "/login") {
		t.Errorf("a page without a role: %d to %s", got.status, got.header.Get("Location"))
	}
	op.fails("/users/role", url.Values{"login": {"ann"}, "role": {"king"}}, "invalid_parameter")
	op.fails("/users/role", url.Values{"login": {"ann"}, "role": {"developer"}, "member": {"nobody@dev.example"}}, "invalid_parameter")
}

// A hash takes a good part of a second: who may not set a password does not get one.
func TestOnlyOperatorsHaveAPasswordHashed(t *testing.T) {
	admin := newSite(t).user(platform.UserRole{Login: "adam", Role: platform.AdminRole})
	for _, path := range []string{"/users", "/users/password"} {
		admin.fails(path, url.Values{"login": {"eve"}, "password": {""}}, "forbidden_users")
	}
}

func TestMembersHaveRolesAndNoSecret(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	at := b.leads("/members", url.Values{"email": {"dev@shop.example"}, "summary": {evilName}, "role": {"provider"}})
	b.fails("/members", url.Values{"email": {"dev@shop.example"}}, "member_exists")
	id := strings.TrimSuffix(strings.TrimPrefix(at, "/apps/"), "?done=members.created")
	secret := s.keyOf(id).Secret
	for _, path := range []string{at, "/members", "/members?q=DEV@", "/apps"} {
		page := b.get(path) + b.send("GET", path, nil, "Accept", "application/json").body
		if strings.Contains(page, secret) || strings.Contains(page, "<script>alert") {
			t.Errorf("%s: %s", path, page)
		}
		if here := strings.Contains(page, "dev@shop.example"); here != (path != "/apps") {
			t.Errorf("%s has the member: %v", path, here)
		}
	}
	b.leads("/members/role", url.Values{"email": {"dev@shop.example"}, "role": {"developer"}})
	if app, _ := s.registry.App(t.Context(), id); app.Role != platform.DeveloperRole {
		t.Errorf("its role is %q", app.Role)
	}
	b.fails("/members/role", url.Values{"email": {"dev@shop.example"}, "role": {"admin"}}, "invalid_parameter")
}

// TestAnAdminGetsNoMoreByTheAdminKeysOfTheDomain: the admin keys of the domain default are
// the operator's.
func TestAnAdminGetsNoMoreByTheAdminKeysOfTheDomain(t *testing.T) {
	s := newSite(t)
	for _, domain := range []string{"", "default"} {
		a := s.user(platform.UserRole{Login: "adam", Role: platform.AdminRole, Domain: domain})
		for path, form := range map[string]url.Values{
			"/apps/ops/keys/chief/rotate": {}, "/apps/ops/keys/chief/expire": {"state": {"off"}},
			"/apps/ops/keys/chief/delete": {"confirm": {"chief"}}, "/apps/ops/delete": {"confirm": {"ops"}},
		} {
			if got := a.post(path, form); got.status != http.StatusForbidden {
				t.Errorf("%s: %d", path, got.status)
			}
		}
		a.get("/apps/shop/keys/shop-key")
	}
	if key, err := s.registry.Key(t.Context(), "chief"); err != nil || key.Secret != adminKey.Secret || !key.Expires.IsZero() {
		t.Errorf("the operator's key is %+v, %v", key.ID, err)
	}
	s.operator().get("/apps/ops/keys/chief")
}
