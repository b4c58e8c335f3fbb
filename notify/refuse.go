package notify

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/shopex/prism-go/internal/socket"
)

// recovery decides what becomes of the unconfirmed when a connection has ended.
type recovery struct {
	tries   tries
	full    int // connections in a row that ended with a full queue
	refused int // connections in a row that ended with a refusal
}

const (
	lastFull    = 10 * time.Second // between two looks at a full queue
	fewRefusals = 8                // without a pause: to find one message among others takes two
	lastRefusal = time.Second      // between two connections when there are more
)

// after returns how long to wait before the next connection.
func (r *recovery) after(p *Publisher, end ending) time.Duration {
	var closed *socket.CloseError
	if errors.As(end.err, &closed) {
		switch closed.Code {
		case socket.TryAgainLater:
			return r.queueFull(p, closed)
		case socket.ProtocolFault, socket.UnsupportedData, socket.InvalidPayload, socket.PolicyViolation, socket.MessageTooBig:
			if p.refused(closed) {
				return r.refusal(end)
			}
		}
	}
	return r.lost(p, end)
}

// refusal needs no wait, as one message is settled or will be alone next time,
// unless it goes on and on.
func (r *recovery) refusal(end ending) time.Duration {
	if end.useful {
		r.refused = 0
	}
	if r.refused++; r.refused <= fewRefusals {
		return 0
	}
	return backoff(r.refused-fewRefusals, firstBackoff, lastRefusal)
}

// lost is for a connection that ended without a word about messages, or was
// never made.
func (r *recovery) lost(p *Publisher, end ending) time.Duration {
	err := end.err
	p.mu.Lock()
	p.full, p.lost = nil, err
	p.mu.Unlock()
	if !curable(err, p.link.worked.Load()) {
		p.link.fail(slog.LevelError, "cannot publish", err)
		p.fail(err, true)
		return backoff(1, firstBackoff, lastBackoff) // for a caller who goes on
	}
	p.link.fail(slog.LevelWarn, "not connected", err)
	if p.cfg.FailUnconfirmed {
		p.fail(err, false)
	}
	wait, err := r.tries.failed(p.link.retry, end)
	if err != nil {
		p.fail(err, true)
		r.tries = tries{}
	}
	return wait
}

// queueFull sends one at a time from now on, so that what has room is
// confirmed and does not come twice with every try.
func (r *recovery) queueFull(p *Publisher, closed *socket.CloseError) time.Duration {
	p.link.fail(slog.LevelWarn, "a queue of the platform is full", closed)
	p.mu.Lock()
	if p.full == nil {
		r.full = 0
	}
	p.full = closed
	several := p.suspectSent() > 1 || p.ghost != 0
	p.mu.Unlock()
	if several && p.cfg.FailUnconfirmed {
		p.fail(closed, false)
	}
	r.full++
	return min(p.link.retry.delay(r.full), lastFull)
}

// refused finds the message that the platform did not take: there is no nack,
// so all that were sent are suspects, and the one that ends a connection alone
// is it. It reports whether there was any.
func (p *Publisher) refused(closed *socket.CloseError) bool {
	p.link.fail(slog.LevelWarn, "the platform refused a message", closed)
	p.mu.Lock()
	first := p.queue.first
	again := first != nil && first.suspect
	sent, ghost := p.suspectSent(), p.ghost != 0
	found := sent == 1 && !ghost && (again || p.cfg.FailUnconfirmed)
	if found {
		first.settled = true
	}
	p.mu.Unlock()
	switch {
	case found:
		p.stats.failed.Add(1)
		p.settle([]*item{first}, &RefusedError{Code: int(closed.Code), Reason: closed.Reason})
	case p.cfg.FailUnconfirmed:
		p.fail(closed, false)
	}
	return sent > 0 || ghost
}

// suspectSent marks what this connection was given and counts it. The caller
// holds mu.
func (p *Publisher) suspectSent() (n int) {
	for it := p.queue.first; it != p.unsent; it = it.next {
		it.suspect = true
		n++
	}
	return n
}

// unknown is the error of a message that was sent, when err came before its
// confirmation.
func unknown(err error) error { return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err) }
