package providertest_test

import (
	"context"
	"testing"

	"github.com/shopex/prism-go/provider"
	"github.com/shopex/prism-go/provider/providertest"
)

func ExampleGateway() {
	p, _ := provider.New(provider.Config{Secrets: []string{"k7m2q9x4w6z1p8r3t5v0"}})
	p.Handle("GET orders/{tid}", provider.Func(func(_ context.Context, in getOrder) (string, error) { return in.TID, nil }))

	_ = func(t *testing.T) { // a test
		client := providertest.Gateway(t, p)
		resp, err := client.Get(t.Context(), "test/orders/7?fields=*", nil)
		if err != nil {
			t.Fatal(err)
		}
		var tid string
		if err := resp.Decode(&tid); err != nil || tid != "7" {
			t.Errorf("tid %q, %v", tid, err)
		}
	}
}
