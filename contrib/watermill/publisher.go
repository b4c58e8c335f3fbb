package prismwatermill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
)

// PublisherConfig has a useful zero value.
type PublisherConfig struct {
	// Publisher is how messages are published.
	Publisher notify.PublisherConfig
	// Marshaler is JSONMarshaler if nil.
	Marshaler Marshaler
	// CloseTimeout bounds Close, which waits for confirmations; zero means 30 seconds.
	CloseTimeout time.Duration
}

// A Publisher is a message.Publisher. Its methods may be called from any number of
// goroutines.
type Publisher struct {
	cfg   PublisherConfig
	inner *notify.Publisher
}

// NewPublisher does not connect: the first Publish does.
func NewPublisher(client *prism.Client, cfg PublisherConfig) (*Publisher, error) {
	inner, err := notify.NewPublisher(client, cfg.Publisher)
	if err != nil {
		return nil, err
	}
	if cfg.Marshaler == nil {
		cfg.Marshaler = JSONMarshaler{}
	}
	cfg.CloseTimeout = cmp.Or(cfg.CloseTimeout, 30*time.Second)
	return &Publisher{cfg, inner}, nil
}

// Publish publishes messages in their order, with the topic as the routing key, and
// returns nil when the platform has read all of them. While there is no connection it
// waits, as long as the contexts of the messages last. If one message fails, none after it
// is begun; those before it and some after it may have been published, so whoever
// repeats the call publishes these twice.
func (p *Publisher) Publish(topic string, messages ...*message.Message) error {
	results := make(chan error, len(messages))
	var errs []error
	begun := 0
	for _, m := range messages {
		if err := p.begin(topic, m, results); err != nil {
			errs = append(errs, err)
			break
		}
		begun++
	}
	for _, m := range messages[:begun] {
		select {
		case err := <-results:
			errs = append(errs, err)
		case <-m.Context().Done():
			return errors.Join(append(errs, notify.ErrOutcomeUnknown, m.Context().Err())...)
		}
	}
	return errors.Join(errs...)
}

func (p *Publisher) begin(topic string, m *message.Message, results chan<- error) error {
	out, err := p.cfg.Marshaler.Marshal(topic, m)
	if err != nil {
		return fmt.Errorf("prismwatermill: message %s: %w", m.UUID, err)
	}
	return p.inner.PublishAsync(m.Context(), out, func(err error) { results <- err })
}

// Close waits for the messages that are on their way, and closes the connection. A
// second call returns nil.
func (p *Publisher) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), p.cfg.CloseTimeout)
	defer cancel()
	return p.inner.Close(ctx)
}
