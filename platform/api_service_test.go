package platform_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

const (
	goodsFile  = `{"url":"http://127.0.0.1:9/goods","prefix":"goods","summary":"Goods","mode":"path","config_values":[{"name":"token","issecret":true},{"name":"shop","default":"1"}],"apis":{"list":{"path":"list","method":["GET"]},"get":{"path":"{id}","method":["GET"]}}}`
	ordersFile = `{"url":"http://127.0.0.1:9/orders","prefix":"oms/orders","mode":"param","apis":{"order.get":{"method":["POST"]}}}`
)

// files serves files by path on loopback.
func files(t testing.TB, byPath map[string]string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := byPath[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, text)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

type imported struct {
	APIs []struct {
		ID       string `json:"Id"`
		Path     string
		MemberID string `json:"MemberId"`
		URL      string `json:"Url"`
		Trusted  bool
	} `json:"apis"`
	Found   int    `json:"found"`
	ID      string `json:"id"`
	Message string `json:"message"`
}

func importOf(t testing.TB, p http.Handler, key platform.Key, params ...string) imported {
	t.Helper()
	var doc imported
	r := ask(t, p, key, "POST", "platform/service/import", params...)
	if json.Unmarshal(r.Result, &doc) != nil || doc.ID == "" {
		t.Fatalf("imported %s", r.body)
	}
	return doc
}

func TestAnImportHasTheMembersThatToolsRead(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	address := files(t, map[string]string{"/a.json": goodsFile}) + "/a.json"
	r := ask(t, p, adminKey, "POST", "platform/service/import", "url", address)
	var doc struct {
		APIs    []map[string]any `json:"apis"`
		Found   any              `json:"found"`
		ID      string           `json:"id"`
		Message string           `json:"message"`
	}
	if err := json.Unmarshal(r.Result, &doc); err != nil || len(doc.APIs) != 1 {
		t.Fatalf("imported %s", r.body)
	}
	api := doc.APIs[0]
	for name, want := range map[string]any{
		"Id": doc.ID, "Guid": "default-" + doc.ID, "LinkedResId": "", "Url": address, "BackendUrl": "http://127.0.0.1:9/goods",
		"DomainId": "default", "MemberId": "", "LastMemberId": "", "Path": "goods", "Online": false, "Appling": false,
		"ApplingResult": "", "IsLocal": false, "IsLinked": false, "TodayCount": 0.0, "ConfigValues": nil, "ResCache": nil,
		"AccessRole": "", "NodeNum": 0.0,
	} {
		if got, ok := api[name]; !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if len(doc.ID) != 8 || doc.Found != 1.0 || doc.Message != "Fetching ["+address+"]... [200 OK]\nDetecting content-type... apijson\n  Api: [goods](2) added.\n" {
		t.Errorf("found %v, id %q, message %q", doc.Found, doc.ID, doc.Message)
	}
	ask(t, p, adminKey, "GET", "platform/manageapi/list").want(t, 200, "")
	if again := importOf(t, p, adminKey, "url", address); again.ID != doc.ID {
		t.Errorf("the same address makes the service %q, had %q", again.ID, doc.ID)
	}
}

func TestAListIsImportedOnceAndItsLoopsEnd(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	byPath := map[string]string{
		"/api.txt":        "\ufeff#apilist\r\n// goods\r\napi/goods.json\n/orders.json\n\nsub/api.txt\napi.txt\n",
		"/sub/api.txt":    "#apilist\n../api.txt\n/orders.json\n",
		"/api/goods.json": goodsFile,
		"/orders.json":    ordersFile,
	}
	base := files(t, byPath)
	doc := importOf(t, p, adminKey, "url", base+"/api.txt")
	if doc.Found != 2 || len(doc.APIs) != 2 || doc.APIs[0].Path != "goods" || doc.APIs[1].Path != "oms/orders" || doc.APIs[1].URL != base+"/orders.json" {
		t.Errorf("imported %+v", doc)
	}
	byPath["/extra.json"] = strings.ReplaceAll(ordersFile, "orders", "extra")
	byPath["/sub/api.txt"] += "/extra.json\n"
	if r := ask(t, p, adminKey, "POST", "platform/service/refresh", "url", base+"/api.txt"); r.status != 200 || strings.Count(r.body, `"Id"`) != 3 {
		t.Errorf("a list that has grown: %s", r.body)
	}
	// One file that is wrong, and nothing is imported.
	byPath["/bad.txt"] = "#apilist\nnew.json\nbad.json\n"
	byPath["/new.json"] = strings.ReplaceAll(ordersFile, "orders", "new")
	byPath["/bad.json"] = `{"url":"http://a.example/","prefix":"bad","mode":"path","apis":{"a":{"path":"same","method":["get"]},"b":{"path":"same","method":["GET"]}}}`
	r := ask(t, p, adminKey, "POST", "platform/service/import", "url", base+"/bad.txt")
	r.want(t, 400, "faulty_file")
	faults, _ := json.Marshal(r.Error.Data["faults"])
	contains(t, string(faults), `"url":"`+base+`/bad.json"`, `"line":1`, `"column":`)
	ask(t, p, adminKey, "POST", "platform/service/info", "Id", "oms/new").want(t, 404, "unknown_service")
}

func TestAListIsRelativeToWhereRedirectsLed(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	there := files(t, map[string]string{"/v2/api.txt": "#apilist\ngoods.json\n", "/v2/goods.json": goodsFile})
	here := httptest.NewServer(http.RedirectHandler(there+"/v2/api.txt", http.StatusFound))
	t.Cleanup(here.Close)
	if doc := importOf(t, p, adminKey, "url", here.URL+"/api.txt"); doc.Found != 1 || doc.APIs[0].URL != there+"/v2/goods.json" {
		t.Errorf("imported %+v", doc)
	}
}

func TestAListThatLeadsToFilesOfThePlatformIsRefused(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	base := files(t, map[string]string{"/api.txt": "#apilist\nfile:///etc/passwd\n"})
	r := ask(t, p, adminKey, "POST", "platform/service/import", "url", base+"/api.txt")
	r.want(t, 400, "faulty_file")
	contains(t, r.body, `"url":"`+base+`/api.txt"`, `"line":2`)
}

func TestAnAddressIsKeptAsTheCallerWritesIt(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	written := files(t, map[string]string{"/商品.json": goodsFile}) + "/商品.json"
	if doc := importOf(t, p, adminKey, "url", written); doc.APIs[0].URL != written {
		t.Errorf("imported from %q, want %q", doc.APIs[0].URL, written)
	}
	ask(t, p, adminKey, "POST", "platform/manageapi/modify/remoteurl", "origin", written, "url", written).wantResult(t, "true")
}

func TestAListThatNeverEndsIsRefused(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	var asked atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "#apilist\n/%d.txt\n", asked.Add(1))
	}))
	t.Cleanup(srv.Close)
	ask(t, p, adminKey, "POST", "platform/service/import", "url", srv.URL).want(t, 400, "faulty_file")
	if n := asked.Load(); n > 300 {
		t.Errorf("fetched %d lists", n)
	}
	empty := files(t, map[string]string{"/api.txt": "#apilist\n// nothing\n"})
	ask(t, p, adminKey, "POST", "platform/service/import", "url", empty+"/api.txt").want(t, 400, "faulty_file")
}

