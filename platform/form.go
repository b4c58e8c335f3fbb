package platform

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// formBytes counts the bytes of the forms that the platform has in memory.
type formBytes struct {
	limit int64
	used  atomic.Int64
}

func (f *formBytes) take(n int64) bool {
	if f.used.Add(n) > f.limit {
		f.used.Add(-n)
		return false
	}
	return true
}

func (f *formBytes) giveBack(n int64) { f.used.Add(-n) }

// A formReader reads the form of a call. It counts what has arrived, not what
// was announced: whoever sends nothing takes no room from others.
type formReader struct {
	body  io.Reader
	call  *call
	forms *formBytes
}

func (r *formReader) Read(b []byte) (int, error) {
	n, err := r.body.Read(b)
	if !r.forms.take(int64(n)) {
		return 0, overloaded()
	}
	r.call.inFlight += int64(n)
	return n, err
}

func overloaded() *failure {
	return &failure{
		status: http.StatusServiceUnavailable, code: "overloaded", retryAfter: time.Second,
		message: "the platform is reading as many forms as it has room for; nothing was done: try again in a moment",
	}
}
