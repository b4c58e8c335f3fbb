//go:build unix

package receipts

import (
	"context"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/pipes"
)

// Ctrl-C in a shell ends the reader of the pipe as well, and maybe first.
func TestAReaderThatIsInterruptedWithTheCommandIsNoFailure(t *testing.T) {
	for after, want := range map[time.Duration]error{oneSignal / 2: nil, 2 * oneSignal: pipes.ErrNoReader} {
		synctest.Test(t, func(t *testing.T) {
			reader, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			_ = reader.Close()
			ctx, cancel := context.WithTimeout(t.Context(), after)
			defer cancel()
			connected, stop := context.WithCancel(t.Context())
			defer stop()
			r := New(connected, stop, nil)
			r.WatchReader(ctx, w)
			if r.err != want {
				t.Errorf("with the signal after %v: %v", after, r.err)
			}
		})
	}
}
