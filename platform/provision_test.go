package platform_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// What the tests of provisioning share.

var (
	adminKey = platform.Key{ID: testKey, Secret: testSecret, App: "ops", Admin: true}
	shopKey  = platform.Key{ID: "shopkey1", Secret: "shopsecretshopsecret", App: "shop"}
	// alienKey is of another domain, and alienAdmin its admin key.
	alienKey   = platform.Key{ID: "alienkey", Secret: "aliensecretaliensecr", App: "alien"}
	alienAdmin = platform.Key{ID: "alienadm", Secret: "alienadminalienadmin", App: "alien", Admin: true}
)

func provisionedStore() *memory.Store {
	store := storeOf(adminKey, shopKey, alienKey, alienAdmin)
	store.AddApp(platform.App{ID: "alien", Domain: "mars"})
	return store
}

func newPlatform(t testing.TB, cfg platform.Config) *platform.Platform {
	t.Helper()
	if cfg.Store == nil {
		cfg.Store = provisionedStore()
	}
	if cfg.Queues == nil {
		cfg.Queues = newQueues(memory.Config{})
	}
	p, err := platform.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Shutdown(context.Background()) }) // ends what a call to no API of the platform has begun
	return p
}

// ask makes a call of key, without a network.
func ask(t testing.TB, p http.Handler, key platform.Key, method, api string, params ...string) reply {
	t.Helper()
	return serve(t, p, signedRequest(key, method, api, params...))
}

func serve(t testing.TB, p http.Handler, r *http.Request) reply {
	t.Helper()
	w := newRecorder()
	p.ServeHTTP(w, r)
	return readReply(t, w.Result())
}

func signedRequest(key platform.Key, method, api string, params ...string) *http.Request {
	own := url.Values{}
	for i := 0; i < len(params); i += 2 {
		own.Add(params[i], params[i+1])
	}
	if key.Admin || method == "POST" {
		own.Set("nonce", rand.Text()) // each signature of a change counts once
	}
	query, form := own, url.Values(nil)
	if method == "POST" {
		query, form = url.Values{}, own
	}
	path := "/api/" + api
	signedBy(key.ID, key.Secret, time.Now(), method, path, nil, query, form)
	r := httptest.NewRequest(method, (&url.URL{Path: path, RawQuery: query.Encode()}).String(), strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// outage is a store that can be out of reach.
type outage struct {
	platform.Store
	out   atomic.Bool
	loads atomic.Int64
}

var errOutage = errors.Join(platform.ErrUnavailable, errors.New("nats: no responders at 10.0.0.7"))

func (o *outage) Load(ctx context.Context, kind, id string) (platform.Record, error) {
	if kind != "queueStats" { // which is loaded to be saved, and looks up nothing
		o.loads.Add(1)
	}
	if o.out.Load() {
		return platform.Record{}, errOutage
	}
	return o.Store.Load(ctx, kind, id)
}
