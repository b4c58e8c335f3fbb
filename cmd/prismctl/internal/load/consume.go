package load

import (
	"context"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

// handle acknowledges a delivery, if the message is one of this run.
func (b *bench) handle(ctx context.Context, in *inlet, d *notify.Delivery) error {
	s, ok := markingOf(d.Body)
	if !ok || s.run != b.id {
		b.leaveAlone(in)
		return nil
	}
	now := b.clock()
	fresh := b.slots.consume(s.id)
	err := d.Ack(ctx)
	switch {
	case b.slots.first(s.id):
		if fresh {
			b.arrived <- struct{}{}
		}
		return nil
	case fresh:
		in.handled.add(s.sent, now)
		b.count.consumed.Add(1)
	default:
		b.count.duplicates.Add(1)
	}
	if err != nil {
		b.count.stale.Add(1) // it comes again
		return nil
	}
	b.count.acked.Add(1)
	return nil
}

func (b *bench) leaveAlone(in *inlet) {
	in.holds.Add(1)
	b.count.foreign.Add(1)
	b.warned.Do(func() {
		b.cfg.Notice("messages of others come to %s; they are not acknowledged, and free again in the end", words.Queue(b.cfg.Topic))
	})
}

// foreign is how many messages of others the consumers hold.
func (b *bench) foreign() (n int) {
	for _, in := range b.inlets {
		n += int(in.holds.Load())
	}
	return n
}
