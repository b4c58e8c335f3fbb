package platform_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
)

type foundAPIs struct {
	Services []struct{ ID, Prefix, Backend string }
	APIs     []struct {
		Service, API, Path, Param, Backend string
		Methods                            []string
	}
	Total int
}

func findAPIs(t *testing.T, p *platform.Platform, key platform.Key, params ...string) (doc foundAPIs) {
	t.Helper()
	r := ask(t, p, key, "GET", "platform/service/apis", params...)
	if err := json.Unmarshal(r.Result, &doc); err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
	return doc
}

func TestAPIsAreFoundByWords(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	importOf(t, p, adminKey, "file", goodsFile)
	importOf(t, p, adminKey, "file", ordersFile)
	all := findAPIs(t, p, adminKey)
	if all.Total != 3 || len(all.APIs) != 3 || len(all.Services) != 2 {
		t.Fatalf("found %+v", all)
	}
	get, order := all.APIs[1], all.APIs[2]
	if get.API != "get" || get.Path != "/api/goods/{id}" || get.Backend != "http://127.0.0.1:9/goods/{id}" || get.Methods[0] != "GET" {
		t.Errorf("the second is %+v", get)
	}
	if order.Path != "/api/oms/orders" || order.Param != "method" || order.Backend != "http://127.0.0.1:9/orders?method=order.get" {
		t.Errorf("the third is %+v", order)
	}
	if found := findAPIs(t, p, adminKey, "q", "GET oms"); found.Total != 1 || found.APIs[0].API != "order.get" {
		t.Errorf("found %+v", found)
	}
	if part := findAPIs(t, p, adminKey, "after", "1", "limit", "1"); part.Total != 3 || len(part.APIs) != 1 || part.APIs[0].API != "get" {
		t.Errorf("a part is %+v", part)
	}
	if one := findAPIs(t, p, adminKey, "Id", "oms/orders"); one.Total != 1 || len(one.Services) != 1 {
		t.Errorf("of one service %+v", one)
	}
	ask(t, p, adminKey, "GET", "platform/service/apis", "Id", "none").want(t, 404, "unknown_service")
}

func TestAMemberSeesTheAPIsThatItsAppsMayCall(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	importOf(t, p, adminKey, "file", goodsFile)
	importOf(t, p, adminKey, "file", ordersFile)
	key := member(t, p, adminKey, "dev@example.com", platform.DeveloperRole)
	ask(t, p, key, "POST", "platform/app/create", "name", "Mine", "id", "mine").want(t, 200, "")
	if found := findAPIs(t, p, key); found.Total != 0 || len(found.Services) != 0 {
		t.Errorf("without a binding it sees %+v", found)
	}
	ask(t, p, key, "GET", "platform/service/api", "Id", "goods", "api", "get").want(t, 404, "unknown_service")
	ask(t, p, adminKey, "POST", "platform/manageapp/bind", "app_id", "mine", "api_id", "goods", "path", "get").wantResult(t, "true")
	found := findAPIs(t, p, key)
	if found.Total != 1 || found.APIs[0].API != "get" || found.APIs[0].Backend != "" || found.Services[0].Backend != "" {
		t.Errorf("it sees %+v", found)
	}
	ask(t, p, key, "GET", "platform/service/api", "Id", "goods", "api", "get").want(t, 200, "")
	ask(t, p, key, "GET", "platform/service/api", "Id", "goods", "api", "list").want(t, 404, "unknown_api")
	if r := ask(t, p, key, "GET", "platform/service/api", "Id", "goods", "api", "get"); strings.Contains(r.body, "127.0.0.1") {
		t.Errorf("it learns the address of the backend: %s", r.body)
	}
}

func TestADryRunOfAnImportSaysWhereCallsWouldGo(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	var doc struct {
		Routes  []struct{ API, Path, Backend string }
		Changes []struct{ Text string }
	}
	dry := func(file string) {
		t.Helper()
		r := ask(t, p, adminKey, "POST", "platform/service/import", "file", file, "dry_run", "1")
		if err := json.Unmarshal(r.Result, &doc); err != nil {
			t.Fatalf("%v: %s", err, r.body)
		}
	}
	dry(goodsFile)
	if len(doc.Routes) != 2 || doc.Routes[1].Path != "/api/goods/{id}" || doc.Routes[1].Backend != "http://127.0.0.1:9/goods/{id}" {
		t.Errorf("the routes are %+v", doc.Routes)
	}
	ask(t, p, adminKey, "GET", "platform/service/list").wantResult(t, "[]")
	id := importOf(t, p, adminKey, "file", goodsFile).ID
	ask(t, p, adminKey, "POST", "platform/manageapi/backend", "Id", id, "backend", "http://127.0.0.1:9/other").wantResult(t, "true")
	dry(strings.Replace(goodsFile, `"{id}"`, `"item/{id}"`, 1))
	if doc.Routes[1].Backend != "http://127.0.0.1:9/other/item/{id}" || len(doc.Changes) != 1 {
		t.Errorf("the second time %+v", doc)
	}
}

func TestTheAppsThatCallAServiceAreListed(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	importOf(t, p, adminKey, "file", goodsFile)
	ask(t, p, adminKey, "POST", "platform/manageapp/bind", "app_id", "shop", "api_id", "goods", "path", "get").wantResult(t, "true")
	list := ask(t, p, adminKey, "GET", "platform/manageapp/bindlist", "api_id", "goods")
	list.wantResult(t, string(ask(t, p, adminKey, "GET", "platform/manageapp/bindlist", "app_id", "shop").Result))
	ask(t, p, adminKey, "GET", "platform/manageapp/bindlist", "api_id", "none").want(t, 404, "unknown_service")
}
