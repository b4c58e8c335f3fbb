package main

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/shopex/prism-go/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

func TestTheProgramTellsTheWholeTour(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatalf("%v after\n%s", err, out.String())
	}
	if text := out.String(); strings.Count(text, "✓") != 9 || !strings.HasSuffix(text, " s.\n") {
		t.Errorf("it told\n%s", text)
	}
}

// A pipe whose reader has gone, such as head.
type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestTheProgramSaysThatNobodyReadsIt(t *testing.T) {
	if err := run(t.Context(), closed{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v", err)
	}
}
