// Package lifeline ends a command whose connection to the platform has never
// been there, and tells the user of one that was lost.
package lifeline

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

// A Line watches the connection of a publisher or a consumer, which would
// try for ever: if the platform cannot be reached, or refuses, before it was
// reached once, the command ends.
type Line struct {
	notice func(format string, args ...any) // tells the user something
	url    string
	stop   context.CancelCauseFunc // of the command

	reached, lost atomic.Bool
}

// New returns a context that ends with the reason when the line gives up. What
// the user should know of the connection to url goes to notice.
func New(ctx context.Context, url string, notice func(format string, args ...any)) (context.Context, *Line) {
	ctx, stop := context.WithCancelCause(ctx)
	return ctx, &Line{notice: notice, url: url, stop: stop}
}

// OnConnect is for a publisher or a consumer, as the next two are.
func (l *Line) OnConnect() {
	l.reached.Store(true)
	if l.lost.Swap(false) {
		l.notice("connected again")
	}
}

// OnDisconnect takes the error of a connection that was lost.
func (l *Line) OnDisconnect(err error) {
	if err == nil || errors.Is(err, notify.ErrQueueDropped) {
		return // this side ended it, or there is nothing to come back to
	}
	if !l.lost.Swap(true) {
		l.notice("the connection was lost (%s); connecting again", words.Plain(err))
	}
}

// OnError takes the error of a try to connect.
func (l *Line) OnError(err error) {
	if l.reached.Load() {
		return // it heals, or ends what is running
	}
	var failure *prism.Error
	switch {
	case errors.Is(err, prism.ErrRateLimited):
		l.notice("%s\nTrying again.", words.Plain(err))
	case errors.As(err, &failure):
		l.stop(exit.With(exit.Refused, err))
	default:
		l.stop(exit.CannotReach(l.url, err))
	}
}

// Stop ends the command with an error that has an exit status, unless it has
// ended.
func (l *Line) Stop(err error) { l.stop(err) }

// Reached reports whether there has been a connection.
func (l *Line) Reached() bool { return l.reached.Load() }

// Verdict returns why the line of ctx gave up, if it did, and err otherwise.
func Verdict(ctx context.Context, err error) error {
	var gaveUp *exit.Error
	if errors.As(context.Cause(ctx), &gaveUp) {
		return gaveUp
	}
	return err
}
