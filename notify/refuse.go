package notify

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/shopex/prism-go/internal/socket"
)

// recovery decides what to do with unconfirmed messages when a connection has ended.
type recovery struct {
	tries   tries
	full    int // connections in a row that ended with a full queue
	refused int // connections in a row that ended with a refusal
}

const (
	lastFull    = 10 * time.Second // the longest pause between two tries at a full queue
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

// refusal returns how long to wait after a refusal: mostly not at all, as one message has
// failed now or will be alone next time; but longer when many refusals follow each other.
func (r *recovery) refusal(end ending) time.Duration {
	if end.useful {
		r.refused = 0
	}
	if r.refused++; r.refused <= fewRefusals {
		return 0
	}
	return backoff(r.refused-fewRefusals, firstBackoff, lastRefusal)
}

// lost returns how long to wait after a connection that ended for a reason other than a
// message, or that could not be made.
func (r *recovery) lost(p *Publisher, end ending) time.Duration {
	err := end.err
	p.mu.Lock()
	p.lastErr = err
	p.mu.Unlock()
	if !curable(err, p.link.worked.Load()) {
		p.link.fail(slog.LevelError, "cannot publish", err)
		p.fail(err, true)
		return backoff(1, firstBackoff, lastBackoff) // a caller may publish again
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

// queueFull makes messages be sent one at a time from now on. So a message for which
// there is room is confirmed, and is not stored again with every try.
func (r *recovery) queueFull(p *Publisher, closed *socket.CloseError) time.Duration {
	p.link.fail(slog.LevelWarn, "a queue of the platform is full", closed)
	p.mu.Lock()
	if !isQueueFull(p.lastErr) {
		r.full = 0
	}
	p.lastErr = closed
	suspects, _ := p.ledger.markSuspects()
	p.mu.Unlock()
	if suspects > 1 && p.cfg.FailUnconfirmed {
		p.fail(closed, false)
	}
	r.full++
	return min(p.link.retry.delay(r.full), lastFull)
}

// isQueueFull reports whether the platform has closed with 1013.
func isQueueFull(err error) bool {
	var closed *socket.CloseError
	return errors.As(err, &closed) && closed.Code == socket.TryAgainLater
}

// refused finds the message that the platform refused. There is no nack, so all messages
// that were sent are suspects, and the one that ends a connection alone is the refused
// one. It reports whether there was any suspect.
func (p *Publisher) refused(closed *socket.CloseError) bool {
	p.link.fail(slog.LevelWarn, "the platform refused a message", closed)
	p.mu.Lock()
	suspects, again := p.ledger.markSuspects()
	found := suspects == 1 && p.ledger.abandoned == 0 && (again || p.cfg.FailUnconfirmed)
	p.mu.Unlock()
	switch {
	case found:
		p.failFirst(&RefusedError{Code: int(closed.Code), Reason: closed.Reason}, p.ledger.given)
	case p.cfg.FailUnconfirmed:
		p.fail(closed, false)
	}
	return suspects > 0
}

// unknown is the error of a message that was sent, when err came before its
// confirmation.
func unknown(err error) error { return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err) }
