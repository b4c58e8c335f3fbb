package console_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
)

// entry has members of an entry in the JSON of the audit log.
type entry struct {
	ID, Time, Who, Role, From, Domain, Action, Path, Result string
	Link                                                    bool
	Fields                                                  map[string]string
	Before, After                                           any
}

// changes returns the entries of a page of the audit log.
func (b *browser) changes(query string) []entry {
	b.Helper()
	var page struct{ Entries []entry }
	b.json("/audit"+query, &page)
	return page.Entries
}

func TestChangesAreInTheAuditLog(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	if got := b.post("/logout", url.Values{"secret": {"canary-secret"}, "password": {"canary-password"}, "name": {"<i>n</i>"}}); got.status != http.StatusSeeOther {
		t.Fatal(got.status)
	}
	admin := s.user(platform.UserRole{Login: "<b>adam</b>", Role: platform.AdminRole, Domain: "a"})
	b = s.operator()
	all := b.changes("")
	if len(all) != 4 || all[0].Action != "/login" || !all[0].Link || all[0].Who != "operator" || all[0].Result != "done" || !strings.HasPrefix(all[0].From, "127.0.0.1:") || all[0].Domain != "" {
		t.Fatalf("%+v", all)
	}
	if e := all[2]; e.Path != "/logout" || e.Fields["name"] != "<i>n</i>" || len(e.Fields) != 1 {
		t.Errorf("%+v", e)
	}
	for query, want := range map[string]int{"?who=ADAM": 1, "?domain=a": 1, "?q=/logout": 1, "?failed=1": 0, "?before=" + all[1].ID: 2, "?who=nobody": 0} {
		if got := b.changes(query); len(got) != want {
			t.Errorf("%s: %d entries, want %d: %+v", query, len(got), want, got)
		}
	}
	page := b.get("/audit")
	if strings.Contains(page, "canary") || strings.Contains(page, "<b>adam") || !strings.Contains(page, "&lt;b&gt;adam") {
		t.Error(page)
	}
	if got := admin.changes("?domain=default"); len(got) != 1 || got[0].Domain != "a" {
		t.Errorf("an admin of another domain sees %+v", got)
	}
}

