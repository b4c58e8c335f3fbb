package platform_test

import (
	"context"
	"errors"
	"testing"

	"github.com/shopex/prism-go/platform"
)

// stuckDepths is an engine that counts until its test says so.
type stuckDepths struct {
	platform.Queues
	began, goOn chan struct{}
}

func (s *stuckDepths) Depths(context.Context) ([]platform.QueueDepth, error) {
	s.began <- struct{}{}
	<-s.goOn
	return nil, nil
}

func TestWhoGivesUpDoesNotWaitForACountOfOthers(t *testing.T) {
	engine := &stuckDepths{began: make(chan struct{}), goOn: make(chan struct{})}
	count := platform.NewDepthCounts(engine)
	first := make(chan error)
	go func() { first <- count(t.Context()) }()
	<-engine.began
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := count(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the second count ended with %v", err)
	}
	close(engine.goOn)
	if err := <-first; err != nil {
		t.Error(err)
	}
}
