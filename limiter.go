package prism

import (
	"context"
	"fmt"
)

// Limiter bounds the rate of calls; [golang.org/x/time/rate.Limiter] is one. Wait blocks
// until the next request may be sent, and returns an error if ctx ends or would end
// before. Any number of goroutines call it at the same time.
type Limiter interface {
	Wait(ctx context.Context) error
}

// awaitTurn waits for the limiter. Its error names the failure of the try before, if any.
func (c *Client) awaitTurn(ctx context.Context, r *request, before error) error {
	if c.cfg.Limiter == nil {
		return nil
	}
	err := c.cfg.Limiter.Wait(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		err = ended(ctx)
	}
	if before != nil {
		return fmt.Errorf("prism: %s %s: %w while waiting for Config.Limiter to repeat after: %w", r.method, r.name, err, before)
	}
	return fmt.Errorf("prism: %s %s: not sent: %w while waiting for Config.Limiter", r.method, r.name, err)
}
