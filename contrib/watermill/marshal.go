package prismwatermill

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/shopex/prism-go/notify"
)

// A Marshaler turns a message of Watermill into one of Prism and back. Its methods are
// called by any number of goroutines.
type Marshaler interface {
	// Marshal returns the message to publish; its Key is the topic.
	Marshal(topic string, m *message.Message) (notify.Message, error)
	// Unmarshal returns the message for a delivery, which it must not change. After an
	// error the delivery is given up.
	Unmarshal(d *notify.Delivery) (*message.Message, error)
}

// Metadata of a message that was not published by JSONMarshaler: what the platform says of
// it. There is none for what the platform does not say.
const (
	MetadataKey         = "prism_key"          // the routing key
	MetadataContentType = "prism_content_type" //
	MetadataApp         = "prism_app"          // of the publisher
	MetadataClientID    = "prism_client_id"    // of the publisher
	MetadataTime        = "prism_time"         // of publishing, by RFC 3339
)

const jsonType = "application/vnd.watermill+json"

// JSONMarshaler keeps UUID and metadata beside the payload in the body, with the content
// type application/vnd.watermill+json. A delivery of any other type is
// unmarshalled as by PlainMarshaler.
type JSONMarshaler struct{}

type jsonMessage struct {
	UUID     string            `json:"uuid"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Payload  []byte            `json:"payload"` // base64
}

// Marshal implements Marshaler.
func (JSONMarshaler) Marshal(topic string, m *message.Message) (notify.Message, error) {
	body, err := json.Marshal(jsonMessage{m.UUID, m.Metadata, m.Payload})
	return notify.Message{Key: topic, Body: body, ContentType: jsonType}, err
}

// Unmarshal implements Marshaler.
func (JSONMarshaler) Unmarshal(d *notify.Delivery) (*message.Message, error) {
	if d.ContentType != jsonType {
		return PlainMarshaler{}.Unmarshal(d)
	}
	var said jsonMessage
	if err := json.Unmarshal(d.Body, &said); err != nil {
		return nil, fmt.Errorf("prismwatermill: the body is not what JSONMarshaler writes: %w", err)
	}
	m := message.NewMessage(said.UUID, said.Payload)
	if said.Metadata != nil {
		m.Metadata = said.Metadata
	}
	return m, nil
}

// PlainMarshaler publishes the payload alone. A delivery gets the ID that the platform gave
// the message as its UUID, or a random one, and what else the platform says as metadata.
type PlainMarshaler struct {
	// ContentType is that of what is published; empty is text/plain.
	ContentType string
}

// Marshal implements Marshaler.
func (p PlainMarshaler) Marshal(topic string, m *message.Message) (notify.Message, error) {
	return notify.Message{Key: topic, Body: m.Payload, ContentType: p.ContentType}, nil
}

// Unmarshal implements Marshaler.
func (PlainMarshaler) Unmarshal(d *notify.Delivery) (*message.Message, error) {
	m := message.NewMessage(cmp.Or(d.ID, watermill.NewUUID()), bytes.Clone(d.Body))
	published := ""
	if !d.Time.IsZero() {
		published = d.Time.UTC().Format(time.RFC3339)
	}
	for name, value := range map[string]string{MetadataKey: d.Key, MetadataContentType: d.ContentType, MetadataApp: d.App, MetadataClientID: d.ClientID, MetadataTime: published} {
		if value != "" {
			m.Metadata.Set(name, value)
		}
	}
	return m, nil
}
