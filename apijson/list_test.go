package apijson

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func address(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestAListNamesFilesRelativeToItself(t *testing.T) {
	all, err := ParseList(sample(t, "api.txt"), address(t, "https://shop.example.test/doc/api.txt"))
	want := "[https://shop.example.test/doc/api/goods.json https://shop.example.test/api/orders.json http://pay.example.test/api.json http://other.example.test/api.txt]"
	if err != nil || fmt.Sprint(all) != want {
		t.Errorf("%v, %v\nwant %s", all, err, want)
	}
	text := "\ufeff#apilist \r\n\r\n a.json\r\n# note\na.json#x\n../../b%20c.json?v=1\n"
	all, err = ParseList([]byte(text), address(t, "file:///d/api.txt"))
	if err != nil || fmt.Sprint(all) != "[file:///d/a.json file:///b%20c.json?v=1]" {
		t.Errorf("%v, %v", all, err)
	}
}

func TestAFaultyListSaysWhere(t *testing.T) {
	for text, want := range map[string]string{
		"a.json":                                    "line 1, column 1: this is no list of files",
		"":                                          "line 1, column 1: this is no list of files",
		"#apilist\na\n  http://[x":                  "line 3, column 3: this is no address",
		"#apilist\nfile:///etc/passwd":              "line 2, column 1: the address is none of HTTP",
		"#apilist\njavascript:alert(1)":             "none of HTTP",
		"#apilist\nhttp://u:p@a.test/":              "a user or a password",
		"#apilist\nhttp:///a.json":                  "the address has no host",
		"#apilist\n" + strings.Repeat("x", 3000):    "and may have 2048",
		"#apilist\n" + strings.Repeat("x", 300_000): "and may have 262144",
		"#apilist\n" + numbered("%d.json\n", 1001):  "line 1002, column 1: the list has more than 1000 files",
	} {
		if _, err := ParseList([]byte(text), address(t, "http://a.test/api.txt")); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40q: %.200v, want %s", text, err, want)
		}
	}
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// site answers fetches from a map, and counts them.
type site struct {
	files   map[string]string
	fetched map[string]int
}

func (s *site) fetch(_ context.Context, u *url.URL) (text []byte, at *url.URL, err error) {
	s.fetched[u.String()]++
	file, found := s.files[u.String()]
	if !found {
		return nil, nil, errors.New("there is none")
	}
	return []byte(file), u, nil
}

func walked(ctx context.Context, t *testing.T, s *site, start string) (lines []string) {
	t.Helper()
	s.fetched = map[string]int{}
	for f := range Walk(ctx, address(t, start), s.fetch) {
		line := f.URL.String()
		if f.Service != nil {
			line += " " + f.Service.Prefix
		}
		if f.Err != nil {
			line += ": " + f.Err.Error()
		}
		lines = append(lines, line)
	}
	for u, n := range s.fetched {
		if n != 1 {
			t.Errorf("%s was fetched %d times", u, n)
		}
	}
	return lines
}

func TestEachFileOfListsIsFoundOnce(t *testing.T) {
	s := &site{files: map[string]string{
		"http://a.test/api.txt":        "#apilist\none.json\nsub/api.txt\nhttp://a.test/one.json\nbad.json\nmissing.json\nodd.txt\ntwo.json",
		"http://a.test/sub/api.txt":    "#apilist\n../api.txt\n../one.json\nthree.json\napi.txt",
		"http://a.test/one.json":       `{"prefix": "one"}`,
		"http://a.test/two.json":       `{"prefix": "two"}`,
		"http://a.test/sub/three.json": `{"prefix": "three"}`,
		"http://a.test/bad.json":       `{}`,
		"http://a.test/odd.txt":        "#apilist\nfile:///a",
	}}
	got := strings.Join(walked(t.Context(), t, s, "http://a.test/api.txt"), "\n")
	want := `http://a.test/one.json one
http://a.test/sub/three.json three
http://a.test/bad.json: line 1, column 1: prefix is missing: write what the paths of the APIs begin with, such as "prefix": "shop"
http://a.test/missing.json: there is none
http://a.test/odd.txt: line 2, column 1: the address is none of HTTP: write a path, or a URL such as https://shop.example.com/api.json
http://a.test/two.json two`
	if got != want {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
	if got := walked(t.Context(), t, s, "http://a.test/one.json"); len(got) != 1 || got[0] != "http://a.test/one.json one" {
		t.Errorf("one file alone: %q", got)
	}
}

func TestAWalkIsBounded(t *testing.T) {
	s := &site{files: map[string]string{"http://a.test/0.txt": "#apilist\n" + numbered("l%d.txt\n", 3)}}
	for i := range 3 {
		s.files[fmt.Sprintf("http://a.test/l%d.txt", i)] = "#apilist\n" + numbered(fmt.Sprintf("%d-%%d.json\n", i), 900)
	}
	got := walked(t.Context(), t, s, "http://a.test/0.txt")
	if len(s.fetched) != mostFiles || !strings.Contains(got[len(got)-1], ErrTooManyFiles.Error()) {
		t.Errorf("%d files were fetched, and the last is %s", len(s.fetched), got[len(got)-1])
	}
	deep := &site{files: map[string]string{}}
	for i := range 20 {
		deep.files[fmt.Sprintf("http://a.test/%d.txt", i)] = fmt.Sprintf("#apilist\n%d.txt", i+1)
	}
	if got := walked(t.Context(), t, deep, "http://a.test/0.txt"); len(got) != 1 || !strings.Contains(got[0], ErrTooManyFiles.Error()) || len(deep.fetched) != deepestLists+1 {
		t.Errorf("lists within lists: %q after %d", got, len(deep.fetched))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := walked(ctx, t, s, "http://a.test/0.txt"); len(got) != 1 || !strings.Contains(got[0], "context canceled") {
		t.Errorf("an ended context: %q", got)
	}
}

func FuzzAListNamesWholeAddressesOnce(f *testing.F) {
	f.Add(sample(f, "api.txt"))
	f.Add([]byte("#apilist\n/\\a\n//\n?\nhttp:a"))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := ParseList(text, address(t, "https://a.test/api.txt"))
		if err != nil && all != nil {
			t.Errorf("%v with %v", all, err)
		}
		seen := map[string]bool{}
		for _, u := range all {
			if seen[u.String()] || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
				t.Errorf("%s is among %v", u, all)
			}
			seen[u.String()] = true
		}
	})
}
