package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/shopex/prism-go/apijson"
)

// phpNames are what PHP 8.2 makes of names.
var phpNames = map[string]string{
	"a": "a", "a.b": "a_b", "a b": "a_b", "  .a": "_a", "a[b": "a_b", "a[b.c": "a_b_c", "a[": "a_", "a.b[c": "a_b_c",
	"a[]x": "a", "a[b]c.d": "a", "a[b[c]": "a", "a\x00b": "a", "\ta": "\ta", "a[b c[d": "a_b_c_d",
}

func TestNamesAreThoseOfPHP(t *testing.T) {
	for name, want := range phpNames {
		if got := phpName(name); got != want {
			t.Errorf("phpName(%q) = %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"client.id", "client id", " client_id", "client[id", "client_id[]", "client_id[a]b", "client_id\x00x", "sign[method"} {
		if !Reserved(name) {
			t.Errorf("%q is not reserved", name)
		}
	}
	for _, name := range []string{"client", "client[id]", "signs", "_sign", "sign_", "xsign"} {
		if Reserved(name) {
			t.Errorf("%q is reserved", name)
		}
	}
}

// No backend takes a parameter of a caller for one that the platform adds.
func TestACallerCannotSayWhatThePlatformSays(t *testing.T) {
	file := &apijson.Service{Prefix: "b2b", APIs: []apijson.API{{ID: "x"}}, GlobalParams: []apijson.GlobalParam{
		{Name: "shop_id", Place: apijson.Request, ValueType: apijson.Constant, Format: "7"},
		{Name: "api.version", Place: apijson.Query, ValueType: apijson.Constant, Format: "2"},
		{Name: "nothing", Place: apijson.None, ValueType: apijson.Constant},
		{Name: "key", Place: apijson.Request, ValueType: apijson.Config, Format: "secret"},
	}}
	forged := []string{"shop_id", "shop.id", "shop id", " shop_id", "shop[id", "shop_id[]", "shop_id[x]y", "shop_id\x00z", "api_version", "api version", "key[0]", " key"}
	kept := []string{"shop", "shop[id]", "keys", "nothing", "a.b"}
	params := url.Values{}
	for _, name := range forged {
		params.Set(name, "forged")
	}
	for _, name := range kept {
		params.Set(name, "kept")
	}
	for media, body := range map[string]string{
		"": "", "application/x-www-form-urlencoded": params.Encode(), "multipart/form-data; boundary=b": formOfAll(params),
	} {
		t.Run(media, func(t *testing.T) {
			query, text := send(t, file, Backend{Config: map[string]string{"secret": "s"}}, media, params.Encode(), body)
			if strings.Contains(query+text, "forged") {
				t.Errorf("the backend got %q %q", query, text)
			}
			if got := strings.Count(query, "=kept"); got != len(kept) {
				t.Errorf("the backend got the query %q", query)
			}
			if got := strings.Count(text, "kept"); body != "" && got != len(kept) {
				t.Errorf("the backend got %q", text)
			}
		})
	}
}

func formOfAll(params url.Values) string {
	var parts []string
	for name, values := range params {
		if !strings.Contains(name, "\x00") { // which is no multipart form
			parts = append(parts, field(name, values[0]))
		}
	}
	return formOf(parts...)
}

// send posts a body and returns what the backend gets.
func send(t *testing.T, file *apijson.Service, b Backend, media, query, body string) (gotQuery, gotBody string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		gotQuery, gotBody = r.URL.RawQuery, string(text)
	}))
	defer s.Close()
	b.URL = s.URL
	g := newGateway(t, Config{}, compiled(t, file, b))
	req, _ := http.NewRequest("POST", g.url+"/api/b2b/x?"+query, strings.NewReader(body))
	req.Header.Set("Content-Type", media)
	if answer := g.do(t, req); answer.StatusCode != 200 {
		t.Fatalf("answer %d %s", answer.StatusCode, answer.Header.Get("X-Code"))
	}
	return gotQuery, gotBody
}
