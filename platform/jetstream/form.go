package jetstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/shopex/prism-go/platform"
)

const (
	// formTime is how long servers that were just started have to find each
	// other and to choose a leader.
	formTime  = 30 * time.Second
	formAgain = 250 * time.Millisecond
)

// whenFormed calls ask until the servers can do what it wants, for at most formTime,
// as platforms and servers are often started together.
func (e *Engine) whenFormed(ctx context.Context, ask func(context.Context) error) error {
	formed := time.Now().Add(formTime)
	for waiting := false; ; waiting = true {
		err := ask(ctx)
		switch {
		case err == nil || !isForming(err):
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(formed):
			return fmt.Errorf("%w: JetStream is not ready: see that more than half of its servers run, and as many as there are replicas (%w)", platform.ErrUnavailable, err)
		case !waiting:
			e.config.Logger.Warn("jetstream: the servers are not ready, which may pass", "error", err, "patience", formTime)
		}
		select {
		case <-time.After(formAgain):
		case <-ctx.Done():
		}
	}
}

// isForming reports whether servers that have not found each other or have no leader
// yet may return err.
func isForming(err error) bool {
	const noSuitablePeers, insufficientResources = 10005, 10023
	var refused *jetstream.APIError
	if errors.As(err, &refused) {
		return refused.Code == http.StatusServiceUnavailable ||
			refused.ErrorCode == noSuitablePeers || refused.ErrorCode == insufficientResources
	}
	return errors.Is(err, platform.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, jetstream.ErrNoStreamResponse)
}
