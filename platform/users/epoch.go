package users

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/shopex/prism-go/platform"
)

const (
	defaultCheck = time.Minute
	// mostEpochs is how many answers are kept, in about 150 bytes each.
	mostEpochs = 10_000
	// retryCheck is when somebody is asked again who has not answered, and quickCheck how
	// long to wait for an answer in place of one that is there.
	retryCheck = 10 * time.Second
	quickCheck = 2 * time.Second
)

var _, _ interface {
	platform.Users
	platform.UserEpochs
} = (*SQL)(nil), (*HTTP)(nil)

// epochs keeps the epochs of users for a while, as they are asked for with each use of a
// session.
type epochs struct {
	mu     sync.Mutex // guards what follows
	known  map[[sha256.Size]byte]*epochAnswer
	failed bool // the last time that somebody was asked
}

// A check is how to find out whether a user may still be logged in.
type check struct {
	every, timeout time.Duration
	log            *slog.Logger // gets the first of failures in a row; may be nil
	// ask returns an epoch, or platform.ErrUnknownUser for a user who may not log in.
	ask func(context.Context) (string, error)
}

// An epochAnswer is what was answered of a login. It does not change.
type epochAnswer struct {
	epoch string    // "" if the user may not log in any more
	until time.Time // when to ask again
}

func (a *epochAnswer) result() (string, error) {
	if a.epoch == "" {
		return "", platform.ErrUnknownUser
	}
	return a.epoch, nil
}

// of returns the epoch of a login, as it was answered last or is answered now. While there
// is no answer, the last one counts.
func (e *epochs) of(ctx context.Context, login string, c check) (string, error) {
	name := sha256.Sum256([]byte(login))
	last, due := e.claim(name)
	if !due {
		return last.result()
	}
	if last != nil {
		c.timeout = min(c.timeout, quickCheck)
	}
	within, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	epoch, err := c.ask(within)
	switch {
	case err == nil || errors.Is(err, platform.ErrUnknownUser):
		e.put(name, last, &epochAnswer{epoch, time.Now().Add(c.every)})
		return epoch, err
	case ctx.Err() == nil: // else it is the caller who has gone
		e.note(c.log, err)
	}
	if last != nil {
		return last.result()
	}
	return "", fmt.Errorf("%w: %w", platform.ErrUnavailable, err)
}

// note logs that nobody answers, once until somebody does.
func (e *epochs) note(log *slog.Logger, err error) {
	e.mu.Lock()
	first := !e.failed
	e.failed = true
	e.mu.Unlock()
	if first && log != nil {
		log.Warn("it cannot be found out whether users may still be logged in; the last answers count", "error", err)
	}
}

// claim returns the last answer of a login, nil if there is none, and whether the caller has
// to ask. The others use the last answer meanwhile.
func (e *epochs) claim(name [sha256.Size]byte) (last *epochAnswer, due bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	last = e.known[name]
	if last == nil {
		return nil, true
	}
	now := time.Now()
	if now.Before(last.until) {
		return last, false
	}
	last = &epochAnswer{last.epoch, now.Add(retryCheck)}
	e.known[name] = last
	return last, true
}

// put stores an answer, unless there is a newer one than the last that its asker has seen.
func (e *epochs) put(name [sha256.Size]byte, last, a *epochAnswer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failed = false
	if e.known[name] == last {
		e.store(name, a)
	}
}

// learn stores what a login has shown.
func (e *epochs) learn(login, epoch string, every time.Duration) {
	if epoch == "" {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.store(sha256.Sum256([]byte(login)), &epochAnswer{epoch, time.Now().Add(every)})
}

// store makes room if it has to, by forgetting any other: it is asked for again. e.mu is
// held.
func (e *epochs) store(name [sha256.Size]byte, a *epochAnswer) {
	if e.known == nil {
		e.known = make(map[[sha256.Size]byte]*epochAnswer)
	}
	if e.known[name] == nil && len(e.known) >= mostEpochs {
		for other := range e.known {
			delete(e.known, other)
			break
		}
	}
	e.known[name] = a
}

// epochOf returns the epoch of a user with this ID and something that changes when the
// user's sessions have to end, of which n bytes of a digest are used.
func epochOf(id, changing string, n int) string {
	of, sum := sha256.Sum256([]byte(id)), sha256.Sum256([]byte(changing))
	return hex.EncodeToString(of[:8]) + hex.EncodeToString(sum[:n])
}
