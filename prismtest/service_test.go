package prismtest_test

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
)

func TestABackendIsCalledThroughTheGateway(t *testing.T) {
	srv := prismtest.NewServer(t)
	orders := srv.Serve(&apijson.Service{
		URL: "http://shop.example/v1", Prefix: "shop/orders", Mode: apijson.Path,
		APIs: []apijson.API{{ID: "list", Path: "list", Methods: []string{"GET"}}},
	}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"path":"`+r.URL.Path+`","token":"`+r.URL.Query().Get("token")+`"}`)
	}))
	cfg := srv.ClientConfig()
	cfg.Retry.Tries = prism.OneTry
	client, err := prism.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	call := func(want string) {
		t.Helper()
		got, err := client.Get(t.Context(), "shop/orders/list", nil)
		if err != nil || string(got.Body) != want {
			t.Errorf("answered %+v, %v", got, err)
		}
	}
	refused := func(code string) {
		t.Helper()
		_, err := client.Get(t.Context(), "shop/orders/list", nil)
		var refusal *prism.Error
		if !errors.As(err, &refusal) || refusal.Code != code {
			t.Errorf("got %v, want %s", err, code)
		}
	}
	call(`{"path":"/v1/list","token":""}`)
	srv.ChangeService(orders.ID, func(s *platform.Service) { s.Online = false })
	refused("api_offline")
	srv.ChangeService(orders.ID, func(s *platform.Service) { s.Online = true })
	call(`{"path":"/v1/list","token":""}`)
	srv.Unbind(orders.ID, "*")
	refused("forbidden_api")
	srv.Bind(orders.ID, "list", apijson.Limit{Count: 1, Per: time.Hour})
	call(`{"path":"/v1/list","token":""}`)
	refused("rate_limited")
	srv.Advance(time.Hour)
	call(`{"path":"/v1/list","token":""}`)
}
