package platform

import (
	"context"
	"errors"
	"sync"
)

// mostInParallel is how many of the calls of inParallel go on at the same time.
const mostInParallel = 16

// inParallel calls do for each item, several at a time, and returns when all calls have
// returned: the first error, or why ctx ended before all were made. Once the store or the
// engine is not available it gives up, as each further call could take long.
func inParallel[T any](ctx context.Context, items []T, do func(context.Context, T) error) error {
	working, giveUp := context.WithCancel(ctx)
	defer giveUp()
	next, failed := make(chan T), make(chan error, 1)
	var group sync.WaitGroup
	for range min(mostInParallel, len(items)) {
		group.Go(func() {
			for item := range next {
				if working.Err() != nil {
					continue
				}
				err := do(working, item)
				if err == nil {
					continue
				}
				select {
				case failed <- err:
				default: // a later error mostly comes of giving up
				}
				if errors.Is(err, ErrUnavailable) {
					giveUp()
				}
			}
		})
	}
	for _, item := range items {
		next <- item
	}
	close(next)
	group.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return ctx.Err()
	}
}
