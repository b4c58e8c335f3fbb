package platform

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/shopex/prism-go/internal/code"
)

// A call that changes something counts once. Who finds its signature, in the log
// of a proxy or on a wire without TLS, may make no second call of it while its
// sign_time is good. So the signature is a record for that time, for all platforms
// over the Store.

const kindSign = "sign"

// changesLeft counts what is remembered of each admin key. What is forgotten
// before its time could be repeated, so whoever has too much has to wait.
type changesLeft struct {
	limit int

	mu   sync.Mutex
	ends map[string][]time.Time // by key: when a record ends, oldest first
}

// take counts a change whose record lives from now until end. It returns how long
// to wait if there are too many.
func (s *changesLeft) take(key string, now, end time.Time) (wait time.Duration) {
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

// once refuses a signature that has made a change before. In secret mode there is
// none, and whoever reads a call can make any other.
func (p *Platform) once(ctx context.Context, c *call) error {
	if p.cfg.SignWindow < 0 || c.sign == "" {
		return nil
	}
	now := p.cfg.Now()
	life := 2*p.cfg.SignWindow + time.Second // sign_time may be ahead by the window
	if wait := p.changes.take(c.key.ID, now, now.Add(life)); wait > 0 {
		return &failure{
			status: http.StatusTooManyRequests, code: code.TooManyChanges, retryAfter: wait,
			message: "this key has made as many changes as are remembered for the window of signatures; wait",
		}
	}
	err := saveRecord(ctx, p.cfg.Store, kindSign, c.key.ID+"\x00"+c.sign, &struct{}{}, 0, life)
	if errors.Is(err, ErrConflict) {
		return unauthorized(code.RepeatedSign, "a call with this signature was made before, and each changes something once: "+
			"sign it anew, at another second or with a further parameter such as nonce that is random")
	}
	return err
}
