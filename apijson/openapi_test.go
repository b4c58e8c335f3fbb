package apijson

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

func exported(t *testing.T, text, server string) (doc document, raw string) {
	t.Helper()
	s, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	out, err := OpenAPI(s, server)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatal(err)
	}
	return doc, string(out)
}

func TestAServiceIsAnOpenAPIDocument(t *testing.T) {
	doc, raw := exported(t, string(sample(t, "path-mode.json")), "https://api.example.test/api/")
	if doc.Servers[0].URL != "https://api.example.test/api/b2b" || doc.Info.Title != "分销系统" {
		t.Errorf("server %v, info %v", doc.Servers, doc.Info)
	}
	get, post := doc.Paths["/orders"]["get"], doc.Paths["/orders"]["post"]
	if get.OperationID != "search_order_lists_get" || get.Limit.Count != 100 || get.Timeout != 10 || get.Responses["400"].Description != "40001 时间格式不对" {
		t.Errorf("GET /orders is %+v", get)
	}
	if p := get.Parameters[0]; p.Name != "start_time" || p.In != "query" || !p.Required || get.RequestBody != nil {
		t.Errorf("GET /orders has %+v", get.Parameters)
	}
	if form := post.RequestBody.Content["application/x-www-form-urlencoded"].Schema; len(post.Parameters) > 0 || len(form.Properties) != 2 || form.Required[0] != "start_time" {
		t.Errorf("POST /orders has %+v", post)
	}
	one := doc.Paths["/orders/{tid}"]["get"]
	if p := one.Parameters[0]; p.Name != "tid" || p.In != "path" || !p.Required || one.Security[0]["user"] == nil || get.Security[0]["user"] != nil {
		t.Errorf("GET /orders/{tid} is %+v", one)
	}
	if !strings.Contains(raw, `"example": {`) {
		t.Errorf("the answer has no example in\n%s", raw)
	}
}

func TestAMethodIDIsAPathInParamMode(t *testing.T) {
	doc, _ := exported(t, string(sample(t, "param-mode-ecos.json")), "")
	if got := slices.Sorted(maps.Keys(doc.Paths)); len(got) != 2 || got[0] != "/item.get" || doc.Servers[0].URL != "/api/sysgoods" {
		t.Errorf("paths %v below %v", got, doc.Servers)
	}
	if o := doc.Paths["/item.get"]["get"]; o.Method != "item.get" || o.Parameters[0].Schema.Type != "integer" {
		t.Errorf("%+v", o)
	}
}

func TestMethodsOfOnePathAreTogetherWhateverItsNamesAre(t *testing.T) {
	doc, _ := exported(t, in(`"apis": {
		"a": {"path": "o/{id}", "method": "GET"}, "b": {"path": "o/{tid}", "method": "PUT", "params": [{"name": "tid", "type": "int", "required": true}, {"name": "x"}, {"name": "x"}, {"name": "sign"}]},
		"a_get": {"method": "GET"}, "c": {}}`), "")
	item := doc.Paths["/o/{id}"]
	if item["get"] == nil || item["put"] == nil || len(doc.Paths) != 3 {
		t.Fatalf("the paths are %v", doc.Paths)
	}
	if p := item["put"].Parameters; len(p) != 1 || p[0].Name != "id" || p[0].Schema.Type != "integer" || len(item["put"].RequestBody.Content["application/x-www-form-urlencoded"].Schema.Properties) != 1 {
		t.Errorf("PUT has %+v, %+v", p, item["put"].RequestBody)
	}
	if len(doc.Paths["/c"]) != 4 {
		t.Errorf("an API for all methods has %v", doc.Paths["/c"])
	}
}

func TestTheSameServiceIsTheSameDocument(t *testing.T) {
	for _, name := range good {
		_, first := exported(t, string(sample(t, name)), "")
		if _, again := exported(t, string(sample(t, name)), ""); again != first {
			t.Errorf("%s was written in two ways", name)
		}
	}
	if _, err := OpenAPI(&Service{}, ""); err == nil {
		t.Error("a service without a prefix was exported")
	}
}
