package exit

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// Attempt makes a call to the platform at url, and sees to the exit status of
// its error.
func Attempt(ctx context.Context, url string, call func(context.Context) error) error {
	var tried, reached, answering atomic.Bool
	err := call(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { tried.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { reached.Store(true) },

		GotFirstResponseByte: func() { answering.Store(true) },
	}))
	var failure *prism.Error
	var large *prism.BodyTooLargeError
	var exit *Error // such as output that could not be written
	var answer *prism.AnswerError
	switch {
	case err == nil, errors.As(err, &failure), errors.As(err, &large), errors.As(err, &exit), errors.As(err, &answer), ctx.Err() != nil:
		return err
	case !tried.Load():
		return With(Usage, err)
	case errors.Is(err, context.DeadlineExceeded) && reached.Load():
		return err
	case answering.Load():
		return fmt.Errorf("the answer broke off, so it may be done or not: %s", words.Plain(err))
	}
	return CannotReach(url, err)
}
