package load

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

func (b *bench) newInlet() (*inlet, error) {
	in := &inlet{handled: newLatency()}
	consumer, err := notify.NewConsumer(b.cfg.Client, notify.ConsumerConfig{
		Topic: b.cfg.Topic, Workers: b.cfg.Workers, ManualAck: true, OnError: b.line.OnError,
		OnConnect: func() {
			b.line.OnConnect()
			in.once.Do(func() { b.ready <- struct{}{} })
		},
		OnDisconnect: func(err error) {
			if err != nil {
				in.holds.Store(0) // they are back in the queue
			}
			b.onDisconnect(err)
		},
	})
	in.Consumer = consumer
	return in, err
}

func (b *bench) onDisconnect(err error) {
	if err != nil {
		b.count.disconnects.Add(1)
	}
	b.line.OnDisconnect(err)
}

// connect starts the consumers and waits until they are connected.
func (b *bench) connect(ctx context.Context) error {
	for _, in := range b.inlets {
		b.hear.Go(func() {
			err := in.Run(b.hearing, func(ctx context.Context, d *notify.Delivery) error { return b.handle(ctx, in, d) })
			if b.hearing.Err() == nil {
				b.line.Stop(exit.With(exit.Refused, err))
			}
		})
	}
	timed, cancel := context.WithTimeout(ctx, b.cfg.Patience)
	defer cancel()
	for n := range b.inlets {
		select {
		case <-b.ready:
		case <-timed.Done():
			return b.late(ctx, "%d of %d consumers had a connection", n, len(b.inlets))
		}
	}
	status, err := b.target.Status(ctx, b.cfg.Topic)
	if err == nil && status.Consumers > len(b.inlets) {
		err = exit.With(exit.Refused, errors.New("another consumer of "+words.Queue(b.cfg.Topic)+" has come, which would take messages from bench"))
	}
	return err
}

// late is the error when ctx or the patience has ended.
func (b *bench) late(ctx context.Context, format string, args ...any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return exit.With(exit.Timeout, fmt.Errorf(format+" within %v (--patience)", append(args, b.cfg.Patience)...))
}
