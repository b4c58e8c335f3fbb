package apifile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// below makes files in a new directory.
func below(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func found(t *testing.T, dir, name string) string {
	t.Helper()
	var lines []string
	for f := range Walk(t.Context(), filepath.Join(dir, name), nil) {
		line := strings.TrimPrefix(filepath.ToSlash(f.Name), filepath.ToSlash(dir))
		if f.Err != nil {
			line += ": " + f.Err.Error()
		}
		if f.Service != nil {
			line += " " + f.Service.Prefix
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestADirectoryIsReadByItsListOrByItsFiles(t *testing.T) {
	one, two := `{"prefix": "one"}`, `{"prefix": "two"}`
	dir := below(t, map[string]string{
		"plain/b%.json": two, "plain/a b#.json": one, "plain/c.txt": "x", "plain/sub/d.json": one,
		"listed/api.txt": "#apilist\nsub/one.json\n/two.json\nhttp://a.test/api.json\n../plain/c.txt\nsub", "listed/sub/one.json": one, "listed/two.json": two, "listed/three.json": "",
		"empty/x.txt": "",
	})
	for name, want := range map[string]string{
		"plain":               "/plain/a b#.json one\n/plain/b%.json two",
		"plain/b%.json":       "/plain/b%.json two",
		"empty":               "/empty: the directory has neither api.txt nor a file whose name ends in .json",
		"listed/sub/one.json": "/listed/sub/one.json one",
	} {
		if got := found(t, dir, name); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
	got := found(t, dir, "listed")
	if got != found(t, dir, "listed/api.txt") {
		t.Error("the directory is not what its list is")
	}
	for i, want := range []string{"/listed/sub/one.json one", "/listed/two.json two", "http://a.test/api.json: it is not on this machine", "/listed/plain/c.txt: ", "/listed/sub: "} {
		if lines := strings.Split(got, "\n"); len(lines) != 5 || !strings.HasPrefix(lines[i], want) {
			t.Errorf("number %d is not %s in\n%s", i, want, got)
		}
	}
}

func TestNoLinkLeadsOutOfTheDirectory(t *testing.T) {
	dir := below(t, map[string]string{"secret.json": `{"prefix": "secret"}`, "in/api.txt": "#apilist\nlink.json"})
	if err := os.Symlink(filepath.Join(dir, "secret.json"), filepath.Join(dir, "in/link.json")); err != nil {
		t.Skip(err)
	}
	if got := found(t, dir, "in"); strings.Contains(got, "secret") || !strings.Contains(got, "escapes") {
		t.Errorf("found %s", got)
	}
}

func TestAFileThatIsNotThereIsNamed(t *testing.T) {
	dir := t.TempDir()
	if got := found(t, dir, "no.json"); !strings.HasPrefix(got, "/no.json: ") || strings.Contains(got, "open") {
		t.Errorf("%s", got)
	}
	if got := found(t, dir, "no/no.json"); !strings.HasPrefix(got, "/no/no.json: ") {
		t.Errorf("%s", got)
	}
}
