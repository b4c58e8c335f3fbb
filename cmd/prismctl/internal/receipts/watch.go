package receipts

import "time"

// A reader that takes nothing is asked more and more rarely.
const (
	shortestPause = 100 * time.Microsecond
	longestPause  = 50 * time.Millisecond
)

// Watch settles until ctx ends. No system call waits for a reader to read, so it
// asks again and again while something waits.
func (r *Receipts) Watch() {
	defer r.abandon()
	pause := shortestPause
	for {
		select {
		case <-r.wake:
		case <-r.ctx.Done():
			return
		}
		select {
		case <-time.After(pause):
		case <-r.ctx.Done():
			return
		}
		pause = min(2*pause, longestPause)
		if r.again() {
			pause = shortestPause
		}
	}
}

// again settles and reports whether the reader has taken anything.
func (r *Receipts) again() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(r.waiting)
	if before > 0 {
		r.settle()
	}
	if len(r.waiting) > 0 {
		r.look()
	}
	return len(r.waiting) < before
}

// look has the reader asked before long.
func (r *Receipts) look() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// abandon lets nothing wait for what is not acknowledged any more.
func (r *Receipts) abandon() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = nil
	r.changed.Broadcast()
}