func TestAnAddressThatMustNotBeFetchedIsRefused(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	provider := member(t, p, adminKey, "ee@qq.com", platform.ProviderRole)
	var asked atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
		case "/list":
			io.WriteString(w, "#apilist\nhttp://169.254.169.254/latest\n")
		case "/flood":
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}
	}))
	t.Cleanup(srv.Close)
	for _, key := range []platform.Key{provider, alienAdmin} {
		ask(t, p, key, "POST", "platform/service/import", "url", srv.URL+"/a.json").want(t, 400, "fetch_failed")
	}
	if asked.Load() > 0 {
		t.Error("a key that is not the operator's made the platform call itself")
	}
	for _, address := range []string{"http://169.254.169.254/latest", srv.URL + "/redirect", srv.URL + "/list", srv.URL + "/flood", srv.URL + "/missing.json?empty"} {
		r := ask(t, p, adminKey, "POST", "platform/service/import", "url", address)
		if r.status != 400 {
			t.Errorf("%s: answered %d %s", address, r.status, r.body)
		}
	}
	for _, address := range []string{"ftp://a.example/", "file:///etc/passwd", "http://user:s3cret@a.example/", "http://user:s3cret@[a.example/", "a.json"} {
		r := ask(t, p, adminKey, "POST", "platform/service/import", "url", address)
		if r.want(t, 400, "fetch_failed"); strings.Contains(r.body, "s3cret") {
			t.Errorf("%s: the password is in %s", address, r.body)
		}
	}
}

