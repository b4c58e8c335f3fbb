package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/alecthomas/kong"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/secrets"
	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/platform"
)

type serveCmd struct {
	identity
	settings.Serve
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
    {"url":"http://127.0.0.1:36231/api","key":"...","secret":"...","user":"demo","password":"..."}

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
	logged := newLogQueue(t.err, c.lostLine, nil)
	defer func(direct io.Writer) {
		logged.close()
		t.err = direct
	}(t.err)
	t.err = logged
	log, err := c.logger(t)
	if err != nil {
		return err
	}
	chosen, err := c.chosenKey(t)
	if err != nil {
		return err
	}
	limitMemory(log)
	s := &service{serveCmd: c, t: t, log: log, logged: logged}
	stop := onHangup(s.hungUp) // without this SIGHUP would end the process
	defer stop()
	if s.engine, err = openEngine(ctx, &c.Storage, c.Syncing, c.queueBounds(), log); err != nil {
		return unlessAsked(ctx, err)
	}
	err = errors.Join(s.run(ctx, chosen), s.engine.close())
	log.Info("ended")
	return unlessAsked(ctx, err)
}

// unlessAsked returns nil for what failed because a signal has ended ctx: to end
// is what was asked for, also when nothing is served yet.
func unlessAsked(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// logger returns the log of the platform: warnings, unless another level was
// asked for.
func (c *serveCmd) logger(t *tool) (*slog.Logger, error) {
	level, err := t.level(slog.LevelWarn)
	if err != nil {
		return nil, err
	}
	return c.logTo(t.err, level), nil
}

func (c *serveCmd) logTo(out io.Writer, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}

// lostLine says in the log how many of its lines are missing there.
func (c *serveCmd) lostLine(lost int64) []byte {
	var line bytes.Buffer
	c.logTo(&line, slog.LevelWarn).Warn("lines of this log were lost, as nobody read it", "lines", lost)
	return line.Bytes()
}

// chosenKey is the key of PRISM_KEY or --key, or the zero value.
func (c *serveCmd) chosenKey(t *tool) (key platform.Key, err error) {
	key.ID = cmp.Or(c.Key, t.env("PRISM_KEY"))
	if key.Secret, err = secrets.Of(c.SecretFile, t.env, "PRISM_SECRET"); err != nil {
		return key, err
	}
	if (key.ID == "") != (key.Secret == "") {
		return key, exit.Usagef("only one of PRISM_KEY and PRISM_SECRET is set: set both to choose the key, or none to have a new one")
	}
	if key.ID == "" {
		return key, nil
	}
	return key, usable(key.ID, key.Secret)
}
