package platform_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// recorded returns what sends the same signed call again and again.
func recorded(t *testing.T, key platform.Key, at time.Time, method, api string, params ...string) func(http.Handler) reply {
	own := url.Values{}
	for i := 0; i < len(params); i += 2 {
		own.Set(params[i], params[i+1])
	}
	query, form := own, url.Values(nil)
	if method == "POST" {
		query, form = url.Values{}, own
	}
	path := "/api/" + api
	signedBy(key.ID, key.Secret, at, method, path, nil, query, form)
	return func(p http.Handler) reply {
		t.Helper()
		r := httptest.NewRequest(method, path+"?"+query.Encode(), strings.NewReader(form.Encode()))
		if form != nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w := newRecorder()
		p.ServeHTTP(w, r)
		return readReply(t, w.Result())
	}
}

func TestARecordedChangeIsMadeOnce(t *testing.T) {
	store := provisionedStore()
	one, two := newPlatform(t, platform.Config{Store: store}), newPlatform(t, platform.Config{Store: store})
	for _, call := range [][]string{
		{"platform/key/create", "app_id", "shop"},
		{"platform/key/rotate", "key", shopKey.ID, "grace", "60"},
		{"platform/app/create", "name", "x"},
		{"platform/manageapp/queue/publish", "app_id", "shop", "routing_key", "#"},
		{"platform/manageapp/queue/consume", "app_id", "shop", "routing_key", "#"},
		{"platform/key/delete", "key", shopKey.ID},
		{"platform/app/delete", "app_id", "shop"},
	} {
		send := recorded(t, adminKey, time.Now(), "POST", call[0], call[1:]...)
		send(one).want(t, 200, "")
		send(one).want(t, 401, "repeated_sign")
		send(two).want(t, 401, "repeated_sign") // another process over the store
	}
}

// A sign_time may be ahead by the window, and is good until it is behind by it.
func TestARecordedChangeIsRememberedForAsLongAsItsTimeIsGood(t *testing.T) {
	now := time.Now()
	p := newPlatform(t, platform.Config{Now: func() time.Time { return now }})
	send := recorded(t, adminKey, now.Add(10*time.Minute), "POST", "platform/app/create", "name", "x")
	send(p).want(t, 200, "")
	now = now.Add(25*time.Hour + 10*time.Minute)
	send(p).want(t, 401, "repeated_sign")
	now = now.Add(time.Second)
	send(p).want(t, 401, "sign_time_expired")
}

func TestAReadMayBeRepeatedAndShowsNoSecret(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	for _, api := range []string{"platform/key/info/" + shopKey.ID, "platform/key/list", "platform/app/list", "platform/app/info/shop", "platform/notify/status"} {
		send := recorded(t, adminKey, time.Now(), "GET", api, "app_id", "shop")
		for range 2 {
			r := send(p)
			r.want(t, 200, "")
			if strings.Contains(r.body, shopKey.Secret) || strings.Contains(r.body, "Secret") {
				t.Errorf("%s shows a secret: %s", api, r.body)
			}
		}
	}
}

func TestWhatPublishedSDKsRepeatIsServed(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	send := recorded(t, shopKey, time.Now(), "POST", "platform/notify/write", "data", "x")
	send(p).wantResult(t, "true")
	send(p).wantResult(t, "true")
}

// Who accepts signatures of any age wants to repeat them.
func TestAnyAgeIsAnyNumber(t *testing.T) {
	p := newPlatform(t, platform.Config{SignWindow: -1})
	send := recorded(t, adminKey, time.Unix(1, 0), "POST", "platform/app/create", "name", "x")
	send(p).want(t, 200, "")
	send(p).want(t, 200, "")
}

func TestWhatIsRememberedOfSignaturesIsBounded(t *testing.T) {
	now := time.Now()
	p := newPlatform(t, platform.Config{Now: func() time.Time { return now }, Limits: platform.Limits{ChangesPerKey: 2}})
	create := func(key platform.Key) reply {
		return ask(t, p, key, "POST", "platform/app/create", "name", "x")
	}
	create(adminKey).want(t, 200, "")
	create(adminKey).want(t, 200, "")
	r := create(adminKey)
	r.want(t, 429, "too_many_changes")
	if r.header.Get("Retry-After") == "" {
		t.Error("it does not say how long to wait")
	}
	create(alienAdmin).want(t, 200, "")
	now = now.Add(25*time.Hour + 10*time.Minute + time.Second)
	recorded(t, adminKey, now, "POST", "platform/app/create", "name", "y")(p).want(t, 200, "")
}

// Whoever does not need SDKs that repeat signatures can have each of them count once.
func TestWithReplaysRefusedEachSignatureCountsOnceAtAllPlatforms(t *testing.T) {
	store := provisionedStore()
	cfg := platform.Config{Store: store, RefuseReplays: true}
	one, two := newPlatform(t, cfg), newPlatform(t, cfg)
	for _, call := range []func(http.Handler) reply{
		recorded(t, shopKey, time.Now(), "POST", "platform/notify/write", "data", "x"),
		recorded(t, shopKey, time.Now(), "GET", "platform/notify/status"),
		recorded(t, adminKey, time.Now(), "POST", "platform/app/create", "name", "x"),
	} {
		call(one).want(t, 200, "")
		call(one).want(t, 401, "repeated_sign")
		call(two).want(t, 401, "repeated_sign")
	}
}

// IDs of one domain must not tell what there is in another.
func TestAnIDTellsNothingOfOtherDomains(t *testing.T) {
	p := newPlatform(t, platform.Config{ReservedApps: []string{"reserved"}})
	made := func(id string) string {
		var app struct{ Id string }
		r := ask(t, p, alienAdmin, "POST", "platform/app/create", "name", "x", "id", id)
		r.want(t, 200, "")
		if err := json.Unmarshal(r.Result, &app); err != nil {
			t.Fatal(err)
		}
		return app.Id
	}
	for _, id := range []string{"shop", "free", "reserved"} {
		given := made(id)
		if !strings.HasPrefix(given, id+"-") || len(given) != len(id)+9 {
			t.Errorf("%s became %s", id, given)
		}
		ask(t, p, alienAdmin, "POST", "platform/app/create", "name", "x", "id", id).want(t, 409, "app_exists")
		ask(t, p, adminKey, "POST", "platform/app/create", "name", "x", "id", given).want(t, 400, "invalid_parameter")
	}
	ask(t, p, adminKey, "POST", "platform/app/create", "name", "x", "id", "free").want(t, 200, "")
	ask(t, p, adminKey, "POST", "platform/app/create", "name", "x", "id", "reserved").want(t, 409, "app_exists")
	for _, id := range []string{"shop", "nothing"} {
		for _, call := range [][]string{{"GET", "platform/app/info/" + id}, {"POST", "platform/app/delete", "app_id", id}, {"POST", "platform/key/create", "app_id", id}} {
			ask(t, p, alienAdmin, call[0], call[1], call[2:]...).want(t, 404, "unknown_app")
		}
	}
}