// A host that hangs is given up when the caller goes, and not by it alone.
func TestAHostThatHangsHoldsNothing(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	entered, free := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		select {
		case <-r.Context().Done():
		case <-free:
		}
	}))
	t.Cleanup(srv.Close)
	defer close(free)
	form := url.Values{"url": {srv.URL}}
	signedBy(testKey, testSecret, time.Now(), "POST", "/api/platform/service/import", nil, url.Values{}, form)
	r := httptest.NewRequest("POST", "/api/platform/service/import", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	w := newRecorder()
	p.ServeHTTP(w, r.WithContext(ctx))
	readReply(t, w.Result()).want(t, 499, "canceled")
}

func TestAServiceIsManagedByItsDomainAndItsProvider(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	one := member(t, p, adminKey, "one@shop.example", platform.ProviderRole)
	two := member(t, p, adminKey, "two@shop.example", platform.ProviderRole)
	doc := importOf(t, p, one, "file", goodsFile)
	contains(t, doc.Message, "No call reaches its backend: 127.0.0.1 is this machine itself")
	if doc.APIs[0].MemberID != one.App || doc.APIs[0].Trusted {
		t.Errorf("imported %+v", doc)
	}
	for _, key := range []platform.Key{two, alienAdmin} {
		for _, call := range [][]string{
			{"info", "Id", doc.ID}, {"file", "Id", "goods"}, {"delete", "Id", doc.ID}, {"restore", "Id", doc.ID},
			{"refresh", "Id", doc.ID, "file", goodsFile}, {"config/get", "Id", doc.ID}, {"config/set", "Id", doc.ID, "key", "token", "value", "x"},
		} {
			ask(t, p, key, "POST", "platform/service/"+call[0], call[1:]...).want(t, 404, "unknown_service")
		}
		ask(t, p, key, "GET", "platform/service/list").wantResult(t, "[]")
	}
	ask(t, p, alienAdmin, "POST", "platform/manageapi/online", "Id", doc.ID).want(t, 404, "unknown_service")
	ask(t, p, alienAdmin, "POST", "platform/manageapp/bind", "app_id", "alien", "api_id", doc.ID, "path", "*").want(t, 404, "unknown_service")
	importOf(t, p, alienAdmin, "file", goodsFile) // prefixes are those of a domain
	ask(t, p, two, "POST", "platform/service/import", "file", goodsFile).want(t, 409, "prefix_taken")
	ask(t, p, two, "POST", "platform/service/refresh", "file", goodsFile).want(t, 404, "unknown_service")
	if again := importOf(t, p, one, "file", goodsFile); again.ID != doc.ID {
		t.Errorf("the same file makes the service %q, had %q", again.ID, doc.ID)
	}

	ask(t, p, one, "POST", "platform/service/config/set", "Id", doc.ID, "key", "shop", "value", "7").wantResult(t, "true")
	ask(t, p, adminKey, "POST", "platform/manageapi/online", "Id", doc.ID).wantResult(t, "true")
	contains(t, string(ask(t, p, one, "GET", "platform/service/list").Result), `"Online":true`)
	ask(t, p, adminKey, "POST", "platform/manageapi/offline", "Id", "goods").wantResult(t, "true")
	contains(t, string(ask(t, p, adminKey, "GET", "platform/manageapi/list").Result), `"Online":false`)
	ask(t, p, one, "POST", "platform/service/delete", "Id", "/goods/").wantResult(t, "true")
	ask(t, p, adminKey, "GET", "platform/manageapi/list").wantResult(t, "[]")
}

