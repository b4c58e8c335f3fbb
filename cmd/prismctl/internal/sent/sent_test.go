package sent

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestARequestIsReadInEachForm(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(file, []byte("a=1&b=\n2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct{ text, method, url, contentType, body string }{
		{"https://h/api/x?a=1#f", "GET", "https://h/api/x?a=1#f", "", ""},
		{"\ufeff  /api/x?a=1\n", "GET", "/api/x?a=1", "", ""},
		{"GET /api/x?a=b c HTTP/1.1\r\nHost: h\r\n\r\n", "GET", "/api/x?a=b c", "", ""},
		{"POST http://h/api/x HTTP/1.1\nContent-Type: " + form + "\n\na=1\n", "POST", "http://h/api/x", form, "a=1"},
		{"POST /x HTTP/1.1\r\ncontent-length: 3\r\n\r\na=1&b=2", "POST", "/x", "", "a=1"},
		{`{"method":"post","url":"/x","headers":{"Content-Type":"text/plain","X-Api-A":["1","2"]},"body":"b"}`, "POST", "/x", "text/plain", "b"},
		{`{"url":"/x","headers":[{"name":"Content-Type","value":"text/plain"}],"body":{"a":1}}`, "POST", "/x", "text/plain", `{"a":1}`},
		{`{"url":"/x","headers":null,"body":null}`, "GET", "/x", "", ""},
		{`curl 'https://h/api/x?a=1&b=2'`, "GET", "https://h/api/x?a=1&b=2", "", ""},
		{`$ curl h/x`, "GET", "http://h/x", "", ""},
		{"curl -sS \\\n -X PUT \\\r\n \"https://h/x\" -H 'Content-Type: text/plain' --data-raw 'a=@b'", "PUT", "https://h/x", "text/plain", "a=@b"},
		{`curl -d a=1 -d 'b=2 3' --data-urlencode 'c=ä +' --data-urlencode '=x&y' https://h/x`, "POST", "https://h/x", form, "a=1&b=2 3&c=%C3%A4+%2B&x%26y"},
		{`curl -G -d a=1 'https://h/x?z=0#f' -d b=2`, "GET", "https://h/x?z=0&a=1&b=2#f", "", ""},
		{`curl -G -d '' https://h/x`, "GET", "https://h/x", "", ""},
		{`curl --url-query 'a=1 2' --url-query '+b=%20' 'h/x?z=0#f' -d c`, "POST", "http://h/x?z=0&a=1+2&b=%20#f", form, "c"},
		{`curl --url-query a=1 -G -d b=2 h/x`, "GET", "http://h/x?b=2", "", ""}, // as curl does it
		{`curl https://h/x -d @` + file, "POST", "https://h/x", form, "a=1&b=2"},
		{`curl https://h/x --data-binary @` + file, "POST", "https://h/x", form, "a=1&b=\n2\n"},
		{`curl https://h/x --data-urlencode a@` + file, "POST", "https://h/x", form, "a=a%3D1%26b%3D%0A2%0A"},
		{`curl --json '{"a":1}' https://h/x`, "POST", "https://h/x", "application/json", `{"a":1}`},
		{`curl -I https://h/x`, "HEAD", "https://h/x", "", ""},
		{`curl -XDELETE https://h/x -o /dev/null -m 5 --compressed`, "DELETE", "https://h/x", "", ""},
		{`curl 'https://h/x' --data-raw $'a=it\'s\n\u4e2d\x21\ud83d\ude00\101' ; echo done`, "POST", "https://h/x", form, "a=it's\n中!😀A"},
		{`curl "https://h/x" -d "a=\"b\" \$c \\ \d"`, "POST", "https://h/x", form, `a="b" $c \ \d`},
		{"curl \"https://h/x?a=1^&b=2\" ^\r\n  -H \"Content-Type: text/plain\" ^\r\n  --data-raw \"{\\\"a\\\":1}\"", "POST", "https://h/x?a=1&b=2", "text/plain", `{"a":1}`},
		{`curl ^"https://h/x?a=1^&b=^%^20^" -d ^"a=^\^"b^\^"^"`, "POST", "https://h/x?a=1&b=%20", form, `a="b"`},
		{"curl https://h/x `\n -d a=1", "POST", "https://h/x", form, "a=1"},
		{`curl -T file https://h/x`, "PUT", "https://h/x", "", ""},
	} {
		r, err := Read([]byte(c.text))
		if err != nil || r.Method != c.method || r.URL != c.url || first(r.Header, "content-type") != c.contentType || string(r.Body) != c.body {
			t.Errorf("%s:\n%s %s %v %q, %v", c.text, r.Method, r.URL, r.Header, r.Body, err)
		}
	}
}

func TestCurlsOtherOptionsBecomeHeadersAndParts(t *testing.T) {
	r, err := Read([]byte(`curl -u key:pass -A agent -e ref -b c=1 -F a=1 -F 'f=@x.txt;type=text/plain' --form-string 'b=@2' -H 'X-Empty;' https://h/x`))
	if err != nil || r.Method != "POST" {
		t.Fatalf("%+v, %v", r, err)
	}
	for name, want := range map[string]string{"Authorization": "Basic a2V5OnBhc3M=", "User-Agent": "agent", "Referer": "ref", "Cookie": "c=1", "X-Empty": ""} {
		if got := first(r.Header, name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	parsed, err := http.NewRequest("POST", "/", bytes.NewReader(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	parsed.Header = r.Header
	if err := parsed.ParseMultipartForm(1 << 10); err != nil || parsed.PostFormValue("a") != "1" || parsed.PostFormValue("b") != "@2" || len(parsed.MultipartForm.File["f"]) != 1 {
		t.Errorf("%+v, %v", parsed.MultipartForm, err)
	}
	if r, err := Curl([]string{"--oauth2-bearer", "tok", "--url", "h/x", "--url-query", "a=b c"}); err != nil || first(r.Header, "authorization") != "Bearer tok" || r.URL != "http://h/x?a=b+c" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestWhatIsNoRequestIsRefusedInOneSentence(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "there is no request",
		" \n":                             "there is no request",
		"hello":                           "this is no URL",
		"\x7fELF\x00\x01":                 "this is binary",
		"http://h/a\nhttp://h/b":          "in one line",
		`{"method":"GET","url":`:          "it was cut off",
		`{"method":1,"url":"/"}`:          "the member method of the JSON cannot be a number",
		`{"method":"GET"}`:                "no member url",
		`{"url":"/x","headers":1}`:        "the member headers",
		`{"url":"/x","headers":{"a":1}}`:  "a header must be a text",
		`{'url':'/x'}`:                    "this is no JSON: at byte 2",
		"{\"url\":\"\xff\"}":              "not UTF-8",
		"curl":                            "this is no URL",
		"curl -d a=1":                     "has no URL",
		"curl 'http://h/x":                "a quote of the command is not closed",
		`curl "http://h/x`:                "a quote of the command is not closed",
		`curl http://h/x -d $'a`:          "a quote of the command is not closed",
		"curl ^\"http://h/x ^\n":          "a quote of the command is not closed",
		"curl http://h/x http://h/y":      "two URLs",
		"curl http://h/x -d":              "curl's -d has no value",
		"curl http://h/x --data":          "curl's --data has no value",
		"curl http://h/x -d @/nowhere/at": "cannot be read",
		"curl http://h/x -d @-":           "standard input",
		"curl http://h/x -d @/":           "it is no file",
		"curl http://h/x -F a":            "NAME=VALUE",
		"curl http://h/x -K file":         "--config is not known here",
		"GET /x HTTP/1.1\nno header\n\n":  "line 2 of the request is no header",
	} {
		r, err := Read([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %+v, %v, want %s", text, r, err, want)
		}
	}
}

// entries returns a HAR with n requests, whose answers have size bytes each. It is not
// made as a whole.
func entries(n, size int) io.Reader {
	answer := strings.Repeat("x", size)
	parts := []io.Reader{strings.NewReader(`{"log":{"version":"1.2","pages":[{"id":"p"}],"entries":[`)}
	for i := range n {
		comma := ","
		if i == 0 {
			comma = ""
		}
		parts = append(parts, strings.NewReader(fmt.Sprintf(`%s{"startedDateTime":"now","request":{"method":"POST","url":"http://h/%d","headers":[{"name":":path","value":"/"},{"name":"A","value":"b"}],"postData":{"mimeType":"application/x-www-form-urlencoded","params":[{"name":"a","value":"b c"}]}},"response":{"content":{"text":"`, comma, i)),
			strings.NewReader(answer), strings.NewReader(`"}}}`))
	}
	return io.MultiReader(append(parts, strings.NewReader(`]}}`))...)
}

func TestAHARIsReadEntryByEntry(t *testing.T) {
	n := 0
	err := Each(entries(20, 1<<20), func(r Request) error {
		if n++; r.Entry != n || r.URL != fmt.Sprintf("http://h/%d", n-1) || string(r.Body) != "a=b+c" || len(r.Header) != 2 {
			t.Errorf("%+v", r)
		}
		return nil
	})
	if err != nil || n != 20 {
		t.Errorf("%d requests, %v", n, err)
	}
}

func TestABrokenHARIsRefusedWithThePlace(t *testing.T) {
	for text, want := range map[string]string{
		`{"log":{"entries":[{"request":{"method":"GET","url":"/x"}},{"request":`: "entry 2 of the HAR: the JSON ends too early",
		`{"log":{"entries":[{"request":null}]}}`:                                 "entry 1 of the HAR has no request",
		`{"log":{}}`:                                                             "no member log.entries",
		`{"log":[]}`:                                                             "its member log is no object",
		`{"log":{"entries":{}}}`:                                                 "is no array",
		`{"log":{"entries":[`:                                                    "it was cut off",
		`{"url":"/x"} {"url":"/y"}`:                                              "more than one JSON object",
		`{"url":"/x"`:                                                            "it was cut off",
	} {
		if err := Each(strings.NewReader(text), func(Request) error { return nil }); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	stop := errors.New("stop")
	if err := Each(entries(3, 1), func(Request) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

// endless repeats a text for ever.
type endless struct {
	text string
	read int
}

func (e *endless) Read(b []byte) (int, error) {
	n := copy(b, e.text[e.read%len(e.text):])
	e.read += n
	return n, nil
}

func TestWhatIsReadIsBounded(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for _, c := range []struct {
		start, more string
		most        int
	}{
		{"GET /", long, 2 * MaxSize},
		{`{"log":{"entries":[{"request":{"url":"`, long, MaxEntry + 1<<20},
		{"{", `"member":"` + long + `",`, MaxEntry + 1<<20},
	} {
		e := endless{text: c.more}
		bounded := io.LimitReader(&e, 2*MaxEntry)
		if err := Each(io.MultiReader(strings.NewReader(c.start), bounded), func(Request) error { return nil }); err == nil || !strings.Contains(err.Error(), "MiB") || e.read > c.most {
			t.Errorf("%s: %v after %d bytes", c.start, err, e.read)
		}
	}
}

func FuzzReadNeverPanics(f *testing.F) {
	f.Add([]byte(`curl -d $'\u4e2d' "a\"b" --json x ^`))
	f.Add([]byte("curl ^\"h^\" ^\n -F a=b"))
	f.Add([]byte("POST /x HTTP/1.1\nA: b\n\nc"))
	f.Add([]byte(`{"log":{"entries":[{"request":{"url":"/"}}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.Contains(text, []byte("@")) || bytes.Contains(text, []byte("<")) {
			return // it would read files of this machine
		}
		r, err := Read(text)
		if err == nil && (r.URL == "" || r.Header == nil) {
			t.Errorf("%+v", r)
		}
		Each(bytes.NewReader(text), func(Request) error { return nil })
	})
}
