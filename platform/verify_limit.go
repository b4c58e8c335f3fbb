package platform

import (
	"errors"
	"hash/maphash"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/internal/code"
)

// A pace allows a number of failures at once, and one more each interval.
type pace struct {
	interval time.Duration
	burst    int
}

// How often a proof may be wrong: from one address, and from one address for one key.
// There is no limit for a key alone, as anybody could use it to lock the key out.
var (
	addressPace = pace{time.Second / 100, 100}
	pairPace    = pace{time.Second / 20, 100}
)

// maxFailureNames bounds the table. A name is forgotten within seconds.
const maxFailureNames = 1 << 15

// wrongProofs counts calls whose proof was wrong.
type wrongProofs struct {
	seed maphash.Seed
	any  atomic.Bool // so that a platform without failures takes no lock

	mu   sync.Mutex           // guards what follows
	ends map[uint64]time.Time // when a name has no failures left
}

func (w *wrongProofs) init() {
	w.seed = maphash.MakeSeed()
	w.ends = make(map[uint64]time.Time)
}

// A failureName is an address, or an address and a key.
type failureName struct{ address, key string }

// wait returns for how long no further failure of a name is allowed.
func (w *wrongProofs) wait(name failureName, p pace, now time.Time) time.Duration {
	if !w.any.Load() {
		return 0
	}
	hash := maphash.Comparable(w.seed, name)
	w.mu.Lock()
	defer w.mu.Unlock()
	end, known := w.ends[hash]
	if !known || end.Before(now) {
		return 0
	}
	return max(0, end.Sub(now)-time.Duration(p.burst-1)*p.interval)
}

// add counts a failure of a name.
func (w *wrongProofs) add(name failureName, p pace, now time.Time) {
	hash := maphash.Comparable(w.seed, name)
	w.mu.Lock()
	defer w.mu.Unlock()
	end, known := w.ends[hash]
	if !known && len(w.ends) >= maxFailureNames {
		w.forget(now)
	}
	if end.Before(now) {
		end = now
	}
	w.ends[hash] = end.Add(p.interval)
	w.any.Store(true)
}

// forget removes the names without failures, or any one if all have some.
func (w *wrongProofs) forget(now time.Time) {
	for hash, end := range w.ends {
		if end.Before(now) {
			delete(w.ends, hash)
		}
	}
	for hash := range w.ends {
		if len(w.ends) < maxFailureNames {
			return
		}
		delete(w.ends, hash)
	}
}

// guessing refuses a call before its proof is checked, if too many proofs for this key
// from the same address were wrong.
func (p *Platform) guessing(c *call, key string) error {
	if !p.wrong.any.Load() {
		return nil
	}
	if wait := p.wrong.wait(failureName{c.caller.group(), key}, pairPace, time.Now()); wait > 0 {
		return tooManyWrong(wait)
	}
	return nil
}

// disproved counts the refusal err of a call if its proof was wrong, and replaces err
// when too many calls from that address were refused. A call with the right proof is
// served, however many others fail.
func (p *Platform) disproved(c *call, key string, err error) error {
	var f *failure
	if !errors.As(err, &f) || f.code != code.UnknownKey && f.code != code.InvalidSign && f.code != code.InvalidSecret {
		return err
	}
	now, address := time.Now(), failureName{address: c.caller.group()}
	if wait := p.wrong.wait(address, addressPace, now); wait > 0 {
		return tooManyWrong(wait)
	}
	p.wrong.add(address, addressPace, now)
	if f.code != code.UnknownKey {
		p.wrong.add(failureName{address.address, key}, pairPace, now)
	}
	return err
}

func tooManyWrong(wait time.Duration) *failure {
	return &failure{
		status: http.StatusTooManyRequests, code: code.TooManyFailures, retryAfter: wait,
		message: "too many calls from this address could not prove who they are: check key and secret, and wait before the next one",
	}
}
