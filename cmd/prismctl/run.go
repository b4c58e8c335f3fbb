package main

import (
	"cmp"
	"context"
	"io"
	"slices"

	"github.com/alecthomas/kong"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/manual"
)

// A tool is what every command works with.
type tool struct {
	in       io.Reader
	out, err io.Writer
	env      func(name string) string
	environ  func() []string                                 // NAME=VALUE
	config   func() (dir string, err error)                  // for what programs keep for this user
	browse   func(ctx context.Context, address string) error // opens the user's browser
	screen   bool                                            // out is a terminal
	everyFlag
}

// run runs one command and returns the exit status.
func run(ctx context.Context, args []string, t tool) int {
	var c commands
	grammar, one := c.named(args)
	helped := false
	help := &noted{w: t.out} // the parser takes its error for a wrong argument
	parser, err := kong.New(grammar, kong.Name("prismctl"), kong.Description(description), one,
		kong.Writers(help, t.err), kong.Exit(func(int) { helped = true }), kong.Bind(&t), asGiven(), withUnit(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 92}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "user", Title: "Act as a user:"},
			{Key: "call", Title: "Call an API:"},
			{Key: "messages", Title: "Messages:"},
			{Key: "provision", Title: "Provision, with an admin key:"},
			{Key: "connection", Title: "Connection:"},
			{Key: "other", Title: "Other:"},
		}))
	if err != nil {
		return t.report(err)
	}
	switch {
	case len(args) > 0 && args[0] == completeWord:
		return t.complete(ctx, parser.Model, args[1:])
	case len(args) == 3 && args[0] == manualWord:
		return t.report(manual.Write(args[1], parser.Model, prism.Version, args[2]))
	}
	parsed, err := parser.Parse(asked(args))
	switch {
	case help.err != nil:
		return t.report(unwritten(help.err))
	case helped:
		return exit.Done
	case err != nil:
		return t.report(misused(err))
	}
	t.everyFlag = c.everyFlag
	if err := cmp.Or(t.checkProfile(parsed), t.agree(ctx, parsed)); err != nil {
		return t.report(err)
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	return t.report(parsed.Run(&t))
}

// manualWord, with a directory and a date, is how tools/dist asks for the manual pages.
const manualWord = "__manual"

// asked makes what kong knows of "help COMMAND", of a version that is asked for by a flag,
// of no arguments at all, and of a curl that is pasted behind "sign explain", whose
// arguments are no flags of ours.
func asked(args []string) []string {
	switch curl := slices.Index(args, "curl"); {
	case len(args) == 0:
		return []string{"--help"}
	case curl > 1 && args[0] == "sign" && (slices.Contains(args[:curl], "explain") || slices.Contains(args[:curl], "verify")):
		return slices.Insert(slices.Clone(args), curl, "--")
	case args[0] == "help":
		return append(args[1:len(args):len(args)], "--help")
	case args[0] == "--version":
		return append([]string{"version"}, args[1:]...)
	}
	return args
}
