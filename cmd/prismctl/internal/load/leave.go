package load

import (
	"context"
	"time"
)

// leave ends the publishers, waits until the queue is empty, ends the consumers,
// and counts what is left.
func (b *bench) leave() {
	over, end := context.WithCancel(context.Background())
	end()
	for _, out := range b.outlets {
		_ = out.Close(over) // load has waited already
	}
	if b.sent {
		b.awaitEmpty()
	}
	b.deafen()
	b.hear.Wait()
	ctx, cancel := lastWord()
	defer cancel()
	status, err := b.target.Status(ctx, b.cfg.Topic)
	b.left, b.leftUnknown = max(status.Messages-b.foreign(), 0), err
}

// patient is a context for what is done even after Ctrl-C. All of it together
// may take the patience.
func (b *bench) patient() (context.Context, context.CancelFunc) {
	if b.until.IsZero() {
		b.until = time.Now().Add(b.cfg.Patience)
	}
	return context.WithDeadline(context.Background(), b.until)
}

// lastWord is a context for a call that is made even when the patience has
// ended.
func lastWord() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), lastWordTime)
}

const lastWordTime = 2 * time.Second

// awaitEmpty waits for the last acknowledgements. Nothing tells of them, so it
// asks.
func (b *bench) awaitEmpty() {
	ctx, cancel := b.patient()
	defer cancel()
	ticks := time.NewTicker(50 * time.Millisecond)
	defer ticks.Stop()
	for {
		status, err := b.target.Status(ctx, b.cfg.Topic)
		if err != nil {
			return
		}
		b.crowd = b.crowd || status.Consumers > len(b.inlets)
		if status.Messages <= b.foreign() {
			return
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// tidy drops the queue, if it was made for this run.
func (b *bench) tidy() error {
	ctx, cancel := lastWord()
	defer cancel()
	return b.target.remove(ctx)
}
