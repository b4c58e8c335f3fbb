package prism

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// A RoundTripper should not change a request, but some do.
func TestATransportThatChangesHeadersHarmsNoOtherCall(t *testing.T) {
	var agents []string
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		agents = append(agents, r.UserAgent())
	}))
	defer srv.Close()
	for _, transport := range []http.RoundTripper{rude{}, nil} {
		c, err := New(Config{Server: srv.URL, Key: "k", Secret: "s", HTTPClient: &http.Client{Transport: transport}})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := c.Get(t.Context(), "a", nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(agents) != 4 || agents[0] != "rude" || agents[2] != userAgent || agents[3] != userAgent {
		t.Errorf("user agents %q", agents)
	}
}

type rude struct{}

func (rude) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("User-Agent", "rude")
	return http.DefaultTransport.RoundTrip(r)
}
