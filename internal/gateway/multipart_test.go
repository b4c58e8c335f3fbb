package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/sign"
)

// formOf joins parts, each of which is its header and its content.
func formOf(parts ...string) string {
	var text strings.Builder
	for _, p := range parts {
		text.WriteString("--b\r\n" + p + "\r\n")
	}
	return text.String() + "--b--\r\n"
}

func field(name, value string) string {
	return "Content-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value
}

const filePart = "content-disposition: form-data; name=\"pic\"; filename=\"a b.png\"\r\nContent-Type: image/png\r\nX-Own: 1\r\n\r\n\x89PNG\r\n--\r\n--x\x00"

// A file of any size keeps every byte and header, and what is reserved or the platform's
// own is taken out.
func TestAMultipartFormKeepsItsPartsAndGetsTheSignatureBehindThem(t *testing.T) {
	const token = "t0ken"
	sizes := map[string]int{"small": 10, "large": 1 << 17}
	for _, scheme := range []string{"ecos", "shopex", "prism"} {
		for _, place := range []apijson.Place{apijson.Request, apijson.Query} {
			for size, n := range sizes {
				if size == "large" && place == apijson.Query && scheme != "prism" {
					continue
				}
				t.Run(fmt.Sprint(scheme, place, size), func(t *testing.T) {
					file := &apijson.Service{Prefix: "b2b", GlobalParams: []apijson.GlobalParam{
						{Name: "v", Place: apijson.Request, ValueType: apijson.Constant, Format: "2"},
						{Name: "ac", Place: place, ValueType: apijson.Sign, Format: scheme}}}
					big := filePart + strings.Repeat("\r\n-\n", n)
					body := formOf(field("sign", "forged"), field("a", "1"), big, field("client_secret", "s"), field("ac", "x"), field("a", "2"), field("v", "9"))
					got, raw := postForm(t, file, map[string]string{"token": token, "client_secret": token}, body)
					mac := got.Form("ac")
					if place == apijson.Query {
						mac = got.query.Get("ac")
					}
					fields := url.Values{"q": {"1"}, "a": {"1", "2"}, "v": {"2"}}
					want := map[string]string{"ecos": sign.ECOS(token, fields), "shopex": sign.ShopEx(token, fields),
						"prism": sign.Sign(token, sign.Request{Method: "POST", Path: "/x", Header: got.header, Query: url.Values{"q": {"1"}}})}[scheme]
					if mac != want {
						t.Errorf("signature %s, want %s", mac, want)
					}
					added := []string{field("a", "1"), big, field("a", "2"), field("v", "2")}
					if place == apijson.Request {
						added = append(added, field("ac", want))
					}
					if raw != formOf(added...) {
						t.Errorf("body %.500q, want %.500q", raw, formOf(added...))
					}
				})
			}
		}
	}
}

type gotForm struct {
	query  url.Values
	header http.Header
	parts  map[string]string
}

func (g *gotForm) Form(name string) string { return g.parts[name] }

// postForm posts a form in pieces, and returns what the backend got.
func postForm(t *testing.T, file *apijson.Service, config map[string]string, body string) (*gotForm, string) {
	var got gotForm
	var raw []byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ = io.ReadAll(r.Body)
		got = gotForm{r.URL.Query(), r.Header, map[string]string{}}
		parts := multipart.NewReader(bytes.NewReader(raw), "b")
		for {
			p, err := parts.NextPart()
			if err != nil {
				return
			}
			value, _ := io.ReadAll(p)
			got.parts[p.FormName()] = string(value)
		}
	}))
	defer s.Close()
	file.URL = s.URL + "/x"
	g := newGateway(t, Config{}, compiled(t, file, Backend{Config: config}))
	req, _ := http.NewRequest("POST", g.url+"/api/b2b?q=1", strings.NewReader(body))
	req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	if answer := g.do(t, req); answer.StatusCode != 200 {
		t.Fatalf("answer %d %s", answer.StatusCode, answer.Header.Get("X-Code"))
	}
	return &got, string(raw)
}

