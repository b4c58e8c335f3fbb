package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/internal/printable"
)

// report prints err, if there is anything to say, and returns its exit status.
func (t *tool) report(err error) int {
	if err == nil {
		return exit.Done
	}
	status := exit.Of(err)
	if status != exit.Interrupted { // the user has pressed Ctrl-C, and knows
		t.notice("%s", words.Plain(err))
	}
	return status
}

// notice prints a message for the user, beside the output.
func (t *tool) notice(format string, args ...any) { noticeTo(t.err, format, args...) }

// noticeTo is notice, to w instead of standard error.
func noticeTo(w io.Writer, format string, args ...any) {
	text := flagNames.Replace(fmt.Sprintf(format, args...))
	fmt.Fprintln(w, "prismctl: "+printable.Lines(text))
}

// flagNames turns the names of a Go programmer into those of the command line.
var flagNames = strings.NewReplacer(
	"Config.Server", "PRISM_URL (or --url)",
	"Config.Key", "PRISM_KEY (or --key)",
	"Config.Secret", "PRISM_SECRET (or --secret-file)",
	"Config.Token", "PRISM_TOKEN (or --token)",
	"Config.Timeout", "--timeout",
	"; see PublisherConfig", "",
)
