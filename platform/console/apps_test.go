package console_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// leads posts a form that has to succeed, and returns where it leads.
func (b *browser) leads(path string, form url.Values) string {
	b.Helper()
	got := b.post(path, form)
	if got.status != http.StatusSeeOther {
		b.Fatalf("POST %s: %d: %s", path, got.status, got.body)
	}
	return strings.TrimPrefix(got.header.Get("Location"), b.console.Base())
}

// fails posts a form that has to be refused with a code.
func (b *browser) fails(path string, form url.Values, code string) {
	b.Helper()
	got := b.post(path, form, "Accept", "application/json")
	if got.status < 400 || !strings.Contains(got.body, `"`+code+`"`) {
		b.Errorf("POST %s: %d: %s, want %s", path, got.status, got.body, code)
	}
}

var secretText = regexp.MustCompile(`<pre tabindex="0" class="secret">([^<]+)</pre>`)

// secret posts a form that is answered with a secret.
func (b *browser) secret(path string, form url.Values) string {
	b.Helper()
	at := b.leads(path, form)
	if head := b.send("HEAD", at, nil); head.body != "" { // by a program that looks at the address first
		b.Errorf("HEAD %s: %s", at, head.body)
	}
	got := b.send("GET", at, nil)
	m := secretText.FindStringSubmatch(got.body)
	if got.status != http.StatusOK || m == nil || got.header.Get("Cache-Control") != "no-store" {
		b.Fatalf("GET %s: %d: %s", at, got.status, got.body)
	}
	for _, accept := range []string{"text/html", "application/json"} {
		if again := b.send("GET", at, nil, "Accept", accept); again.status != http.StatusGone || strings.Contains(again.body, m[1]) {
			b.Errorf("GET %s, a second time: %d: %s", at, again.status, again.body)
		}
	}
	return m[1]
}

// forgetfulStore keeps no secrets.
type forgetfulStore struct{ platform.Store }

func (s forgetfulStore) Save(ctx context.Context, kind, id string, value []byte, revision uint64, life time.Duration) (uint64, error) {
	if kind == "consolesecret" {
		return 0, platform.ErrUnavailable
	}
	return s.Store.Save(ctx, kind, id, value, revision, life)
}

// The old secret is good no more when the new one is to be shown.
func TestASecretThatCannotBeKeptIsShownAtOnce(t *testing.T) {
	s := newSite(t, func(cfg *platform.Config) { cfg.Store = forgetfulStore{cfg.Store} })
	b := s.operator()
	got := b.post("/apps/shop/keys/shop-key/rotate", url.Values{"grace": {"0"}})
	m := secretText.FindStringSubmatch(got.body)
	if got.status != http.StatusOK || m == nil || m[1] != s.key("shop-key").Secret || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d: %s", got.status, got.body)
	}
	if all := b.changes("?q=rotate"); len(all) != 1 || all[0].Result != "done" {
		t.Errorf("the audit log has %+v", all)
	}
}

func (s *site) key(id string) platform.Key {
	s.Helper()
	key, err := s.registry.Key(s.Context(), id)
	if err != nil {
		s.Fatal(err)
	}
	return key
}

