// Command release makes what is tagged for a release, and finds out whether it
// can be installed:
//
//	go run ./tools/release prepare v1.2.3 DIR    writes the release into DIR
//	go run ./tools/release check                 installs one from this source
//
// Neither publishes anything or changes the working tree.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	var err error
	switch args := os.Args[1:]; {
	case len(args) == 3 && args[0] == "prepare":
		err = prepare(ctx, args[1], args[2])
	case len(args) == 1 && args[0] == "check":
		err = check(ctx)
	default:
		fmt.Fprintln(os.Stderr, "usage: go run ./tools/release check | prepare v1.2.3 DIR")
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}
