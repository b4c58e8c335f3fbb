package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

type serveCmd struct {
	identity
	Listen     string        `default:"127.0.0.1:8080" placeholder:"ADDR" help:"The address to listen on (${default}); port 0 is any free one."`
	SignWindow time.Duration `default:"10m" placeholder:"D" help:"How far the time of a signature may be from this clock (${default}); 0 accepts any, for recorded traffic."`
	Bind       []string      `sep:"none" placeholder:"PATTERN=TOPIC" help:"Route messages that match PATTERN to the queue of TOPIC, instead of all to the default queue, whose topic is empty. May be repeated."`
	loginFlags
}

// Help teaches by example.
func (*serveCmd) Help() string {
	return `Messages, keys and logins live in memory and end with the process. Without PRISM_KEY and PRISM_SECRET a new key is made, and without --user a new user, who can sign in.

    prismctl serve
    prismctl serve --bind 'order.#=orders' --bind '#='
    prismctl serve --user alice:password.txt --redirect https://shop.example/auth/callback
    PRISM_KEY=buwb2lii PRISM_SECRET=ucr72ygfutspqeuu6s36 prismctl serve --sign-window 0

For scripts, the first line of output comes when connections are accepted:

    $ prismctl serve --listen 127.0.0.1:0 --output json
    {"url":"http://127.0.0.1:36231/api","key":"...","secret":"...","user":"demo","password":"..."}

SIGTERM and Ctrl-C end it within 10 seconds, with exit status 0. On loopback, a refused signature is explained to the caller.`
}

// Validate is called for the flags.
func (c *serveCmd) Validate() error {
	if c.SignWindow < 0 {
		return errors.New("--sign-window must not be negative; 0 accepts any age")
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("--listen: %w; write HOST:PORT, such as 127.0.0.1:8080", err)
	}
	if _, err := c.bindings(); err != nil {
		return err
	}
	return c.loginFlags.check()
}

func (c *serveCmd) bindings() ([]memory.Binding, error) {
	var bindings []memory.Binding
	for _, bind := range c.Bind {
		pattern, topic, ok := strings.Cut(bind, "=")
		if !ok || pattern == "" {
			return nil, fmt.Errorf("--bind: %q is no binding: write PATTERN=TOPIC, such as order.#=orders", bind)
		}
		bindings = append(bindings, memory.Binding{Pattern: pattern, Topic: topic})
	}
	return bindings, nil
}

// Run serves until ctx ends.
func (c *serveCmd) Run(ctx context.Context, t *tool) error {
	key, err := c.firstKey(t)
	if err != nil {
		return err
	}
	store := memory.NewStore(key)
	users := platform.NewRegistry(store)
	first, err := c.users(users)
	if err != nil {
		return err
	}
	log, err := t.logger(t.logAt(slog.LevelWarn))
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("cannot listen: %w\nChoose another address by --listen; port 0 is any free one", err)
	}
	h, err := serveOn(l, c.config(key, store, users, l, log))
	if err != nil {
		return errors.Join(err, l.Close())
	}
	c.warn(t, l)
	if err := c.announce(t, h.url, key, first); err != nil {
		return errors.Join(err, c.stop(t, h))
	}
	select {
	case err := <-h.served:
		return fmt.Errorf("serving ended: %w", err)
	case <-ctx.Done():
	}
	return c.stop(t, h)
}

// firstKey is the key that was chosen, or a new one.
func (c *serveCmd) firstKey(t *tool) (platform.Key, error) {
	key := platform.Key{ID: c.Key, App: "prismctl"}
	if key.ID == "" {
		key.ID = t.env("PRISM_KEY")
	}
	if c.SecretFile == "" {
		key.Secret = t.env("PRISM_SECRET")
	} else {
		var err error
		if key.Secret, err = readSecret("secret", c.SecretFile); err != nil {
			return key, err
		}
	}
	switch {
	case key.ID == "" && key.Secret == "":
		return platform.NewKey("prismctl"), nil
	case key.ID == "" || key.Secret == "":
		return key, usage("only one of PRISM_KEY and PRISM_SECRET is set: set both to choose the key, or none to have a new one")
	}
	// A key that no client takes is of no use.
	_, err := prism.New(prism.Config{Server: "http://127.0.0.1/api", Key: key.ID, Secret: key.Secret})
	if err != nil {
		return key, &exitError{exitUsage, err}
	}
	return key, nil
}

func (c *serveCmd) config(key platform.Key, store *memory.Store, users platform.Users, l net.Listener, log *slog.Logger) platform.Config {
	bindings, _ := c.bindings() // Validate has seen the error
	store.AddApp(c.app(key.App))
	cfg := platform.Config{
		Store:      store,
		Users:      users,
		Queues:     memory.New(memory.Config{Bindings: bindings}),
		SignWindow: c.SignWindow,
		Logger:     log,
		Explain:    onLoopback(l.Addr()),
	}
	if cfg.SignWindow == 0 {
		cfg.SignWindow = -1 // zero would be the default
	}
	return cfg
}

func (c *serveCmd) warn(t *tool, l net.Listener) {
	if !onLoopback(l.Addr()) {
		t.notice("WARNING: other machines can reach %s, and there is no TLS: everyone on the way can read the messages, the tokens and the passwords.", l.Addr())
	}
	if c.SignWindow == 0 {
		t.notice("WARNING: signatures of any age are accepted, so recorded calls can be repeated.")
	}
}

func (c *serveCmd) announce(t *tool, url string, key platform.Key, first newcomer) error {
	if t.Output == asJSON {
		return t.printJSON(struct {
			URL    string `json:"url"`
			Key    string `json:"key"`
			Secret string `json:"secret"`
			newcomer
		}{url, key.ID, key.Secret, first})
	}
	return t.println(`A platform is ready at %s
Its messages live in memory and end with it. Ctrl-C ends it.

In another terminal, paste

    export PRISM_URL=%s
    export PRISM_KEY=%s
    export PRISM_SECRET=%s

and try

    prismctl publish order.new 'hello world'
    prismctl queue status
    prismctl consume
    prismctl login

%s`, url, quoted(url), quoted(key.ID), quoted(key.Secret), first.introduction())
}

// quoted returns s as a word of a shell.
func quoted(s string) string {
	plain := func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:/@%+=", r)
	}
	if s != "" && strings.IndexFunc(s, plain) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

const stopTime = 10 * time.Second

// stop ends the platform. What had to be cut is no failure of the command.
func (c *serveCmd) stop(t *tool, h *host) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if err := h.stop(ctx); err != nil {
		t.notice("not everyone had left after %v and was cut off: %v", stopTime, err)
	}
	return nil
}
