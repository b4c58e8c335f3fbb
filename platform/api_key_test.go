package platform_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

type keyReply struct {
	Guid, Key, Secret, ClientId string
	Expired                     int64
}

func makeKey(t testing.TB, p *platform.Platform, app string, params ...string) platform.Key {
	t.Helper()
	var made keyReply
	r := ask(t, p, adminKey, "POST", "platform/key/create", append(params, "app_id", app)...)
	if err := json.Unmarshal(r.Result, &made); err != nil || made.Key == "" {
		t.Fatalf("no key: %d %s", r.status, r.body)
	}
	return platform.Key{ID: made.Key, Secret: made.Secret, App: made.ClientId}
}

func TestAKeyHasTheMembersThatToolsRead(t *testing.T) {
	now := time.Date(2016, 1, 2, 3, 4, 5, 6_780_000, time.UTC)
	p := newPlatform(t, platform.Config{Now: func() time.Time { return now }, SignWindow: -1})
	r := ask(t, p, adminKey, "POST", "platform/key/create", "app_id", "shop", "desc", "b2c", "meta", `{"a":"<b>"}`, "expired_date", "2000000000")
	var made keyReply
	if err := json.Unmarshal(r.Result, &made); err != nil {
		t.Fatal(err)
	}
	if len(made.Key) != 8 || len(made.Secret) != 20 || strings.ToLower(made.Key+made.Secret) != made.Key+made.Secret {
		t.Errorf("made %+v", made)
	}
	doc := `{"Guid":"default-KEY","Key":"KEY","Secret":"SECRET","ClientId":"shop","Notes":"b2c","DomainId":"default","Meta":{"a":"<b>"},` +
		`"CreateTime":"2016-01-02T03:04:05.006Z","Expired":2000000000,"NotifyPushUrl":""}`
	doc = strings.NewReplacer("KEY", made.Key, "SECRET", made.Secret).Replace(doc)
	r.wantResult(t, doc)
	doc = strings.Replace(doc, `"Secret":"`+made.Secret+`",`, "", 1) // it is shown once
	ask(t, p, adminKey, "GET", "platform/key/info/"+made.Key).wantResult(t, doc)
	ask(t, p, adminKey, "GET", "platform/key/info/"+made.Key, "app_id", "shop", "key", made.Key).wantResult(t, doc)

	ask(t, p, adminKey, "POST", "platform/key/delete", "key", shopKey.ID).wantResult(t, "true")
	ask(t, p, adminKey, "POST", "platform/key/list", "app_id", "shop").wantResult(t, "["+doc+"]")
	ask(t, p, adminKey, "GET", "platform/key/list", "app_id", "shop").wantResult(t, "["+doc+"]")
}

// Languages have zeros of their own for a date that is not set.
func TestAKeyWithoutADateNeverExpires(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	for _, params := range [][]string{nil, {"expired_date", ""}, {"expired_date", "0"}, {"expired_date", "-62135596800"}, {"meta", "[]"}, {"meta", " []\n"}, {"meta", "{}"}, {"meta", " "}} {
		key := makeKey(t, p, "shop", params...)
		r := ask(t, p, adminKey, "GET", "platform/key/info/"+key.ID)
		contains(t, string(r.Result), `"Expired":-62135596800`, `"Meta":{}`)
		ask(t, p, key, "GET", "platform/notify/status").want(t, 200, "")
	}
}

func TestAnExpiredKeyIsRefused(t *testing.T) {
	var later atomic.Int64
	p := newPlatform(t, platform.Config{SignWindow: -1, Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }})
	soon := time.Now().Add(time.Hour).Unix()
	key := makeKey(t, p, "shop", "expired_date", strconv.FormatInt(soon, 10))
	later.Store(int64(2 * time.Hour))
	ask(t, p, key, "GET", "platform/notify/status").want(t, 401, "key_expired")
	key.Secret = "wrong"
	ask(t, p, key, "GET", "platform/notify/status").want(t, 401, "invalid_sign")
}

