package notify

import (
	"errors"
	"slices"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/wire"
)

// Message is what is published.
type Message struct {
	Key         string // the routing key, such as order.new; required
	Body        []byte
	ContentType string // content type; empty is text/plain
}

// appendTo appends the frame of m to dst, if cfg lets that be sent.
func (m Message) appendTo(dst []byte, cfg *PublisherConfig) ([]byte, error) {
	if m.ContentType == "" {
		m.ContentType = "text/plain"
	}
	switch {
	case len(m.Key) > cfg.MaxKey:
		return dst, &SizeError{Part: "routing key", Size: len(m.Key), Limit: cfg.MaxKey}
	case len(m.Body) > cfg.MaxBody:
		return dst, &SizeError{Part: "body", Size: len(m.Body), Limit: cfg.MaxBody}
	case len(m.ContentType) > maxType:
		return dst, &SizeError{Part: "content type", Size: len(m.ContentType), Limit: maxType}
	}
	if m.Key == "" {
		return dst, errors.New("notify: the routing key is empty; a message needs one, such as order.new")
	}
	if err := m.checkLines(); err != nil {
		return dst, err
	}
	return wire.AppendPublish(slices.Grow(dst, 9+len(m.Key)+len(m.Body)+len(m.ContentType)), m.Key, m.Body, m.ContentType)
}

const maxType = 256

// checkLines refuses here what the platform would refuse by ending the connection.
func (m *Message) checkLines() error {
	for _, part := range [...]struct{ name, text string }{{"routing_key", m.Key}, {"content_type", m.ContentType}} {
		for i := range len(part.text) {
			if c := part.text[i]; c < ' ' || c == 0x7f {
				return &prism.ParamError{Name: part.name, Err: errors.New("it has a line break or another control character")}
			}
		}
	}
	return nil
}
