package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"

	"github.com/alecthomas/kong"

	"github.com/shopex/prism-go/cmd/prismctl/internal/service"
	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
)

type serveCmd struct {
	identity
	settings.Serve
	Open bool `help:"Open the console in the browser."`
}

// Help teaches by example.
func (*serveCmd) Help() string {
	return `Messages, keys and logins live in memory and end with the process, or in --data or --nats, and stay. Where there are no keys, and none is given by PRISM_KEY and PRISM_SECRET or by --app-key, a new one is made; it may make and change apps and keys. Likewise a new user, who can sign in, unless --admin-key or --app-key is given.

    prismctl serve
    prismctl serve --data /var/lib/prism
    prismctl serve --bind 'order.#=orders' --bind '#='
    prismctl serve --user alice:password.txt --redirect https://shop.example/auth/callback
    PRISM_KEY=buwb2lii PRISM_SECRET=ucr72ygfutspqeuu6s36 prismctl serve --sign-window 0

Each setting is a flag (--sign-window), a variable (PRISM_SIGN_WINDOW) and a line of the file (sign-window = "10m"); the first of these that is given counts. There are more for limits, such as --limits-max-body, limits.max-body in the file: --print-config shows all of them.

    prismctl serve --config prismctl.toml --print-config

For scripts, the first line of output comes when connections are accepted:

    $ prismctl serve --listen 127.0.0.1:0 --output json
    {"url":"http://127.0.0.1:36231/api","key":"...","secret":"...","user":"demo","password":"...","console":"..."}

SIGTERM and Ctrl-C end it, after --drain-delay and within --drain, with exit status 0; a second one, half a second later, ends it at once. On loopback, a refused signature is explained to the caller.`
}

// AfterApply is called for the flags.
func (c *serveCmd) AfterApply(k *kong.Context, t *tool) error { return c.Settle(k, t.env) }

// Run serves until ctx ends.
func (c *serveCmd) Run(ctx context.Context, t *tool, k *kong.Context) error {
	if c.PrintConfig {
		var text bytes.Buffer
		if err := c.Print(&text, k, t.env, c.Key, c.SecretFile); err != nil {
			return err
		}
		return t.write(text.Bytes())
	}
	settings.WarnOfSlips(k, t.environ(), t.notice)
	level, err := t.level(slog.LevelInfo)
	if err != nil {
		return err
	}
	cfg := service.Config{
		Serve: &c.Serve, Key: c.Key, SecretFile: c.SecretFile, Level: level,
		Env: t.env, Log: t.err, Notice: noticeTo,
		Announce: func(a *service.Announcement) error { return cmp.Or(t.announce(a), c.open(ctx, t, a)) },
	}
	if t.Output == asJSON {
		cfg.Lines = t.out
	}
	return service.Run(ctx, cfg)
}

// open opens the console, if it is asked for. A browser that cannot be opened is no reason
// to end.
func (c *serveCmd) open(ctx context.Context, t *tool, a *service.Announcement) error {
	switch {
	case !c.Open:
	case a.Console == "":
		return errors.New("--open: there is no console: --console on serves one")
	default:
		if err := t.browse(ctx, a.Console); err != nil {
			t.notice("no browser could be opened: %v", err)
		}
	}
	return nil
}

// announce says by the first output of serve how to reach it: for people, or in
// one line for programs.
func (t *tool) announce(a *service.Announcement) error {
	if t.Output == asJSON {
		return t.printJSON(a)
	}
	return t.println("%s", a.Text())
}
