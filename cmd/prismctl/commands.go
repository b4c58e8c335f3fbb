package main

import (
	"cmp"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
)

// everyFlag is the flags that every command has.
type everyFlag struct {
	Output  format `placeholder:"FORMAT" choices:"text,json" help:"Print text, for people, or json, one value a line."`
	Profile string `placeholder:"NAME" names:"profile" help:"The profile that says what to connect to, where no flag and no variable does (PRISM_PROFILE)."`
	settings.Log
}

type commands struct {
	everyFlag

	Demo    demoCmd    `cmd:"" help:"See it all work: a platform, signed calls, a login, messages, a cut connection that heals."`
	Serve   serveCmd   `cmd:"" help:"Run a platform, in memory or with messages that stay."`
	Health  healthCmd  `cmd:"" help:"Tell whether a platform is ready, by the exit status."`
	Backup  backupCmd  `cmd:"" help:"Copy all that a platform keeps to a file."`
	Restore restoreCmd `cmd:"" help:"Bring a backup to an empty place."`

	Login  loginCmd  `cmd:"" group:"user" help:"Sign in as a user, by the browser."`
	Logout logoutCmd `cmd:"" group:"user" help:"Sign the user out."`
	Whoami whoamiCmd `cmd:"" group:"user" help:"Tell who is signed in."`

	Get    getCmd    `cmd:"" group:"call" help:"Call an API by GET."`
	Post   postCmd   `cmd:"" group:"call" help:"Call an API by POST."`
	Put    putCmd    `cmd:"" group:"call" help:"Call an API by PUT."`
	Delete deleteCmd `cmd:"" group:"call" help:"Call an API by DELETE."`

	Publish publishCmd `cmd:"" group:"messages" help:"Publish messages and wait until the platform has them."`
	Consume consumeCmd `cmd:"" group:"messages" help:"Print deliveries and acknowledge them."`
	Listen  listenCmd  `cmd:"" group:"messages" help:"Bring messages to an HTTP server or to a command, and acknowledge what it takes."`
	Tail    tailCmd    `cmd:"" group:"messages" help:"Show calls, publishes, deliveries, acks and refusals as they happen."`
	Queue   queueCmd   `cmd:"" group:"messages" help:"Look after queues."`
	Bench   benchCmd   `cmd:"" group:"messages" help:"Measure how many messages a platform takes, and how fast they come through."`

	App   appCmd   `cmd:"" group:"provision" help:"Look after apps, and what they may publish and listen to."`
	Key   keyCmd   `cmd:"" group:"provision" help:"Look after the keys of apps."`
	API   apiCmd   `cmd:"" group:"provision" help:"Look after services, whose APIs the platform passes on, and their api.json files."`
	User  userCmd  `cmd:"" group:"provision" help:"Look after users, and end what their logins have begun."`
	Calls callsCmd `cmd:"" group:"provision" help:"Look at the calls through the gateway, and count them."`

	Profiles     profileCmd      `cmd:"" name:"profile" group:"other" help:"Remember platforms, keys, and where the secrets are."`
	Completion   completionCmd   `cmd:"" group:"other" help:"Print what completes command lines in a shell."`
	Sign         signCmd         `cmd:"" group:"other" help:"Sign, and explain a signature."`
	HashPassword hashPasswordCmd `cmd:"" name:"hash-password" group:"other" help:"Make of a password what a file of settings has."`
	Version      versionCmd      `cmd:"" group:"other" help:"Print the version."`
}

const description = `A Prism platform and a client for it.

Begin with

    prismctl demo

or run a platform in one terminal and talk to it from another:

    prismctl serve
    prismctl consume
    prismctl publish order.new 'hello world'

Clients find the platform by PRISM_URL, PRISM_KEY and PRISM_SECRET.

Exit status: 0 done, 1 the platform refused or the output could not be written, 2 wrong use, 3 the platform could not be reached, 4 timed out, 130 interrupted.`

// named returns the grammar with the one command that the first argument names, or with
// all where it names none. To build all of them takes most of the time of a short command.
func (c *commands) named(args []string) (grammar any, one kong.Option) {
	for field, value := range reflect.ValueOf(c).Elem().Fields() {
		name := cmp.Or(field.Tag.Get("name"), strings.ToLower(field.Name))
		if _, command := field.Tag.Lookup("cmd"); command && len(args) > 0 && args[0] == name {
			return &c.everyFlag, kong.DynamicCommand(name, field.Tag.Get("help"), field.Tag.Get("group"), value.Addr().Interface())
		}
	}
	return c, kong.OptionFunc(func(*kong.Kong) error { return nil })
}
