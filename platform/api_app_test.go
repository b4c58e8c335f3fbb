package platform_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/shopex/prism-go/platform"
)

func TestAnAppHasTheMembersThatToolsRead(t *testing.T) {
	p := newPlatform(t, platform.Config{
		Now:        func() time.Time { return time.Date(2016, 1, 2, 3, 4, 5, 6_780_000, time.FixedZone("", 8*3600)) },
		SignWindow: -1,
	})
	const doc = `{"Id":"shop2","Guid":"default-shop2","DomainId":"default","Name":"Shop","Summary":"sells","KeysNum":0,"MaxKeysLimit":500,` +
		`"CreateTime":"2016-01-01T19:04:05.006Z","NotifyListen":[],"NotifyPublish":[],"MemberId":"","Meta":{},"Status":"","SelfBinding":false,` +
		`"Author":"","AuthorUrl":"","Logo":"","ApiJsonUrl":"","AuthGroup":""}`
	ask(t, p, adminKey, "POST", "platform/app/create", "name", "Shop", "id", "shop2", "desc", "sells").wantResult(t, doc)
	ask(t, p, adminKey, "GET", "platform/app/info/shop2").wantResult(t, doc)

	ask(t, p, adminKey, "POST", "platform/manageapp/queue/publish", "app_id", "shop2", "routing_key", `["order.*","stock.#"]`).wantResult(t, "true")
	ask(t, p, adminKey, "POST", "platform/manageapp/queue/consume", "app_id", "shop2", "routing_key", "[]").wantResult(t, "true")
	ask(t, p, adminKey, "POST", "platform/key/create", "app_id", "shop2").want(t, 200, "")
	changed := strings.NewReplacer(`"KeysNum":0`, `"KeysNum":1`, `"NotifyPublish":[]`, `"NotifyPublish":["order.*","stock.#"]`).Replace(doc)
	ask(t, p, adminKey, "GET", "platform/app/info/shop2").wantResult(t, changed)
}

// Tools in PHP list by POST, repeat the ID of info as a parameter, and leave
// out what is null.
func TestToolsAreAnsweredAsTheyAsk(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	for _, call := range [][]string{
		{"GET", "platform/app/list"},
		{"POST", "platform/app/list"},
		{"POST", "platform/app/list", "page", "1"},
		{"GET", "platform/manageapp/list"},
		{"POST", "platform/manageapp/list"},
	} {
		var apps []struct{ Id string }
		r := ask(t, p, adminKey, call[0], call[1], call[2:]...)
		if json.Unmarshal(r.Result, &apps) != nil || len(apps) != 2 || apps[0].Id != "ops" || apps[1].Id != "shop" {
			t.Errorf("%q: %s", call, r.body)
		}
	}
	for _, call := range [][]string{
		{"platform/app/info/shop"},
		{"platform/app/info/shop", "app_id", "shop"},
		{"platform/app/info", "app_id", "shop"},
		{"platform/app/info/", "app_id", "shop"},
	} {
		r := ask(t, p, adminKey, "GET", call[0], call[1:]...)
		contains(t, string(r.Result), `"Id":"shop"`)
	}
}

func TestAnAppWithoutAnIDIsGivenOne(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	var app struct{ Id, Summary string }
	r := ask(t, p, adminKey, "POST", "platform/app/create", "name", "Shop", "id", "")
	if json.Unmarshal(r.Result, &app) != nil || len(app.Id) != 7 || app.Summary != "" {
		t.Errorf("made %s", r.body)
	}
	ask(t, p, adminKey, "GET", "platform/app/info/"+app.Id).want(t, 200, "")
}

