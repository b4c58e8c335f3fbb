package main

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
)

// A lifeline watches the connection of a publisher or a consumer, which would
// try for ever: if the platform cannot be reached, or refuses, before it was
// reached once, the command ends.
type lifeline struct {
	t    *tool
	url  string
	stop context.CancelCauseFunc // of the command

	reached, lost atomic.Bool
}

// newLifeline returns a context that ends with the reason when the lifeline
// gives up.
func newLifeline(ctx context.Context, t *tool, url string) (context.Context, *lifeline) {
	ctx, stop := context.WithCancelCause(ctx)
	return ctx, &lifeline{t: t, url: url, stop: stop}
}

func (l *lifeline) onConnect() {
	l.reached.Store(true)
	if l.lost.Swap(false) {
		l.t.notice("connected again")
	}
}

func (l *lifeline) onDisconnect(err error) {
	if err == nil || errors.Is(err, notify.ErrQueueDropped) {
		return // this side ended it, or there is nothing to come back to
	}
	if !l.lost.Swap(true) {
		l.t.notice("the connection was lost (%s); connecting again", plain(err))
	}
}

func (l *lifeline) onError(err error) {
	if l.reached.Load() {
		return // it heals, or ends what is running
	}
	var failure *prism.Error
	switch {
	case errors.Is(err, prism.ErrRateLimited):
		l.t.notice("%s\nTrying again.", plain(err))
	case errors.As(err, &failure):
		l.stop(&exitError{exitRefused, err})
	default:
		l.stop(unreachable(l.url, err))
	}
}

// verdict returns why the lifeline gave up, if it did, and err otherwise.
func verdict(ctx context.Context, err error) error {
	var gaveUp *exitError
	if errors.As(context.Cause(ctx), &gaveUp) {
		return gaveUp
	}
	return err
}
