package main

import (
	"os"
	"path/filepath"
	"strings"
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