func TestOnlyTheOperatorsKeysMayLetABackendBeInAPrivateNetwork(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	provider := member(t, p, adminKey, "ee@qq.com", platform.ProviderRole)
	trusted := importOf(t, p, adminKey, "file", goodsFile, "app_id", provider.App)
	if !trusted.APIs[0].Trusted || trusted.APIs[0].MemberID != provider.App {
		t.Errorf("imported %+v", trusted)
	}
	moved := strings.Replace(goodsFile, "127.0.0.1:9", "10.0.0.1", 1)
	ask(t, p, provider, "POST", "platform/service/refresh", "Id", "goods", "file", moved, "force", "1").want(t, 403, "forbidden_admin")
	same := strings.Replace(goodsFile, `"Goods"`, `"More goods"`, 1)
	ask(t, p, provider, "POST", "platform/service/refresh", "Id", "goods", "file", same).want(t, 200, "")
	ask(t, p, adminKey, "POST", "platform/manageapi/backend", "Id", "goods", "backend", "http://10.0.0.1/").wantResult(t, "true")
	ask(t, p, adminKey, "POST", "platform/manageapi/backend", "Id", "goods", "backend", "http://169.254.169.254/").want(t, 400, "invalid_parameter")

	if doc := importOf(t, p, alienAdmin, "file", goodsFile); doc.APIs[0].Trusted {
		t.Errorf("the key of another domain imports %+v", doc)
	}
	ask(t, p, alienAdmin, "POST", "platform/manageapi/backend", "Id", "goods", "backend", "http://10.0.0.1/").want(t, 400, "invalid_parameter")
	ask(t, p, alienAdmin, "POST", "platform/manageapi/node/add", "api", "goods", "node_id", "n", "data", `{"@url":"http://127.0.0.1/"}`).want(t, 400, "invalid_parameter")
}

func TestASecretConfigValueIsNeverShown(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	importOf(t, p, adminKey, "file", goodsFile)
	const secret = "s3cret-canary"
	for _, set := range [][2]string{{"token", secret}, {"unlisted", secret}, {"shop", "7"}, {"shop", ""}, {"shop", "8"}} {
		ask(t, p, adminKey, "POST", "platform/service/config/set", "Id", "goods", "key", set[0], "value", set[1]).wantResult(t, "true")
	}
	ask(t, p, adminKey, "POST", "platform/service/config/get", "Id", "goods").wantResult(t, `{"shop":"8","token":"********","unlisted":"********"}`)
	for _, call := range []string{"info", "file", "list", "refresh"} {
		params := []string{"Id", "goods"}
		if call == "refresh" {
			params = append(params, "file", goodsFile)
		}
		r := ask(t, p, adminKey, "POST", "platform/service/"+call, params...)
		if r.status != 200 || strings.Contains(r.body, secret) {
			t.Errorf("%s answers %s", call, r.body)
		}
	}
}

func TestARefreshKeepsWhatWasSetAndRestoreGoesBack(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	byPath := map[string]string{"/a.json": goodsFile}
	base := files(t, byPath)
	doc := importOf(t, p, adminKey, "url", base+"/a.json")
	ask(t, p, adminKey, "POST", "platform/service/restore", "Id", "goods").want(t, 400, "invalid_parameter")
	ask(t, p, adminKey, "POST", "platform/service/config/set", "Id", doc.ID, "key", "shop", "value", "7").wantResult(t, "true")
	ask(t, p, adminKey, "POST", "platform/manageapi/online", "Id", doc.ID).wantResult(t, "true")

	byPath["/a.json"] = strings.Replace(goodsFile, `"Goods"`, `"More goods"`, 1)
	ask(t, p, adminKey, "POST", "platform/service/refresh", "url", base+"/a.json", "dry_run", "1").want(t, 200, "")
	contains(t, ask(t, p, adminKey, "GET", "platform/service/info", "Id", "goods").body, `"Summary":"Goods"`)
	r := ask(t, p, adminKey, "POST", "platform/service/refresh", "url", base+"/a.json")
	contains(t, r.body, `"found":1`, `"id":"`+doc.ID+`"`, `"Summary":"More goods"`, `"Online":true`, `"shop":"7"`)
	contains(t, ask(t, p, adminKey, "POST", "platform/service/restore", "Id", "goods").body, `"Summary":"Goods"`, `"Previous":true`)
	contains(t, ask(t, p, adminKey, "POST", "platform/service/restore", "Id", "goods").body, `"Summary":"More goods"`)
	ask(t, p, adminKey, "POST", "platform/service/refresh", "url", base+"/b.json").want(t, 400, "fetch_failed")
	byPath["/b.json"] = goodsFile
	ask(t, p, adminKey, "POST", "platform/service/refresh", "url", base+"/b.json").want(t, 404, "unknown_service")
	ask(t, p, adminKey, "POST", "platform/manageapi/modify/remoteurl", "origin", base+"/a.json", "url", base+"/b.json").wantResult(t, "true")
	contains(t, ask(t, p, adminKey, "POST", "platform/service/refresh", "url", base+"/b.json").body, `"id":"`+doc.ID+`"`, `"Summary":"Goods"`)
	contains(t, ask(t, p, adminKey, "POST", "platform/service/refresh", "Id", "goods").body, `"id":"`+doc.ID+`"`)
	ask(t, p, adminKey, "POST", "platform/manageapi/modify/remoteurl", "origin", base+"/a.json", "url", base+"/b.json").want(t, 404, "unknown_service")
}

