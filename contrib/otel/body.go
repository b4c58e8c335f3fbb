package otelprism

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"mime"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/propagation"

	"github.com/shopex/prism-go/notify"
)

const envelopeType = "application/cloudevents+json"

// An envelope is a CloudEvent in JSON, with the extension for distributed tracing. Wrapped
// is an extension of ours: it tells the envelope from events that are published as such.
type envelope struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Time            string          `json:"time,omitempty"`
	DataContentType string          `json:"datacontenttype,omitempty"`
	TraceParent     string          `json:"traceparent,omitempty"`
	TraceState      string          `json:"tracestate,omitempty"`
	Wrapped         bool            `json:"prismwrapped"`
	DataBase64      []byte          `json:"data_base64,omitempty"`
	Data            json.RawMessage `json:"data,omitempty"`
}

// seal puts m into an envelope with the context of the span of ctx.
func seal(ctx context.Context, m *notify.Message, key string) {
	m.ContentType = cmp.Or(m.ContentType, "text/plain")
	carried := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carried)
	e := envelope{
		SpecVersion: "1.0", ID: rand.Text(), Source: "/keys/" + key, Type: m.Key, Time: time.Now().UTC().Format(time.RFC3339Nano),
		DataContentType: m.ContentType, TraceParent: carried["traceparent"], TraceState: carried["tracestate"], Wrapped: true,
	}
	text, inline := inJSON(m)
	if !inline && len(m.Body) > 0 {
		e.DataBase64 = m.Body
	}
	sealed, err := json.Marshal(e)
	if err != nil {
		return // a text that is not JSON cannot be among these
	}
	if inline {
		// Not by Marshal, which would change white space and escapes.
		sealed = append(append(append(sealed[:len(sealed)-1], `,"data":`...), text...), '}')
	}
	m.Body, m.ContentType = sealed, envelopeType
}

// inJSON returns the body as the member data, if it is that byte for byte: JSON by its
// type, or text.
func inJSON(m *notify.Message) (text []byte, ok bool) {
	kind, _, _ := mime.ParseMediaType(m.ContentType)
	switch {
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		return m.Body, json.Valid(m.Body) && utf8.Valid(m.Body) && len(bytes.TrimSpace(m.Body)) == len(m.Body)
	case (kind == "" || strings.HasPrefix(kind, "text/")) && utf8.Valid(m.Body):
		text, err := json.Marshal(string(m.Body))
		return text, err == nil
	}
	return nil, false
}

// open gives d the body that its publisher has sealed, and returns ctx with the span of the
// publisher. Any other delivery stays as it is.
func open(ctx context.Context, d *notify.Delivery) context.Context {
	e, body, ok := decode(d.ContentType, d.Body)
	if !ok {
		return ctx
	}
	d.Body, d.ContentType = body, e.DataContentType
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": e.TraceParent, "tracestate": e.TraceState})
}

func decode(contentType string, text []byte) (e envelope, body []byte, ok bool) {
	if contentType != envelopeType || json.Unmarshal(text, &e) != nil || !e.Wrapped || e.SpecVersion != "1.0" {
		return e, nil, false
	}
	kind, _, _ := mime.ParseMediaType(e.DataContentType)
	switch {
	case e.Data == nil:
		return e, e.DataBase64, true
	case kind == "" || strings.HasPrefix(kind, "text/"):
		var said string
		if json.Unmarshal(e.Data, &said) != nil {
			return e, nil, false
		}
		return e, []byte(said), true
	}
	return e, e.Data, true
}