func TestProvisioningRefusesWhatIsWrong(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	long, many := strings.Repeat("a", 257), "["+strings.Repeat(`"a",`, 100)+`"a"]`
	list := func(n int, pattern string) string {
		return "[" + strings.Repeat(`"`+pattern+`",`, n-1) + `"` + pattern + `"]`
	}
	rows := []struct {
		method, api string
		params      []string
		status      int
		code        string
	}{
		{"POST", "platform/app/create", nil, 400, "missing_parameter"},
		{"POST", "platform/app/create", []string{"name", ""}, 400, "missing_parameter"},
		{"POST", "platform/app/create", []string{"name", long}, 400, "invalid_parameter"},
		{"POST", "platform/app/create", []string{"name", "a", "name", "b"}, 400, "invalid_parameter"},
		{"POST", "platform/app/create", []string{"name", "a\xff"}, 400, "invalid_parameter"},
		{"POST", "platform/app/create", []string{"name", "a\x1b[31m"}, 400, "invalid_parameter"},
		{"POST", "platform/app/create", []string{"name", "a", "desc", strings.Repeat("a", 1025)}, 400, "invalid_parameter"},
		{"POST", "platform/app/create", []string{"name", "a", "id", "a b"}, 400, "invalid_parameter"},
		{"POST", "platform/app/create", []string{"name", "a", "id", "../ops"}, 400, "invalid_parameter"},
		{"POST", "platform/app/create", []string{"name", "a", "id", "日本"}, 400, "invalid_parameter"},
		{"POST", "platform/app/create", []string{"name", "a", "id", "a\n"}, 400, "invalid_parameter"},
		{"POST", "platform/app/create", []string{"name", "a", "id", strings.Repeat("a", 65)}, 400, "invalid_parameter"},
		{"POST", "platform/app/create", []string{"name", "a", "id", "shop"}, 409, "app_exists"},
		{"POST", "platform/app/create", []string{"name", "a", "id", "alien"}, 409, "app_exists"},
		{"GET", "platform/app/create", []string{"name", "a"}, 405, "method_not_allowed"},

		{"GET", "platform/app/info", nil, 400, "missing_parameter"},
		{"GET", "platform/app/info/nope", nil, 404, "unknown_app"},
		{"GET", "platform/app/info/alien", nil, 404, "unknown_app"},
		{"GET", "platform/app/info/alien", []string{"app_id", "shop"}, 404, "unknown_app"},
		{"GET", "platform/app/info/..", nil, 404, "unknown_app"},
		{"GET", "platform/app/info/%00", nil, 404, "unknown_app"},
		{"GET", "platform/app/info/" + strings.Repeat("a", 5000), nil, 404, "unknown_app"},
		{"GET", "platform/app/info/shop/x", nil, 404, "unknown_api"},
		{"GET", "platform/app/list/x", nil, 404, "unknown_api"},
		{"GET", "platform/app", nil, 404, "unknown_api"},
		{"POST", "platform/app/info/shop", nil, 405, "method_not_allowed"},

		{"POST", "platform/app/delete", nil, 400, "missing_parameter"},
		{"POST", "platform/app/delete", []string{"app_id", "alien"}, 404, "unknown_app"},
		{"POST", "platform/app/delete", []string{"app_id", "ops"}, 409, "in_use"},

		{"POST", "platform/manageapp/queue/publish", []string{"routing_key", "#"}, 400, "missing_parameter"},
		{"POST", "platform/manageapp/queue/publish", []string{"app_id", "shop"}, 400, "missing_parameter"},
		{"POST", "platform/manageapp/queue/publish", []string{"app_id", "alien", "routing_key", "#"}, 404, "unknown_app"},
		{"POST", "platform/manageapp/queue/publish", []string{"app_id", "shop", "routing_key", ""}, 400, "invalid_parameter"},
		{"POST", "platform/manageapp/queue/publish", []string{"app_id", "shop", "routing_key", `[""]`}, 400, "invalid_parameter"},
		{"POST", "platform/manageapp/queue/publish", []string{"app_id", "shop", "routing_key", `["a"`}, 400, "invalid_parameter"},
		{"POST", "platform/manageapp/queue/publish", []string{"app_id", "shop", "routing_key", `["a"] `}, 200, ""},
		{"POST", "platform/manageapp/queue/publish", []string{"app_id", "shop", "routing_key", `["a"]["b"]`}, 400, "invalid_parameter"},
		{"POST", "platform/manageapp/queue/publish", []string{"app_id", "shop", "routing_key", `[1]`}, 400, "invalid_parameter"},
		{"POST", "platform/manageapp/queue/publish", []string{"app_id", "shop", "routing_key", `[null]`}, 400, "invalid_parameter"},
		{"POST", "platform/manageapp/queue/publish", []string{"app_id", "shop", "routing_key", `[["a"]]`}, 400, "invalid_parameter"},
		{"POST", "platform/manageapp/queue/publish", []string{"app_id", "shop", "routing_key", many}, 400, "invalid_parameter"},
		{"POST", "platform/manageapp/queue/publish", []string{"app_id", "shop", "routing_key", long}, 400, "invalid_parameter"},
		{"POST", "platform/manageapp/queue/publish", []string{"app_id", "shop", "routing_key", list(16, long[1:])}, 200, ""},
		{"POST", "platform/manageapp/queue/publish", []string{"app_id", "shop", "routing_key", list(17, long[1:])}, 400, "invalid_parameter"},
		{"POST", "platform/manageapp/queue/publish", []string{"app_id", "shop", "routing_key", list(100, "a.b.c.d")}, 200, ""},
		{"POST", "platform/manageapp/queue/publish", []string{"app_id", "shop", "routing_key", list(81, "#.a.#.b.c")}, 400, "invalid_parameter"},
		{"POST", "platform/manageapp/queue/publish", []string{"app_id", "shop", "routing_key", `"order.#"`}, 400, "invalid_parameter"},
		{"POST", "platform/manageapp/queue/consume", []string{"app_id", "shop", "routing_key", "order*"}, 400, "invalid_parameter"},
		{"POST", "platform/manageapp/queue/consume", []string{"app_id", "shop", "routing_key", "order.##"}, 400, "invalid_parameter"},
		{"POST", "platform/manageapp/queue/consume", []string{"app_id", "shop", "routing_key", "a, b"}, 400, "invalid_parameter"},
		{"POST", "platform/manageapp/queue/consume", []string{"app_id", "shop", "routing_key", "\xff"}, 400, "invalid_parameter"},
		{"GET", "platform/manageapp/queue/consume", []string{"app_id", "shop", "routing_key", "#"}, 405, "method_not_allowed"},

		{"POST", "platform/key/create", nil, 400, "missing_parameter"},
		{"POST", "platform/key/create", []string{"app_id", "alien"}, 404, "unknown_app"},
		{"POST", "platform/key/create", []string{"app_id", "shop", "expired_date", "tomorrow"}, 400, "invalid_parameter"},
		{"POST", "platform/key/create", []string{"app_id", "shop", "expired_date", "9999999999999"}, 400, "invalid_parameter"},
		{"POST", "platform/key/create", []string{"app_id", "shop", "expired_date", "99999999999999999999"}, 400, "invalid_parameter"},
		{"POST", "platform/key/create", []string{"app_id", "shop", "meta", "a"}, 400, "invalid_parameter"},
		{"POST", "platform/key/create", []string{"app_id", "shop", "meta", `{"a":1}`}, 400, "invalid_parameter"},
		{"POST", "platform/key/create", []string{"app_id", "shop", "meta", `{"a":"` + strings.Repeat("a", 4096) + `"}`}, 400, "invalid_parameter"},
		{"POST", "platform/key/create", []string{"app_id", "shop", "meta", `{"a":"\u0000\u001b[31m"}`}, 400, "invalid_parameter"},
		{"POST", "platform/key/create", []string{"app_id", "shop", "meta", `{"\u001b":"a"}`}, 400, "invalid_parameter"},
		{"POST", "platform/key/create", []string{"app_id", "shop", "meta", "{\"a\":\"\xff\"}"}, 400, "invalid_parameter"},
		{"POST", "platform/key/create", []string{"app_id", "shop", "desc", "\x00"}, 400, "invalid_parameter"},

		{"GET", "platform/key/info", nil, 400, "missing_parameter"},
		{"GET", "platform/key/info/nope", nil, 404, "unknown_key"},
		{"GET", "platform/key/info/alienkey", nil, 404, "unknown_key"},
		{"GET", "platform/key/list", nil, 400, "missing_parameter"},
		{"GET", "platform/key/list", []string{"app_id", "alien"}, 404, "unknown_app"},
		{"POST", "platform/key/delete", nil, 400, "missing_parameter"},
		{"POST", "platform/key/delete", []string{"key", "alienkey"}, 404, "unknown_key"},
		{"POST", "platform/key/delete", []string{"key", testKey}, 409, "in_use"},
	}
	for _, row := range rows {
		if r := ask(t, p, adminKey, row.method, row.api, row.params...); r.status != row.status || r.code() != row.code {
			t.Errorf("%s %s %q: %d %s, want %d %s", row.method, shown(row.api), row.params, r.status, r.body, row.status, row.code)
		}
	}
}