func TestAChangeThatBreaksCallersIsRefusedWithItsList(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	importOf(t, p, adminKey, "file", goodsFile)
	fewer := strings.Replace(goodsFile, `,"get":{"path":"{id}","method":["GET"]}`, "", 1)
	r := ask(t, p, adminKey, "POST", "platform/service/refresh", "Id", "goods", "file", fewer)
	r.want(t, 409, "breaking_change")
	changes, _ := json.Marshal(r.Error.Data["changes"])
	contains(t, string(changes), `"service":"goods"`, `"api":"get"`, `"breaking":true`, `"text":"`)
	contains(t, ask(t, p, adminKey, "POST", "platform/service/refresh", "Id", "goods", "file", fewer, "dry_run", "1").body, `"breaking":true`)
	contains(t, ask(t, p, adminKey, "GET", "platform/service/info", "Id", "goods").body, `"ApiNum":2`)
	contains(t, ask(t, p, adminKey, "POST", "platform/service/refresh", "Id", "goods", "file", fewer, "force", "1").body, `"ApiNum":1`)
}

func TestNodesAreMadeAndRemoved(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	importOf(t, p, adminKey, "file", goodsFile)
	add := func(node, data string) reply {
		return ask(t, p, adminKey, "GET", "platform/manageapi/node/add", "api", "goods", "node_id", node, "data", data)
	}
	add("shop-1", `{"token":"s3cret","@url":"http://10.0.0.1/","n":7}`).wantResult(t, "true")
	add("shop-2", "[]").wantResult(t, "true")
	info := ask(t, p, adminKey, "GET", "platform/service/info", "Id", "goods")
	contains(t, info.body, `"NodeNum":2`, `"NodeIds":["shop-1","shop-2"]`)
	if strings.Contains(info.body, "s3cret") {
		t.Errorf("info shows %s", info.body)
	}
	for _, data := range []string{"x", "null", `{"a":{}}`, `{"a":true}`, `{"@url":"ftp://a"}`, `{"a":"` + strings.Repeat("x", 5000) + `"}`, `{"a\u0000":"1"}`} {
		add("n", data).want(t, 400, "invalid_parameter")
	}
	add("", "{}").want(t, 400, "missing_parameter")
	ask(t, p, adminKey, "GET", "platform/manageapi/node/add").want(t, 400, "missing_parameter") // as the published PHP method sends it
	for range 2 {
		ask(t, p, adminKey, "POST", "platform/manageapi/node/remove", "api", "goods", "node_id", "shop-1").wantResult(t, "true")
	}
}

