package admin_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
)

// The platform takes a signature of a change once, so a client that tries again
// within the second has to sign anew.
func TestATryOfAChangeHasASignatureOfItsOwn(t *testing.T) {
	seen := make(map[string]bool)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sign := r.FormValue("sign")
		if seen[sign] {
			t.Errorf("the signature %s came twice", sign)
		}
		if seen[sign] = true; len(seen) < 4 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, `{"result":true,"error":null}`)
	}))
	defer srv.Close()
	client, err := prism.New(prism.Config{Server: srv.URL, Key: "k", Secret: "s", Retry: prism.Retry{Tries: 4, Min: time.Microsecond, Max: time.Microsecond, Within: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	if err := admin.New(client).AllowPublish(t.Context(), "shop", admin.Everything()); err != nil || len(seen) != 4 {
		t.Errorf("%d tries, %v", len(seen), err)
	}
}