func shown(s string) string { return s[:min(len(s), 100)] }

func TestOnlyAdminKeysProvision(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	for _, call := range [][]string{
		{"POST", "platform/app/create", "name", "a"},
		{"GET", "platform/app/info/shop"},
		{"GET", "platform/app/info/nope"},
		{"POST", "platform/app/list"},
		{"POST", "platform/app/delete", "app_id", "shop"},
		{"POST", "platform/manageapp/list"},
		{"POST", "platform/manageapp/queue/publish", "app_id", "shop", "routing_key", "#"},
		{"POST", "platform/manageapp/queue/consume", "app_id", "shop", "routing_key", "#"},
		{"POST", "platform/key/create", "app_id", "shop"},
		{"GET", "platform/key/info/" + shopKey.ID},
		{"POST", "platform/key/list", "app_id", "shop"},
		{"POST", "platform/key/delete", "key", shopKey.ID},
	} {
		ask(t, p, shopKey, call[0], call[1], call[2:]...).want(t, http.StatusForbidden, "forbidden_admin")
	}
	var apps []struct{ Id, DomainId, Guid string }
	r := ask(t, p, alienAdmin, "GET", "platform/app/list")
	if json.Unmarshal(r.Result, &apps) != nil || len(apps) != 1 || apps[0].DomainId != "mars" || apps[0].Guid != "mars-alien" {
		t.Errorf("the admin of another domain sees %s", r.body)
	}
	ask(t, p, alienAdmin, "POST", "platform/app/create", "name", "a", "id", "rover").want(t, 200, "")
	ask(t, p, adminKey, "GET", "platform/app/info/rover").want(t, 404, "unknown_app")
}

