package load

import (
	"context"
	"sync/atomic"
	"time"
)

// A pace says when each message is due, for all who publish together.
type pace struct {
	rate  int64 // messages a second; 0 is as fast as it goes
	began int64 // nanoseconds of clock
	clock func() int64
	next  atomic.Int64 // the number of the next message
}

// oversleep is how late a timer may be, which is not the platform's fault.
const oversleep = 2 * time.Millisecond

// turn waits until the next message is due and returns when it counts as sent.
// A message that is late, as the ones before it were held up, counts as sent
// when it was due: what waits for a slow platform would else not be measured
// (coordinated omission). The timer is the caller's, to be used again.
func (p *pace) turn(ctx context.Context, timer *time.Timer) (sent int64, ok bool) {
	if p.rate == 0 {
		return p.clock(), true
	}
	due := p.began + p.due(p.next.Add(1)-1)
	now := p.clock()
	if due > now {
		timer.Reset(time.Duration(due - now))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return 0, false
		}
		now = p.clock()
	}
	if now-due > int64(oversleep) {
		return due, true
	}
	return now, true
}

// due is when message n is, after the begin.
func (p *pace) due(n int64) int64 {
	const second = int64(time.Second)
	return n/p.rate*second + n%p.rate*second/p.rate // n*second would overflow
}
