package jetstream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/shopex/prism-go/platform"
)

// A failure is why nothing can be stored at present.
type failure struct {
	mu     sync.Mutex
	reason error
}

// set sets the reason, nil when there is none any more. It reports whether the
// failure begins or ends with this call.
func (t *failure) set(err error) (changed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	changed = (t.reason == nil) != (err == nil)
	t.reason = err
	return changed
}

// get returns the reason, or nil when nothing is known to be wrong.
func (t *failure) get() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reason
}

var errSlow = fmt.Errorf("%w: JetStream does not answer in time: it has too much to do, or too few of its servers run", platform.ErrUnavailable)

// failureError returns the error of an operation that has waited for Config.Patience.
func (e *Engine) failureError() error {
	if err := e.server.unavailableError(); err != nil {
		return err
	}
	if err := e.mailbox.failure.get(); err != nil {
		return err
	}
	return errSlow
}

// setFailure notes why the log cannot be read or written, nil when it can again.
func (e *Engine) setFailure(err error) {
	switch changed := e.mailbox.failure.set(err); {
	case changed && err != nil:
		e.config.Logger.Warn("jetstream: the log does not take what is to be stored; it is tried again and again", "error", err)
	case changed:
		e.config.Logger.Info("jetstream: the log takes what is to be stored again")
	}
}

// unavailable returns the error for a request that got no answer. It does not wrap
// the deadline of the request, which is not the caller's.
func (j *journal) unavailable(err error) error {
	why := j.server.unavailableError()
	switch {
	case why != nil:
		return why
	case !j.nc.IsConnected():
		return fmt.Errorf("%w: JetStream cannot be reached: see that its servers run and that the network lets this process through (%v)", platform.ErrUnavailable, err)
	case errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("%w: JetStream is not ready: it begins to work, is turned off, or too few of its servers run: start those that are down (%v)", platform.ErrUnavailable, err)
	}
	return fmt.Errorf("%w: JetStream does not answer: too few of its servers run, more than half are needed, or a disk does not take what is written (%v)", platform.ErrUnavailable, err)
}

// insist does run, and tries again as long as JetStream is not available.
func (e *Engine) insist(run func(d *draft) error) {
	for errors.Is(e.do(e.ctx, run, nil), platform.ErrUnavailable) {
	}
}

// read returns a record. For Config.Patience it repeats a request that got no answer.
func (e *Engine) read(ctx context.Context, seq uint64) ([]byte, error) {
	short, cancel := context.WithTimeout(ctx, e.config.Patience)
	defer cancel()
	why := e.failureError
	for {
		b, err := e.journal.read(short, seq)
		switch {
		case err == nil || !errors.Is(err, platform.ErrUnavailable) && short.Err() == nil:
			return b, err
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case short.Err() != nil:
			return nil, why()
		}
		why = func() error { return err }
		e.pause(10 * time.Millisecond)
	}
}

// Ready stores an empty record. It returns nil when that was stored, so the engine
// can store now. Otherwise it returns an error that is
// [platform.ErrUnavailable], within Config.Patience, or that of ctx.
func (e *Engine) Ready(ctx context.Context) error {
	return e.do(ctx, func(d *draft) error {
		d.wanted = true
		return nil
	}, nil)
}
