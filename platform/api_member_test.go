package platform_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// member makes a member with a role and returns its key.
func member(t testing.TB, p http.Handler, admin platform.Key, email string, role platform.Role) platform.Key {
	t.Helper()
	ask(t, p, admin, "POST", "platform/manageuser/create", "email", email, "password", "xinxin123").want(t, 200, "")
	setRole(t, p, admin, email, role)
	return memberKey(t, p, admin, email)
}

func setRole(t testing.TB, p http.Handler, admin platform.Key, email string, role platform.Role) {
	t.Helper()
	call := map[platform.Role]string{"": "disable", platform.DeveloperRole: "active", platform.ProviderRole: "apiprovider"}[role]
	ask(t, p, admin, "POST", "platform/manageuser/"+call, "email", email).wantResult(t, "true")
}

func memberKey(t testing.TB, p http.Handler, admin platform.Key, email string) platform.Key {
	t.Helper()
	var doc struct{ Key, Secret, ClientId string }
	r := ask(t, p, admin, "GET", "platform/manageuser/info/"+email, "email", email)
	if err := json.Unmarshal(r.Result, &doc); err != nil || doc.Key == "" || doc.Secret == "" {
		t.Fatalf("the member is %s", r.body)
	}
	return platform.Key{ID: doc.Key, Secret: doc.Secret, App: doc.ClientId}
}

func TestAMemberHasTheMembersThatToolsRead(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	var made map[string]string
	r := ask(t, p, adminKey, "POST", "platform/manageuser/create", "email", "ee@qq.com", "password", "xinxin123", "summary", "测试")
	if json.Unmarshal(r.Result, &made) != nil || len(made) != 3 || made["domainid"] != "default" || made["email"] != "ee@qq.com" || made["id"] == "" {
		t.Errorf("made %s", r.body)
	}
	var info map[string]any
	r = ask(t, p, adminKey, "GET", "platform/manageuser/info/ee@qq.com", "email", "ee@qq.com")
	if err := json.Unmarshal(r.Result, &info); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Guid", "Key", "Secret", "ClientId", "Notes", "DomainId", "Meta", "CreateTime", "Expired", "NotifyPushUrl"} {
		if _, ok := info[name]; !ok {
			t.Errorf("%s is missing in %s", name, r.body)
		}
	}
	if info["ClientId"] != made["id"] || info["Notes"] != "测试" || info["DomainId"] != "default" {
		t.Errorf("is %s", r.body)
	}
	if got := r.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("an answer with a secret has Cache-Control %q", got)
	}
}

func TestAMemberMayDoWhatItsRoleSaysFromTheNextCallOn(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	key := member(t, p, adminKey, "ee@qq.com", "")
	try := func(status int, code string) {
		t.Helper()
		ask(t, p, key, "GET", "platform/app/list").want(t, status, code)
	}
	try(403, "forbidden_admin")
	setRole(t, p, adminKey, "ee@qq.com", platform.DeveloperRole)
	try(200, "")
	ask(t, p, key, "GET", "platform/service/list").want(t, 403, "forbidden_admin")
	setRole(t, p, adminKey, "ee@qq.com", platform.ProviderRole)
	try(200, "")
	ask(t, p, key, "GET", "platform/service/list").wantResult(t, "[]")
	setRole(t, p, adminKey, "ee@qq.com", "")
	try(403, "forbidden_admin")
	for _, call := range []string{"manageuser/create", "manageuser/active", "manageapi/online", "manageapp/bind", "key/rotate", "app/redirect/add"} {
		setRole(t, p, adminKey, "ee@qq.com", platform.ProviderRole)
		ask(t, p, key, "POST", "platform/"+call, "email", "ee@qq.com").want(t, 403, "forbidden_admin")
	}
}

