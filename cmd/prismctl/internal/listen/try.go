package listen

import (
	"context"
	"errors"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/internal/push"
	"github.com/shopex/prism-go/notify"
)

// triesInARow is after how many tries a message that fails gives its worker back, and from
// then on after each, so that it does not hold up others. The consumer has it come again
// after a pause of its own. With one worker it does hold them up, which keeps the order.
const triesInARow = 3

// silentPause is that of so many failures: it is two or three seconds.
const silentPause = 5

// handle brings a delivery to the receiver. It returns nil when the receiver has taken it,
// or when it was parked. After another error the message comes again.
func (l *listener) handle(ctx context.Context, d *notify.Delivery) error {
	lost := l.connection()
	before := l.pasts.get(d)
	for n := before.tries + 1; ; n++ {
		a := Attempt{ID: d.ID, RoutingKey: d.Key, Attempt: before.attempt + n - 1}
		err := l.try(ctx, d, &a)
		if err != nil && ctx.Err() == nil && l.most > 0 && n >= l.most {
			a.Parked = l.park(d, err)
		}
		l.emit(ctx, a)
		if err == nil || a.Parked {
			l.pasts.forget(d.ID)
			return nil
		}
		l.pasts.set(d.ID, past{n, before.attempt})
		if !l.again(n, &a, lost) {
			return err
		}
	}
}

// try brings a delivery to the receiver once.
func (l *listener) try(ctx context.Context, d *notify.Delivery, a *Attempt) error {
	began := time.Now()
	err := l.cfg.To.deliver(ctx, d, a)
	a.took(time.Since(began))
	switch {
	case err == nil:
		l.state.delivered.Add(1)
		return nil
	case ctx.Err() != nil:
		err = errors.New("cut off, as listening has ended; the message comes again")
	default:
		l.state.failed.Add(1)
	}
	a.Error = err.Error()
	return err
}

// again waits after the nth try of a message, and reports whether this worker makes the
// next one. It waits in any case, as the receiver may be down.
func (l *listener) again(n int, a *Attempt, lost <-chan struct{}) bool {
	more := l.most == 0 || n < l.most
	wait := n
	if l.cfg.Workers > 1 {
		more = more && n < triesInARow
		wait = min(n, triesInARow)
	}
	if n > 1 && a.Status == 0 && a.Exit == nil { // no answer: it needs time to come back
		wait = max(wait, silentPause)
	}
	return l.pause(wait, lost) && more
}

// pause waits the longer, the greater n is, and reports whether it came to the end of that:
// not when the connection was lost, as the delivery comes again over the next one.
func (l *listener) pause(n int, lost <-chan struct{}) bool {
	timer := time.NewTimer(push.Pause(n))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-lost:
	case <-l.ctx.Done():
	}
	return false
}

// park takes a delivery out of the way of the others, and reports whether that was done.
// Otherwise it stays in the queue.
func (l *listener) park(d *notify.Delivery, reason error) bool {
	if l.ctx.Err() != nil {
		return false
	}
	if err := notify.Park(d, reason); err != nil {
		l.cfg.Notice("a message with the routing key %s was not parked: %s", shown(d.Key), words.Plain(err))
		return false
	}
	return true
}