func compiled(t testing.TB, file *apijson.Service, b Backend) *Service {
	b.ID, b.Online, b.Trusted = "s1", true, true
	s, err := Compile(file, b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What servers read in different ways is refused: a backend could see a part that the
// platform does not.
func TestAMultipartFormThatCanBeReadInTwoWaysIsRefused(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err == nil {
			t.Errorf("the backend got all of the form")
		}
	}))
	defer s.Close()
	file := &apijson.Service{Prefix: "ec", Mode: apijson.Param, ParamName: "method", URL: s.URL, APIs: []apijson.API{{ID: "item.get", Params: []apijson.Parameter{{Name: "tid", Required: true}}}}}
	g := newGateway(t, Config{}, compiled(t, file, Backend{}))
	filler := field("long", strings.Repeat("x", 100_000))
	for name, tt := range map[string]struct{ body, code string }{
		"a bare line feed":       {formOf(field("tid", "1\n--b\r\n"+field("sign", "x"))), "invalid_form"},
		"a longer boundary":      {formOf(field("tid", "1\r\n--bb\r\n")), "invalid_form"},
		"two dispositions":       {formOf("Content-Disposition: form-data; name=\"a\"\r\n" + field("b", "")), "invalid_form"},
		"two names":              {formOf("Content-Disposition: form-data; name=\"a\"; name=\"sign\"\r\n\r\n"), "invalid_form"},
		"an extended name":       {formOf("Content-Disposition: form-data; name*=utf-8''sign\r\n\r\n"), "invalid_form"},
		"a backslash":            {formOf(field(`si\\gn`, "")), "invalid_form"},
		"no disposition":         {formOf("A: b\r\n\r\n"), "invalid_form"},
		"no header":              {formOf("\r\nx"), "invalid_form"},
		"a bare header":          {formOf("Content-Disposition: form-data; name=\"a\"\n\nx"), "invalid_form"},
		"no end":                 {strings.TrimSuffix(formOf(field("tid", "1")), "--b--\r\n"), "invalid_form"},
		"a preamble":             {"x\r\n" + formOf(field("tid", "1")), "invalid_form"},
		"an endless header":      {formOf("X: " + strings.Repeat("a", 20_000) + "\r\n" + field("a", "")), "invalid_form"},
		"another API":            {formOf(field("tid", "1"), field("method", "item.delete")), "unknown_api"},
		"another API at last":    {formOf(field("method", "item.get"), field("tid", "1"), filler, field("method", "item.delete")), "duplicate_parameter"},
		"another API for PHP":    {formOf(field("method", "item.get"), field("tid", "1"), filler, field(" method", "item.delete")), "duplicate_parameter"},
		"a parameter less":       {formOf(field("method", "item.get")), "missing_parameter"},
		"a parameter less, long": {formOf(field("method", "item.get"), filler), "missing_parameter"},
		"no API":                 {formOf(field("tid", "1"), filler, field("method", "item.get")), "missing_parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			req, _ := http.NewRequest("POST", g.url+"/api/ec", strings.NewReader(tt.body))
			req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
			if answer := g.do(t, req); answer.Header.Get("X-Code") != tt.code {
				t.Errorf("answer %d %s, want %s", answer.StatusCode, answer.Header.Get("X-Code"), tt.code)
			}
		})
	}
}

// Whatever a form holds: it is refused, or Go's reader sees the same parts in it as before
// but for the reserved ones, with their bytes and headers.
func FuzzAMultipartFormKeepsWhatIsNotReserved(f *testing.F) {
	f.Add(formOf(field("a", "1"), filePart, field("sign", "x")), "b")
	f.Add("\r\n"+formOf(field("a", "\r\n--"))+"epilogue", "b")
	f.Add(formOf(field("a", "1\n--b")), "b")
	f.Add("--b--", "b")
	f.Fuzz(func(t *testing.T, body, bound string) {
		if bound == "" || len(bound) > 70 || strings.ContainsAny(bound, "\r\n") {
			return
		}
		p := newParts(strings.NewReader(body), bound, 1<<20)
		p.begin = func(now part) (bool, bool, error) { return !apijson.Reserved(now.name), !now.file, nil }
		p.field = func(string, string) error { return nil }
		out, err := io.ReadAll(slow{p})
		var refused *Refusal
		if errors.As(err, &refused) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		want, ok := readParts(body, bound)
		got, again := readParts(string(out), bound)
		if ok && (!again || want != got) {
			t.Errorf("of %q came %q", body, out)
		}
	})
}

// slow reads a few bytes at a time.
type slow struct{ r io.Reader }

func (r slow) Read(p []byte) (int, error) { return r.r.Read(p[:min(len(p), 3)]) }

// readParts returns the parts of a form but for the reserved ones, as one text.
func readParts(body, bound string) (string, bool) {
	var text strings.Builder
	parts := multipart.NewReader(strings.NewReader(body), bound)
	for {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			return text.String(), true
		}
		if err != nil {
			return "", false
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return "", false
		}
		if !apijson.Reserved(p.FormName()) {
			fmt.Fprintf(&text, "%q %q\n", p.Header, content)
		}
	}
}

// Names are remembered until the form ends, so they count like the values of fields.
func TestTheNamesOfPartsAreBounded(t *testing.T) {
	name := strings.Repeat("n", 1000)
	body := formOf(field(name+"1", ""), field(name+"2", ""), field(name+"3", ""))
	for room, want := range map[int]bool{2500: false, 4000: true} {
		p := newParts(strings.NewReader(body), "b", room)
		p.begin = func(part) (keep, collect bool, err error) { return true, false, nil }
		_, err := io.Copy(io.Discard, p)
		if (err == nil) != want {
			t.Errorf("with room for %d bytes: %v", room, err)
		}
	}
}

// A body moves while parts come of it that are taken out.
func TestPartsThatAreTakenOutCountAsProgress(t *testing.T) {
	idle := patience.Of(500 * time.Millisecond)
	g := through(t, Config{IdleTimeout: idle}, 0, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	body, sender := io.Pipe()
	go func() {
		start := formOf(field("sign", ""))
		_, _ = io.WriteString(sender, start[:len(start)-len("\r\n--b--\r\n")])
		for began := time.Now(); time.Since(began) < 3*idle/2; {
			if _, err := sender.Write(make([]byte, 64<<10)); err != nil {
				return
			}
			time.Sleep(idle / 30) // a caller that is slow
		}
		_, _ = io.WriteString(sender, "\r\n--b--\r\n")
		sender.Close()
	}()
	req, _ := http.NewRequest("POST", g.url+"/api/b2b/x", body)
	req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	if answer := g.do(t, req); answer.StatusCode != 200 {
		t.Errorf("answer %d %s", answer.StatusCode, answer.Header.Get("X-Code"))
	}
}