func TestAMemberSeesOnlyWhatItHasMade(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	one := member(t, p, adminKey, "one@shop.example", platform.DeveloperRole)
	two := member(t, p, adminKey, "two@shop.example", platform.ProviderRole)
	var app struct{ Id, MemberId string }
	r := ask(t, p, one, "POST", "platform/app/create", "name", "bbc")
	if json.Unmarshal(r.Result, &app) != nil || app.MemberId != one.App {
		t.Fatalf("made %s", r.body)
	}
	var key struct{ Key string }
	r = ask(t, p, one, "POST", "platform/key/create", "app_id", app.Id)
	if json.Unmarshal(r.Result, &key) != nil || key.Key == "" {
		t.Fatalf("made %s", r.body)
	}
	for _, call := range [][]string{
		{"GET", "platform/app/info/" + app.Id, "unknown_app"},
		{"POST", "platform/app/delete", "unknown_app", "app_id", app.Id},
		{"POST", "platform/key/create", "unknown_app", "app_id", app.Id},
		{"POST", "platform/key/list", "unknown_app", "app_id", app.Id},
		{"GET", "platform/key/info/" + key.Key, "unknown_key"},
		{"POST", "platform/key/delete", "unknown_key", "key", key.Key},
		{"GET", "platform/app/info/shop", "unknown_app"},
		{"POST", "platform/key/create", "unknown_app", "app_id", "shop"},
		{"GET", "platform/key/info/" + testKey, "unknown_key"},
		{"POST", "platform/app/delete", "unknown_app", "app_id", two.App},
	} {
		ask(t, p, two, call[0], call[1], call[3:]...).want(t, 404, call[2])
	}
	ask(t, p, two, "POST", "platform/app/list").wantResult(t, "[]")
	ask(t, p, one, "POST", "platform/key/create", "app_id", one.App).want(t, 404, "unknown_app")
	ask(t, p, one, "GET", "platform/app/info/"+app.Id).want(t, 200, "")
	ask(t, p, adminKey, "GET", "platform/app/info/"+app.Id).want(t, 200, "")
	ask(t, p, one, "POST", "platform/app/create", "name", "x", "publish", "#").want(t, 403, "forbidden_admin")
	ask(t, p, one, "POST", "platform/key/delete", "key", key.Key).wantResult(t, "true")
	ask(t, p, one, "POST", "platform/app/delete", "app_id", app.Id).wantResult(t, "true")
}

func TestAMemberIsOfOneDomain(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	member(t, p, adminKey, "ee@qq.com", platform.DeveloperRole)
	for _, call := range []string{"active", "apiprovider", "disable"} {
		ask(t, p, alienAdmin, "POST", "platform/manageuser/"+call, "email", "ee@qq.com").want(t, 404, "unknown_user")
	}
	ask(t, p, alienAdmin, "GET", "platform/manageuser/info/ee@qq.com").want(t, 404, "unknown_user")
	alien := member(t, p, alienAdmin, "ee@qq.com", platform.DeveloperRole)
	ask(t, p, alien, "GET", "platform/app/list").wantResult(t, "[]")
}

func TestWhatIsNoMemberIsRefused(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	member(t, p, adminKey, "ee@qq.com", "")
	ask(t, p, adminKey, "POST", "platform/manageuser/create", "email", "EE@qq.com", "password", "x").want(t, 409, "member_exists")
	ask(t, p, adminKey, "POST", "platform/manageuser/create", "password", "x").want(t, 400, "missing_parameter")
	for _, email := range []string{"ee", "@qq.com", "ee@", "a@b@c", "a b@c", "a/b@c", "a@b\x00", "\xff@b", strings.Repeat("a", 250) + "@b.cd"} {
		ask(t, p, adminKey, "POST", "platform/manageuser/create", "email", email, "password", "x").want(t, 400, "invalid_parameter")
	}
	ask(t, p, adminKey, "POST", "platform/manageuser/create", "email", "a@b", "summary", "a\x00").want(t, 400, "invalid_parameter")
	ask(t, p, adminKey, "POST", "platform/manageuser/active", "email", "nobody@qq.com").want(t, 404, "unknown_user")
	ask(t, p, shopKey, "POST", "platform/manageuser/create", "email", "a@b").want(t, 403, "forbidden_admin")
}