// keyOf returns the only key of an app.
func (s *site) keyOf(app string) platform.Key {
	s.Helper()
	keys, err := s.registry.Keys(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	for _, key := range keys {
		if key.App == app {
			return key
		}
	}
	s.Fatalf("the app %s has no key", app)
	return platform.Key{}
}

const evilName = `"><script>alert(1)</script>{{.}}`

func TestAnAppLivesInTheConsole(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	at := b.leads("/apps", url.Values{"name": {evilName}, "id": {"till"}, "desc": {evilName}, "publish": {"order.#\nstock.*"}, "listen": {""}})
	if page := b.get(at); strings.Contains(page, "<script>alert") || !strings.Contains(page, "&lt;script&gt;alert(1)") || !strings.Contains(page, "order.#\nstock.*</textarea>") {
		t.Error(page)
	}
	if page := b.get("/apps?q=TILL"); !strings.Contains(page, `href="/console/apps/till"`) || strings.Contains(page, `href="/console/apps/shop"`) || strings.Contains(page, "<script>alert") {
		t.Error(page)
	}
	b.leads("/apps/till/permissions", url.Values{"publish": {"#"}, "listen": {"a.b c.d"}})
	if app, _ := s.registry.App(t.Context(), "till"); !app.Publish.Equal(platform.Matching("#")) || !app.Listen.Equal(platform.Matching("a.b", "c.d")) {
		t.Errorf("publishes %v, listens to %v", app.Publish, app.Listen)
	}
	b.fails("/apps/till/permissions", url.Values{"publish": {"a*"}}, "invalid_parameter")
	const uri = "https://till.example/back?secret=canary"
	b.leads("/apps/till/redirects/add", url.Values{"redirect_uri": {uri}})
	if page := b.get("/apps/till"); !strings.Contains(page, "https://till.example/back") {
		t.Error(page)
	}
	b.leads("/apps/till/redirects/remove", url.Values{"redirect_uri": {uri}})
	b.fails("/apps/till/redirects/remove", url.Values{"redirect_uri": {uri}}, "unknown_redirect_uri")
	b.fails("/apps/till/delete", url.Values{"confirm": {"shop"}}, "not_confirmed")
	b.leads("/apps/till/delete", url.Values{"confirm": {"till"}})
	if got := b.send("GET", "/apps/till", nil); got.status != http.StatusNotFound {
		t.Errorf("the app that was deleted: %d", got.status)
	}
	log := b.changes("?q=till")
	if len(log) != 8 || log[0].Path != "/apps/till/delete" || log[0].Result != "done" || log[1].Result != "not_confirmed" {
		t.Errorf("%+v", log)
	}
	if page := b.get("/audit"); strings.Contains(page, "canary") || !strings.Contains(page, "deleted an app") {
		t.Error(page)
	}
}

func TestASecretIsShownOnce(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	secrets := []string{b.secret("/apps/shop/keys", url.Values{"desc": {evilName}, "until": {"2999-01-31"}})}
	var app struct{ Keys []struct{ Key, Notes string } }
	b.json("/apps/shop", &app)
	id := app.Keys[0].Key
	if id == "shop-key" {
		id = app.Keys[1].Key
	}
	if key := s.key(id); key.Secret != secrets[0] || key.Expires.Year() != 2999 {
		t.Errorf("%+v", key)
	}
	at := "/apps/shop/keys/" + id
	secrets = append(secrets, b.secret(at+"/rotate", url.Values{"grace": {"3600"}}))
	if s.key(id).Secret != secrets[1] {
		t.Error("the secret that was shown is not the key's")
	}
	secrets = append(secrets, b.secret(at+"/push", url.Values{"url": {"https://till.example/in?token=canary"}, "workers": {"2"}}))
	if got := b.leads(at+"/push", url.Values{"url": {"https://till.example/in?token=canary2"}}); got != at+"?done=keys.push_set" {
		t.Errorf("another address leads to %s", got)
	}
	secrets = append(secrets, b.secret(at+"/push/rotate", url.Values{"grace": {"0"}}), "canary", s.key("shop-key").Secret)
	for _, path := range []string{"/", "/apps", "/apps/shop", at, "/audit", "/live"} {
		page, json := b.get(path), b.send("GET", path, nil, "Accept", "application/json")
		for _, secret := range secrets {
			if strings.Contains(page+json.body+s.logged.String(), secret) {
				t.Errorf("%s shows the secret %s", path, secret)
			}
		}
		if strings.Contains(page, "<script>alert") {
			t.Errorf("%s runs a name", path)
		}
	}
	if page := b.get(at); !strings.Contains(page, "https://till.example/in?…") {
		t.Error(page)
	}
	b.leads(at+"/push/stop", nil)
	if s.key(id).Push.URL != "" {
		t.Error("the push address is there still")
	}
	b.fails(at+"/push", url.Values{"url": {"ftp://x"}}, "invalid_parameter")
}

// TestTheSecretOfAKeyIsForTheSessionThatMadeIt: another one of the same person does not get
// it, nor do two tabs of this one.
func TestTheSecretOfAKeyIsForTheSessionThatMadeIt(t *testing.T) {
	s := newSite(t)
	b, other := s.operator(), s.operator()
	at := b.leads("/apps/shop/keys/shop-key/rotate", url.Values{"grace": {"0"}})
	if got := other.send("GET", at, nil); got.status != http.StatusGone {
		t.Errorf("another session gets %d: %s", got.status, got.body)
	}
	var group sync.WaitGroup
	var seen atomic.Int32
	for range 8 {
		group.Go(func() {
			if got := b.send("GET", at, nil); strings.Contains(got.body, s.key("shop-key").Secret) {
				seen.Add(1)
			}
		})
	}
	group.Wait()
	if seen.Load() != 1 {
		t.Errorf("the secret was shown %d times", seen.Load())
	}
	first := s.key("shop-key").Secret
	b.leads("/apps/shop/keys/shop-key/rotate", url.Values{"grace": {"0"}}) // a page that nobody has looked at
	if b.secret("/apps/shop/keys/shop-key/rotate", url.Values{"grace": {"0"}}) == first {
		t.Error("the page shows an earlier secret")
	}
}

func TestAKeyIsSwitchedOffAndOnInTheConsole(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	at := "/apps/shop/keys/shop-key"
	b.leads(at+"/expire", url.Values{"state": {"off"}})
	if key := s.key("shop-key"); key.Expires.IsZero() || key.Expires.After(time.Now()) || !strings.Contains(b.get(at), "switched off") {
		t.Errorf("it ends at %v", key.Expires)
	}
	b.leads(at+"/expire", url.Values{"state": {"on"}})
	if key := s.key("shop-key"); !key.Expires.IsZero() {
		t.Errorf("it ends at %v", key.Expires)
	}
	b.leads(at+"/expire", url.Values{"until": {"2999-01-31"}})
	if !strings.Contains(b.get(at), "2999-01-31") {
		t.Error("its page does not show when it ends")
	}
	b.fails(at+"/expire", url.Values{"until": {"soon"}}, "invalid_parameter")
	b.fails("/apps/ops/keys/shop-key/expire", url.Values{"state": {"off"}}, "unknown_key")
	b.fails(at+"/delete", url.Values{"confirm": {"shop"}}, "not_confirmed")
	if got := b.leads(at+"/delete", url.Values{"confirm": {"shop-key"}}); got != "/apps/shop?done=keys.deleted" {
		t.Errorf("it leads to %s", got)
	}
}

// reached are forms and pages that name an app, and one of its keys.
func reached(app, key string) (pages []string, forms map[string]url.Values) {
	at := "/apps/" + url.PathEscape(app)
	k := at + "/keys/" + url.PathEscape(key)
	return []string{at, k}, map[string]url.Values{
		at + "/delete": {"confirm": {app}}, at + "/permissions": {"publish": {"#"}, "listen": {"#"}},
		at + "/disable": {"confirm": {app}}, at + "/enable": {},
		at + "/redirects/add": {"redirect_uri": {"https://evil.example/"}}, at + "/keys": {},
		k + "/rotate": {"grace": {"0"}}, k + "/expire": {"state": {"off"}}, k + "/delete": {"confirm": {key}},
		k + "/push": {"url": {"https://evil.example/"}}, k + "/push/rotate": {}, k + "/push/stop": {},
	}
}

// wantNothing fails if the browser reaches an app or key in some way.
func (b *browser) wantNothing(app, key string) {
	b.Helper()
	pages, forms := reached(app, key)
	for _, page := range pages {
		if got := b.send("GET", page, nil); got.status != http.StatusNotFound {
			b.Errorf("GET %s: %d", page, got.status)
		}
	}
	for path, form := range forms {
		if got := b.post(path, form); got.status != http.StatusNotFound && got.status != http.StatusForbidden {
			b.Errorf("POST %s: %d to %s", path, got.status, got.header.Get("Location"))
		}
	}
}

func TestADeveloperReachesOwnAppsAndKeysOnly(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	for _, name := range []string{"ann", "bob"} {
		op.leads("/members", url.Values{"email": {name + "@dev.example"}, "role": {"developer"}})
	}
	ann := s.user(platform.UserRole{Login: "ann", Role: platform.DeveloperRole, Member: "ann@dev.example"})
	bob := s.user(platform.UserRole{Login: "bob", Role: platform.DeveloperRole, Member: "bob@dev.example"})
	ann.leads("/apps", url.Values{"name": {"Ann's"}, "id": {"anns"}})
	ann.secret("/apps/anns/keys", nil)
	key := s.keyOf("anns")
	before := fmt.Sprintf("%+v", key)
	ann.get("/apps/anns/keys/" + key.ID)
	if page := ann.get("/apps"); !strings.Contains(page, "/apps/anns") || strings.Contains(page, "/apps/shop") || strings.Contains(page, "/console/users") {
		t.Error(page)
	}
	if page := bob.get("/apps"); strings.Contains(page, "anns") {
		t.Error(page)
	}
	for app, key := range map[string]string{"anns": key.ID, "shop": "shop-key", "ops": "chief", "../../user/list": "x", "\x00": "\n", "platform/user/list": "a?b#c"} {
		bob.wantNothing(app, key)
	}
	bob.leads("/apps", url.Values{"name": {"Bob's"}, "id": {"bobs"}})
	for _, path := range []string{"/rotate", "/expire", "/delete", "/push"} { // through an app that is one's own
		if got := bob.post("/apps/bobs/keys/"+key.ID+path, url.Values{"confirm": {key.ID}, "state": {"off"}}); got.status != http.StatusNotFound {
			t.Errorf("%s of a key of another app: %d", path, got.status)
		}
	}
	for _, path := range []string{"/users", "/members", "/audit", "/users/user?login=ann", "/users/domains"} {
		if got := bob.send("GET", path, nil); got.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	bob.fails("/users/role", url.Values{"login": {"bob"}, "role": {"operator"}}, "forbidden_admin")
	bob.fails("/members/role", url.Values{"email": {"bob@dev.example"}, "role": {"provider"}}, "forbidden_admin")
	if after := fmt.Sprintf("%+v", s.key(key.ID)); after != before {
		t.Errorf("the key was %s and is %s", before, after)
	}
	op.leads("/members/role", url.Values{"email": {"ann@dev.example"}, "role": {""}})
	if got := ann.send("GET", "/apps", nil); got.status != http.StatusForbidden {
		t.Errorf("a member that was disabled sees apps: %d", got.status)
	}
}

func TestAnAdminReachesNothingOfAnotherDomain(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	op.leads("/domain", url.Values{"domain": {"b"}})
	at := op.leads("/apps", url.Values{"name": {"secret plan"}, "id": {"plan"}})
	app := strings.TrimSuffix(strings.TrimPrefix(at, "/apps/"), "?done=apps.created")
	op.secret("/apps/"+app+"/keys", nil)
	a := s.user(platform.UserRole{Login: "adam", Role: platform.AdminRole, Domain: "a"})
	a.wantNothing(app, s.keyOf(app).ID)
	a.wantNothing("shop", "shop-key")
	for _, path := range []string{"/apps", "/members"} {
		if page := a.get(path); strings.Contains(page, "secret plan") || strings.Contains(page, app) || strings.Contains(page, "shop-key") {
			t.Errorf("%s: %s", path, page)
		}
	}
	a.fails("/domain", url.Values{"domain": {"b"}}, "forbidden")
	a.wantNothing(app, s.keyOf(app).ID)
	for _, path := range []string{"/users", "/users/domains"} {
		if got := a.send("GET", path, nil); got.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	for _, e := range a.changes("?domain=b") {
		if e.Who != "adam" || e.Domain != "a" {
			t.Errorf("an entry of another domain: %+v", e)
		}
	}
	if page := op.get("/users/domains"); !strings.Contains(page, `value="b"`) || strings.Contains(page, "<html") {
		t.Error(page)
	}
}

func TestAThousandAppsAreShownInPages(t *testing.T) {
	s := newSite(t)
	for i := range 1000 {
		if err := s.registry.SaveApp(t.Context(), platform.App{ID: fmt.Sprintf("app-%03d", i), Name: strings.Repeat("n", 200)}); err != nil {
			t.Fatal(err)
		}
	}
	b := s.operator()
	b.get("/apps")
	began := time.Now()
	page := b.get("/apps?page=3&q=app-")
	t.Logf("%d bytes in %v", len(page), time.Since(began))
	if len(page) > 150<<10 || strings.Count(page, `class="mono">app-`) != 100 || !strings.Contains(page, "page=4&amp;q=app-") || !strings.Contains(page, "page=2&amp;q=app-") {
		t.Errorf("%d bytes: %.5000s", len(page), page)
	}
	b.get("/apps?page=99999&q=")
	b.get("/apps?page=-1")
}

func TestAnAppIsDisabledByItsNameAndEnabled(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	disabled := func() bool {
		app, err := s.registry.App(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		return app.Disabled
	}
	b.fails("/apps/shop/disable", url.Values{"confirm": {"ops"}}, "not_confirmed")
	if page := b.does("/apps/shop/disable", url.Values{"confirm": {"shop"}}); !disabled() || !strings.Contains(page, "The app was disabled.") || !strings.Contains(page, ">disabled</span>") {
		t.Error(page)
	}
	if page := b.get("/apps"); !strings.Contains(page, ">disabled</span>") {
		t.Error(page)
	}
	if page := b.does("/apps/shop/enable", nil); disabled() || strings.Contains(page, ">disabled</span>") {
		t.Error(page)
	}
	if page := b.get("/audit"); !strings.Contains(page, "disabled an app") || !strings.Contains(page, "enabled an app") {
		t.Error(page)
	}
}
