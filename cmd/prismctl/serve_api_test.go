package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

func TestServeOffersTheAPIsOfAFileOnLineToTheFirstApp(t *testing.T) {
	backend := aBackend(t)
	p := serve(t, nil, "--api", anAPI(t, "http://127.0.0.1:1"), "--backend", "shop="+backend, "--backend", "/plain/="+backend)
	defer p.stop()
	for path, want := range map[string]string{"shop/orders/7": `{"path":"/orders/7"}`, "plain/a/b": `{"path":"/a/b"}`} {
		if r := p.do("get " + path); r.status != exitDone || r.out != want {
			t.Errorf("%s: exit status %d, %q, %s", path, r.status, r.out, r.err)
		}
	}
}

func TestServeAnswersWithTheSamplesOfAMock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mock.json")
	text := `{"url":"http://nowhere.example/x.php","prefix":"goods","mode":"param","param_name":"method",
		"config_values":[{"name":"token","issecret":true}],
		"global_params":[{"name":"sign","value_type":"sign","format":"ecos","param_type":"REQUEST"}],
		"apis":{"item.get":{"method":["GET","POST"],"response":"{\"title\":\"书\"}","exception":[{"http_code":404,"code":"E1","message":"none"}]}}}`
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	p := serve(t, nil, "--mock", file)
	defer p.stop()
	for _, args := range []string{"get goods method=item.get", "post goods/item.get id=7"} {
		if r := p.do(args); r.status != exitDone || r.out != `{"title":"书"}` {
			t.Errorf("%q: exit status %d, %q, %s", args, r.status, r.out, r.err)
		}
	}
	if r := p.do("get goods method=item.get -H X-Mock-Error:E1"); r.status != exitRefused || !strings.Contains(r.out, `"E1"`) {
		t.Errorf("the documented error: exit status %d, %q, %s", r.status, r.out, r.err)
	}
}

func TestServeSaysWhichChangesOfAFileBreakCallers(t *testing.T) {
	dir, file := t.TempDir(), anAPI(t, "http://127.0.0.1:1")
	start := func() string {
		p := serve(t, nil, "--data", dir, "--api", file)
		return p.stop().err
	}
	const warning = "has changes that break callers"
	for range 2 {
		if log := start(); strings.Contains(log, warning) {
			t.Errorf("nothing has changed, and the log has\n%s", log)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	newer := strings.Replace(string(text), `"me":{"path":"me"`, `"me":{"summary":"new","path":"self"`, 1)
	if err := os.WriteFile(file, []byte(newer), 0o666); err != nil {
		t.Fatal(err)
	}
	if log := start(); strings.Count(log, warning) != 1 || !strings.Contains(log, "service=shop") || !strings.Contains(log, "me: ") || strings.Contains(log, "summary") {
		t.Errorf("the log does not say once what breaks:\n%s", log)
	}
	if log := start(); strings.Contains(log, warning) {
		t.Errorf("said again:\n%s", log)
	}
}

// Behind a proxy, whoever calls may be anybody, wherever the platform listens.
func TestOnlyProgramsOfThisMachineReachIt(t *testing.T) {
	for _, row := range []struct {
		flags           string
		imports, pushes bool
	}{
		{"", true, true},
		{"--public-url https://prism.example --push-loopback", false, true},
		{"--trusted-proxies 127.0.0.1 --backend-loopback", true, false},
	} {
		p := serve(t, nil, strings.Fields(row.flags)...)
		if r := importsFromHere(t, p); (r.status == exitDone) != row.imports || !row.imports && !strings.Contains(r.err, "this machine") {
			t.Errorf("%q: a member imports: %+v", row.flags, r)
		}
		if r := p.do("key push " + p.Key + " http://127.0.0.1:9/hook"); (r.status == exitDone) != row.pushes {
			t.Errorf("%q: push: %+v", row.flags, r)
		}
		p.stop()
	}
}

// importsFromHere lets a provider import an api.json that lies on this machine.
func importsFromHere(t *testing.T, p served) result {
	t.Helper()
	var backend *httptest.Server
	backend = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"url":"` + backend.URL + `","prefix":"mine","mode":"path"}`))
	}))
	defer backend.Close()
	for _, command := range []string{"create", "apiprovider"} {
		if r := p.do("post platform/manageuser/" + command + " email=provider@example.com"); r.status != exitDone {
			t.Fatalf("%s: %+v", command, r)
		}
	}
	r := p.do("get platform/manageuser/info/provider@example.com")
	var info struct {
		Result struct{ Key, Secret string }
	}
	if err := json.Unmarshal([]byte(r.out), &info); err != nil || info.Result.Secret == "" {
		t.Fatalf("%+v, %v", r, err)
	}
	p.Key, p.Secret = info.Result.Key, info.Result.Secret
	return p.do("post platform/service/import url=" + backend.URL + "/api.json")
}

func TestServeFollowsAListOnTheDiskAndAtAnAddressAlike(t *testing.T) {
	backend := aBackend(t)
	var gone atomic.Bool
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		prefix, isFile := strings.CutSuffix(r.URL.Path[1:], ".json")
		switch {
		case gone.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case isFile:
			_, _ = w.Write([]byte(`{"url":"` + backend + `","prefix":"` + prefix + `"}`))
		default:
			_, _ = w.Write([]byte("#apilist\na.json\n/b.json\nsub.txt\n" + r.URL.Path))
		}
	}))
	t.Cleanup(page.Close)
	list, data := t.TempDir(), t.TempDir()
	put(t, list, map[string]string{"api.txt": "#apilist\nc.json\n" + page.URL + "/d.json\n", "c.json": `{"url":"` + backend + `","prefix":"c"}`})
	env := map[string]string{"PRISM_ADMIN_SECRET": "secret-of-the-operator"}
	calls := func(refused string) string {
		p := serve(t, env, "--admin-key", "operator", "--data", data, "--api", page.URL+"/api.txt", "--api", list)
		p.Key, p.Secret = "operator", env["PRISM_ADMIN_SECRET"]
		for _, prefix := range []string{"a", "b", "c", "d"} {
			want := `{"path":"/x"}`
			if prefix == refused {
				want = "unknown_api"
			}
			if r := p.do("get " + prefix + "/x"); !strings.Contains(r.out, want) {
				t.Errorf("%s: %+v", prefix, r)
			}
		}
		if refused == "" {
			p.do("api delete b").want(t, exitDone, "deleted service b\n", "")
		}
		return p.stop().err
	}
	calls("")
	gone.Store(true)
	if log := calls("b"); strings.Count(log, "go on as they were") != 2 || !strings.Contains(log, "503") {
		t.Errorf("the log is\n%s", log)
	}
	gone.Store(false)
	if log := calls("b"); strings.Contains(log, "go on as they were") {
		t.Errorf("the log is\n%s", log)
	}
	gone.Store(true)
	r := invocation{args: []string{"serve", "--listen", "127.0.0.1:0", "--api", page.URL + "/api.txt"}}.run()
	r.want(t, exitUsage, "", page.URL+"/api.txt: the server answered 503")
}