func TestABadServiceCallSaysWhatToSend(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	importOf(t, p, adminKey, "file", goodsFile)
	for _, row := range []struct {
		code string
		call []string
	}{
		{"missing_parameter", []string{"service/import"}},
		{"invalid_parameter", []string{"service/import", "url", "http://a.example/", "file", "{}"}},
		{"faulty_file", []string{"service/import", "file", "{"}},
		{"faulty_file", []string{"service/import", "file", "#apilist\na.json"}},
		{"faulty_file", []string{"service/import", "file", strings.Replace(goodsFile, `"goods"`, `"platform/x"`, 1)}},
		{"invalid_parameter", []string{"service/refresh", "Id", "goods", "force", "yes"}},
		{"missing_parameter", []string{"service/refresh", "Id", "goods"}}, // it has no address
		{"missing_parameter", []string{"service/config/set", "Id", "goods", "value", "x"}},
		{"missing_parameter", []string{"service/config/set", "Id", "goods", "key", "x"}},
		{"invalid_parameter", []string{"service/config/set", "Id", "goods", "key", "x\n", "value", "x"}},
		{"invalid_parameter", []string{"service/config/set", "Id", "goods", "key", "x", "value", strings.Repeat("x", 5000)}},
		{"missing_parameter", []string{"manageapi/online"}},
		{"missing_parameter", []string{"manageapi/backend", "Id", "goods"}},
		{"missing_parameter", []string{"manageapi/modify/remoteurl", "url", "http://a.example/"}},
		{"invalid_parameter", []string{"manageoauth/config/set", "config", "x"}},
		{"invalid_parameter", []string{"manageoauth/config/get", "is_sandbox", "x"}},
	} {
		ask(t, p, adminKey, "POST", "platform/"+row.call[0], row.call[1:]...).want(t, 400, row.code)
	}
	ask(t, p, adminKey, "POST", "platform/service/import", "file", ordersFile, "app_id", "nobody").want(t, 404, "unknown_app")
}

func TestOAuthSettingsAreKeptWithoutThePassword(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	get := func(sandbox string) reply {
		return ask(t, p, adminKey, "POST", "platform/manageoauth/config/get", "is_sandbox", sandbox)
	}
	const none = `{"CfgIdColumn":"","CheckAccountSQL":"","Database":"","FailedSQL":"","Host":"","Password":"","SuccessSQL":"","User":""}`
	get("0").wantResult(t, none)
	ask(t, p, adminKey, "POST", "platform/manageoauth/config/set", "is_sandbox", "0",
		"config", `{"CfgIdColumn":"uid","CheckAccountSQL":"select * from user","Host":"localhost","password":"s3cret","Password":"s3cret","User":"root"}`).wantResult(t, "true")
	get("0").wantResult(t, `{"CfgIdColumn":"uid","CheckAccountSQL":"select * from user","Database":"","FailedSQL":"","Host":"localhost","Password":"","SuccessSQL":"","User":"root"}`)
	get("1").wantResult(t, none)
	ask(t, p, alienAdmin, "POST", "platform/manageoauth/config/get").wantResult(t, none)
}

func TestTheFilesOfADomainAreBoundedTogether(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	importOf(t, p, adminKey, "file", ordersFile)
	var stored string
	if err := json.Unmarshal(ask(t, p, adminKey, "GET", "platform/service/file", "Id", "oms/orders").Result, &stored); err != nil {
		t.Fatal(err)
	}
	platform.BoundFiles(p, 3*len(stored))
	second := strings.ReplaceAll(ordersFile, "oms/orders", "oms/others")
	importOf(t, p, adminKey, "file", second+strings.Repeat(" ", len(stored))) // blanks are not stored
	newer := func(name string) reply {
		return ask(t, p, adminKey, "POST", "platform/service/refresh", "Id", "oms/others", "force", "1", "file", strings.ReplaceAll(second, "order.get", name))
	}
	newer("order.set").want(t, 200, "")
	third := ask(t, p, adminKey, "POST", "platform/service/import", "file", strings.ReplaceAll(ordersFile, "oms/orders", "oms/thirds"))
	third.want(t, 403, "too_many_services")
	contains(t, third.body, "bytes together", "delete one")

	newer("order.put").want(t, 200, "") // in place of the one before
	platform.BoundFiles(p, len(stored))
	newer("order.put").want(t, 200, "")
	newer("order.let").want(t, 200, "")
	newer("order.rewritten").want(t, 403, "too_many_services")
	ask(t, p, adminKey, "POST", "platform/service/delete", "Id", "oms/orders").want(t, 200, "")
}
