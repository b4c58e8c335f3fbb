package platform

import (
	"context"
	"errors"
	"net/http"
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
func (p *Platform) once(ctx context.Context, c *call) error {
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
	err := saveRecord(ctx, p.cfg.Store, kindSign, c.key.ID+"\x00"+c.sign, &struct{}{}, 0, life)
	if errors.Is(err, ErrConflict) {
		return unauthorized(code.RepeatedSign, "a call with this signature was made before, and each counts once: "+
			"sign it anew, at another second or with a further parameter such as nonce that is random")
	}
	return err
}
