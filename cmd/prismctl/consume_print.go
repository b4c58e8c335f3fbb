package main

import (
	"cmp"
	"context"
	"sync"

	"github.com/shopex/prism-go/cmd/prismctl/internal/pipes"
	"github.com/shopex/prism-go/cmd/prismctl/internal/receipts"
	"github.com/shopex/prism-go/notify"
)

// print prints and acknowledges deliveries until there are enough, and returns
// how many that were. The connection outlives ctx until the reader of a pipe has
// taken what was printed.
func (c *consumeCmd) print(ctx context.Context, t *tool, consumer *notify.Consumer) (done int, err error) {
	connected, stop := context.WithCancel(context.WithoutCancel(ctx))
	out := pipes.Of(t.out)
	pipe := pipes.Count(connected, out)
	if pipe != nil {
		t.out = pipe
	}
	r := receipts.New(connected, stop, pipe)
	var watching sync.WaitGroup
	watching.Go(r.Watch)
	if out != nil {
		watching.Go(func() { r.WatchReader(ctx, out) })
	}
	defer context.AfterFunc(ctx, r.Finish)()
	err = c.printUntil(ctx, connected, t, consumer, r)
	stop()
	watching.Wait()
	done, lost := r.Outcome()
	if lost == pipes.ErrNoReader && c.Count != nil && done >= *c.Count {
		lost = nil // it had what it wanted
	}
	return done, cmp.Or(lost, err)
}

func (c *consumeCmd) printUntil(ctx, connected context.Context, t *tool, consumer *notify.Consumer, r *receipts.Receipts) error {
	for d, err := range consumer.Deliveries(connected) {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			<-connected.Done()
			return nil
		}
		if err := t.printDelivery(d); err != nil {
			if connected.Err() != nil {
				return nil // the reader stalls, and the command is at its end
			}
			r.Finish() // what the reader took before it went is acknowledged
			return err
		}
		if c.NoAck {
			r.Pass()
		} else {
			r.Add(d)
		}
		if c.Count != nil && r.Enough(*c.Count) {
			return nil
		}
	}
	return nil
}
