package platform_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
)

func TestNoBodyBringsAReservedParameterToABackend(t *testing.T) {
	var got string
	e := newEnv(t, platform.Config{Backend: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = string(body)
	})})
	part := func(disposition string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\nvictim\r\n--b--\r\n"
	}
	const parts, form = "multipart/form-data; boundary=b", "application/x-www-form-urlencoded"
	for _, row := range []struct{ method, media, body, code string }{
		{"POST", parts, part(`name="data"`), ""},
		{"POST", parts, part(`name="client_id"`), "reserved_parameter"},
		{"POST", parts, part(`name=client_id`), "reserved_parameter"},
		{"POST", parts, part(`name="client.id"`), "reserved_parameter"},
		{"PUT", parts, part(`name="sign[]"`), "reserved_parameter"},
		{"POST", parts, "--b\r\nno header", "invalid_form"},
		{"PATCH", form, "data=1", ""},
		{"PATCH", form, "data=1&client_id=victim", "reserved_parameter"},
		{"PATCH", form, "client%5Fid=victim", "reserved_parameter"},
		{"DELETE", "Application/X-WWW-Form-Urlencoded; charset=utf-8", "client_id=victim", "reserved_parameter"},
		{"POST", "application/json", `{"client_id":1}`, ""},
	} {
		query := url.Values{}
		signed(row.method, "/api/shop/x", nil, query, nil)
		req, err := http.NewRequest(row.method, e.url+"/api/shop/x?"+query.Encode(), strings.NewReader(row.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", row.media)
		got = ""
		r := e.send(req)
		if r.code() != row.code || row.code == "" && got != row.body || row.code != "" && got != "" {
			t.Errorf("%s %s %q: %q, the backend got %q", row.method, row.media, row.body, r.code(), got)
		}
	}
}
