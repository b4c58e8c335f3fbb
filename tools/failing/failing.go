// Package failing tries out tests: those of a conformance suite must fail when
// what they test is broken.
package failing

import (
	"runtime"
	"testing"
)

// Does reports whether test fails. Nothing of that reaches t.
func Does(t *testing.T, test func(testing.TB)) bool {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(r)
	}()
	<-done
	return r.failed
}

// A recorder notes failures instead of failing the test.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }

func (r *recorder) Error(...any) { r.failed = true }

func (r *recorder) Fatalf(string, ...any) { r.FailNow() }

func (r *recorder) Fatal(...any) { r.FailNow() }

func (r *recorder) FailNow() {
	r.failed = true
	runtime.Goexit()
}
