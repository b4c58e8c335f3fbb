package apifile

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopex/prism-go/apijson"
)

// web is files by their addresses, and counts what is fetched.
type web struct {
	files   map[string]string
	fetched map[string]int
}

func (w *web) fetch(_ context.Context, u *url.URL) ([]byte, *url.URL, error) {
	if w.fetched == nil {
		w.fetched = map[string]int{}
	}
	w.fetched[u.String()]++
	text, ok := w.files[u.String()]
	if !ok {
		return nil, nil, errors.New("the server answered 404 Not Found")
	}
	return []byte(text), u, nil
}

// readAs returns the names and prefixes of what Read finds, and its error.
func readAs(t *testing.T, name string, fetch Fetch) (string, error) {
	t.Helper()
	files, err := Read(t.Context(), name, fetch)
	var all []string
	for _, f := range files {
		what := filepath.Base(f.Name)
		if f.Service != nil {
			what += " " + f.Service.Prefix
		}
		all = append(all, what)
	}
	return strings.Join(all, ", "), err
}

func TestAListOnTheDiskAndAtAnAddressAreReadAlike(t *testing.T) {
	w := &web{files: map[string]string{
		"http://a.test/api.txt":      "\ufeff#apilist\r\n// ours\r\nb.json\nsub/api.txt\n/api.txt\n",
		"http://a.test/sub/api.txt":  "#apilist\n../b.json\n../api.txt\nsub.txt\nhttp://b.test/c.json\n",
		"http://a.test/sub/sub.txt":  "#apilist\nsub.txt\n/a.json\n",
		"http://a.test/a.json":       `{"prefix": "a"}`,
		"http://a.test/b.json":       `{"prefix": "b"}`,
		"http://b.test/c.json":       `{"prefix": "c"}`,
		"http://a.test/unlisted.txt": "#apilist\nno.json",
	}}
	onDisk := map[string]string{}
	for address, text := range w.files {
		if name, ok := strings.CutPrefix(address, "http://a.test/"); ok {
			onDisk[name] = text
		}
	}
	dir := below(t, onDisk)
	const want = "b.json b, a.json a, c.json c"
	for _, name := range []string{"http://a.test/api.txt", filepath.Join(dir, "api.txt"), dir} {
		w.fetched = nil
		if got, err := readAs(t, name, w.fetch); got != want || err != nil {
			t.Errorf("%s: %s, %v, want %s", name, got, err, want)
		}
		for address, n := range w.fetched {
			if n != 1 {
				t.Errorf("%s: fetched %s %d times", name, address, n)
			}
		}
	}
	if got, err := readAs(t, dir, nil); got != "b.json b, a.json a, c.json" || err != nil {
		t.Errorf("without a fetch: %s, %v", got, err)
	}
	for _, name := range []string{"http://a.test/unlisted.txt", filepath.Join(dir, "unlisted.txt")} {
		if _, err := readAs(t, name, w.fetch); err == nil || !strings.Contains(err.Error(), "no.json: ") {
			t.Errorf("%s: a file that is not there: %v", name, err)
		}
	}
}

func TestAListAtAnAddressLeadsToNoFileOfThisMachine(t *testing.T) {
	w := &web{files: map[string]string{"http://a.test/api.txt": "#apilist\nfile:///etc/passwd"}}
	if got, err := readAs(t, "http://a.test/api.txt", w.fetch); got != "" || err == nil || !strings.Contains(err.Error(), "api.txt:2:1: the address is none of HTTP") {
		t.Errorf("%s, %v", got, err)
	}
}

func TestWhatIsReadTogetherIsBounded(t *testing.T) {
	w := &web{files: map[string]string{"http://a.test/endless": "#apilist\nendless0"}}
	for i := range 50 {
		w.files[fmt.Sprintf("http://a.test/endless%d", i)] = fmt.Sprintf("#apilist\nendless%d", i+1)
		w.files[fmt.Sprintf("http://a.test/%d.json", i)] = fmt.Sprintf(`{"prefix": "p%d"}%s`, i, strings.Repeat(" ", 1<<15))
		w.files["http://a.test/large"] += fmt.Sprintf("%d.json\n", i)
		w.files["http://a.test/faulty"] += fmt.Sprintf("bad%d.json\n", i)
		w.files[fmt.Sprintf("http://a.test/bad%d.json", i)] = `{"prefix": 7`
	}
	for _, name := range []string{"large", "faulty"} {
		w.files["http://a.test/"+name] = "#apilist\n" + w.files["http://a.test/"+name]
	}
	for name, want := range map[string]string{
		"endless": "too many files, or lists within lists", "large": "more than 1 MiB together", "faulty": "the files behind these were not read",
	} {
		w.fetched = nil
		_, err := read(t.Context(), "http://a.test/"+name, w.fetch, 1<<20)
		if err == nil || !strings.Contains(err.Error(), want) || len(w.fetched) > 40 {
			t.Errorf("%s: %v after %d files", name, err, len(w.fetched))
		}
	}
}

func TestAnErrorHasThePlaceOfEachFaultAndCanBeToldApart(t *testing.T) {
	dir := below(t, map[string]string{
		"broken.json": "{\"prefix\": \"p\",\n \"apis\": }", "latin.json": "{\"prefix\": \"\xe9\"}", "large.json": strings.Repeat(" ", apijson.MaxSize+1),
		"twice/a.json": `{"prefix": "same"}`, "twice/b.json": `{"prefix": "same"}`, "empty/api.txt": "#apilist\n// none\n",
	})
	for name, c := range map[string]struct {
		want   string
		faulty bool
	}{
		"broken.json": {"broken.json:2:10: ", true},
		"latin.json":  {"latin.json:1:13: this is no UTF-8", true},
		"large.json":  {"large.json:1:1: the file has more bytes than it may have", true},
		"none.json":   {"none.json: no such file", false},
		"twice":       {"b.json: the prefix same is that of " + filepath.Join(dir, "twice", "a.json"), false},
		"empty":       {"empty: the list names no file", false},
	} {
		_, err := Read(t.Context(), filepath.Join(dir, name), nil)
		var file *Error
		var faults apijson.Faults
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, &file) || errors.As(err, &faults) != c.faulty || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := Read(ended, dir, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

func TestAFileThatIsNamedMayBeALink(t *testing.T) {
	dir := below(t, map[string]string{"there/api.json": `{"prefix": "p"}`, "here/x": ""})
	link := filepath.Join(dir, "here/api.json")
	if err := os.Symlink(filepath.Join(dir, "there/api.json"), link); err != nil {
		t.Skip(err)
	}
	if got, err := readAs(t, link, nil); got != "api.json p" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}
