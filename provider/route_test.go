package provider_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/shopex/prism-go/provider"
	"github.com/shopex/prism-go/provider/providertest"
)

// named answers with its name and a value of the path.
func named(name string) http.Handler {
	return provider.Func(func(ctx context.Context, in struct {
		TID string `param:"tid"`
	}) (string, error) {
		return name + " " + in.TID, nil
	})
}

func TestAPathFindsItsFunction(t *testing.T) {
	p, _ := newProvider(t, provider.Config{BasePath: "/api/dispatch.php/"})
	p.Handle("GET orders/{tid}", named("get"))
	p.Handle("POST /orders", named("post"))
	p.Handle("files/", named("files"))
	p.Method("item.get", named("item"))
	tests := []struct {
		method, target string
		status         int
		want           string
	}{
		{"GET", "/api/dispatch.php/orders/7", 200, `"get 7"`},
		{"HEAD", "/api/dispatch.php/orders/7", 200, ``},
		{"GET", "/api/dispatch.php/orders/a%2Fb", 200, `"get a/b"`},
		{"POST", "/api/dispatch.php/orders", 200, `"post "`},
		{"GET", "/api/dispatch.php/files/a", 200, `"files "`},
		{"GET", "/api/dispatch.php?method=item.get", 200, `"item "`},
		{"GET", "/api/dispatch.php/?method=item.get", 200, `"item "`},
		{"DELETE", "/api/dispatch.php/orders/7", 405, "GET, HEAD"},
		{"GET", "/api/dispatch.php/orders", 405, "POST"},
		{"GET", "/api/dispatch.php/orders/", 404, "-32601"},
		{"GET", "/api/dispatch.php/files", 404, "-32601"},
		{"GET", "/api/dispatch.php/orders/x/../7", 404, "-32601"},
		{"GET", "/api/dispatch.php//orders/7", 404, "-32601"},
		{"GET", "/orders/7", 404, "-32601"},
		{"GET", "/", 404, "-32601"},
		{"GET", "/api/dispatch.php?method=other", 404, "-32601"},
		{"GET", "/api/dispatch.php", 404, "the parameter method is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.target, func(t *testing.T) {
			status, body := answer(p, providertest.Request(providertest.Call{Secret: secret, Method: tt.method, Target: tt.target}))
			if status != tt.status || !strings.Contains(body, tt.want) {
				t.Errorf("%d %s", status, body)
			}
		})
	}
}

func TestAMethodIDFindsItsFunction(t *testing.T) {
	p, _ := newProvider(t, provider.Config{MethodParam: "act", BasePath: "/index.php/api"})
	p.Method("item.get", named("get"))
	p.Method("POST item.update", named("update"))
	const multipart = "--B\r\nContent-Disposition: form-data; name=\"act\"\r\n\r\nitem.get\r\n--B--\r\n"
	tests := []struct {
		name   string
		call   providertest.Call
		status int
		want   string
	}{
		{"query", providertest.Call{Target: "/index.php/api?act=item.get"}, 200, `"get "`},
		{"another path", providertest.Call{Target: "/item.get?act=item.get&tid=7"}, 200, `"get 7"`},
		{"form", providertest.Call{Target: "/?act=other", Form: url.Values{"act": {"item.update"}, "tid": {"7"}}}, 200, `"update 7"`},
		{"multipart", providertest.Call{Body: multipart, ContentType: "multipart/form-data; boundary=B"}, 200, `"get "`},
		{"JSON body", providertest.Call{Target: "/?act=item.update", Body: `{"tid":"7"}`}, 200, `"update 7"`},
		{"wrong HTTP method", providertest.Call{Target: "/?act=item.update"}, 405, "POST"},
		{"unknown", providertest.Call{Target: "/?act=item.delete"}, 404, "Method not found"},
		{"none", providertest.Call{Target: "/?method=item.get"}, 404, "the parameter act is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.call.Secret = secret
			status, body := answer(p, providertest.Request(tt.call))
			if status != tt.status || !strings.Contains(body, tt.want) {
				t.Errorf("%d %s", status, body)
			}
		})
	}
}

func TestWhereAnotherHTTPMethodIsNeededTheAnswerSaysWhich(t *testing.T) {
	p, _ := newProvider(t, provider.Config{})
	p.Method("POST a", named("a"))
	p.Handle("PUT b", named("b"))
	for target, want := range map[string]string{"/?method=a": "POST", "/b": "PUT"} {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, providertest.Request(providertest.Call{Secret: secret, Target: target}))
		if got := w.Header().Get("Allow"); got != want {
			t.Errorf("%s: Allow is %q, want %q", target, got, want)
		}
	}
}

func TestAFunctionThatNeedsAUserIsCalledForOneOnly(t *testing.T) {
	p, _ := newProvider(t, provider.Config{})
	p.Handle("me", provider.Func(func(ctx context.Context, _ struct{}) (string, error) {
		c := provider.CallFrom(ctx)
		return c.User.ID + " " + c.User.Login + " " + c.User.Data.Get("name") + " by " + c.Key + " of " + c.App + " in " + c.RequestID, nil
	}), provider.RequireUser)
	c := providertest.Call{Secret: secret, Target: "/me"}
	if status, body := answer(p, providertest.Request(c)); status != 403 || !strings.Contains(body, "Oauth is required") {
		t.Errorf("without a user: %d %s", status, body)
	}
	c.User = url.Values{"@id": {"7"}, "login": {"alice"}, "name": {"小王"}}
	if status, body := answer(p, providertest.Request(c)); status != 200 || !strings.Contains(body, `"7 alice 小王 by testkey of testapp in testrequest"`) {
		t.Errorf("with one: %d %s", status, body)
	}
}

func TestTwoFunctionsCannotHaveOneName(t *testing.T) {
	for name, register := range map[string]func(*provider.Provider){
		"method ID": func(p *provider.Provider) { p.Method("a", echo); p.Method("POST a", echo) },
		"pattern":   func(p *provider.Provider) { p.Handle("GET a", echo); p.Handle("GET a", echo) },
		"made ID":   func(p *provider.Provider) { p.Handle("GET a/b", echo); p.Handle("GET a/{b}", echo) },
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := newProvider(t, provider.Config{})
			defer func() {
				if recover() == nil {
					t.Error("there is no panic")
				}
			}()
			register(p)
		})
	}
}
