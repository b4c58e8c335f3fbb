package platform

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/shopex/prism-go/sign"
)

// What looking for the causes of wrong signatures may cost, in signatures of one KiB,
// which take some microseconds each: at most diagnosisLimit for one call, and for all
// calls diagnosesPerSecond, which is a twentieth of a processor, after diagnosesAtOnce.
const (
	diagnosisLimit     = 4_000
	diagnosesPerSecond = 10_000
	diagnosesAtOnce    = 200_000
)

// diagnosable is how large a form is at most that is kept for a diagnosis, as it came.
const diagnosable = 64 << 10 // bytes

// diagnoses bounds the work of looking for causes. Strangers decide how often there is
// something to look for.
type diagnoses struct {
	mu   sync.Mutex // guards what follows
	left int
	last time.Time // when left was right
}

// take reserves the work of one diagnosis. It returns false if there is none left.
func (d *diagnoses) take(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last.IsZero() {
		d.left, d.last = diagnosesAtOnce, now
	}
	if passed := now.Sub(d.last); passed > 0 {
		d.left = min(diagnosesAtOnce, d.left+int(min(passed.Seconds(), 3600)*diagnosesPerSecond))
		d.last = now
	}
	if d.left < diagnosisLimit {
		return false
	}
	d.left -= diagnosisLimit
	return true
}

// giveBack returns what was reserved and not needed.
func (d *diagnoses) giveBack(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left += n
}

// diagnose finds out why a signature is wrong, for the log, for the record of
// the call and for callers to whom refusals are explained.
func (p *Platform) diagnose(r *http.Request, c *call, signed sign.Request, signature, secret string) (d sign.Diagnosis, ok bool) {
	if !p.diagnoses.take(time.Now()) {
		return d, false
	}
	received := sign.Received{Request: signed, RawQuery: r.URL.RawQuery, Body: c.rawForm, Host: r.Host}
	d = sign.Diagnose(secret, received, signature, sign.Options{Limit: diagnosisLimit})
	p.diagnoses.giveBack(max(0, diagnosisLimit-d.Tried))
	if c.why == "" || !slices.Contains(d.Causes, "other-secret") { // an earlier try, with another secret of the key, may say more
		c.causes, c.why = d.Causes, d.Text
	}
	return d, true
}

// explained reports whether a refusal is explained to its caller.
func (p *Platform) explained(r *http.Request, c *call) bool {
	return p.cfg.Explain && p.local(r, c.caller)
}
