package providertest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/prismtest"
)

// A Backend is a handler with what a platform has to know of it.
type Backend struct {
	Handler http.Handler
	// Service is the api.json. Only the path of its URL counts. If its prefix is empty, it
	// is "test".
	Service *apijson.Service
	// Config are the values of its config values, such as the secret of the signature.
	Config map[string]string
}

// A described handler knows its own api.json, as a provider.Provider does.
type described interface {
	http.Handler
	Service() (*apijson.Service, error)
	ConfigValues() map[string]string
	BasePath() string
}

// Gateway starts a platform in front of a provider.Provider, and returns a client that calls
// its functions through it: each below the prefix of its api.json, or "test" if that has none.
//
//	client := providertest.Gateway(t, p)
//	resp, err := client.Get(t.Context(), "test/orders/7", nil)
//
// The platform is the real one, on the loopback interface: it imports the api.json, checks
// required parameters, users and limits, and signs. It is closed when the test ends. For
// another handler, or to log users in, see [Platform].
func Gateway(t prismtest.TB, handler http.Handler) *prism.Client {
	t.Helper()
	return Platform(t, Of(t, handler)).Client()
}

// Of returns the backend that a provider.Provider is. Another handler fails the test.
func Of(t prismtest.TB, handler http.Handler) Backend {
	t.Helper()
	p, ok := handler.(described)
	if !ok {
		t.Fatalf("providertest: a %T does not know its api.json: call Platform with a Backend that has it", handler)
	}
	service, err := p.Service()
	if err != nil {
		t.Fatalf("%v", err)
	}
	if service.URL == "" {
		service.URL = "http://localhost" + p.BasePath()
	}
	return Backend{p, service, p.ConfigValues()}
}

// Platform starts a platform in front of a backend. The app of its first key may call all
// APIs of the backend. A user is logged in with the methods AddUser and AccessToken of what
// it returns.
func Platform(t prismtest.TB, b Backend) *prismtest.Server {
	t.Helper()
	backend := httptest.NewServer(b.Handler)
	t.Cleanup(backend.Close)
	store := new(memory.Store)
	s := prismtest.NewServerConfig(t, prismtest.Config{App: app, Platform: platform.Config{Store: store}})
	file := *b.Service
	if file.Prefix == "" {
		file.Prefix = "test"
	}
	ctx := context.Background()
	registry := platform.NewRegistry(store)
	err := registry.SaveService(ctx, platform.Service{
		ID: "test", File: file.Format(), Online: true, Trusted: true, Config: b.Config,
		Backend: at(backend.URL, file.URL), Sandbox: at(backend.URL, file.SandboxURL),
	})
	if err == nil {
		err = registry.BindAPI(ctx, app, platform.APIBinding{Service: "test", Path: "*"})
	}
	if err != nil {
		t.Fatalf("providertest: the platform does not take the api.json: %v", err)
	}
	return s
}

// app is the app of the first key.
const app = "test"

// at returns an address at the test's server, with the path and the query of the real one.
func at(server, address string) string {
	if address == "" {
		return ""
	}
	u, err := url.Parse(address)
	if err != nil {
		return server
	}
	rest := strings.TrimSuffix(u.EscapedPath(), "/")
	if u.RawQuery != "" {
		rest += "?" + u.RawQuery
	}
	return server + rest
}
