package jetstream

import (
	"github.com/nats-io/nats.go"

	"github.com/shopex/prism-go/platform"
)

var _ platform.Peers = (*Engine)(nil)

func (e *Engine) peerSubject(subject string) string { return e.config.Name + ".peers." + subject }

// Tell sends text, as [platform.Peers] describes. An engine of a directory has no peers.
func (e *Engine) Tell(subject string, text []byte) error {
	if e.alone {
		return nil
	}
	return e.nc.Publish(e.peerSubject(subject), text)
}

// Hear calls f, as [platform.Peers] describes.
func (e *Engine) Hear(subject string, f func(text []byte)) (stop func(), err error) {
	if e.alone {
		return func() {}, nil
	}
	s, err := e.nc.Subscribe(e.peerSubject(subject), func(m *nats.Msg) { f(m.Data) })
	if err != nil {
		return nil, err
	}
	return func() { _ = s.Unsubscribe() }, nil
}
