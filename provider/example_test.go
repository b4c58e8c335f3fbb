package provider_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/provider"
	"github.com/shopex/prism-go/provider/providertest"
)

type GetOrder struct {
	TID string `param:"tid" desc:"the number of the order"`
}

type Order struct {
	TID   string `json:"tid"`
	Buyer string `json:"buyer"`
}

func Example() {
	getOrder := func(ctx context.Context, in GetOrder) (*Order, error) {
		if in.TID == "0" {
			return nil, &provider.Error{Code: "40004", Message: "no such order", Status: 404}
		}
		return &Order{in.TID, provider.CallFrom(ctx).User.Login}, nil
	}

	p, err := provider.New(provider.Config{Secrets: []string{os.Getenv("PRISM_SECRET")}})
	if err != nil {
		log.Fatal(err)
	}
	p.Handle("GET orders/{tid}", provider.Func(getOrder), provider.RequireUser)
	log.Fatal(http.ListenAndServe(":8080", p))
}

func ExampleProvider_Method() {
	p, err := provider.New(provider.Config{
		Scheme:  provider.ECOS,
		Secrets: []string{"5f3c1e0b7a9d4c6e8b2a0d1f3e5c7b9a"},
		About:   apijson.Service{Prefix: "b2b", URL: "https://shop.example.com/index.php/api"},
	})
	if err != nil {
		log.Fatal(err)
	}
	p.Method("order.get", provider.Func(func(_ context.Context, in GetOrder) (Order, error) {
		return Order{TID: in.TID}, nil
	}), provider.Summary("one order"))

	w := httptest.NewRecorder()
	p.ServeHTTP(w, providertest.Request(providertest.Call{
		Scheme: provider.ECOS, Secret: "5f3c1e0b7a9d4c6e8b2a0d1f3e5c7b9a", Target: "/index.php/api?method=order.get&tid=7",
	}))
	fmt.Println(w.Body)
	service, _ := p.Service()
	fmt.Println(service.Prefix, service.Mode, service.APIs[0].ID, service.APIs[0].Params[0].Name)
	// Output:
	// {"jsonrpc":"2.0","result":{"tid":"7","buyer":""},"id":"testrequest"}
	// b2b param order.get tid
}
