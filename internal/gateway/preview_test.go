package gateway

import (
	"testing"

	"github.com/shopex/prism-go/apijson"
)

func TestTheAddressesOfAnAPIAreThoseToWhichItsCallsGo(t *testing.T) {
	byPath := compiled(t, &apijson.Service{Prefix: "b2b", URL: "https://shop.example/rest/?v=2", SandboxURL: "https://test.example", APIs: []apijson.API{
		{ID: "get", Path: "/orders/{tid}", Methods: []string{"PUT"}}, {ID: "no.path"}, {ID: "zh", Path: "商品/%7E"},
	}}, Backend{Sandbox: "https://other.example/t"})
	byParam := compiled(t, &apijson.Service{
		Prefix: "ec/v2", URL: "http://shop.example/api?token=s%3D1", Mode: apijson.Param, ParamName: "api_method",
		ConfigValues: []apijson.ConfigValue{{Name: "token", Secret: true}}, APIs: []apijson.API{{ID: "item.get"}},
	}, Backend{Config: map[string]string{"token": "s=1"}})
	any := compiled(t, &apijson.Service{Prefix: "any", URL: "http://shop.example", Mode: apijson.Param, ParamName: "m"}, Backend{})
	free := compiled(t, &apijson.Service{Prefix: "free", SandboxURL: "http://shop.example/"}, Backend{})
	for _, tt := range []struct {
		service       *Service
		api           *apijson.API
		live, sandbox string
	}{
		{byPath, byPath.byID["get"], "https://shop.example/rest/orders/{tid}?v=2", "https://other.example/t/orders/{tid}"},
		{byPath, byPath.byID["no.path"], "https://shop.example/rest/no.path?v=2", "https://other.example/t/no.path"},
		{byPath, byPath.byID["zh"], "https://shop.example/rest/%E5%95%86%E5%93%81/%7E?v=2", "https://other.example/t/%E5%95%86%E5%93%81/%7E"},
		{byParam, byParam.byID["item.get"], "http://shop.example/api?token=***&api_method=item.get", ""},
		{any, nil, "http://shop.example/?m={m}", ""},
		{free, nil, "", "http://shop.example/"},
	} {
		if live, sandbox := tt.service.Addresses(tt.api); live != tt.live || sandbox != tt.sandbox {
			t.Errorf("%s: %q and %q, want %q and %q", tt.service.Prefix, live, sandbox, tt.live, tt.sandbox)
		}
	}
}
