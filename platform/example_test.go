package platform_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/sign"
)

// A platform is a handler. This one serves over loopback, with an API of its
// own behind the gateway.
func Example() {
	store, err := memory.NewStore(platform.Key{ID: "buwb2lii", Secret: "ucr72ygfutspqeuu6s36", App: "shop"})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := platform.New(platform.Config{
		Store:  store,
		Queues: memory.New(memory.Config{}),
		Backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s for %s, sent %s", r.URL.Path, r.Header.Get("X-Api-Arg"), r.URL.RawQuery)
		}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Shutdown(context.Background())
	server := httptest.NewServer(p)
	defer server.Close()

	get := func(path string, query url.Values) {
		query.Set("client_id", "buwb2lii")
		query.Set("sign_time", strconv.FormatInt(time.Now().Unix(), 10))
		query.Set("sign", sign.Sign("ucr72ygfutspqeuu6s36", sign.Request{Method: "GET", Path: path, Query: query}))
		resp, err := http.Get(server.URL + path + "?" + query.Encode())
		if err != nil {
			fmt.Println(err)
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		fmt.Printf("%d %s\n", resp.StatusCode, body)
	}
	get("/api/platform/notify/queue/create", url.Values{"topic": {"orders"}})
	get("/api/platform/notify/queue/list", url.Values{})
	get("/api/weather", url.Values{"city": {"上海"}})
	// Output:
	// 200 {"result":true,"error":null}
	//
	// 200 {"result":[{"topic":"orders"}],"error":null}
	//
	// 200 /api/weather for client_id=buwb2lii&product=shop, sent city=%E4%B8%8A%E6%B5%B7
}

// What a registry keeps is in force at once, for every platform over its store; for what
// is routed to the queues of an app, call Reconcile of one of them.
func ExampleRegistry() {
	ctx := context.Background()
	registry := platform.NewRegistry(new(memory.Store))
	key := platform.NewKey("shop")
	fmt.Println(registry.SaveKey(ctx, key))

	err := registry.SaveApp(ctx, platform.App{
		ID:        "shop",
		Redirects: []string{"https://shop.example/auth/callback"},
		Publish:   []string{"order.#"},
	})
	fmt.Println(err, registry.SaveKey(ctx, key))

	err = registry.DeleteApp(ctx, "shop") // and its keys
	_, unknown := registry.Key(ctx, key.ID)
	fmt.Println(err, unknown)
	// Output:
	// platform: unknown app
	// <nil> <nil>
	// <nil> platform: unknown key
}
