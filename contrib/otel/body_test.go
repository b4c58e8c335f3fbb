package otelprism

import (
	"bytes"
	"testing"

	"github.com/shopex/prism-go/notify"
)

func FuzzSealedBodiesComeBackByteForByte(f *testing.F) {
	for _, contentType := range []string{"", "text/plain", "text/plain; charset=gbk", "application/json", "application/cloudevents+json", "image/png", "no type at all;"} {
		for _, body := range []string{"", "hello", `{"id": 7, "a":"<>&"}`, " null ", "null", `"text"`, "\xff\xfe", "{", "\u2028"} {
			f.Add(contentType, []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		m := notify.Message{Key: "order.new", ContentType: contentType, Body: bytes.Clone(body)}
		seal(t.Context(), &m, "key")
		if contentType == "" {
			contentType = "text/plain"
		}
		d := notify.Delivery{ContentType: m.ContentType, Body: m.Body}
		open(t.Context(), &d)
		if !bytes.Equal(d.Body, body) {
			t.Errorf("%q of %q came back as %q: %s", body, contentType, d.Body, m.Body)
		}
		if d.ContentType != contentType && utf8Only(contentType) {
			t.Errorf("the type %q came back as %q", contentType, d.ContentType)
		}
	})
}

func utf8Only(s string) bool { return string([]rune(s)) == s }

func FuzzOpenChangesOnlyWhatWasSealed(f *testing.F) {
	m := notify.Message{Key: "order.new", Body: []byte("hello")}
	seal(f.Context(), &m, "key")
	f.Add(m.ContentType, m.Body)
	f.Add(envelopeType, []byte(`{"specversion":"1.0","prismwrapped":true,"datacontenttype":"text/plain","data":7}`))
	f.Add(envelopeType, []byte(`{"specversion":"1.0","data":"of somebody else"}`))
	f.Add("application/json", []byte(`{"specversion":"1.0","prismwrapped":true}`))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		d := notify.Delivery{ContentType: contentType, Body: bytes.Clone(body)}
		open(t.Context(), &d)
		if contentType != envelopeType && (d.ContentType != contentType || !bytes.Equal(d.Body, body)) {
			t.Errorf("%q of %q was changed to %q of %q", body, contentType, d.Body, d.ContentType)
		}
		if len(d.Body) > len(body) {
			t.Errorf("%d bytes became %d", len(body), len(d.Body))
		}
	})
}
