package platform_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// A form that the signature does not cover comes without what is reserved, like others.
func TestNoBodyBringsAReservedParameterToABackend(t *testing.T) {
	var got string
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = string(body)
		if r.ContentLength >= 0 && r.ContentLength != int64(len(body)) {
			t.Errorf("%d bytes were announced, and %d came", r.ContentLength, len(body))
		}
	})
	asBackend := newEnv(t, platform.Config{Backend: handler})
	asOverride := newEnv(t, platform.Config{Override: func(platform.Call) http.Handler { return handler }})
	const a, end = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n", "--b--\r\n"
	part := func(disposition string) string {
		return "--b\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\nvictim\r\n"
	}
	const parts, form = "multipart/form-data; boundary=b", "application/x-www-form-urlencoded"
	for _, row := range []struct{ method, media, body, want, code string }{
		{"POST", parts, a + part(`name="data"`) + end, a + part(`name="data"`) + end, ""},
		{"POST", parts, a + part(`name="client_id"`) + end, a + end, ""},
		{"POST", parts, part(`name=client_id; filename=x`) + a + end, a + end, ""},
		{"POST", parts, a + part(`name="client.id"`) + end, a + end, ""},
		{"PUT", parts, a + part(`name="sign[]"`) + end, a + end, ""},
		{"POST", parts, "--b\r\nno header", "", "invalid_form"},
		{"POST", parts + "; boundary=c", a + end, "", "invalid_form"},
		{"PATCH", form, "data=1", "data=1", ""},
		{"PATCH", form, "data=1&client_id=victim", "data=1", ""},
		{"PATCH", form, "client%5Fid=victim&b=2;3", "b=2%3B3", ""},
		{"DELETE", "Application/X-WWW-Form-Urlencoded; charset=utf-8", "client_id=victim", "", ""},
		{"POST", form + ",x", "sign=victim&b=2", "b=2", ""},
		{"POST", "application/json", `{"client_id":1}`, `{"client_id":1}`, ""},
	} {
		for _, e := range []*env{asBackend, asOverride} {
			got = "none"
			r := e.send(e.withBody(t, row.method, row.media, strings.NewReader(row.body)))
			if r.code() != row.code || row.code == "" && got != row.want || row.code != "" && got != "none" {
				t.Errorf("%s %s %q: %q, the backend got %q", row.method, row.media, row.body, r.code(), got)
			}
		}
	}
}

// withBody is a signed request with a body that the signature does not cover.
func (e *env) withBody(t *testing.T, method, media string, body io.Reader) *http.Request {
	query := url.Values{}
	signed(method, "/api/shop/x", nil, query, nil)
	req, err := http.NewRequest(method, e.url+"/api/shop/x?"+query.Encode(), body)
	must(t, err)
	req.Header.Set("Content-Type", media)
	return req
}

// What is large in a form comes while it is sent.
func TestAMultipartFormReachesABackendAsItComes(t *testing.T) {
	first := make(chan string, 1)
	e := newEnv(t, platform.Config{Backend: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		defer close(first) // the sender waits for it
		form, err := r.MultipartReader()
		if err != nil {
			t.Error(err)
			return
		}
		part, err := form.NextPart()
		if err != nil {
			t.Error(err)
			return
		}
		start := make([]byte, 1000)
		io.ReadFull(part, start)
		first <- part.FormName()
		if rest, err := io.ReadAll(part); err != nil || len(rest) != 200_000-1000 {
			t.Errorf("%d bytes more, %v", len(rest), err)
		}
	})})
	body, sender := io.Pipe()
	go func() {
		half := bytes.Repeat([]byte("x"), 100_000)
		io.WriteString(sender, "--b\r\nContent-Disposition: form-data; name=\"sign\"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a\"\r\n\r\n")
		sender.Write(half)
		select {
		case name := <-first:
			if name != "photo" {
				t.Errorf("the first part is %s", name)
			}
		case <-time.After(patience):
			t.Error("the first part does not come")
		}
		sender.Write(half)
		io.WriteString(sender, "\r\n--b--\r\n")
		sender.Close()
	}()
	if r := e.send(e.withBody(t, "POST", "multipart/form-data; boundary=b", body)); r.status != 200 {
		t.Errorf("answered %d %s", r.status, r.body)
	}
}

func TestCookiesBringNoReservedParameter(t *testing.T) {
	var got http.Header
	e := newEnv(t, platform.Config{Backend: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header })})
	req := e.request("GET", "x", nil)
	req.Header.Set("Cookie", "a=1; client_id=victim; client.id=victim; client%5Fid=victim; b=2")
	if e.send(req); got.Get("Cookie") != "a=1; b=2" {
		t.Errorf("the backend got %q", got.Get("Cookie"))
	}
}
