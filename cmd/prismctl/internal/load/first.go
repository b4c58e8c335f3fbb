package load

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

// sendFirst sends one message by each publisher. So all connections are there
// before anything is measured, and it is known that the messages come to the
// queue and to no other.
func (b *bench) sendFirst(ctx context.Context) error {
	before, err := b.beforeFirst(ctx)
	if err != nil {
		return err
	}
	timed, cancel := context.WithTimeout(ctx, b.cfg.Patience)
	defer cancel()
	body := b.newBody()
	b.sent = true
	for i, out := range b.outlets {
		marking{b.id, uint64(i), b.clock()}.put(body)
		if err := out.PublishMessage(timed, b.message(body)); err != nil {
			return b.unconfirmed(ctx, timed, i, err)
		}
	}
	if err := b.checkCopies(ctx, before); err != nil {
		return err
	}
	for range b.outlets {
		select {
		case <-b.arrived:
		case <-timed.Done():
			return b.late(ctx, "a message with the routing key %s did not come to %s (is it bound to that? \"prismctl queue bind\" does it)",
				words.Shown(b.cfg.RoutingKey), words.Queue(b.cfg.Topic))
		}
	}
	return nil
}

// beforeFirst counts what is in the other queues of the key, and refuses a load of which
// those of other keys would get copies. A direct one has none.
func (b *bench) beforeFirst(ctx context.Context) (map[string]int, error) {
	if b.cfg.Direct {
		return nil, nil
	}
	if err := b.target.checkForeign(ctx); err != nil {
		return nil, err
	}
	return b.target.others(ctx)
}

// unconfirmed is the error of a first message.
func (b *bench) unconfirmed(ctx, timed context.Context, publisher int, err error) error {
	if timed.Err() != nil {
		return b.late(ctx, "publisher %d got no confirmation (%s)", publisher+1, words.Plain(err))
	}
	return err
}

// checkCopies refuses when other queues have got the first messages, too. It
// takes them out again.
func (b *bench) checkCopies(ctx context.Context, before map[string]int) error {
	if b.cfg.Direct {
		return nil
	}
	topics, err := b.target.grown(ctx, before, len(b.outlets))
	if err != nil || len(topics) == 0 {
		return err
	}
	text := fmt.Sprintf("%s gets copies of messages with the routing key %s, which nobody would consume: choose another --routing-key, a key with other bindings, or write by --direct",
		words.Queue(topics[0]), words.Shown(b.cfg.RoutingKey))
	for _, topic := range topics {
		if n := b.sweep(topic); n < len(b.outlets) {
			text += fmt.Sprintf("\nIn %s are still %s of bench.", words.Queue(topic), words.Counted(len(b.outlets)-n, "message", "messages"))
		}
	}
	return exit.With(exit.Refused, errors.New(text))
}

// sweep acknowledges the first messages in another queue and returns how many it
// has found.
func (b *bench) sweep(topic string) (n int) {
	ctx, cancel := lastWord()
	defer cancel()
	consumer, err := notify.NewConsumer(b.cfg.Client, notify.ConsumerConfig{Topic: topic})
	if err != nil {
		return 0
	}
	for d, err := range consumer.Deliveries(ctx) {
		if err != nil {
			return n
		}
		if s, ok := markingOf(d.Body); !ok || s.run != b.id || d.Ack(ctx) != nil {
			continue
		}
		if n++; n == len(b.outlets) {
			break
		}
	}
	return n
}
