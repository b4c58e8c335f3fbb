package platform

import (
	"context"
	"sync"
)

// A background is a goroutine that begins when it is needed for the first time, and ends
// with the platform.
type background struct {
	mu    sync.Mutex // guards what follows
	ended bool
	stop  context.CancelFunc // nil until it has begun
	done  chan struct{}      // closed when it has ended
}

// begin runs run in a goroutine, unless that was done before. run returns when its context
// ends. begin reports whether there was no end yet.
func (b *background) begin(run func(context.Context)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended || b.stop != nil {
		return !b.ended
	}
	ctx, stop := context.WithCancel(context.Background())
	b.stop, b.done = stop, make(chan struct{})
	go func() {
		defer close(b.done)
		run(ctx)
	}()
	return true
}

// end lets the goroutine end and not begin any more. It returns when the goroutine has
// ended, or ctx.
func (b *background) end(ctx context.Context) error {
	b.mu.Lock()
	if b.stop != nil {
		b.stop()
	}
	b.ended = true
	done := b.done
	b.mu.Unlock()
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
