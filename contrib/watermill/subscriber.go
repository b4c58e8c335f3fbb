package prismwatermill

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
)

// SubscriberConfig has a useful zero value.
type SubscriberConfig struct {
	// Group is the consumer group. If empty, the queue has the name of the topic.
	Group string
	// QueueName returns the queue for a topic. If nil, it is the topic, behind the
	// Group and a colon if there is one.
	QueueName func(topic string) string
	// OnlyExisting leaves queues and bindings as they are, so that somebody else has
	// to make them.
	OnlyExisting bool
	// Consumer is how each topic is consumed. Topic and ManualAck are not used.
	Consumer notify.ConsumerConfig
	// Marshaler is JSONMarshaler if nil.
	Marshaler Marshaler
	// Logger gets what ends a subscription. If nil, nothing is logged.
	Logger watermill.LoggerAdapter
}

// A Subscriber is a message.Subscriber and a message.SubscribeInitializer. Its methods
// may be called from any number of goroutines.
type Subscriber struct {
	cfg    SubscriberConfig
	client *prism.Client
	queues *notify.QueueClient
	ctx    context.Context // of all subscriptions
	cancel context.CancelFunc

	mu      sync.Mutex // guards closed, and running against it
	closed  bool
	running sync.WaitGroup
}

// ErrClosed is returned by Subscribe after Close.
var ErrClosed = errors.New("prismwatermill: the subscriber is closed")

// NewSubscriber checks cfg. It sends nothing.
func NewSubscriber(client *prism.Client, cfg SubscriberConfig) (*Subscriber, error) {
	cfg.Consumer.Topic, cfg.Consumer.ManualAck = "", false
	if _, err := notify.NewConsumer(client, cfg.Consumer); err != nil {
		return nil, err
	}
	if cfg.QueueName == nil {
		cfg.QueueName = func(topic string) string { return strings.TrimPrefix(cfg.Group+":"+topic, ":") }
	}
	if cfg.Marshaler == nil {
		cfg.Marshaler = JSONMarshaler{}
	}
	if cfg.Logger == nil {
		cfg.Logger = watermill.NopLogger{}
	}
	s := &Subscriber{cfg: cfg, client: client, queues: notify.NewQueueClient(client)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// SubscribeInitialize makes the queue for topic and binds it, so that it gets what is
// published from now on.
func (s *Subscriber) SubscribeInitialize(topic string) error { return s.initialize(s.ctx, topic) }

func (s *Subscriber) initialize(ctx context.Context, topic string) error {
	if s.cfg.OnlyExisting {
		return nil
	}
	queue := s.cfg.QueueName(topic)
	err := s.queues.Create(ctx, queue)
	if err == nil {
		err = s.queues.Bind(ctx, queue, topic)
	}
	if err != nil {
		return fmt.Errorf("prismwatermill: the queue %q for topic %q: %w", queue, topic, err)
	}
	return nil
}

// Subscribe makes the queue for topic and consumes it. The channel is closed when ctx
// ends, after Close, or by an error that no reconnecting cures, which is logged. When ctx
// ends, the context of each message that was handed out ends; for as long as
// ConsumerConfig.Grace says, it may still be acknowledged.
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ctx, cancel)
	end := func() { stop(); cancel() }
	consumer, err := s.consumer(ctx, topic)
	out := make(chan *message.Message)
	if err == nil {
		err = s.begin(func() {
			defer close(out)
			defer end()
			err := consumer.Run(ctx, func(handler context.Context, d *notify.Delivery) error { return s.hand(ctx, handler, d, out) })
			if ctx.Err() == nil {
				s.cfg.Logger.Error("The subscription has ended", err, watermill.LogFields{"topic": topic})
			}
		})
	}
	switch {
	case err == nil:
		return out, nil
	case s.ctx.Err() != nil:
		err = ErrClosed
	}
	end()
	return nil, err
}

// consumer returns the consumer of the queue for topic, which is there.
func (s *Subscriber) consumer(ctx context.Context, topic string) (*notify.Consumer, error) {
	if s.ctx.Err() != nil {
		return nil, ErrClosed
	}
	if err := s.initialize(ctx, topic); err != nil {
		return nil, err
	}
	cfg := s.cfg.Consumer
	cfg.Topic = s.cfg.QueueName(topic)
	return notify.NewConsumer(s.client, cfg)
}

// begin lets a subscription run that Close waits for.
func (s *Subscriber) begin(run func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.running.Go(run)
	return nil
}

var (
	errNacked  = errors.New("prismwatermill: nacked")
	errStopped = errors.New("prismwatermill: the subscription ended before the message was acknowledged")
)

// hand gives the message of d to the subscriber and waits for its ack. ctx is that of the
// subscription, and handler lasts longer than it by the grace period.
func (s *Subscriber) hand(ctx, handler context.Context, d *notify.Delivery, out chan<- *message.Message) error {
	m, err := s.cfg.Marshaler.Unmarshal(d)
	if err != nil {
		return notify.Permanent(err)
	}
	own, cancel := context.WithCancel(handler)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	m.SetContext(own)
	select {
	case out <- m:
	case <-ctx.Done():
		return errStopped
	}
	select {
	case <-m.Acked():
		return nil
	case <-m.Nacked():
		return errNacked
	case <-handler.Done():
		return errStopped
	}
}

// Close ends all subscriptions and waits until their channels are closed. A second call
// returns nil.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.running.Wait()
	return nil
}

var _ interface {
	message.Subscriber
	message.SubscribeInitializer
} = (*Subscriber)(nil)

var _ message.Publisher = (*Publisher)(nil)
