package listen

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/shopex/prism-go/internal/escape"
	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/notify"
)

// A Format is how a delivery becomes the request that a receiver gets.
type Format string

const (
	// Prism is the JSON of the delivery, as a consumer gets it, without a tag.
	Prism Format = "prism"
	// CloudEvents is CloudEvents 1.0 over HTTP in binary mode: the body as it was
	// published, and the attributes in headers that begin with Ce-.
	CloudEvents Format = "cloudevents"
	// Raw is the body as it was published, and the rest in headers that begin with
	// Prism-.
	Raw Format = "raw"
)

// UnmarshalText is called for the flag.
func (f *Format) UnmarshalText(text []byte) error {
	switch *f = Format(text); *f {
	case Prism, CloudEvents, Raw:
		return nil
	}
	return fmt.Errorf("%q is no format of messages: use prism, cloudevents or raw", text)
}

// request returns the header and the body for a delivery that is tried so often.
func (f Format) request(d *notify.Delivery, attempt int) (http.Header, []byte) {
	switch f {
	case CloudEvents:
		return cloudEvent(d, attempt), d.Body
	case Raw:
		return rawHeader(d, attempt), d.Body
	}
	return headerOf("Content-Type", "application/json"), envelope(d, attempt)
}

// envelope is a delivery as JSON.
func envelope(d *notify.Delivery, attempt int) []byte {
	w := wire.Delivery{ID: d.ID, Attempt: attempt, Key: d.Key, Type: d.ContentType, App: d.App, ClientID: d.ClientID, Body: d.Body}
	if !d.Time.IsZero() {
		w.Time = d.Time.Unix()
	}
	return wire.AppendUTF8(nil, &w)
}

func cloudEvent(d *notify.Delivery, attempt int) http.Header {
	source := "/platform" // which publishes events of its own
	if d.App != "" {
		source = "/apps/" + escape.AllBut(d.App, "-._~")
	}
	published := ""
	if !d.Time.IsZero() {
		published = d.Time.UTC().Format(time.RFC3339)
	}
	return headerOf(
		"Content-Type", contentType(d),
		"Ce-Specversion", "1.0",
		"Ce-Id", field(cmp.Or(d.ID, rand.Text())), // an event has one, whatever the platform gives
		"Ce-Source", source,
		"Ce-Type", field(cmp.Or(d.Key, "message")),
		"Ce-Time", published,
		"Ce-Prismclientid", field(d.ClientID),
		"Ce-Prismattempt", strconv.Itoa(attempt),
	)
}

func rawHeader(d *notify.Delivery, attempt int) http.Header {
	return headerOf(
		"Content-Type", contentType(d),
		"Prism-Id", field(d.ID),
		"Prism-Routing-Key", field(d.Key),
		"Prism-App", field(d.App),
		"Prism-Client-Id", field(d.ClientID),
		"Prism-Time", unix(d.Time),
		"Prism-Attempt", strconv.Itoa(attempt),
	)
}

// headerOf returns the pairs of names and values that have a value.
func headerOf(pairs ...string) http.Header {
	h := make(http.Header, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			h[pairs[i]] = []string{pairs[i+1]}
		}
	}
	return h
}

// unix is a time in seconds, or empty if it is not known.
func unix(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.Unix(), 10)
}

// contentType returns the content type of d as a header can have it.
func contentType(d *notify.Delivery) string {
	t := strings.TrimSpace(d.ContentType)
	if t == "" || strings.ContainsFunc(t, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "application/octet-stream"
	}
	return t
}

// field returns a text as a header of a CloudEvent has it: with a %XX for every byte
// that is not printable ASCII, and for space, quote and percent.
func field(s string) string { return escape.AllBut(s, "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~") }
