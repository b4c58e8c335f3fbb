package wire

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzEveryDeliveryIsJSONForAReaderOfUTF8 holds that such a reader gets every byte of a body.
func FuzzEveryDeliveryIsJSONForAReaderOfUTF8(f *testing.F) {
	f.Add("order.new", []byte(`{"n":1}`))
	f.Add("order.\xff", []byte{0xff, 0, '"', '\\'})
	f.Add("", []byte("\xed\xa0\x80"))
	f.Fuzz(func(t *testing.T, key string, body []byte) {
		text := AppendUTF8([]byte("before"), &Delivery{ID: "00000001-1", Attempt: 1, Key: key, Body: body})
		text, ok := bytes.CutPrefix(text, []byte("before"))
		var doc struct {
			Key, Body  string
			BodyBase64 []byte `json:"body_base64"`
		}
		if err := json.Unmarshal(text, &doc); err != nil || !ok || !utf8.Valid(text) {
			t.Fatalf("%q: %v", text, err)
		}
		if got := append(doc.BodyBase64, doc.Body...); utf8.Valid(body) && !bytes.Equal(got, body) {
			t.Errorf("the body %q arrives as %q", body, got)
		}
		if !utf8.Valid(body) && !bytes.Equal(doc.BodyBase64, body) {
			t.Errorf("the body %q arrives as the bytes %q", body, doc.BodyBase64)
		}
		if d, err := DecodeMessage(text); err != nil || d.ID != "00000001-1" {
			t.Errorf("our own decoder: %+v, %v", d, err)
		}
	})
}