// A member of which a process was killed between the app and the key is completed.
func TestAMemberWithoutAKeyIsMadeAgain(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	first := member(t, p, adminKey, "ee@qq.com", platform.ProviderRole)
	ask(t, p, adminKey, "POST", "platform/key/delete", "key", first.ID).wantResult(t, "true")
	ask(t, p, adminKey, "GET", "platform/manageuser/info/ee@qq.com").want(t, 404, "unknown_key")
	ask(t, p, adminKey, "POST", "platform/manageuser/create", "email", "ee@qq.com", "password", "x").want(t, 200, "")
	if again := memberKey(t, p, adminKey, "ee@qq.com"); again.App != first.App || again.ID == first.ID {
		t.Errorf("has %+v, had %+v", again, first)
	}
}

func TestALaterMemberDoesNotGetTheAppsOfAnEarlierOne(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	first := member(t, p, adminKey, "ee@qq.com", platform.DeveloperRole)
	ask(t, p, first, "POST", "platform/app/create", "name", "bbc").want(t, 200, "")
	ask(t, p, adminKey, "POST", "platform/app/delete", "app_id", first.App).wantResult(t, "true")
	later := member(t, p, adminKey, "ee@qq.com", platform.DeveloperRole)
	ask(t, p, later, "GET", "platform/app/list").wantResult(t, "[]")
}

func TestHooksDoNotSeeWhatIsSecretInManagementCalls(t *testing.T) {
	var seen []platform.Call
	p := newPlatform(t, platform.Config{Trace: &platform.Trace{Call: func(c platform.Call, _ platform.Outcome) { seen = append(seen, c) }}})
	const secret = "s3cret-canary"
	ask(t, p, adminKey, "POST", "platform/manageuser/create", "email", "ee@qq.com", "password", secret)
	ask(t, p, adminKey, "POST", "platform/service/config/set", "Id", "x", "key", "token", "value", secret)
	ask(t, p, adminKey, "POST", "platform/manageapi/node/add", "api", "x", "node_id", "n", "data", `{"token":"`+secret+`"}`)
	ask(t, p, adminKey, "POST", "platform/manageoauth/config/set", "config", `{"Password":"`+secret+`"}`)
	if len(seen) != 4 || strings.Contains(fmt.Sprint(seen), secret) {
		t.Errorf("hooks saw %v", seen)
	}
}

// The published SDK for PHP signs two equal calls of one second alike; its tools make the
// keys of an app in a row.
func TestThePHPSDKMayMakeTheSameCallTwiceInARow(t *testing.T) {
	var now time.Time
	for _, refuse := range []bool{false, true} {
		now = time.Date(2026, 11, 30, 7, 0, 0, 0, time.UTC)
		p := newPlatform(t, platform.Config{Now: func() time.Time { return now }, RefuseReplays: refuse})
		form := url.Values{"app_id": {"shop"}}
		signedBy(testKey, testSecret, now, "POST", "/api/platform/key/create", nil, url.Values{}, form)
		send := func(agent, from string) reply {
			r := httptest.NewRequest("POST", "/api/platform/key/create", strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("User-Agent", agent)
			r.RemoteAddr = from
			w := newRecorder()
			p.ServeHTTP(w, r)
			return readReply(t, w.Result())
		}
		refused := func(agent, from string) {
			t.Helper()
			if r := send(agent, from); r.status < 400 {
				t.Errorf("answered %d %s", r.status, r.body)
			}
		}
		send("PrismSDK/PHP", "192.0.2.1:1000").want(t, 200, "")
		if refuse {
			refused("PrismSDK/PHP", "192.0.2.1:1001")
			continue
		}
		send("PrismSDK/PHP", "192.0.2.1:1001").want(t, 200, "")
		refused("PrismSDK/PHP", "192.0.2.2:1000") // who has found the signature
		refused("curl", "192.0.2.1:1000")
		now = now.Add(2 * time.Second)
		refused("PrismSDK/PHP", "192.0.2.1:1000")
	}
}

func TestAnAppWithARoleThatDoesNotExistIsRefused(t *testing.T) {
	if err := (platform.App{ID: "a", Role: "king"}).Check(); err == nil {
		t.Error("Check returns nil")
	}
}
