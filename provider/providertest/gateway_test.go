package providertest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/internal/leak"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/provider"
	"github.com/shopex/prism-go/provider/providertest"
)

func TestMain(m *testing.M) { leak.Main(m) }

type getOrder struct {
	TID    string `param:"tid"`
	Fields string `param:"fields,required" desc:"字段"`
}

type order struct {
	TID, Fields, Key, App, User string
}

func orderOf(ctx context.Context, in getOrder) (order, error) {
	if in.TID == "0" {
		return order{}, &provider.Error{Code: "40004", Message: "no such order", Status: 404}
	}
	c := provider.CallFrom(ctx)
	return order{in.TID, in.Fields, c.Key, c.App, c.User.Login}, nil
}

func newProvider(t *testing.T, cfg provider.Config) *provider.Provider {
	t.Helper()
	cfg.Secrets = []string{"k7m2q9x4w6z1p8r3t5v0", "the old one"}
	p, err := provider.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestACallReachesAProviderThroughTheGateway(t *testing.T) {
	for _, scheme := range []provider.Scheme{provider.Prism, provider.ECOS, provider.ShopEx} {
		t.Run(string(scheme), func(t *testing.T) {
			p := newProvider(t, provider.Config{Scheme: scheme, BasePath: "/api/dispatch.php", About: apijson.Service{Prefix: "b2b"}})
			p.Handle("GET orders/{tid}", provider.Func(orderOf))
			p.Handle("POST orders/{tid}", provider.Func(orderOf))
			client := providertest.Gateway(t, p)
			for _, call := range []func(context.Context, string, prism.Params) (*prism.Response, error){client.Get, client.Post} {
				resp, err := call(t.Context(), "b2b/orders/7%2F8", prism.Params{"fields": "商派 *", "10": "a", "9": "b"})
				if err != nil {
					t.Fatal(err)
				}
				var got order
				want := order{"7/8", "商派 *", client.Key(), "test", ""}
				if err := resp.Decode(&got); err != nil || got != want {
					t.Errorf("got %+v, want %+v: %v", got, want, err)
				}
			}
		})
	}
}

func TestWhatAProviderSaysOfItselfHoldsInTheGateway(t *testing.T) {
	p := newProvider(t, provider.Config{Scheme: provider.ECOS})
	p.Method("order.get", provider.Func(orderOf))
	p.Method("POST order.mine", provider.Func(orderOf), provider.RequireUser)
	p.Method("order.rare", provider.Func(orderOf), provider.Limit(1, time.Hour))
	s := providertest.Platform(t, providertest.Of(t, p))
	client := s.Client()

	s.AddUser(platform.User{ID: "7", Login: "alice"}, "password")
	token := s.AccessToken("alice")
	call := prism.Call{Method: "POST", Path: "test/order.mine", Params: prism.Params{"tid": "1", "fields": "*"}, Token: token}
	resp, err := client.Do(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	var got order
	if err := resp.Decode(&got); err != nil || got.User != "alice" {
		t.Errorf("with a user: %+v, %v", got, err)
	}

	for path, want := range map[string]string{
		"test/order.mine?fields=1": "user_required", "test/order.get?tid=1": "missing_parameter", "test/order.set?fields=1": "unknown_api",
		"test/order.get?tid=0&fields=1": "40004",
	} {
		_, err := client.Post(t.Context(), path, nil)
		if failed, ok := errors.AsType[*prism.Error](err); !ok || failed.Code != want {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
	client.Get(t.Context(), "test/order.rare?fields=1", nil)
	if _, err := client.Get(t.Context(), "test/order.rare?fields=1", nil); !errors.Is(err, prism.ErrRateLimited) {
		t.Errorf("over the limit: %v", err)
	}
}

func TestARefusedSignatureReachesTheCallerAsAnError(t *testing.T) {
	p := newProvider(t, provider.Config{})
	p.Handle("orders/{tid}", provider.Func(orderOf))
	b := providertest.Of(t, p)
	b.Config = map[string]string{"client_secret": "another"}
	_, err := providertest.Platform(t, b).Client().Get(t.Context(), "test/orders/1?fields=1", nil)
	if failed, ok := errors.AsType[*prism.Error](err); !ok || failed.Code != "-32600" || failed.Status != http.StatusForbidden {
		t.Errorf("%v", err)
	}
}

func TestAnyHandlerCanBeABackend(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RequestURI) })
	s := providertest.Platform(t, providertest.Backend{Handler: h, Service: &apijson.Service{Prefix: "x", Mode: apijson.Path, URL: "http://real.example/base?v=1"}})
	resp, err := s.Client().Get(t.Context(), "x/any/path", prism.Params{"a": 1})
	if err != nil || string(resp.Body) != "/base/any/path?a=1&v=1" && string(resp.Body) != "/base/any/path?v=1&a=1" {
		t.Errorf("%s, %v", resp.Body, err)
	}
}

func TestTheAPIJSONOfAProviderIsReadBackEqual(t *testing.T) {
	for _, scheme := range []provider.Scheme{provider.Prism, provider.ShopEx} {
		p := newProvider(t, provider.Config{Scheme: scheme, About: apijson.Service{Prefix: "b2b", URL: "http://shop.example/api", Summary: "分销"}})
		p.Handle("GET orders/{tid}", provider.Func(orderOf), provider.RequireUser, provider.Summary("订单"), provider.Limit(100, time.Minute), provider.Timeout(20*time.Second))
		p.Handle("POST orders", provider.Func(orderOf), provider.ID("create"))
		want, err := p.Service()
		if err != nil {
			t.Fatal(err)
		}
		text, err := p.APIJSON()
		if err != nil {
			t.Fatal(err)
		}
		got, err := apijson.Parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got\n%+v want\n%+v", got, want)
		}
		api := got.API("get_orders_tid")
		if api == nil || api.Path != "orders/{tid}" || !reflect.DeepEqual(api.Methods, []string{"GET"}) || !api.RequireOAuth ||
			api.Timeout != 20*time.Second || api.Limit.Count != 100 || len(api.Params) != 1 || api.Params[0].Name != "fields" || !api.Params[0].Required {
			t.Errorf("the API is %+v", api)
		}
	}
}
