// Package receipts acknowledges deliveries when the reader of the output has them.
package receipts

import (
	"context"
	"sync"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/pipes"
	"github.com/shopex/prism-go/notify"
)

// Receipts acknowledge what was printed: at once, or into a pipe only when its
// reader has taken it, as what a pipe holds is lost with its reader.
type Receipts struct {
	ctx  context.Context
	stop context.CancelFunc // ends ctx, and so the connection
	pipe *pipes.Pipe        // or nil
	wake chan struct{}      // something waits

	mu      sync.Mutex // guards what follows
	changed sync.Cond
	waiting []receipt // in the pipe
	acked   int
	err     error // why nothing more is taken
}

// A receipt is a delivery and where it ends in the output.
type receipt struct {
	delivery *notify.Delivery
	end      int64
}

// New returns receipts for a connection that lasts as long as ctx, which stop ends.
// Pipe is where deliveries are printed; nil is an output that loses nothing.
func New(ctx context.Context, stop context.CancelFunc, pipe *pipes.Pipe) *Receipts {
	r := &Receipts{ctx: ctx, stop: stop, pipe: pipe, wake: make(chan struct{}, 1)}
	r.changed.L = &r.mu
	return r
}

// many deliveries do not wait for watch: the platform stops at 256 that are not
// acknowledged.
const many = 32

// Add acknowledges a delivery that was just printed, now or later.
func (r *Receipts) Add(d *notify.Delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pipe == nil {
		r.ack(d)
		return
	}
	if r.ctx.Err() != nil {
		return // nobody asks the reader any more
	}
	r.waiting = append(r.waiting, receipt{d, r.pipe.Written()})
	switch n := len(r.waiting); {
	case n == 1:
		r.look()
	case n%many == 0:
		r.settle()
	}
}

// ack counts no delivery whose connection has ended, as that comes again.
func (r *Receipts) ack(d *notify.Delivery) {
	if d.Ack(r.ctx) == nil {
		r.acked++
	}
}

// settle acknowledges what the reader has taken. The caller holds mu.
func (r *Receipts) settle() {
	err, taken := r.pipe.Ask(), r.pipe.Taken()
	n := 0
	for ; n < len(r.waiting) && r.waiting[n].end <= taken; n++ {
		r.ack(r.waiting[n].delivery)
	}
	r.waiting = append(r.waiting[:0], r.waiting[n:]...)
	if err != nil && len(r.waiting) > 0 {
		r.err, r.waiting = err, nil
		r.stop()
	}
	r.changed.Broadcast()
}

// Enough waits while what is acknowledged and what waits may be n, and reports
// whether n are acknowledged.
func (r *Receipts) Enough(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.waiting) > 0 && r.acked+len(r.waiting) >= n {
		r.changed.Wait()
	}
	return r.acked >= n
}

// Pass counts a delivery that is not to be acknowledged.
func (r *Receipts) Pass() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acked++
}

// Outcome returns how many deliveries were acknowledged, and why no more are.
func (r *Receipts) Outcome() (acked int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.acked, r.err
}

// readGrace is how long the reader of a pipe may go on when the command ends.
const readGrace = time.Second

// Finish ends the connection once nothing waits, but within readGrace.
func (r *Receipts) Finish() {
	defer time.AfterFunc(readGrace, r.stop).Stop()
	r.mu.Lock()
	for len(r.waiting) > 0 {
		r.changed.Wait()
	}
	r.mu.Unlock()
	r.stop()
}
