package prism_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/shopex/prism-go"
)

func TestOAuthLiesBesideTheAPI(t *testing.T) {
	for base, want := range map[string]string{
		"":               "/oauth/token",
		"/":              "/oauth/token",
		"/api":           "/oauth/token",
		"/api-sandbox/":  "/oauth/token",
		"/prism/api":     "/prism/oauth/token",
		"/a%2Fb/api":     "/a%2Fb/oauth/token",
		"/prism/a%2Fpi/": "/prism/oauth/token",
	} {
		t.Run(base, func(t *testing.T) {
			var got string
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = r.URL.EscapedPath() }))
			defer srv.Close()
			client, err := prism.New(prism.Config{Server: srv.URL + base, Key: "key", Secret: "secret"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.OAuth().Post(t.Context(), "token", nil); err != nil {
				t.Fatal(err)
			}
			if got != want || client.OAuth().Server().JoinPath("token").EscapedPath() != want {
				t.Errorf("called %s, want %s", got, want)
			}
		})
	}
}
