package sign

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A writtenClient is a client that somebody wrote by hand. It is made without the code
// that looks for its habits.
type writtenClient struct {
	method, path string
	headers      [][2]string
	query, form  [][2]string
	first, last  string
	escape       func(string) string
	keepOrder    bool
	skipEmpty    bool
}

func (c writtenClient) part(pairs [][2]string) string {
	pairs = slices.Clone(pairs)
	if !c.keepOrder {
		slices.SortStableFunc(pairs, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	}
	texts := make([]string, len(pairs))
	for i, p := range pairs {
		texts[i] = p[0] + "=" + p[1]
	}
	return c.escape(strings.Join(texts, "&"))
}

func (c writtenClient) inner() string {
	parts := []string{c.method, c.escape(c.path), c.part(c.headers), c.part(c.query), c.part(c.form)}
	if c.skipEmpty {
		parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	}
	return strings.Join(parts, "&")
}

func (c writtenClient) text() string { return c.first + "&" + c.inner() + "&" + c.last }

func (c writtenClient) sign() string { return fmt.Sprintf("%X", md5.Sum([]byte(c.text()))) }

// wire returns the pairs as they are sent.
func wire(pairs [][2]string) string {
	texts := make([]string, len(pairs))
	for i, p := range pairs {
		texts[i] = url.QueryEscape(p[0]) + "=" + url.QueryEscape(p[1])
	}
	return strings.Join(texts, "&")
}

// received is the request as it is sent: by the rule, but for its signature.
func (c writtenClient) received(signature string) Received {
	header := http.Header{}
	for _, h := range c.headers {
		header[h[0]] = append(header[h[0]], h[1])
	}
	signed := [2]string{"sign", signature}
	query, body := c.query, ""
	if c.form != nil {
		header["Content-Type"] = []string{"application/x-www-form-urlencoded"}
		body = wire(append(slices.Clip(c.form), signed))
	} else {
		query = append(slices.Clip(c.query), signed)
	}
	return NewReceived(c.method, "http://127.0.0.1:8080"+c.path+"?"+wire(query), header, []byte(body))
}

func nv(name, value string) [2]string { return [2]string{name, value} }

// ofPlatform are the parameters of the platform, and what follows them.
func ofPlatform(more ...[2]string) [][2]string {
	return append([][2]string{{"client_id", "buwb2lii"}, {"sign_method", "md5"}, {"sign_time", "1400568648"}}, more...)
}

func get(more ...[2]string) writtenClient {
	return writtenClient{method: "GET", path: "/api/platform/notify/status", query: ofPlatform(more...), first: secret, last: secret, escape: byRule}
}

func post(more ...[2]string) writtenClient {
	c := get()
	c.method, c.query, c.form = "POST", nil, ofPlatform(more...)
	return c
}

func byRule(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

func encodeURIComponent(s string) string {
	return strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*").Replace(byRule(s))
}

var escapes = regexp.MustCompile("%[0-9A-F]{2}")

func inLowerCase(s string) string { return escapes.ReplaceAllStringFunc(byRule(s), strings.ToLower) }

// A spoiled is a request that is signed wrong, and the causes that must come first.
type spoiled struct {
	causes  string // with blanks between
	sent    writtenClient
	habit   func(*writtenClient)
	digest  func(writtenClient) string
	changed func(*Received) // on the way
}

func spoiledRequests() []spoiled {
	own := []([2]string){nv("topic", "orders"), nv("page", "2")}
	plain, bang := get(own...), get(nv("note", "it's (ok)!*"))
	chinese, headed := get(nv("name", "中文 ok")), get(own...)
	headed.headers = [][2]string{{"Authorization", "Bearer t0k3n"}, {"X-Api-Foo", "bar"}}
	mixed := get()
	mixed.query = append(slices.Clone(own), mixed.query...)
	milli := get(own...)
	milli.query[2][1] = "1400568648123"
	inForm := post(own...)
	json := get()
	json.method = "POST"
	jsonText := `{"title":"T恤","price":"12.50","n":3}`
	withJSON := func(r *Received) {
		r.Header = http.Header{"Content-Type": {"application/json"}}
		r.Body = []byte(jsonText)
	}
	setQuery := func(more ...[2]string) func(*writtenClient) {
		return func(c *writtenClient) { c.query = ofPlatform(more...) }
	}
	without := func(name string) func(*writtenClient) {
		return func(c *writtenClient) {
			c.query = slices.DeleteFunc(slices.Clone(c.query), func(p [2]string) bool { return p[0] == name })
		}
	}
	setPath := func(path string) func(*writtenClient) { return func(c *writtenClient) { c.path = path } }
	setSecret := func(s string) func(*writtenClient) { return func(c *writtenClient) { c.first, c.last = s, s } }
	escapedBy := func(escape func(string) string) func(*writtenClient) {
		return func(c *writtenClient) { c.escape = escape }
	}
	keepOrder := func(c *writtenClient) { c.keepOrder = true }
	headerNames := func(change func(string) string) func(*writtenClient) {
		return func(c *writtenClient) {
			var headers [][2]string
			for _, h := range c.headers {
				headers = append(headers, nv(change(h[0]), h[1]))
			}
			c.headers = headers
		}
	}
	both := func(habits ...func(*writtenClient)) func(*writtenClient) {
		return func(c *writtenClient) {
			for _, habit := range habits {
				habit(c)
			}
		}
	}
	lower := func(c writtenClient) string { return strings.ToLower(c.sign()) }
	text := func(change func(string) string) func(writtenClient) string {
		return func(c writtenClient) string { return fmt.Sprintf("%X", md5.Sum([]byte(change(c.text())))) }
	}
	formInQuery := func(c *writtenClient) { c.query, c.form = c.form, nil }
	return []spoiled{
		{"unsorted", mixed, keepOrder, nil, nil},
		{"encode-uri-component sdk-js", bang, escapedBy(encodeURIComponent), nil, nil},
		{"encode-uri-component", get(nv("a", "x*y")), escapedBy(encodeURIComponent), nil, nil},
		{"path-without-base", plain, setPath("/platform/notify/status"), nil, nil},
		{"path-without-base", plain, setPath("platform/notify/status"), nil, nil},
		{"path-without-slash", plain, setPath("api/platform/notify/status"), nil, nil},
		{"path-trailing-slash", plain, setPath("/api/platform/notify/status/"), nil, nil},
		{"path-with-host", plain, setPath("http://127.0.0.1:8080/api/platform/notify/status"), nil, nil},
		{"path-with-host", plain, setPath("127.0.0.1/api/platform/notify/status"), nil, nil},
		{"path-with-query", plain, setPath("/api/platform/notify/status?" + wire(plain.query)), nil, nil},
		{"lower-case-escapes", plain, escapedBy(inLowerCase), nil, nil},
		{"lower-case-signature", plain, nil, lower, nil},
		{"double-escape", plain, escapedBy(func(s string) string { return byRule(byRule(s)) }), nil, nil},
		{"double-escape", chinese, setQuery(nv("name", byRule("中文 ok"))), nil, nil},
		{"not-escaped", chinese, escapedBy(func(s string) string { return s }), nil, nil},
		{"plus-for-space", chinese, escapedBy(url.QueryEscape), nil, nil},
		{"form-escape sdk-java", get(nv("a", "x y*~")), escapedBy(func(s string) string {
			return strings.NewReplacer("%2A", "*", "~", "%7E").Replace(url.QueryEscape(s))
		}), nil, nil},
		{"tilde-escaped", get(nv("a", "~b")), escapedBy(func(s string) string { return strings.ReplaceAll(byRule(s), "~", "%7E") }), nil, nil},
		{"slash-unescaped", get(nv("a", "b/c")), escapedBy(func(s string) string { return strings.ReplaceAll(byRule(s), "%2F", "/") }), nil, nil},
		{"path-not-escaped", chinese, nil, text(func(s string) string { return strings.ReplaceAll(s, "%2F", "/") }), nil},
		{"pairs-escaped", chinese, nil, text(func(s string) string {
			return strings.NewReplacer("%3D", "=", "%26", "&").Replace(s)
		}), nil},
		{"milliseconds", milli, nil, writtenClient.sign, nil},
		{"milliseconds", plain, func(c *writtenClient) { c.query = milli.query }, nil, nil},
		{"sign-time-taken-twice", plain, func(c *writtenClient) {
			c.query = ofPlatform(own...)
			c.query[2][1] = "1400568647"
		}, nil, nil},
		{"json-body-signed", json, func(c *writtenClient) {
			c.form = [][2]string{{"title", "T恤"}, {"price", "12.50"}, {"n", "3"}}
		}, nil, withJSON},
		{"json-body-signed", json, nil, func(c writtenClient) string {
			return fmt.Sprintf("%X", md5.Sum([]byte(strings.TrimSuffix(c.text(), "&"+secret)+byRule(jsonText)+"&"+secret)))
		}, withJSON},
		{"secret-untrimmed", plain, setSecret(secret + "\n"), nil, nil},
		{"secret-untrimmed", plain, setSecret(secret + " "), nil, nil},
		{"secret-quoted", plain, setSecret(`"` + secret + `"`), nil, nil},
		{"key-as-secret", plain, setSecret("buwb2lii"), nil, nil},
		{"secret-missing-at-the-end", plain, func(c *writtenClient) { c.last = "" }, nil, nil},
		{"secret-missing-at-the-start", plain, nil, text(func(s string) string { return strings.TrimPrefix(s, secret+"&") }), nil},
		{"secret-missing", plain, setSecret(""), nil, nil},
		{"other-secret changed-after-signing", plain, setSecret("abcdefghij0123456789"), nil, nil},
		{"header-names-lower-case", headed, headerNames(strings.ToLower), nil, nil},
		{"header-names-upper-case", headed, headerNames(strings.ToUpper), nil, nil},
		{"headers-not-signed", headed, func(c *writtenClient) { c.headers = nil }, nil, nil},
		{"authorization-not-signed", headed, func(c *writtenClient) { c.headers = c.headers[1:] }, nil, nil},
		{"x-api-headers-not-signed", headed, func(c *writtenClient) { c.headers = c.headers[:1] }, nil, nil},
		{"other-headers-signed", headed, func(c *writtenClient) { c.headers = append(slices.Clip(c.headers), nv("Host", "127.0.0.1:8080")) }, nil, nil},
		{"form-in-query", inForm, formInQuery, nil, nil},
		{"query-in-form", plain, func(c *writtenClient) { c.query, c.form = nil, c.query }, nil, nil},
		{"form-not-signed", post(own...), func(c *writtenClient) { c.form = nil }, nil, nil},
		{"sign-included", plain, setQuery(append(slices.Clone(own), nv("sign", ""))...), nil, nil},
		{"charset-latin-1", get(nv("n", "é")), setQuery(nv("n", "\u00c3\u00a9")), nil, nil},
		{"charset-utf-16", plain, nil, text(func(s string) string { return utf16LE(s) }), nil},
		{"unicode-escaped", get(nv("n", "中")), setQuery(nv("n", `\u4e2d`)), nil, nil},
		{"empty-parts-dropped", plain, func(c *writtenClient) { c.skipEmpty = true }, nil, nil},
		{"newline-added", plain, nil, text(func(s string) string { return s + "\n" }), nil},
		{"byte-order-mark", plain, nil, text(func(s string) string { return "\ufeff" + s }), nil},
		{"hmac-md5", plain, nil, func(c writtenClient) string {
			h := hmac.New(md5.New, []byte(secret))
			h.Write([]byte(c.inner()))
			return fmt.Sprintf("%X", h.Sum(nil))
		}, nil},
		{"hmac-sha256", plain, nil, func(c writtenClient) string {
			h := hmac.New(sha256.New, []byte(secret))
			h.Write([]byte(c.inner()))
			return fmt.Sprintf("%X", h.Sum(nil))
		}, nil},
		{"sha1", plain, nil, func(c writtenClient) string { return fmt.Sprintf("%X", sha1.Sum([]byte(c.text()))) }, nil},
		{"base64-signature", plain, nil, func(c writtenClient) string {
			sum := md5.Sum([]byte(c.text()))
			return base64.StdEncoding.EncodeToString(sum[:])
		}, nil},
		{"method-lower-case", plain, func(c *writtenClient) { c.method = "get" }, nil, nil},
		{"method-other", plain, func(c *writtenClient) { c.method = "POST" }, nil, nil},
		{"empty-values-dropped", get(nv("x", ""), nv("y", "1")), without("x"), nil, nil},
		{"client-id-not-signed", plain, without("client_id"), nil, nil},
		{"sign-method-not-signed", plain, without("sign_method"), nil, nil},
		{"sign-time-not-signed", plain, without("sign_time"), nil, nil},
		{"parameter-not-signed", plain, without("page"), nil, nil},
		{"own-parameters-not-signed", plain, setQuery(), nil, nil},
		{"repeated-parameter-joined", get(nv("id", "2"), nv("id", "1")), setQuery(nv("id", "2,1")), nil, nil},
		{"repeated-parameter-once", get(nv("id", "2"), nv("id", "1")), setQuery(nv("id", "2")), nil, nil},
		{"array-names", get(nv("id", "2"), nv("id", "1")), setQuery(nv("id[]", "2"), nv("id[]", "1")), nil, nil},
		{"sorted-ignoring-case", get(nv("B", "1"), nv("a", "2")), func(c *writtenClient) {
			c.query = append([][2]string{{"a", "2"}, {"B", "1"}}, ofPlatform()...)
			c.keepOrder = true
		}, nil, nil},
		{"plus-not-escaped", get(nv("v", "a b")), setQuery(nv("v", "a+b")), nil, nil},
		{"line-ends", get(nv("v", "a\r\nb")), setQuery(nv("v", "a\nb")), nil, nil},
		{"html-escaped", get(nv("v", "a<b")), setQuery(nv("v", "a&lt;b")), nil, nil},
		{"sent-escaped-twice", get(nv("v", "a%20b")), setQuery(nv("v", "a b")), nil, nil},

		{"unsorted lower-case-escapes", mixed, both(keepOrder, escapedBy(inLowerCase)), nil, nil},
		{"unsorted not-escaped", mixed, both(keepOrder, escapedBy(func(s string) string { return s })), nil, nil},
		{"unsorted lower-case-signature", mixed, keepOrder, lower, nil},
		{"unsorted form-in-query", post(own...), func(c *writtenClient) {
			formInQuery(c)
			c.keepOrder = true
		}, nil, nil},
		{"path-without-base secret-untrimmed", plain, both(setPath("/platform/notify/status"), setSecret(secret+"\n")), nil, nil},
		{"encode-uri-component milliseconds", bang, both(escapedBy(encodeURIComponent), func(c *writtenClient) {
			c.query = slices.Clone(c.query)
			c.query[2][1] += "000"
		}), nil, nil},
		{"unsorted path-without-base method-lower-case", mixed, both(keepOrder, setPath("/platform/notify/status"), func(c *writtenClient) { c.method = "get" }), nil, nil},
	}
}

func utf16LE(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		b.Write([]byte{c, 0})
	}
	return b.String()
}

// spoil returns a request with the signature of a client that has the habit.
func (s spoiled) spoil() Received {
	signs := s.sent
	if s.habit != nil {
		s.habit(&signs)
	}
	signature := signs.sign()
	if s.digest != nil {
		signature = s.digest(signs)
	}
	r := s.sent.received(signature)
	if s.changed != nil {
		s.changed(&r)
	}
	return r
}

func TestEachHabitIsNamed(t *testing.T) {
	for _, s := range spoiledRequests() {
		t.Run(strings.ReplaceAll(s.causes, " ", "+"), func(t *testing.T) {
			d := Check(secret, s.spoil(), Options{Key: "buwb2lii", Now: time.Unix(1400568648, 0), Limit: 60_000})
			want := strings.Fields(s.causes)
			if d.Valid || len(d.Causes) < len(want) || !slices.Contains(d.Causes, want[0]) {
				t.Fatalf("causes %v, want %v\n%s", d.Causes, want, d.Text)
			}
			for _, cause := range want {
				if !slices.Contains(d.Causes, cause) {
					t.Errorf("causes %v, want %v", d.Causes, want)
				}
			}
			if len(want) == 1 && d.Causes[0] != want[0] {
				t.Errorf("causes %v, want %s first", d.Causes, want[0])
			}
			if strings.Contains(d.Text, secret) || d.Text == "" || !strings.HasSuffix(d.Text, ".") {
				t.Errorf("text: %s", d.Text)
			}
		})
	}
}

func TestARightRequestHasNoCause(t *testing.T) {
	for _, c := range []writtenClient{get(), post(), get(nv("note", "it's (ok)!* 中文~")), post(nv("a", ""), nv("b", "+&=#"))} {
		r := c.received(c.sign())
		if d := Check(secret, r, Options{Key: "buwb2lii"}); !d.Valid || len(d.Causes) > 0 || d.Tried != 1 {
			t.Errorf("%+v", d)
		}
	}
}

// The published SDKs differ from the rule where their vectors say so.
func TestCheckNamesThePublishedSDKs(t *testing.T) {
	named := 0
	for _, v := range vectors(t) {
		for _, peer := range v.Deviates {
			r := Received{Request: v.request()}
			d := Diagnose(v.Secret, r, v.Peers[peer], Options{Limit: 1000})
			if d.Valid || slices.Contains(d.Causes, "other-secret") {
				t.Errorf("%s, %s: %v", v.Name, peer, d.Causes)
			}
			if slices.Contains(d.Causes, "sdk-"+peer) {
				named++
			}
		}
	}
	if named < 40 {
		t.Errorf("an SDK is named %d times", named)
	}
}

func TestTheParametersOfThePlatformAreChecked(t *testing.T) {
	for _, c := range []struct{ url, causes string }{
		{"/api/x", "sign-missing"},
		{"/api/x?client_id=buwb2lii&sign_time=1400568648", "sign-missing"},
		{"/api/x?client_id=buwb2lii&client_secret=" + secret, "secret-sent"},
		{"/api/x?client_id=other&sign_time=1400568648&sign=" + strings.Repeat("A", 32), "other-key"},
		{"/api/x?client_id=buwb2lii&sign=" + signedAs("GET&%2Fapi%2Fx&&client_id%3Dbuwb2lii&"), "sign-time-missing"},
		{"/api/x?client_id=buwb2lii&sign_time=now&sign=" + signedAs("GET&%2Fapi%2Fx&&client_id%3Dbuwb2lii%26sign_time%3Dnow&"), "sign-time-format"},
		{"/api/x?client_id=buwb2lii&sign_method=sha1&sign_time=1&sign=" + signedAs("GET&%2Fapi%2Fx&&client_id%3Dbuwb2lii%26sign_method%3Dsha1%26sign_time%3D1&"), "sign-method-other"},
		{"/api/x?client_id=buwb2lii&amp;sign_time=1&amp;sign=" + signedAs("GET&%2Fapi%2Fx&&client_id%3Dbuwb2lii%26sign_time%3D1&"), "html-escaped-url"},
		{"/api/x?client_id=buwb2lii&sign_time=1&sign=none", "signature-malformed"},
		{"/api/x?client_id=buwb2lii&client_id=buwb2lii&sign_time=1&sign=" + signedAs("GET&%2Fapi%2Fx&&client_id%3Dbuwb2lii%26client_id%3Dbuwb2lii%26sign_time%3D1&"), "duplicate-parameter"},
	} {
		d := Check(secret, NewReceived("GET", c.url, nil, nil), Options{Key: "buwb2lii", Limit: 10})
		if got := strings.Join(d.Causes, " "); d.Valid || got != c.causes || strings.Contains(d.Text, secret) {
			t.Errorf("%s: %s (%s), want %s", c.url, got, d.Text, c.causes)
		}
	}
}

func TestTheDifferenceIsSaidWithItsPartAndCharacter(t *testing.T) {
	c := get(nv("note", "it's"))
	c.escape = encodeURIComponent
	r := get(nv("note", "it's")).received(c.sign())
	const want = "Part 5 of 7 (query) differs at character 33: the rule has %27 there, and the client signed '."
	at := strings.Index("client_id%3Dbuwb2lii%26note%3Dit%27s", "%27s") + 1
	if d := Check(secret, r, Options{}); !strings.Contains(d.Text, want) || at != 33 {
		t.Errorf("%s (character %d)", d.Text, at)
	}
}

func TestAPrivateValueIsNotShownCharacterByCharacter(t *testing.T) {
	c := get()
	c.headers = [][2]string{{"Authorization", "Bearer t0k3n"}}
	sent := c
	c.headers = [][2]string{{"Authorization", "t0k3n"}}
	d := Check(secret, sent.received(c.sign()), Options{})
	if !slices.Contains(d.Causes, "authorization-scheme") || strings.Contains(d.Text, "the rule has") || !strings.Contains(d.Text, "Part 4 of 7 (headers) differs") {
		t.Errorf("%v: %s", d.Causes, d.Text)
	}
}

// A stranger decides what a request is like, so what is computed is bounded.
func TestDiagnoseComputesNoMoreThanItMay(t *testing.T) {
	for _, limit := range []int{1, 100, 3000} {
		for _, values := range []int{0, 5, 900, 2000} {
			var query strings.Builder
			query.WriteString("/api/x?client_id=k&sign_time=1")
			for i := range values {
				fmt.Fprintf(&query, "&%c%d=v", "aA"[i%2], i/2)
			}
			r := NewReceived("GET", query.String(), http.Header{"X-Api-A": {"1", "2"}, "X-Api-B": {"3"}}, nil)
			if d := Diagnose(secret, r, strings.Repeat("0", 32), Options{Limit: limit}); d.Tried > limit+64 || len(d.Causes) == 0 {
				t.Errorf("%d of %d signatures, causes %v", d.Tried, limit, d.Causes)
			}
		}
	}
	large := NewReceived("POST", "/api/x", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte("a="+strings.Repeat("x", 1<<20)))
	if d := Diagnose(secret, large, strings.Repeat("0", 32), Options{}); d.Tried != 1 || d.Causes[0] != "unexplained" {
		t.Errorf("%+v", d)
	}
}

func FuzzDiagnoseNeverBlamesARightSignatureAndNeverTellsTheSecret(f *testing.F) {
	f.Add("GET", "/api/x?a=1&b=2", "X-Api-A", "1", "", strings.Repeat("A", 32))
	f.Add("POST", "http://h/api/a%20b?a=%zz#f", "Content-Type", "application/x-www-form-urlencoded", "a=b&a=c&sign=x", "0x"+strings.Repeat("a", 40))
	f.Add("POST", "/x", "Content-Type", "application/json", `{"a":[1,"中"],"b":null}`, "q83vq83vq83vq83vq83vqw==")
	f.Add("PUT", "/x", "Content-Type", `multipart/form-data; boundary=b`, "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n--b--", strings.Repeat("b", 64))
	f.Fuzz(func(t *testing.T, method, target, name, value, body, signature string) {
		const hidden = "ucr72ygfutspqeuu6s36"
		r := NewReceived(method, target, http.Header{name: {value}}, []byte(body))
		if d := Diagnose(hidden, r, Sign(hidden, r.Request), Options{}); !d.Valid || len(d.Causes) > 0 {
			t.Errorf("a right signature is explained by %v", d.Causes)
		}
		given := strings.Contains(method+target+name+value+body+signature, hidden[:8])
		for _, d := range []Diagnosis{
			Diagnose(hidden, r, signature, Options{Limit: 300}),
			Diagnose(hidden, r, Sign(hidden+"\n", r.Request), Options{Limit: 300}),
			Check(hidden, r, Options{Limit: 50, Key: "k", Now: time.Unix(1, 0)}),
		} {
			if d.Tried > 400 || d.Valid == (len(d.Causes) > 0) || d.Text == "" || !given && strings.Contains(d.Text, hidden) {
				t.Errorf("%+v", d)
			}
		}
	})
}

func BenchmarkDiagnose(b *testing.B) {
	c := get(nv("topic", "orders"))
	r := c.received(strings.Repeat("A", 32))
	for b.Loop() {
		Diagnose(secret, r, strings.Repeat("A", 32), Options{Limit: 1000})
	}
}
