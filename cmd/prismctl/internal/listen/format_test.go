package listen

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/notify"
)

var order = &notify.Delivery{
	ID: "1c9b-7", Key: "order.new", ContentType: "application/json", Time: time.Unix(1_400_568_648, 0),
	App: "the shop", ClientID: "buwb2lii", Body: []byte(`{"id": 7}`),
}

func TestEachFormatHasTheWholeMessage(t *testing.T) {
	for _, c := range []struct {
		format Format
		header map[string]string
		body   string
	}{
		{"", map[string]string{"Content-Type": "application/json"},
			`{"time":1400568648,"id":"1c9b-7","attempt":2,"key":"order.new","type":"application/json","app":"the shop","client_id":"buwb2lii","body":"{\"id\": 7}"}`},
		{CloudEvents, map[string]string{
			"Content-Type": "application/json", "Ce-Specversion": "1.0", "Ce-Id": "1c9b-7", "Ce-Source": "/apps/the%20shop", "Ce-Type": "order.new",
			"Ce-Time": "2014-05-20T06:50:48Z", "Ce-Prismclientid": "buwb2lii", "Ce-Prismattempt": "2",
		}, `{"id": 7}`},
		{Raw, map[string]string{
			"Content-Type": "application/json", "Prism-Id": "1c9b-7", "Prism-Routing-Key": "order.new", "Prism-App": "the%20shop",
			"Prism-Client-Id": "buwb2lii", "Prism-Time": "1400568648", "Prism-Attempt": "2",
		}, `{"id": 7}`},
	} {
		header, body := c.format.request(order, 2)
		got := map[string]string{}
		for name := range header {
			got[name] = header.Get(name)
		}
		if string(body) != c.body || !maps.Equal(got, c.header) {
			t.Errorf("%s: body %s\nheader %v", c.format, body, got)
		}
	}
}

func TestAnEventHasWhatItMustHaveWhateverTheMessageLacks(t *testing.T) {
	header, _ := CloudEvents.request(&notify.Delivery{}, 1)
	again, _ := CloudEvents.request(&notify.Delivery{}, 1)
	for _, name := range []string{"Ce-Id", "Ce-Source", "Ce-Type", "Ce-Specversion"} {
		if header.Get(name) == "" {
			t.Errorf("there is no %s", name)
		}
	}
	if header.Get("Ce-Id") == again.Get("Ce-Id") {
		t.Error("two messages without an ID are the same event")
	}
	if _, known := header["Ce-Time"]; known || header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%v", header)
	}
}

func TestAFormatIsNamedAsItIs(t *testing.T) {
	var f Format
	for _, name := range []Format{Prism, CloudEvents, Raw} {
		if err := f.UnmarshalText([]byte(name)); err != nil || f != name {
			t.Errorf("%s: %s, %v", name, f, err)
		}
	}
	if err := f.UnmarshalText([]byte("json")); err == nil || !strings.Contains(err.Error(), "use prism, cloudevents or raw") {
		t.Errorf("json: %v", err)
	}
}

// FuzzEveryMessageMakesARequest holds that no message makes a header that HTTP does not
// have, and that the receiver finds in each format what was published.
func FuzzEveryMessageMakesARequest(f *testing.F) {
	f.Add("1-1", "order.new", "text/plain", "shop", "key", []byte("body"))
	f.Add("\n", "订单. %\"\x7f", "a\r\nX: y", "a/b?c#d", "\x00", []byte("\xff\""))
	f.Fuzz(func(t *testing.T, id, key, typ, app, client string, body []byte) {
		d := &notify.Delivery{ID: id, Key: key, ContentType: typ, App: app, ClientID: client, Body: body, Time: time.Unix(1, 0)}
		for _, format := range []Format{Prism, CloudEvents, Raw} {
			header, sent := format.request(d, 1)
			checkHeader(t, header)
			switch format {
			case Prism:
				back, err := wire.DecodeMessage(sent)
				var rest struct {
					BodyBase64 []byte `json:"body_base64"`
				}
				err = errors.Join(err, json.Unmarshal(sent, &rest))
				if !utf8.Valid(body) {
					back.Body = rest.BodyBase64
				}
				valid := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
				if err != nil || back.ID != valid(id) || back.Key != valid(key) || back.Type != valid(typ) || back.App != valid(app) || back.ClientID != valid(client) || !bytes.Equal(back.Body, body) {
					t.Errorf("%s became %+v, %v", sent, back, err)
				}
				continue
			case CloudEvents:
				wantField(t, header, "Ce-Type", key)
				wantField(t, header, "Ce-Id", id)
			case Raw:
				wantField(t, header, "Prism-Routing-Key", key)
				wantField(t, header, "Prism-App", app)
			}
			if !bytes.Equal(sent, body) {
				t.Errorf("%s: the body became %q", format, sent)
			}
		}
	})
}

func checkHeader(t *testing.T, header http.Header) {
	for name, values := range header {
		if http.CanonicalHeaderKey(name) != name || len(values) != 1 || strings.ContainsFunc(values[0], func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("header %s: %q", name, values)
		}
	}
}

func wantField(t *testing.T, header http.Header, name, want string) {
	if got, err := url.PathUnescape(header.Get(name)); want != "" && (got != want || err != nil) {
		t.Errorf("%s is %q, want %q", name, header.Get(name), want)
	}
}

func TestHeadersAreReadAndTheirValuesNeverShown(t *testing.T) {
	h, err := ParseHeaders([]string{"authorization:  Bearer s3cret ", "X-A: 1", "X-A:2", "X-Empty:"})
	if err != nil || h.Get("Authorization") != "Bearer s3cret" || !slices.Equal(h["X-A"], []string{"1", "2"}) || len(h["X-Empty"]) != 1 {
		t.Errorf("%v, %v", h, err)
	}
	for _, bad := range []string{"s3cret", ": s3cret", "a b: s3cret", "中: s3cret", "X: s3cret\nY: z", "Content-Length: s3cret", "webhook-signature: s3cret", "Transfer-Encoding: s3cret"} {
		if h, err := ParseHeaders([]string{"X: y", bad}); err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "number 2") {
			t.Errorf("%q: %v, %v", bad, h, err)
		}
	}
}

func TestAFilterIsAPattern(t *testing.T) {
	for _, good := range []string{"#", "*", "order.new", "order.#", "*.paid.#", "@system.#", "订单.*"} {
		if err := CheckFilter(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", ".", "order.", ".order", "a..b", "order*", "order.#x", "##", "a\nb"} {
		if err := CheckFilter(bad); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
