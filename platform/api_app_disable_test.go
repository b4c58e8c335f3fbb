package platform_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

func setDisabled(t testing.TB, p http.Handler, by platform.Key, app, how string) {
	t.Helper()
	ask(t, p, by, "POST", "platform/app/"+how, "app_id", app).wantResult(t, "true")
}

func isDisabled(t testing.TB, p http.Handler, app string) (disabled bool) {
	t.Helper()
	var doc struct{ Disabled bool }
	must(t, json.Unmarshal(ask(t, p, adminKey, "GET", "platform/app/info/"+app).Result, &doc))
	return doc.Disabled
}

func TestADisabledAppIsRefusedEverywhereAndLosesNoMessage(t *testing.T) {
	cfg := platform.Config{Store: provisionedStore(), Queues: newQueues(memory.Config{})}
	e := newEnv(t, cfg)
	other := newPlatform(t, cfg) // of the same cluster
	raw, err := net.Dial("tcp", e.addr)
	must(t, err)
	peer := dialOver(t, raw, notifyTarget(shopKey.ID, shopKey.Secret, "/api/platform/notify"))
	setDisabled(t, other, adminKey, "shop", "disable")
	if closed := peer.closed(); closed.Code != socket.PolicyViolation {
		t.Errorf("the channel was closed with %v", closed)
	}
	restarted := newPlatform(t, cfg)
	for _, p := range []http.Handler{e.p, other, restarted} {
		r := ask(t, p, shopKey, "GET", "platform/notify/status")
		r.want(t, 401, "key_expired")
		contains(t, r.Error.Message, "disabled", "prismctl app enable")
	}
	raw, err = net.Dial("tcp", e.addr)
	must(t, err)
	if _, r := tryDial(t, raw, notifyTarget(shopKey.ID, shopKey.Secret, "/api/platform/notify")); r.code() != "key_expired" {
		t.Errorf("a new channel: %d %s", r.status, r.body)
	}
	if !isDisabled(t, restarted, "shop") {
		t.Error("app/info does not say it")
	}
	ask(t, other, adminKey, "POST", "platform/notify/write", "of", shopKey.ID, "topic", "orders", "data", "meanwhile").want(t, 200, "")
	setDisabled(t, other, adminKey, "shop", "enable")
	if read := ask(t, e.p, shopKey, "GET", "platform/notify/read", "topic", "orders"); read.status != 200 || idIn(t, read) == "" {
		t.Errorf("then %s", read.body)
	}
	if isDisabled(t, e.p, "shop") {
		t.Error("it is disabled still")
	}
}

func TestWhoMayDisableAnAppLocksNobodyOut(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	m := member(t, p, adminKey, "ann@example.com", platform.DeveloperRole)
	ask(t, p, m, "POST", "platform/app/create", "id", "annshop", "name", "Ann").want(t, 200, "")
	for _, how := range []string{"disable", "enable"} {
		call := func(by platform.Key, app string) reply {
			return ask(t, p, by, "POST", "platform/app/"+how, "app_id", app)
		}
		call(m, "annshop").want(t, 403, "forbidden_admin")
		call(shopKey, "shop").want(t, 403, "forbidden_admin")
		call(alienAdmin, "shop").want(t, 404, "unknown_app")
		call(adminKey, "annshop").wantResult(t, "true")
	}
	r := ask(t, p, adminKey, "POST", "platform/app/disable", "app_id", adminKey.App)
	r.want(t, 409, "in_use")
	contains(t, r.Error.Message, "another app")
	ask(t, p, adminKey, "GET", "platform/app/list").want(t, 200, "")
	as := func(role platform.Role, app string) reply {
		form := url.Values{"app_id": {app}}
		req := httptest.NewRequest("POST", "/api/platform/app/disable?"+form.Encode(), nil)
		return serve(t, p, req.WithContext(platform.WithPerson(t.Context(), platform.Person{Name: "boss", Role: role})))
	}
	as(platform.AdminRole, adminKey.App).want(t, 403, "forbidden_admin")
	as(platform.AdminRole, "shop").wantResult(t, "true")
	as(platform.OperatorRole, adminKey.App).wantResult(t, "true")
	ask(t, p, adminKey, "GET", "platform/app/list").want(t, 401, "key_expired")
}

func TestPushesOfADisabledAppPause(t *testing.T) {
	h := newWebhook(t, nil)
	s := startPushing(t, platform.Config{})
	s.set(h)
	write := func(data string) {
		t.Helper()
		must(t, s.queues.Write(t.Context(), shopKey.ID, "", &platform.Message{Body: []byte(data), ClientID: shopKey.ID}))
	}
	write("before")
	h.wait(1)
	s.emptied()
	setDisabled(t, s.p, adminKey, "shop", "disable")
	for late := time.Now().Add(patience); s.p.Stats().Pushing > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("the receiver does not end")
		}
	}
	write("meanwhile")
	if n := h.count(); n != 1 {
		t.Errorf("%d were posted while the app was disabled, want the first alone", n)
	}
	setDisabled(t, s.p, adminKey, "shop", "enable")
	if got := bodiesOf(h.wait(2)); got[0] != "before" || got[1] != "meanwhile" {
		t.Errorf("posted %v", got)
	}
}

func TestADisabledAppLogsNobodyInAndItsTokensDoNotCount(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	l := e.logIn()
	tokens := e.tokens(l)
	disable := func(is bool) {
		_, err := platform.NewRegistry(e.store).UpdateApp(t.Context(), "shop", func(app *platform.App) error {
			app.Disabled = is
			return nil
		})
		must(t, err)
	}
	disable(true)
	user := first()
	user.authorization = "Bearer " + tokens.Access
	e.as(user, "GET", userPath, nil).want(t, 401, "key_expired")
	e.refresh(first(), tokens.Refresh).want(t, 401, "key_expired")
	if _, err := e.p.Code(t.Context(), l, testKey, callback, "", ""); err == nil {
		t.Error("it gets a code")
	}
	disable(false)
	e.as(user, "GET", userPath, nil).want(t, 200, "")
	if got := e.refreshed(tokens.Refresh); got.Access == "" {
		t.Errorf("then %+v", got)
	}
}

func TestThePageOfALoginRefusesADisabledApp(t *testing.T) {
	e := newAdminEnv(t)
	b := e.loggedIn()
	b.get(authorizePath()).sentTo(callback)
	setDisabled(t, e.p, opsKey, "shop", "disable")
	b.get(authorizePath()).want(401, "key_expired")
	setDisabled(t, e.p, opsKey, "shop", "enable")
	b.get(authorizePath()).sentTo(callback)
}
