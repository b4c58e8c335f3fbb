package main

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

// deliveryLine is a delivery in JSON. A body that is no UTF-8 cannot be a JSON
// string, so it is in base64 then.
type deliveryLine struct {
	Tag        uint64  `json:"tag,omitempty"`
	ID         string  `json:"id,omitempty"`
	Attempt    int     `json:"attempt,omitempty"`
	Key        string  `json:"key"`
	Type       string  `json:"type"`
	Time       int64   `json:"time"`
	Body       *string `json:"body,omitempty"`
	BodyBase64 []byte  `json:"body_base64,omitempty"`
	App        string  `json:"app,omitempty"`
	ClientID   string  `json:"client_id,omitempty"`
}

// printDelivery writes one line in one write.
func (t *tool) printDelivery(d *notify.Delivery) error {
	if t.Output.or(asJSON) == asText {
		return t.println("%s", deliveryText(d))
	}
	line := deliveryLine{Tag: d.Tag, ID: d.ID, Attempt: d.Attempt, Key: d.Key, Type: d.ContentType, Time: d.Time.Unix(), App: d.App, ClientID: d.ClientID}
	line.Body, line.BodyBase64 = bodyIn(d.Body)
	return t.printJSON(line)
}

// bodyIn returns a body as JSON can have it: as text or, if it is no UTF-8, as bytes.
func bodyIn(body []byte) (text *string, bytes []byte) {
	if !utf8.Valid(body) {
		return nil, body
	}
	s := string(body)
	return &s, nil
}

// deliveryText is a delivery for people. What a terminal would obey is quoted.
func deliveryText(d *notify.Delivery) string {
	fields := []string{d.Time.Format(time.TimeOnly), words.Shown(d.Key), words.Shown(d.ContentType), words.Shown(string(d.Body))}
	if d.Attempt > 1 {
		fields = append([]string{"attempt " + strconv.Itoa(d.Attempt)}, fields...)
	}
	if d.Tag > 0 {
		fields = append([]string{"#" + strconv.FormatUint(d.Tag, 10)}, fields...)
	}
	return strings.Join(fields, "  ")
}
