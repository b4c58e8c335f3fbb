package enginetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

// A trial is one engine under test. Its methods fail the test when the engine
// refuses, so they belong to the test's goroutine.
type trial struct {
	testing.TB
	ctx context.Context
}

func (t *trial) must(err error, doing string, args ...any) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", fmt.Sprintf(doing, args...), err)
	}
}

func (t *trial) refused(got, want error, doing string) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("%s: got error %v, want %v", doing, got, want)
	}
}
