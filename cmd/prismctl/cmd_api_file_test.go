package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopex/prism-go/apijson"
)

const samples = "../../apijson/testdata/"

func TestAFaultyFileIsToldLineByLine(t *testing.T) {
	broken := samples + "broken.json"
	r := invocation{args: []string{"api", "check", broken}}.run()
	if r.status != exitRefused || strings.Count(r.out, "\n") != 5 || !strings.HasPrefix(r.out, filepath.Clean(broken)+":1:127: GET same has") || !strings.Contains(r.err, "5 faults in 1 file") {
		t.Errorf("%+v", r)
	}
	r = invocation{args: []string{"api", "check", broken, "--output", "json"}}.run()
	if lines := parsed(t, r.out); r.status != exitRefused || len(lines) != 5 || lines[4]["line"] != 1.0 || lines[4]["column"] != 290.0 || lines[4]["warning"] != false {
		t.Errorf("%+v", r)
	}
}

func TestGoodFilesAreGood(t *testing.T) {
	for _, name := range []string{"path-mode", "param-mode-ecos", "shopex-ac", "sandbox-and-oauth", "php-sdk-first", "odd-spellings", "empty-apis-null"} {
		r := invocation{args: []string{"api", "check", samples + name + ".json"}}.run()
		if r.status != exitDone || r.err != "" || !strings.Contains(r.out, name+".json: good, ") {
			t.Errorf("%s: %+v", name, r)
		}
		text, err := os.ReadFile(samples + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if in := (invocation{args: []string{"api", "check", "-"}, in: strings.NewReader(string(text))}).run(); in.status != exitDone || !strings.Contains(in.out, "-: good, ") {
			t.Errorf("%s on standard input: %+v", name, in)
		}
	}
}

func TestADirectoryIsCheckedByItsList(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"api.txt": "#apilist\na.json\nb.json\nhttp://a.test/c.json\nmissing.json", "a.json": `{"url": "http://a.test", "prefix": "a"}`, "b.json": `{"prefix": "a"}`, "unlisted.json": "{",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	r := invocation{args: []string{"api", "check", dir}}.run()
	r.out = strings.ReplaceAll(r.out, dir+string(filepath.Separator), "")
	for _, want := range []string{"a.json: good, 0 APIs of a\n", "b.json:1:1: warning: url is empty", "b.json: the prefix a is that of ", "missing.json: "} {
		if !strings.Contains(r.out, want) {
			t.Errorf("%q is not in\n%s", want, r.out)
		}
	}
	if r.status != exitRefused || strings.Contains(r.out, "unlisted") || !strings.Contains(r.err, "http://a.test/c.json: it is not on this machine") || !strings.Contains(r.err, "2 faults in 3 files") {
		t.Errorf("%+v", r)
	}
}

func TestAFileIsFormattedOnceAndForAll(t *testing.T) {
	file := filepath.Join(t.TempDir(), "api.json")
	text, err := os.ReadFile(samples + "odd-spellings.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o666); err != nil {
		t.Fatal(err)
	}
	printed := invocation{args: []string{"api", "fmt", file}}.run()
	if after, _ := os.ReadFile(file); string(after) != string(text) || printed.status != exitDone {
		t.Errorf("printing changed the file, or failed: %+v", printed)
	}
	invocation{args: []string{"api", "fmt", file, "-w"}}.run().want(t, exitDone, "wrote "+file+"\n", "")
	if after, _ := os.ReadFile(file); string(after) != printed.out {
		t.Errorf("written is\n%s\nand printed\n%s", after, printed.out)
	}
	invocation{args: []string{"api", "fmt", file, "-w"}}.run().want(t, exitDone, file+" is as it should be\n", "")
	invocation{args: []string{"api", "fmt", "-"}, in: strings.NewReader(printed.out)}.run().want(t, exitDone, printed.out, "")
	invocation{args: []string{"api", "fmt", "-", "-w"}}.run().want(t, exitUsage, "", "-w needs a file")
	invocation{args: []string{"api", "fmt", samples + "broken.json", "-w"}}.run().want(t, exitRefused, "", "broken.json:1:127: ")
}

func TestADifferenceThatBreaksIsRefused(t *testing.T) {
	dir := t.TempDir()
	old, new := filepath.Join(dir, "old.json"), filepath.Join(dir, "new.json")
	for name, text := range map[string]string{
		old: `{"prefix": "a", "apis": {"m": {}}}`, new: `{"prefix": "a", "apis": {"n": {}, "m": {"require_oauth": true}}}`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	invocation{args: []string{"api", "diff", old, new}}.run().want(t, exitRefused,
		"breaking  m: the API needs a user now\nchange    n: the API was added\n", "1 breaking change")
	invocation{args: []string{"api", "diff", new, old, "--output", "json"}}.run().want(t, exitRefused,
		`{"breaking":true,"api":"n","text":"the API was removed"}`+"\n"+`{"breaking":false,"api":"m","text":"the API needs no user any more"}`+"\n", "1 breaking change")
	invocation{args: []string{"api", "diff", old, old}}.run().want(t, exitDone, "", "")
	invocation{args: []string{"api", "diff", "-", "-"}}.run().want(t, exitUsage, "", "only one of the files")
}

func TestAServiceIsPrintedAsOpenAPI(t *testing.T) {
	r := invocation{args: []string{"api", "openapi", samples + "path-mode.json", "--server", "https://api.example.test/api"}}.run()
	text, err := os.ReadFile(samples + "path-mode.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := apijson.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	want, err := apijson.OpenAPI(s, "https://api.example.test/api")
	if err != nil {
		t.Fatal(err)
	}
	r.want(t, exitDone, string(want), "")
	invocation{args: []string{"api", "openapi", samples + "path-mode.json", "--server", "api.example.test"}}.run().want(t, exitUsage, "", "--server must be a base URL")
}
