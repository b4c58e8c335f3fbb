package main

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/secrets"
	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
)

// secretSource is the flag that says where the secret is.
type secretSource struct {
	SecretFile string `is:"file" group:"connection" placeholder:"FILE" help:"A file with the secret, instead of PRISM_SECRET."`
}

// given reports whether a flag or the environment has a secret.
func (s *secretSource) given(t *tool) bool { return s.SecretFile != "" || t.env("PRISM_SECRET") != "" }

// identity is the flags that say who calls.
type identity struct {
	Key string `group:"connection" placeholder:"KEY" help:"The key, also called client_id (PRISM_KEY)."`
	secretSource
}

// server is the flags that say whom to call.
type server struct {
	URL string `group:"connection" name:"url" placeholder:"URL" help:"The base URL of the API, such as http://127.0.0.1:8080/api (PRISM_URL)."`
	identity
}

// connection is the flags that say whom to call, and for how long.
type connection struct {
	server
	Timeout time.Duration `group:"connection" placeholder:"D" help:"Give up after this time, such as 10s."`
}

// client makes the client that the flags and the environment describe.
func (c *connection) client(ctx context.Context, t *tool) (*prism.Client, error) {
	if c.Timeout < 0 {
		return nil, exit.Usagef("--timeout must not be negative")
	}
	to, err := c.destination(t)
	if err != nil {
		return nil, err
	}
	server := to.url.value
	if server == "" {
		return nil, exit.Usagef("no platform is named: set PRISM_URL or give --url\n\"prismctl serve\" runs one on this machine, \"prismctl profile add\" remembers one.")
	}
	if i := strings.IndexFunc(server, secrets.Unseen); i >= 0 {
		return nil, exit.Usagef("PRISM_URL (or --url) has %s at byte %d: leave it out", secrets.Named([]rune(server[i:])[0]), i)
	}
	key, err := secrets.Visible("PRISM_KEY (or --key)", to.key.value)
	if err != nil {
		return nil, err
	}
	if key == "" {
		return nil, exit.Usagef("no key is named: set PRISM_KEY or give --key")
	}
	timed, cancel := c.within(ctx)
	defer cancel()
	secret, err := c.secretFor(timed, t, to)
	if err != nil {
		return nil, err
	}
	log, err := t.logger(nil)
	if err != nil {
		return nil, err
	}
	cfg := prism.Config{Server: server, Key: key, Secret: secret, Logger: log}
	if c.Timeout > 0 {
		cfg.Timeout = c.Timeout + time.Minute // so that the one of the command ends it
	}
	client, err := prism.New(cfg)
	if err != nil {
		return nil, exit.With(exit.Usage, err)
	}
	c.URL = server // for messages
	return client, nil
}

// hintTime is how long the platform is given to say what a command can do without.
var hintTime = 5 * time.Second

// within bounds ctx by --timeout, if it was given.
func (c *connection) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.Timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.Timeout)
}

// with makes a call by the client that the flags describe, as attempt does.
func (c *connection) with(ctx context.Context, t *tool, call func(context.Context, *prism.Client) error) error {
	client, err := c.client(ctx, t)
	if err != nil {
		return err
	}
	return c.attempt(ctx, func(ctx context.Context) error { return call(ctx, client) })
}

// attempt makes a call within --timeout and sees to the exit status of its
// error.
func (c *connection) attempt(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := c.within(ctx)
	defer cancel()
	return exit.Attempt(ctx, c.URL, call)
}

// logger returns the logger that was asked for, or else fallback.
func (t *tool) logger(fallback *slog.Logger) (*slog.Logger, error) {
	const none = slog.LevelError + 1
	level, err := t.level(none)
	if err != nil || level == none {
		return fallback, err
	}
	return t.logAt(level), nil
}

// level returns the level of the log that was asked for, or else fallback.
func (t *tool) level(fallback slog.Level) (slog.Level, error) {
	asked := cmp.Or(t.LogLevel, t.env("PRISM_LOG"))
	if asked == "" {
		return fallback, nil
	}
	level, err := settings.Level(asked)
	if err != nil {
		return fallback, exit.With(exit.Usage, err)
	}
	return level, nil
}

func (t *tool) logAt(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: level}))
}
