package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopex/prism-go/prismtest"
)

// put writes files below a directory.
func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// aPrefix is an api.json of a prefix.
func aPrefix(prefix string) string { return `{"url":"http://127.0.0.1:1/","prefix":"` + prefix + `"}` }

func TestAFileThatIsImportedAgainRefreshesItsService(t *testing.T) {
	srv, file := prismtest.NewServer(t), anAPI(t, "http://127.0.0.1:1")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	with(srv, "api", "import", file, "--online").want(t, exitDone, "shop has 2 APIs and is on line\n", "shop has no value token yet")
	with(srv, "api", "config", "shop", "token=x").want(t, exitDone, "set token of shop\n", "")
	with(srv, "api", "import", file).want(t, exitDone, "shop has 2 APIs and is on line\n", "")
	more := strings.Replace(string(text), `"apis":{`, `"apis":{"new":{"path":"new"},`, 1)
	put(t, filepath.Dir(file), map[string]string{"api.json": more})
	with(srv, "api", "import", file).want(t, exitDone, "shop has 3 APIs and is on line\n", "what changes (! breaks callers):\n  new: the API was added")
	put(t, filepath.Dir(file), map[string]string{"api.json": string(text)})
	r := with(srv, "api", "import", file)
	r.want(t, exitRefused, "", "\n! new: the API was removed")
	if !strings.Contains(r.err, "Take it nevertheless: --force") {
		t.Errorf("it does not say how to go on: %s", r.err)
	}
	with(srv, "api", "import", file, "--force").want(t, exitDone, "shop has 2 APIs and is on line\n", "! new: the API was removed")
}

func TestAnAddressIsImportedAgainAsAFileIs(t *testing.T) {
	text := aPrefix("a")
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }))
	t.Cleanup(page.Close)
	srv := prismtest.NewServer(t)
	importIt := func(more ...string) result {
		return with(srv, append([]string{"api", "import", page.URL + "/api.json"}, more...)...)
	}
	importIt().want(t, exitDone, "a has 0 APIs and is off line\n", "")
	text = strings.Replace(text, `"prefix"`, `"summary":"new","prefix"`, 1)
	importIt().want(t, exitDone, "a has 0 APIs and is off line\n", "what changes")
	text = strings.Replace(text, `"a"`, `"b"`, 1)
	importIt().want(t, exitRefused, "", "--force")
	importIt("--force").want(t, exitDone, "b has 0 APIs and is off line\n", "! ")
}

func TestAListOnThisMachineIsImportedWithItsAddresses(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api.txt" {
			_, _ = io.WriteString(w, "#apilist\nc.json\nd.json\napi.txt\n")
			return
		}
		_, _ = io.WriteString(w, aPrefix(strings.TrimSuffix(r.URL.Path[1:], ".json")))
	}))
	t.Cleanup(page.Close)
	srv, dir := prismtest.NewServer(t), t.TempDir()
	put(t, dir, map[string]string{
		"api.txt": "#apilist\nsub/api.txt\n" + page.URL + "/api.txt\n", "sub/api.txt": "#apilist\n/a.json\nb.json\n../api.txt\n",
		"a.json": aPrefix("a"), "sub/b.json": aPrefix("b"), "unlisted.json": "{",
	})
	const want = "a has 0 APIs and is off line\nb has 0 APIs and is off line\nc has 0 APIs and is off line\nd has 0 APIs and is off line\n"
	for _, name := range []string{dir, filepath.Join(dir, "api.txt")} {
		with(srv, "api", "import", name).want(t, exitDone, want, "")
	}
	put(t, dir, map[string]string{"sub/b.json": "{\n"})
	with(srv, "api", "import", dir).want(t, exitRefused, "", filepath.Join(dir, "sub", "b.json")+":2:1: ")
}
