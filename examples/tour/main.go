// Tour shows what this module does in a second: a platform on a free port of
// this machine, signed calls, the login of a user, an API that a provider offers,
// messages from one application to another, a handler that fails, connections that
// are cut and heal, a refusal that explains itself. It needs nothing, and each step is checked; the exit
// status is 0 only if all of them held. From the directory of this module:
//
//	go run ./examples/tour
//
// The code that it runs is in internal/tour: call.go calls an API, offer.go offers
// one, message.go publishes and consumes, user.go is a page behind a login,
// start.go is the platform.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/shopex/prism-go/internal/tour"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tour:", err)
		os.Exit(1)
	}
}

// run goes on the tour and tells it line by line.
func run(ctx context.Context, out io.Writer) error {
	return tour.Run(ctx, tour.Config{Line: func(text string) error {
		_, err := fmt.Fprintln(out, text)
		return err
	}})
}
