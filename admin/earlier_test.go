package admin_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
)

// An earlier version of the platform lets a new app do everything, whatever it is told.
func TestANewAppOfAnEarlierPlatformMayDoNoMoreThanWasAsked(t *testing.T) {
	var set []string
	refuse := false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/platform/app/create":
			fmt.Fprint(w, `{"result":{"Id":"shop","Name":"Shop"},"error":null}`)
		case refuse:
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"result":null,"error":{"code":"forbidden","message":"no"}}`)
		default:
			set = append(set, r.URL.Path+" "+r.FormValue("app_id")+" "+r.FormValue("routing_key"))
			fmt.Fprint(w, `{"result":true,"error":null}`)
		}
	}))
	defer srv.Close()
	client, err := prism.New(prism.Config{Server: srv.URL, Key: "k", Secret: "secret-of-the-test"})
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	a := admin.New(client)
	app, err := a.CreateApp(t.Context(), admin.NewApp{Name: "Shop", Publish: admin.Matching("order.#")})
	want := []string{`/platform/manageapp/queue/publish shop ["order.#"]`, `/platform/manageapp/queue/consume shop []`}
	if err != nil || !slices.Equal(set, want) || !slices.Equal(app.Publish, admin.Matching("order.#")) || app.Listen == nil || len(app.Listen) > 0 {
		t.Errorf("made %+v with %q, %v", app, set, err)
	}
	if app, err = a.CreateApp(t.Context(), admin.NewApp{Name: "Shop", Publish: admin.Everything(), Listen: admin.Everything()}); err != nil || len(set) > len(want) || app.ID != "shop" {
		t.Errorf("made %+v with %q, %v", app, set, err)
	}
	refuse = true
	if app, err = a.CreateApp(t.Context(), admin.NewApp{Name: "Shop"}); err == nil || app != nil {
		t.Errorf("an app that may do everything is %+v, %v", app, err)
	}
}
