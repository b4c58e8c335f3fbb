package platform

import (
	"cmp"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/internal/code"
)

// byteBudget counts the bytes of the forms that have arrived and whose calls are
// being served, or of answers that are being written.
type byteBudget struct {
	limit int64
	used  atomic.Int64
}

func (f *byteBudget) reserve(n int64) bool {
	if f.used.Add(n) > f.limit {
		f.used.Add(-n)
		return false
	}
	return true
}

func (f *byteBudget) release(n int64) { f.used.Add(-n) }

// partForms has the forms that are being read. Their senders are not known yet, as the
// signature covers the whole form. When these forms take more than their limit, the
// reading of some is ended: of the address that holds most, those that have held most
// for longest. So a form that comes at once gets through, however many are half-sent.
type partForms struct {
	limit int64

	mu    sync.Mutex // guards what follows, and what a formReader counts
	used  int64
	forms map[*formReader]struct{}
}

func (f *partForms) init(l Limits) {
	f.limit = max(l.FormsInFlight/8, l.RequestBody+requestBytes)
	f.forms = make(map[*formReader]struct{})
}

// requestBytes is the memory that a form needs in addition to its own bytes.
const requestBytes = 4 << 10

// A form must come at formRate bytes a second once formGrace is over. That is checked
// every rateStep bytes.
const (
	formGrace = 10 * time.Second
	formRate  = 8 << 10
	rateStep  = 64 << 10
)

// A formReader reads the form of a call. It counts the bytes that have arrived, and not
// those that were announced: a caller that sends nothing takes little room.
type formReader struct {
	body    io.Reader
	call    *call
	forms   *partForms
	conn    *http.ResponseController
	ends    time.Time // when it must be complete
	size    int64     // guarded by forms.mu
	granted int64     // at this size the deadline is extended; guarded by forms.mu
	crowded bool      // its reading was ended to make room; guarded by forms.mu
}

// begin adds a form that is to be read from body within patience.
func (f *partForms) begin(w http.ResponseWriter, body io.Reader, c *call, patience time.Duration) *formReader {
	r := &formReader{body: body, call: c, forms: f, conn: http.NewResponseController(w), ends: c.began.Add(patience)}
	f.mu.Lock()
	f.forms[r] = struct{}{}
	f.mu.Unlock()
	f.grow(r, requestBytes)
	return r
}

// end removes a form, and reports whether its reading was not ended to make room.
func (f *partForms) end(r *formReader) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !r.crowded {
		delete(f.forms, r)
		f.used -= r.size
	}
	return !r.crowded
}

func (r *formReader) Read(b []byte) (int, error) {
	n, err := r.body.Read(b)
	if !r.forms.grow(r, int64(n)) {
		return 0, overloaded()
	}
	return n, err
}

// grow counts n bytes of r. It returns false if the reading of r was ended to make room.
func (f *partForms) grow(r *formReader, n int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.crowded {
		return false
	}
	r.size += n
	f.used += n
	if f.used > f.limit {
		f.makeRoom(r)
	}
	if !r.crowded && r.size-r.granted >= rateStep {
		r.granted = r.size
		r.conn.SetReadDeadline(earlier(r.ends, r.call.began.Add(formGrace+time.Duration(r.size)*time.Second/formRate)))
	}
	return !r.crowded
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// makeRoom ends the reading of forms until an eighth of the limit is free. When it comes to
// newest, it ends that only if there is still no room for it.
func (f *partForms) makeRoom(newest *formReader) {
	held := make(map[string]int64)
	for r := range f.forms {
		held[r.call.caller.group()] += r.size
	}
	now := time.Now()
	weight := func(r *formReader) int64 { return r.size / 64 * int64(now.Sub(r.call.began)/time.Millisecond+1) }
	var order []*formReader
	for r := range f.forms {
		order = append(order, r)
	}
	slices.SortFunc(order, func(a, b *formReader) int {
		return cmp.Or(cmp.Compare(held[b.call.caller.group()], held[a.call.caller.group()]), cmp.Compare(weight(b), weight(a)),
			a.call.began.Compare(b.call.began))
	})
	for _, r := range order {
		if f.used <= f.limit-f.limit/8 || r == newest && f.used <= f.limit {
			return
		}
		f.leave(r)
	}
}

// leave ends the reading of r.
func (f *partForms) leave(r *formReader) {
	r.crowded = true
	delete(f.forms, r)
	f.used -= r.size
	r.conn.SetReadDeadline(time.Unix(1, 0))
}

func overloaded() *failure {
	return &failure{
		status: http.StatusServiceUnavailable, code: code.Overloaded, retryAfter: time.Second,
		message: "the platform is reading as many forms as it has room for; nothing was done: try again in a moment",
	}
}
