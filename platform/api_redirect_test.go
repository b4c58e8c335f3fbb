package platform_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
)

var opsKey = platform.Key{ID: "opskey11", Secret: "opssecretopssecretop", App: "ops", Admin: true}

// newAdminEnv has an admin key, too.
func newAdminEnv(t *testing.T) *pageEnv {
	store := twoApps()
	store.Add(opsKey)
	return newPageEnv(t, platform.Config{Store: store, SignWindow: -1})
}

func TestAnAddressThatIsAddedLeadsBackAtOnceUntilItIsRemoved(t *testing.T) {
	e := newAdminEnv(t)
	b := e.loggedIn()
	const uri = "https://new.example/back"
	change := func(call, uri string) reply {
		return ask(t, e.p, opsKey, "POST", "platform/app/redirect/"+call, "app_id", "shop", "redirect_uri", uri)
	}
	b.get(authorizePath("redirect_uri", uri)).want(400, "unknown_redirect_uri")
	for range 2 {
		change("add", uri).wantResult(t, "true")
	}
	b.get(authorizePath("redirect_uri", uri)).sentTo(uri)
	for _, method := range []string{"GET", "POST"} {
		r := ask(t, e.p, opsKey, method, "platform/app/redirect/list", "app_id", "shop")
		if got := string(r.Result); strings.Count(got, uri) != 1 || !strings.Contains(got, callback) {
			t.Errorf("%s: the addresses are %s", method, got)
		}
	}
	change("remove", uri).wantResult(t, "true")
	change("remove", uri).want(t, 404, "unknown_redirect_uri")
	b.get(authorizePath("redirect_uri", uri)).want(400, "unknown_redirect_uri")
	b.get(authorizePath()).sentTo(callback)
}

func TestOnlyAddressesOfAnAppAreRegistered(t *testing.T) {
	e := newAdminEnv(t)
	add := func(key platform.Key, app, uri string) reply {
		return ask(t, e.p, key, "POST", "platform/app/redirect/add", "app_id", app, "redirect_uri", uri)
	}
	for _, uri := range []string{"/cb", "javascript:alert(1)", "https://a@b.example/", "https://x.example/#a", "https://x.example/ b", "https:///x", "x"} {
		add(opsKey, "shop", uri).want(t, 400, "invalid_parameter")
	}
	add(opsKey, "shop", "https://x.example/"+strings.Repeat("a", 1024)).want(t, 400, "invalid_parameter")
	add(opsKey, "nope", "https://x.example/").want(t, 404, "unknown_app")
	add(platform.Key{ID: testKey, Secret: testSecret}, "shop", "https://x.example/").want(t, 403, "forbidden_admin")
	var last reply
	for i := range 60 {
		last = add(opsKey, "shop", fmt.Sprintf("https://x.example/%d", i))
	}
	last.want(t, 400, "too_many_redirects")
}

// The command is for developers: no stranger learns the ID of an app.
func TestAnUnregisteredAddressNamesTheCommandToDevelopersOnly(t *testing.T) {
	for explain, want := range map[bool]bool{true: true, false: false} {
		e := newPageEnv(t, platform.Config{Explain: explain})
		b := e.browser()
		page := b.get(authorizePath("redirect_uri", "https://new.example/back"))
		page.want(400, "unknown_redirect_uri")
		if got := strings.Contains(page.body, "prismctl app redirect add shop"); got != want {
			t.Errorf("explain %v: %s", explain, page.body)
		}
	}
}
