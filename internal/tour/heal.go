package tour

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shopex/prism-go/notify"
)

const (
	cutMessages = 200
	cutAt       = cutMessages / 2
	cutWork     = time.Millisecond // of a handler, so that its acknowledgements flow
)

// A receiver counts what arrives while connections are cut. Its consumer has
// one worker, so one goroutine calls it.
type receiver struct {
	seen    map[string]bool
	repeats int
	half    chan bool // gets true when half has arrived
	all     chan bool // and when everything has
}

func (r *receiver) handle(_ context.Context, delivery *notify.Delivery) error {
	time.Sleep(cutWork)
	body := string(delivery.Body)
	if r.seen[body] {
		r.repeats++
		return nil
	}
	r.seen[body] = true
	switch len(r.seen) {
	case cutAt:
		r.half <- true
	case cutMessages:
		r.all <- true
	}
	return nil
}

// cutting cuts every connection when half of the messages have arrived, and goes on
// publishing.
func (s *story) cutting(ctx context.Context) error {
	retry := notify.Reconnect{Delay: 100 * time.Millisecond}
	publisher, err := notify.NewPublisher(s.client, notify.PublisherConfig{Reconnect: retry})
	if err != nil {
		return err
	}
	connected := make(chan bool, 10)
	r := &receiver{seen: make(map[string]bool), half: make(chan bool, 1), all: make(chan bool, 1)}
	cfg := notify.ConsumerConfig{Reconnect: retry, OnConnect: func() { connected <- true }}
	stop, err := s.consume(ctx, cfg, r.handle)
	if err != nil {
		return err
	}
	err = s.cutBetween(ctx, publisher, r, connected)
	if err == nil {
		err = s.awaitEmpty(ctx)
	}
	err = errors.Join(err, publisher.Close(ctx), stop())
	if err == nil {
		repeats := counted(r.repeats, "repeat", "repeats")
		s.say("consumed", "all %d messages, and %s, as at-least-once allows", len(r.seen), repeats)
		s.show("%s sent again after a cut; all %d consumed, and %s", counted(int(publisher.Stats().Resent), "message", "messages"), len(r.seen), repeats)
	}
	return err
}

func (s *story) cutBetween(ctx context.Context, publisher *notify.Publisher, r *receiver, connected <-chan bool) error {
	if _, err := await(ctx, connected, "the consumer's connection"); err != nil {
		return err
	}
	const unconfirmed = 50 // when it is cut
	if err := publishNumbers(ctx, publisher, 0, cutAt); err != nil {
		return err
	}
	if _, err := await(ctx, r.half, "half of the messages"); err != nil {
		return err
	}
	if err := publishNumbers(ctx, publisher, cutAt, cutAt+unconfirmed); err != nil {
		return err
	}
	s.say("cut", "%d connections, when %d of %d messages had arrived", s.cutter.cut(), cutAt, cutMessages)
	if err := publishNumbers(ctx, publisher, cutAt+unconfirmed, cutMessages); err != nil {
		return err
	}
	if _, err := await(ctx, connected, "the consumer to connect again"); err != nil {
		return err
	}
	s.say("reconnected", "the consumer")
	if err := publisher.Flush(ctx); err != nil {
		return err
	}
	stats := publisher.Stats()
	s.say("reconnected", "the publisher, which sent %s again; all %d are confirmed", counted(int(stats.Resent), "message", "messages"), stats.Confirmed)
	if stats.Connects < 2 || stats.Confirmed != cutMessages {
		return fmt.Errorf("the publisher has connected %d times and has %d of %d confirmed", stats.Connects, stats.Confirmed, cutMessages)
	}
	_, err := await(ctx, r.all, "the rest of the messages")
	return err
}

func publishNumbers(ctx context.Context, publisher *notify.Publisher, from, to int) error {
	for i := from; i < to; i++ {
		m := notify.Message{Key: "order.new", Body: fmt.Appendf(nil, "order %d", i)}
		if err := publisher.PublishAsync(ctx, m, nil); err != nil {
			return err
		}
	}
	return nil
}
