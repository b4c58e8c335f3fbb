// Prismctl is a Prism platform and a client for it, on the command line.
// Package prism is the client for programs.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/signin"
)

func main() {
	// A closed pipe is an error of the write, so that what could not be
	// written is not acknowledged.
	signal.Ignore(syscall.SIGPIPE)
	log.SetOutput(io.Discard) // what net/http says of a receiver by itself has bytes of the receiver
	_, screen := terminal(os.Stdout)
	os.Exit(run(untilSignal(), os.Args[1:], tool{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Getenv, environ: os.Environ, config: os.UserConfigDir, browse: signin.OpenBrowser,
		screen: screen,
	}))
}

// sameSignal is how long further signals are taken for the first one: some
// programs, such as timeout, send theirs to the process and to its group.
const sameSignal = 500 * time.Millisecond

// untilSignal returns a context that ends with the first signal, so that
// everything can end in order. The second one does not wait for that.
func untilSignal() context.Context {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-signals
		first := time.Now()
		cancel()
		for range signals {
			if time.Since(first) >= sameSignal {
				os.Exit(exit.Interrupted)
			}
		}
	}()
	return ctx
}
