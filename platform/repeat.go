package platform

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/shopex/prism-go/internal/code"
)

// A call that changes something counts once, and with Config.RefuseReplays every call. A
// stranger that finds its signature, in the log of a proxy or on a connection without TLS,
// must not be able to repeat the call while its sign_time is valid. So the signature is
// kept as a record for that time, for all platforms over the Store.

const kindSign = "sign"

// changesLeft bounds the remembered signatures of each admin key. A signature that is
// forgotten too early could be repeated, so a key with too many has to wait.
type changesLeft struct {
	limit int

	mu   sync.Mutex
	ends map[string][]time.Time // by key: when a record ends, oldest first
}

// count counts a change whose record lives from now until end. It returns how long
// to wait if there are too many.
func (s *changesLeft) count(key string, now, end time.Time) (wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ends := s.ends[key]
	for len(ends) > 0 && !now.Before(ends[0]) {
		ends = ends[1:]
	}
	if len(ends) >= s.limit {
		s.ends[key] = ends
		return ends[0].Sub(now)
	}
	if s.ends == nil {
		s.ends = make(map[string][]time.Time)
	}
	s.ends[key] = append(ends, end)
	return 0
}

// once refuses a signature that has been here before. In secret mode there is no
// signature, and a stranger that reads a call can make any other call anyway.
func (p *Platform) once(r *http.Request, c *call) error {
	ctx := r.Context()
	if p.cfg.SignWindow < 0 || p.cfg.SignWindowPast < 0 || c.sign == "" {
		return nil
	}
	now := p.cfg.Now()
	life := p.cfg.SignWindowPast + p.cfg.SignWindow + time.Second // sign_time may be ahead
	if wait := p.changes.count(c.key.ID, now, now.Add(life)); wait > 0 {
		return &failure{
			status: http.StatusTooManyRequests, code: code.TooManyChanges, retryAfter: wait,
			message: "this key has made as many calls as are remembered for the window of signatures; wait",
		}
	}
	name, made := c.key.ID+"\x00"+c.sign, madeCall{At: now}
	if !p.cfg.RefuseReplays && signsTwice(r) {
		made.By = c.caller.ip()
	}
	err := saveRecord(ctx, p.cfg.Store, kindSign, name, &made, 0, life)
	if errors.Is(err, ErrConflict) {
		if again, err := p.mayRepeat(ctx, name, made); again || err != nil {
			return err
		}
		return unauthorized(code.RepeatedSign, "a call with this signature was made before, and each counts once: "+
			"sign it anew, at another second or with a further parameter such as nonce that is random")
	}
	return err
}

// A madeCall is what is remembered of a call whose signature was seen.
type madeCall struct {
	At time.Time
	By string // the address that may make the same call again; empty if none may
}

// repeatWithin is how long the published SDK for PHP may repeat a call.
const repeatWithin = 2 * time.Second

// signsTwice reports whether the caller signs two equal calls of one second alike, and
// means two: the published SDK for PHP does, with which tools make several keys in a row.
func signsTwice(r *http.Request) bool { return strings.HasPrefix(r.UserAgent(), phpUserAgent) }

// mayRepeat reports whether a call whose signature was seen counts again. Who finds the
// signature in a log comes too late or from elsewhere.
func (p *Platform) mayRepeat(ctx context.Context, name string, now madeCall) (bool, error) {
	first, _, err := loadRecord[madeCall](ctx, p.cfg.Store, kindSign, name)
	if errors.Is(err, ErrNoRecord) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return now.By != "" && first.By == now.By && now.At.Sub(first.At) < repeatWithin, nil
}
