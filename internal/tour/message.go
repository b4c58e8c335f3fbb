package tour

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/shopex/prism-go/notify"
)

func (s *story) message(ctx context.Context) error {
	if err := notify.NewQueueClient(s.erpClient).Bind(ctx, "", "order.#"); err != nil {
		return err
	}
	s.say("bound", "the queue of the ERP to order.#")
	if err := s.publish(ctx, "order.new", "hello world"); err != nil {
		return err
	}
	arrived := make(chan *notify.Delivery, 1)
	stop, err := s.consume(ctx, notify.ConsumerConfig{}, func(_ context.Context, delivery *notify.Delivery) error {
		arrived <- delivery
		return nil
	})
	if err != nil {
		return err
	}
	got, err := await(ctx, arrived, "the delivery")
	if err == nil {
		s.say("consumed", "%s: %s (tag %d)", got.Key, got.Body, got.Tag)
		s.show("%s: %s: published, confirmed, consumed, acknowledged", got.Key, got.Body)
		err = errors.Join(check(string(got.Body) == "hello world", "the body has changed"), s.awaitEmpty(ctx))
	}
	return errors.Join(err, stop())
}

func (s *story) failing(ctx context.Context) error {
	if err := s.publish(ctx, "order.paid", "order 1001"); err != nil {
		return err
	}
	attempts := make(chan int, 10)
	attempt := 0
	stop, err := s.consume(ctx, notify.ConsumerConfig{}, func(context.Context, *notify.Delivery) error {
		attempt++ // one worker, so one at a time
		attempts <- attempt
		if attempt == 1 {
			return errors.New("the database is busy")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, err = await(ctx, attempts, "the first attempt"); err == nil {
		s.say("consumed", "order.paid: the handler failed (the database is busy), so nothing is acknowledged yet")
		_, err = await(ctx, attempts, "the second attempt")
	}
	if err == nil {
		s.say("tried again", "order.paid: the handler succeeded")
		s.show("order.paid: the handler failed; tried again, it succeeded: acknowledged")
		err = s.awaitEmpty(ctx)
	}
	return errors.Join(err, stop())
}

// ending stops a consumer whose handler is at work, and then the platform.
func (s *story) ending(ctx context.Context) error {
	if err := s.publish(ctx, "order.sent", "order 1001"); err != nil {
		return err
	}
	atWork, finish := make(chan bool, 10), make(chan struct{})
	stop, err := s.consume(ctx, notify.ConsumerConfig{}, func(context.Context, *notify.Delivery) error {
		atWork <- true
		<-finish
		return nil
	})
	if err != nil {
		return err
	}
	_, err = await(ctx, atWork, "the handler")
	time.AfterFunc(50*time.Millisecond, func() { close(finish) })
	if err = errors.Join(err, stop()); err != nil {
		return err
	}
	s.say("stopped", "the consumer, while its handler was at work: the handler could finish")
	if err := s.awaitEmpty(ctx); err != nil {
		return err
	}
	if err := s.leave(); err != nil {
		return err
	}
	s.say("stopped", "the platform")
	s.show("the consumer stopped once its handler had finished, then the platform")
	return nil
}

// publish publishes one message of the shop and says so.
func (s *story) publish(ctx context.Context, key, body string) error {
	publisher, err := notify.NewPublisher(s.client, notify.PublisherConfig{})
	if err != nil {
		return err
	}
	if err := errors.Join(publisher.Publish(ctx, key, []byte(body)), publisher.Close(ctx)); err != nil {
		return fmt.Errorf("publishing %s: %w", key, err)
	}
	s.say("published", "%s: %s (confirmed)", key, body)
	return nil
}

// consume runs a consumer of the ERP until stop is called. stop returns the consumer's
// error, unless that is the end of its context.
func (s *story) consume(ctx context.Context, cfg notify.ConsumerConfig, handle notify.Handler) (stop func() error, err error) {
	consumer, err := notify.NewConsumer(s.erpClient, cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- consumer.Run(ctx, handle) }()
	return sync.OnceValue(func() error {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("the consumer ended: %w", err)
		}
		return nil
	}), nil
}

// awaitEmpty waits until acknowledgements have emptied the queue of the ERP.
func (s *story) awaitEmpty(ctx context.Context) error {
	queues := notify.NewQueueClient(s.erpClient)
	for {
		status, err := queues.Status(ctx, "")
		if err != nil {
			return err
		}
		if status.Messages == 0 {
			s.say("acknowledged", "the queue is empty")
			return nil
		}
		if _, err := await(ctx, s.acked, "an acknowledgement"); err != nil {
			return fmt.Errorf("%w; the queue still holds %s", err, counted(status.Messages, "message", "messages"))
		}
	}
}

// await waits for something to happen.
func await[T any](ctx context.Context, event <-chan T, name string) (T, error) {
	select {
	case v := <-event:
		return v, nil
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("waiting for %s: %w", name, ctx.Err())
	}
}

func check(ok bool, otherwise string) error {
	if ok {
		return nil
	}
	return errors.New(otherwise)
}

// counted returns a number with its noun.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
