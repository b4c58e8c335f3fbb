package receipts

import (
	"context"
	"os"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/pipes"
)

// oneSignal is how long after the reader of a pipe this process may get the signal,
// such as that of Ctrl-C, which ended both.
const oneSignal = 200 * time.Millisecond

// WatchReader ends the connection when the reader of the pipe out ends, though there
// is nothing to write which would tell. The end of ctx has an order of its own.
func (r *Receipts) WatchReader(ctx context.Context, out *os.File) {
	if !pipes.AwaitNoReader(r.ctx, out) {
		return
	}
	select {
	case <-ctx.Done():
	case <-r.ctx.Done():
	case <-time.After(oneSignal):
		r.lose()
	}
}

// lose acknowledges what the reader has taken, and gives up the rest.
func (r *Receipts) lose() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pipe != nil {
		r.settle()
	}
	if r.err == nil {
		r.err = pipes.ErrNoReader
	}
	r.waiting = nil
	r.changed.Broadcast()
	r.stop()
}
