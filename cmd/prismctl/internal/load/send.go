package load

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/notify"
)

// load publishes until the duration is over or ctx ends, and waits until what
// is under way has come through.
func (b *bench) load(ctx context.Context) {
	loading, cancel := context.WithTimeout(ctx, b.cfg.Duration)
	defer cancel()
	publishing, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	b.slots.open()
	var senders sync.WaitGroup
	for _, out := range b.outlets {
		for range b.cfg.callers() {
			senders.Go(func() { b.send(loading, publishing, out) })
		}
	}
	<-loading.Done()
	b.ended.Store(b.clock())
	b.early = ctx.Err() != nil
	rest, cancel := b.patient()
	defer cancel()
	b.slots.takeAll(rest)
	giveUp()
	senders.Wait()
}

// send publishes one message after the other.
func (b *bench) send(loading, publishing context.Context, out *outlet) {
	body := b.newBody()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for loading.Err() == nil {
		i, ok := b.slots.take(loading)
		if !ok {
			return
		}
		sent, ok := b.pace.turn(loading, timer)
		if !ok {
			b.slots.cancel(i)
			return
		}
		marking{b.id, b.slots.begin(i, sent, out.confirmed), sent}.put(body)
		b.count.published.Add(1)
		if b.cfg.ConfirmEach {
			b.settle(i, out.PublishMessage(publishing, b.message(body)))
		} else if err := out.PublishAsync(publishing, b.message(body), b.slots.all[i].done); err != nil {
			b.settle(i, err)
		}
	}
}

// newBody is one of the right size, which lacks its marking.
func (b *bench) newBody() []byte {
	body := make([]byte, b.cfg.Size)
	for i := range body {
		body[i] = 'x'
	}
	return body
}

func (b *bench) message(body []byte) notify.Message {
	return notify.Message{Key: b.cfg.RoutingKey, Body: body}
}

// settle takes note of what became of publishing a message. What is refused
// once would be so each time, so that ends the load.
func (b *bench) settle(i int, err error) {
	if err == nil {
		sent, by := b.slots.confirm(i)
		by.add(sent, b.clock())
		b.count.confirmed.Add(1)
		return
	}
	b.count.failed.Add(1)
	b.failure.CompareAndSwap(nil, &err)
	if errors.Is(err, notify.ErrClosed) || errors.Is(err, context.Canceled) {
		return // the patience has ended
	}
	b.slots.cancel(i)
	b.line.Stop(exit.With(exit.Refused, err))
}