func TestManyWhoMakeOneAppMakeItOnce(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	status := make([]int, 20)
	var all sync.WaitGroup
	for i := range status {
		all.Go(func() {
			status[i] = ask(t, p, adminKey, "POST", "platform/app/create", "name", fmt.Sprint(i), "id", "one").status
		})
	}
	all.Wait()
	slices.Sort(status)
	if status[0] != 200 || status[1] != 409 {
		t.Errorf("answered %v", status)
	}
}

func TestADomainHasNoMoreAppsThanItMay(t *testing.T) {
	p := newPlatform(t, platform.Config{Limits: platform.Limits{AppsPerDomain: 3}})
	ask(t, p, adminKey, "POST", "platform/app/create", "name", "a", "id", "third").want(t, 200, "")
	ask(t, p, adminKey, "POST", "platform/app/create", "name", "a").want(t, 403, "too_many_apps")
	ask(t, p, alienAdmin, "POST", "platform/app/create", "name", "a").want(t, 200, "")
	ask(t, p, adminKey, "POST", "platform/app/delete", "app_id", "shop").want(t, 200, "")
	ask(t, p, adminKey, "POST", "platform/app/create", "name", "a").want(t, 200, "")
}

func FuzzPatternsAreWhatWasWritten(f *testing.F) {
	for _, text := range []string{"order.#", `["a.*","#"]`, "[]", `["` + "\xff" + `"]`, `["\ud800"]`, `["a"`, "*.", "..", "[a", `["a.b*"]`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		patterns, err := platform.ParsePatterns(text)
		if err != nil {
			if !utf8.ValidString(err.Error()) {
				t.Errorf("%q: the error is no text: %q", text, err)
			}
			return
		}
		for _, p := range patterns {
			if p == "" || len(p) > 256 || !utf8.ValidString(p) {
				t.Errorf("%q has the pattern %q", text, p)
			}
		}
		if !strings.HasPrefix(text, "[") && !slices.Equal(patterns, []string{text}) {
			t.Errorf("%q became %q", text, patterns)
		}
		again, err := json.Marshal(patterns)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := platform.ParsePatterns(string(again)); err != nil || patterns == nil || !reflect.DeepEqual(back, patterns) {
			t.Errorf("%q became %q, and then %q, %v", text, patterns, back, err)
		}
	})
}