func TestAKeyThatHasExpiredIsNotMade(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	for _, date := range []int64{1, 1577836800, time.Now().Add(-time.Second).Unix()} {
		r := ask(t, p, adminKey, "POST", "platform/key/create", "app_id", "shop", "expired_date", strconv.FormatInt(date, 10))
		r.want(t, 400, "invalid_parameter")
		contains(t, r.Error.Message, "expired_date", "over")
	}
	contains(t, ask(t, p, adminKey, "GET", "platform/app/info/shop").body, `"KeysNum":1,`)
}

func TestAnAppHasNoMoreKeysThanItMay(t *testing.T) {
	p := newPlatform(t, platform.Config{Limits: platform.Limits{KeysPerApp: 2}})
	key := makeKey(t, p, "shop")
	ask(t, p, adminKey, "POST", "platform/key/create", "app_id", "shop").want(t, 403, "too_many_keys")
	contains(t, ask(t, p, adminKey, "GET", "platform/app/info/shop").body, `"KeysNum":2,"MaxKeysLimit":2`)
	ask(t, p, adminKey, "POST", "platform/key/delete", "key", key.ID).want(t, 200, "")
	makeKey(t, p, "shop")
}

// A key that is stored after its app was deleted would belong to the next app with that
// ID.
func TestNoKeyOutlivesItsApp(t *testing.T) {
	store := &appThief{Store: provisionedStore()}
	p := newPlatform(t, platform.Config{Store: store})
	store.armed = true
	ask(t, p, adminKey, "POST", "platform/key/create", "app_id", "shop").want(t, 404, "unknown_app")
	keys, err := store.Store.List(context.Background(), "key")
	if err != nil || len(keys) != 3 {
		t.Errorf("left: %d keys, %v", len(keys), err)
	}
}

// appThief deletes the app of a key right before the key is stored, as another
// process may.
type appThief struct {
	platform.Store
	armed bool
}

func (s *appThief) Save(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
	if kind == "key" && s.armed {
		s.armed = false
		if err := platform.NewRegistry(s.Store).DeleteApp(ctx, "shop"); err != nil {
			return 0, err
		}
	}
	return s.Store.Save(ctx, kind, id, value, revision, ttl)
}

func TestSecretsAreInNoLogNoTraceAndNoList(t *testing.T) {
	var mu sync.Mutex
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&lockedWriter{&mu, &log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	seen, trace := newEvents()
	p := newPlatform(t, platform.Config{Logger: logger, Trace: trace, Explain: true})
	key := makeKey(t, p, "shop")
	ask(t, p, adminKey, "GET", "platform/key/info/"+key.ID)
	answers := ask(t, p, adminKey, "GET", "platform/key/list", "app_id", "shop").body +
		ask(t, p, adminKey, "GET", "platform/app/info/shop").body +
		ask(t, p, adminKey, "POST", "platform/key/delete", "key", key.ID).body +
		ask(t, p, adminKey, "GET", "platform/key/info/"+key.ID).body +
		ask(t, p, key, "GET", "platform/notify/status").body
	list, _ := seen.all()
	told, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{key.Secret, testSecret, shopKey.Secret} {
		if strings.Contains(log.String()+answers+string(told), secret) {
			t.Errorf("shows a secret: %s\n%s\n%s", log.String(), answers, told)
		}
	}
	contains(t, log.String(), key.ID)
}

func TestNoCacheKeepsAnswersWithSecrets(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	for _, api := range []string{"platform/key/info/" + shopKey.ID, "platform/app/info/shop", "platform/app/list", "platform/key/info/nope", "platform/app/create"} {
		if got := ask(t, p, adminKey, "GET", api).header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control is %q", api, got)
		}
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	w  *bytes.Buffer
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.w.Write(p)
}