// Anybody can try to log in, so that is bounded, and what others have done is not pushed out.
func TestRefusedLoginsAreInTheAuditLog(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	in := func(login, password string) got {
		return s.browser().send("POST", "/login", url.Values{"login": {login}, "password": {password}})
	}
	if got := in("<i>eve</i>", "canary"); got.status != http.StatusUnauthorized || !strings.Contains(got.body, "prismctl user create") {
		t.Errorf("where there are no users: %d: %s", got.status, got.body)
	}
	s.user(platform.UserRole{Login: "ann", Role: platform.AdminRole})
	in("ann", "canary")
	in("canary-typed-as-a-login", "")
	s.browser().send("POST", "/enter", url.Values{"link": {"canary"}, "routing_key": {"canary-in-a-field"}})
	in("ann", "") // which is not asked
	s.browser().send("POST", "/enter", url.Values{"link": {"canary"}})
	if err := s.registry.DeleteRole(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	in("ann", "a-long-password")
	var seen []string
	for _, e := range b.changes("?failed=1") {
		if e.Path != "/login" && e.Path != "/enter" || e.Role != "" || e.Domain != "" || !strings.HasPrefix(e.From, "127.0.0.1:") {
			t.Errorf("%+v", e)
		}
		seen = append(seen, e.Who+" "+e.Result)
	}
	if got := strings.Join(seen, ", "); got != "ann no_role,  link_used, ann wrong_password,  link_used,  wrong_password, ann wrong_password,  no_users" {
		t.Errorf("the log has %s", got)
	}
	for range 30 { // of 20 in an hour
		s.browser().send("POST", "/enter", url.Values{"link": {"canary"}})
	}
	if n := len(b.changes("?failed=1")); n != 20 {
		t.Errorf("%d refused logins are in the log", n)
	}
	if page := b.get("/audit") + s.logged.String(); strings.Contains(page, "canary") || strings.Contains(page, "<i>eve") {
		t.Error(page)
	}
}

func TestAPlatformWithoutUsersSaysSo(t *testing.T) {
	s := newSite(t, func(cfg *platform.Config) { cfg.Users = nil })
	if got := s.browser().send("POST", "/login", url.Values{"login": {"a"}, "password": {"b"}}); !strings.Contains(got.body, "the platform has no users") {
		t.Error(got.body)
	}
	if page := s.operator().get("/users"); !strings.Contains(page, "made without users") || strings.Contains(page, `name="password"`) || strings.Contains(page, "asks elsewhere") {
		t.Error(page)
	}
}

func TestOnlyOperatorsAndAdminsSeeTheAuditLog(t *testing.T) {
	s := newSite(t)
	for _, role := range []platform.Role{platform.ProviderRole, platform.DeveloperRole} {
		b := s.user(platform.UserRole{Login: "u-" + string(role), Role: role, Member: "m@shop.example"})
		if got := b.send("GET", "/audit", nil); got.status != http.StatusForbidden {
			t.Errorf("%s: %d", role, got.status)
		}
		if strings.Contains(b.get("/"), "/console/audit") {
			t.Errorf("%s is sent to a page that is not for it", role)
		}
	}
}

func TestAnAuditLogOfThousandsIsShownInPages(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	for range 120 {
		b = s.operator()
	}
	var first struct {
		Entries []entry
		Older   string
	}
	b.json("/audit?who=oper", &first)
	if len(first.Entries) != 100 || first.Older == "" {
		t.Fatalf("%d entries, and then %q", len(first.Entries), first.Older)
	}
	if rest := b.changes("?" + first.Older); len(rest) != 21 || rest[0].ID == first.Entries[99].ID {
		t.Errorf("the next page has %d entries", len(rest))
	}
	if page := b.get("/audit?" + first.Older); !strings.Contains(page, `href="/console/audit?who=oper"`) {
		t.Error("the page of older entries has no way back to the newest")
	}
}

// silentStore does not write the audit log.
type silentStore struct{ platform.Store }

func (s silentStore) Load(ctx context.Context, kind, id string) (platform.Record, error) {
	if kind == "consoleaudit" {
		return platform.Record{}, platform.ErrUnavailable
	}
	return s.Store.Load(ctx, kind, id)
}

func TestAChangeIsMadeThoughTheAuditLogCannotBeWritten(t *testing.T) {
	s := newSite(t, func(cfg *platform.Config) { cfg.Store = silentStore{cfg.Store} })
	b := s.operator()
	if got := b.post("/logout", nil); got.status != http.StatusSeeOther {
		t.Errorf("the change: %d %s", got.status, got.body)
	}
	if !strings.Contains(s.logged.String(), "the audit log of the console could not be written") {
		t.Error("the failure is not in the log")
	}
}

func TestNoMemberPushesOutWhatOthersHaveDone(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	op.post("/apps", url.Values{"name": {"kept"}})
	dev := s.user(platform.UserRole{Login: "dev", Role: platform.DeveloperRole, Member: "dev@example.com"})
	form := url.Values{}
	for _, name := range []string{"id", "name", "app", "key", "topic", "service", "api", "pattern", "publish", "listen"} {
		form.Set(name, strings.Repeat("<", 500))
	}
	token := tokenField.FindStringSubmatch(dev.get("/"))[1]
	form.Set("token", token)
	for range 150 {
		dev.send("POST", "/apis/x/online", form)
	}
	var page struct {
		Entries []struct{ Who string }
	}
	op.json("/audit?who=dev", &page)
	if n := len(page.Entries); n != 100 {
		t.Errorf("a page shows %d entries of the member", n)
	}
	op.json("/audit?who=operator&q=kept", &page)
	if len(page.Entries) == 0 {
		t.Error("what the operator has done is not there any more")
	}
	if !strings.Contains(s.logged.String(), "more than 100 changes within an hour") {
		t.Error("the log does not tell of the rest")
	}
}
