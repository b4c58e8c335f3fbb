package platform_test

import (
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// branchKey administers another domain than default.
var branchKey = platform.Key{ID: "branchkey", Secret: "branchsecretbranchse", App: "branch-ops", Admin: true}

func newRolePlatform(t *testing.T) *platform.Platform {
	store := storeOf(adminKey, shopKey)
	r := platform.NewRegistry(store)
	must(t, r.SaveApp(t.Context(), platform.App{ID: branchKey.App, Domain: "branch"}))
	must(t, r.SaveKey(t.Context(), branchKey))
	return newPlatform(t, platform.Config{Store: store, Users: r, SignWindow: -1})
}

func TestRolesOfUsersAreGivenShownAndTakenAway(t *testing.T) {
	p := newRolePlatform(t)
	set := func(params ...string) reply { return ask(t, p, adminKey, "POST", "platform/user/role/set", params...) }
	set("login", "olga", "role", "operator").wantResult(t, "true")
	set("login", "adam", "role", "operator").wantResult(t, "true")
	set("login", "adam", "role", "admin", "domain", "branch").wantResult(t, "true")
	set("login", "dev@shop.example", "role", "developer").want(t, 400, "invalid_parameter")
	ask(t, p, adminKey, "POST", "platform/manageuser/create", "email", "dev@shop.example").want(t, 200, "")
	set("login", "dev@shop.example", "role", "developer").wantResult(t, "true")
	set("login", "dana", "role", "provider", "member", "dev@shop.example").wantResult(t, "true")
	for _, method := range []string{"GET", "POST"} {
		ask(t, p, adminKey, method, "platform/user/role/list").wantResult(t, `[{"Login":"adam","Role":"admin","Domain":"branch"},`+
			`{"Login":"dana","Role":"provider","Domain":"default","Member":"dev@shop.example"},`+
			`{"Login":"dev@shop.example","Role":"developer","Domain":"default","Member":"dev@shop.example"},{"Login":"olga","Role":"operator"}]`)
	}
	ask(t, p, adminKey, "POST", "platform/user/role/remove", "login", "adam").wantResult(t, "true")
	ask(t, p, adminKey, "POST", "platform/user/role/remove", "login", "adam").want(t, 404, "unknown_user")
}

// Somebody else may get the login later, and must not get the role with it.
func TestARoleGoesWithItsUser(t *testing.T) {
	p := newRolePlatform(t)
	post := func(call string, params ...string) reply {
		return ask(t, p, adminKey, "POST", "platform/user/"+call, append(params, "login", "olga")...)
	}
	hash := hash(t, "x", platform.MinIterations)
	post("create", "password_hash", hash).wantResult(t, "true")
	post("role/set", "role", "operator").wantResult(t, "true")
	post("delete").wantResult(t, "true")
	post("create", "password_hash", hash).wantResult(t, "true")
	post("role/remove").want(t, 404, "unknown_user")
}

func TestARoleThatSaysTooLittleOrTooMuchIsRefused(t *testing.T) {
	p := newRolePlatform(t)
	for _, params := range []string{
		"", "login=a", "role=admin", "login=a&role=king", "login=a&role=operator&domain=branch", "login=a&role=admin&member=m@x.example",
		"login=a&role=admin&domain=a/b", "login=a\n&role=admin", "login=" + strings.Repeat("a", 300) + "&role=admin",
	} {
		var list []string
		for param := range strings.SplitSeq(params, "&") {
			if name, value, ok := strings.Cut(param, "="); ok {
				list = append(list, name, value)
			}
		}
		if r := ask(t, p, adminKey, "POST", "platform/user/role/set", list...); r.status != 400 {
			t.Errorf("%q: %d %s", params, r.status, r.body)
		}
	}
}

func TestOnlyTheOperatorGivesRolesAndMakesUsers(t *testing.T) {
	p := newRolePlatform(t)
	hash := hash(t, "password", platform.MinIterations)
	for _, call := range []string{"role/list", "role/set", "role/remove", "create"} {
		for key, code := range map[*platform.Key]string{&branchKey: "forbidden_users", &shopKey: "forbidden_admin"} {
			ask(t, p, *key, "POST", "platform/user/"+call, "login", "olga", "role", "operator", "password_hash", hash).want(t, 403, code)
		}
	}
}

func TestAUserIsMadeOnce(t *testing.T) {
	store := storeOf(adminKey)
	r := platform.NewRegistry(store)
	r.Iterations = platform.KeepHashes
	p := newPlatform(t, platform.Config{Store: store, Users: r, SignWindow: -1})
	create := func(params ...string) reply {
		return ask(t, p, adminKey, "POST", "platform/user/create", append(params, "login", "ann")...)
	}
	create("password_hash", "no hash").want(t, 400, "invalid_parameter")
	create("password_hash", hash(t, "first", platform.MinIterations), "id", "7").wantResult(t, "true")
	create("password_hash", hash(t, "second", platform.MinIterations)).want(t, 409, "in_use")
	if u, err := r.Authenticate(t.Context(), "ann", "first"); err != nil || u.ID != "7" || u.Epoch == "" {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestAKeyIsSwitchedOffAndOnAgain(t *testing.T) {
	p := newPlatform(t, platform.Config{SignWindow: -1, Queues: memory.New(memory.Config{})})
	key := makeKey(t, p, "shop")
	expire := func(date string) reply {
		return ask(t, p, adminKey, "POST", "platform/key/expire", "key", key.ID, "expired_date", date)
	}
	works := func() reply { return ask(t, p, key, "GET", "platform/notify/status") }
	works().want(t, 200, "")
	expire("1").want(t, 200, "")
	works().want(t, 401, "key_expired")
	r := expire("0")
	r.want(t, 200, "")
	contains(t, string(r.Result), `"Expired":-62135596800`)
	works().want(t, 200, "")
	expire("").want(t, 400, "missing_parameter")
	expire("soon").want(t, 400, "invalid_parameter")
	ask(t, p, adminKey, "POST", "platform/key/expire", "key", adminKey.ID, "expired_date", "1").want(t, 409, "in_use")
	ask(t, p, shopKey, "POST", "platform/key/expire", "key", key.ID, "expired_date", "1").want(t, 403, "forbidden_admin")
	ask(t, p, adminKey, "POST", "platform/key/expire", "key", "nothing", "expired_date", "1").want(t, 404, "unknown_key")
}
