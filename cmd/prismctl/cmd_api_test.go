package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopex/prism-go/prismtest"
)

// anAPI is an api.json of a backend at an address.
func anAPI(t *testing.T, backend string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "api.json")
	text := `{"url":"` + backend + `","prefix":"shop","summary":"商店","mode":"path","config_values":[{"name":"token","issecret":true}],
		"apis":{"order":{"path":"orders/{id}","method":["GET"]},"me":{"path":"me","method":["GET"],"require_oauth":true}}}`
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

func aBackend(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"path":"` + r.URL.Path + `"}`))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestAServiceIsImportedBoundCalledAndTakenBack(t *testing.T) {
	srv := prismtest.NewServer(t)
	file := anAPI(t, aBackend(t))
	app := strings.TrimSpace(appOf(t, srv))
	call := func() result { return with(srv, "get", "shop/orders/7") }
	step := func(out string, args ...string) {
		t.Helper()
		if r := with(srv, args...); r.status != exitDone || !strings.Contains(r.out, out) {
			t.Fatalf("%q: exit status %d, output %q, want %q\n%s", args, r.status, r.out, out, r.err)
		}
	}
	refused := func(code string) {
		t.Helper()
		if r := call(); r.status != exitRefused || !strings.Contains(r.out, code) {
			t.Fatalf("exit status %d, output %q, want %s\n%s", r.status, r.out, code, r.err)
		}
	}
	step("shop has 2 APIs and is off line\n", "api", "import", file)
	refused("forbidden_api")
	step("app "+app+" may call all APIs of shop\n", "api", "bind", "shop", app)
	refused("api_offline")
	step("set token of shop\n", "api", "config", "shop", "token=s3cret")
	step("(set, not shown)", "api", "config", "shop")
	step("shop is on line\n", "api", "online", "shop")
	if r := call(); r.status != exitDone || r.out != `{"path":"/orders/7"}` {
		t.Fatalf("the call: exit status %d, %q, %s", r.status, r.out, r.err)
	}
	if r := with(srv, "get", "shop/me"); !strings.Contains(r.out, "user_required") {
		t.Errorf("without a user: %q", r.out)
	}
	step(`"prefix":"shop"`, "api", "list", "--output", "json")
	step("shop    on line  2     商店     "+"http://", "api", "list")
	step("app "+app+" may call order of shop, each 1 time in 86400 s\n", "api", "bind", "shop", app, "--path", "order", "--limit", "1/24h")
	step("1/86400s", "api", "bound", app)
	step("app "+app+" is not bound to all APIs of shop any more\n", "api", "unbind", "shop", app, "--path", "*")
	call()
	refused("rate_limited")
	step("app "+app+" may call all APIs of shop\n", "api", "bind", "shop", app)
	step("app "+app+" is not bound to order of shop any more\napp "+app+" is not bound to all APIs of shop any more\n", "api", "unbind", "shop", app)
	refused("forbidden_api")
	step("shop is as it was\n", "api", "refresh", "shop", file)
	step("wrote", "api", "gen", "shop", "--out", t.TempDir())
	step("deleted service shop\n", "api", "delete", "shop")
	refused("unknown_api")
}

// appOf returns the app of the key of srv.
func appOf(t *testing.T, srv *prismtest.Server) string {
	t.Helper()
	r := with(srv, "app", "list", "--output", "json")
	_, rest, ok := strings.Cut(r.out, `"id":"`)
	if !ok {
		t.Fatalf("no app in %q, %s", r.out, r.err)
	}
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

func TestAFaultyFileIsRefusedWithItsPlaces(t *testing.T) {
	file := filepath.Join(t.TempDir(), "api.json")
	if err := os.WriteFile(file, []byte(`{"url":"http://x.example/","prefix":"p","mode":"path","apis":{"c":{"path":"../up"}}}`), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"api", "import", file}, {"api", "gen", file}} {
		r := invocation{args: args, env: map[string]string{"PRISM_URL": "http://127.0.0.1:1/api", "PRISM_KEY": "k", "PRISM_SECRET": "s"}}.run()
		if r.status != exitRefused || !strings.Contains(r.err, file+":1:") {
			t.Errorf("%q: exit status %d, %s", args, r.status, r.err)
		}
	}
}

func TestValuesOfServicesAreInNoErrorAndOnlyReadAsAsked(t *testing.T) {
	srv := prismtest.NewServer(t)
	if r := with(srv, "api", "config", "shop", "s3cret-without-name"); r.status != exitUsage || strings.Contains(r.err, "s3cret") {
		t.Errorf("exit status %d, %s", r.status, r.err)
	}
	if r := with(srv, "api", "import", anAPI(t, "http://127.0.0.1:1")); r.status != exitDone {
		t.Fatal(r.err)
	}
	r := invocation{args: []string{"api", "config", "shop", "token=-"}, env: of(srv), in: strings.NewReader("s3cret\n")}.run()
	r.want(t, exitDone, "set token of shop\n", "")
	if r := with(srv, "api", "config", "shop", "--output", "json"); strings.Contains(r.out, "s3cret") || !strings.Contains(r.out, `"set":true`) {
		t.Errorf("it lists %q", r.out)
	}
}

func TestALimitIsCallsInWholeSeconds(t *testing.T) {
	for text, ok := range map[string]bool{
		"1000/60s": true, "1/1m": true, "5/60": true, "": false, "5": false, "0/60s": false, "-1/60s": false, "5/1ms": false, "5/1500ms": false, "x/60s": false,
	} {
		if err := new(callLimit).UnmarshalText([]byte(text)); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestUnbindTakesEachBindingAndSaysWhichOrThatThereIsNone(t *testing.T) {
	srv := prismtest.NewServer(t)
	app := appOf(t, srv)
	for _, step := range []struct {
		args   string
		status int
		out    string
		err    string
	}{
		{"import " + anAPI(t, "http://127.0.0.1:1"), exitDone, "shop has 2 APIs and is off line\n", "shop has no value token yet"},
		{"unbind shop " + app, exitRefused, "", "app " + app + " is not bound to shop: \"prismctl api bound " + app + "\""},
		{"bind shop " + app + " --path me --limit 5/60s", exitDone, "app " + app + " may call me of shop, each 5 times in 60 s\n", ""},
		{"bind shop " + app + " --path orders/{id}", exitDone, "app " + app + " may call orders/{id} of shop\n", ""},
		{"bind shop " + app, exitDone, "app " + app + " may call all APIs of shop\n", ""},
		{"unbind shop " + app + " --path=", exitUsage, "", "--path is empty"},
		{"unbind shop " + app + " --path order", exitRefused, "", "app " + app + " has no binding to order of shop"},
		{"unbind shop " + app + " --path /orders/{id}", exitDone, "app " + app + " is not bound to orders/{id} of shop any more\n", ""},
		{"unbind shop " + app + " --output json", exitDone, `"path":"me","limit_count":5,"limit_seconds":60}` + "\n", ""},
		{"unbind shop " + app, exitRefused, "", "is not bound to shop"},
		{"unbind nothing " + app, exitRefused, "", "unknown_service"},
		{"unbind shop nobody", exitRefused, "", "unknown_app"},
	} {
		r := with(srv, strings.Fields("api "+step.args)...)
		if r.status != step.status || !strings.Contains(r.out, step.out) || !strings.Contains(r.err, step.err) || step.err == "" && r.err != "" {
			t.Errorf("%s: %+v", step.args, r)
		}
	}
	if r := with(srv, "api", "bound", app, "--output", "json"); r.out != "" {
		t.Errorf("left: %s", r.out)
	}
}
