package jetstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/platform"
)

// A gatewayNode is a platform over an engine, as a process of its own, and its callers.
type gatewayNode struct {
	platform *platform.Platform
	shop     *prism.Client // of an app that may call the service goods
	admin    *admin.Client
	server   *httptest.Server
}

var (
	gatewayShop  = platform.Key{ID: "shopkey1", Secret: "secretofshopkey12345", App: "shop"}
	gatewayAdmin = platform.Key{ID: "adminkey", Secret: "secretofadminkey1234", App: "admin", Admin: true}
)

// provisionGateway stores the service goods, which an app may call, with a backend that
// answers everything.
func provisionGateway(t *testing.T, store platform.Store) {
	t.Helper()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `"sold"`) }))
	t.Cleanup(backend.Close)
	r, ctx := platform.NewRegistry(store), t.Context()
	file := &apijson.Service{
		URL: "http://goods.example/", Prefix: "goods", Mode: apijson.Path, ParamName: "method",
		APIs: []apijson.API{{ID: "query", Path: "query", Methods: []string{"GET"}}},
	}
	for _, err := range []error{
		r.SaveApp(ctx, platform.App{ID: "shop"}), r.SaveKey(ctx, gatewayShop),
		r.SaveApp(ctx, platform.App{ID: "admin"}), r.SaveKey(ctx, gatewayAdmin),
		r.SaveService(ctx, platform.Service{ID: "goods", File: file.Format(), Online: true, Trusted: true, Backend: backend.URL, Created: time.Now()}),
		r.BindAPI(ctx, "shop", platform.APIBinding{Service: "goods", Path: "*", Limit: apijson.Limit{Count: gatewayLimit, Per: 365 * 24 * time.Hour}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// gatewayLimit is of the calls in a year, so that no window ends during a test.
const gatewayLimit = 150

func newGatewayNode(t *testing.T, e *Engine) *gatewayNode {
	t.Helper()
	p, err := platform.New(platform.Config{Store: e.Store(), Queues: e, Logger: quiet(t), Gateway: platform.Gateway{Shared: true}})
	if err != nil {
		t.Fatal(err)
	}
	n := &gatewayNode{platform: p, server: httptest.NewServer(p)}
	client := func(k platform.Key) *prism.Client {
		c, err := prism.New(prism.Config{
			Server: n.server.URL + "/api", Key: k.ID, Secret: k.Secret, HTTPClient: n.server.Client(), Retry: prism.Retry{Tries: prism.OneTry},
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	n.shop, n.admin = client(gatewayShop), admin.New(client(gatewayAdmin))
	t.Cleanup(func() { n.end(t) })
	return n
}

// end lets the platform end as a process does that is asked to. It may be called twice.
func (n *gatewayNode) end(t *testing.T) {
	t.Helper()
	n.server.Close()
	if err := n.platform.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

func (n *gatewayNode) query(t *testing.T) error {
	t.Helper()
	_, err := n.shop.Get(t.Context(), "goods/query", nil)
	return err
}

// counted returns how many calls the statistics have.
func (n *gatewayNode) counted(t *testing.T) (calls int64) {
	t.Helper()
	all, err := n.admin.CallStats(t.Context(), admin.StatsQuery{Name: "goods/query", From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range all {
		for _, point := range of.Points {
			calls += point.Calls
		}
	}
	return calls
}

func TestStatisticsOfCallsSurviveARestartOfTheDirectory(t *testing.T) {
	dir := t.TempDir()
	for start := range 3 {
		e := open(t, Config{Dir: dir})
		if start == 0 {
			provisionGateway(t, e.Store())
		}
		n := newGatewayNode(t, e)
		if got := n.counted(t); got != int64(5*start) {
			t.Errorf("after %d starts %d calls are known, want %d", start, got, 5*start)
		}
		for range 5 {
			if err := n.query(t); err != nil {
				t.Fatal(err)
			}
		}
		n.end(t)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPlatformsOverOneServerCountCallsTogether(t *testing.T) {
	url := external(t)
	e := open(t, Config{URL: url})
	provisionGateway(t, e.Store())
	one, other := newGatewayNode(t, e), newGatewayNode(t, open(t, Config{URL: url}))
	if err := other.query(t); err != nil { // it levels from its first call on
		t.Fatal(err)
	}
	for range gatewayLimit {
		if err := one.query(t); err != nil && !errors.Is(err, prism.ErrRateLimited) {
			t.Fatal(err)
		}
	}
	late := 0
	within(t, func() bool {
		err := other.query(t)
		if err == nil {
			late++
			time.Sleep(50 * time.Millisecond) // 40 calls in the two seconds until it knows
		}
		return errors.Is(err, prism.ErrRateLimited)
	})
	if late >= gatewayLimit-1 {
		t.Errorf("the other one has allowed %d more, as if it were alone", late)
	}
	if _, err := one.admin.UnbindService(t.Context(), "shop", "goods"); err != nil {
		t.Fatal(err)
	}
	if err := other.query(t); !errors.Is(err, prism.ErrForbidden) {
		t.Errorf("a binding that was taken back at one counts at the other: %v", err)
	}
}
