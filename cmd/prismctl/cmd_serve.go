package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/alecthomas/kong"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/secrets"
	"github.com/shopex/prism-go/platform"
)

type serveCmd struct {
	identity
	listFlags
	storage
	serveFlags
	frontFlags
	limitFlags

	sync  time.Duration
	from  sources // of settings
	lists lists
	whose sources // of lists
}

// serveFlags are the flags of serve that are settings.
type serveFlags struct {
	Config      string `is:"file" placeholder:"FILE" help:"A file of settings, in TOML (PRISM_CONFIG)."`
	PrintConfig bool   `help:"Print what is in force as such a file, and where each value is from, and end."`
	ShowSecret  bool   `hidden:""` // what earlier versions had

	Listen          string        `config:"listen" default:"127.0.0.1:8080" placeholder:"ADDR" help:"The address to listen on (${default}); port 0 is any free one."`
	AdminListen     string        `config:"admin-listen" placeholder:"ADDR" help:"An address for /healthz, /readyz and /metrics, such as 127.0.0.1:9090. Nobody has to log in there."`
	TLSCert         string        `is:"file" name:"tls-cert" config:"tls-cert" placeholder:"FILE" help:"Serve by TLS with this certificate, in PEM with its chain. It may be replaced at any time."`
	TLSKey          string        `is:"file" name:"tls-key" config:"tls-key" placeholder:"FILE" help:"The key of --tls-cert."`
	Sync            string        `config:"sync" default:"always" placeholder:"always|D" help:"When --data brings to the disk what it has confirmed: always at once, or after at most this time, such as 100ms. A power failure takes what was confirmed in that time; the end of the process, even by kill -9, takes nothing."`
	SignWindow      time.Duration `config:"sign-window" default:"10m" placeholder:"D" help:"How far the time of a signature may be from this clock (${default}); 0 accepts any, for recorded traffic."`
	SessionLife     time.Duration `config:"session-life" default:"720h" placeholder:"D" help:"How long a user stays logged in at most (${default}), however much the login is used; so long all tokens of it are good."`
	Drain           time.Duration `config:"drain" default:"10s" placeholder:"D" help:"How long calls and channels have to finish after SIGTERM (${default})."`
	DrainDelay      time.Duration `config:"drain-delay" default:"0s" placeholder:"D" help:"How long to go on serving after SIGTERM, with /readyz at 503, before that (${default}): as long as a load balancer needs to notice."`
	AccessLog       string        `is:"file" config:"access-log" placeholder:"FILE|-" help:"Write a line of JSON for each call to this file, or with --output json to standard output. SIGHUP opens the file again."`
	LogFormat       string        `config:"log-format" default:"text" placeholder:"text|json" help:"How the log on standard error is written (${default})."`
	AdminKey        string        `config:"admin-key" placeholder:"KEY" help:"A key that may make and change apps and keys."`
	AdminSecretFile string        `is:"file" config:"admin-secret-file" placeholder:"FILE" help:"A file with the secret of --admin-key, instead of PRISM_ADMIN_SECRET."`
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

// AfterApply is called for the flags. It looks for what they do not say in the
// environment and in the file.
func (c *serveCmd) AfterApply(k *kong.Context, t *tool) error {
	file, err := readSettings(cmp.Or(c.Config, t.env("PRISM_CONFIG")))
	if err != nil {
		return err
	}
	if c.from, err = settle(k, t.env, file); err != nil {
		return err
	}
	if c.lists, c.whose, err = c.listFlags.over(file); err != nil {
		return err
	}
	return cmp.Or(checkLevel(k, c.from["log-level"]), c.check())
}

// checkLevel reports whether the level of the log, which is a setting of all
// commands, is one.
func checkLevel(k *kong.Context, from string) error {
	for _, flag := range settingsOf(k) {
		if level := flag.Target.String(); flag.Tag.Get("config") == "log-level" && level != "" {
			if _, err := levelOf(level); err != nil {
				return fmt.Errorf("%s: %w", from, err)
			}
		}
	}
	return nil
}

func (c *serveCmd) check() error {
	switch {
	case c.ShowSecret:
		return errors.New("--show-secret: a secret is shown once, when it is made; if it is lost, give the key a new one by \"prismctl key rotate KEY\" with an admin key, or by a start with PRISM_KEY=KEY and a new PRISM_SECRET")
	case c.SignWindow < 0:
		return fmt.Errorf("%s must not be negative; 0 accepts any age", c.from["sign-window"])
	case c.SessionLife < time.Minute:
		return fmt.Errorf("%s must be a minute or more, such as 12h", c.from["session-life"])
	case c.Drain <= 0:
		return fmt.Errorf("%s must be more than 0, such as 10s", c.from["drain"])
	case c.DrainDelay < 0:
		return fmt.Errorf("%s must not be negative; 0 ends at once", c.from["drain-delay"])
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return errors.New("tls-cert and tls-key go together: give both, or none")
	case c.LogFormat != "text" && c.LogFormat != "json":
		return fmt.Errorf("%s: %q is no format of a log: use text or json", c.from["log-format"], c.LogFormat)
	}
	return cmp.Or(
		checkAddress(c.from["listen"], c.Listen, false),
		checkAddress(c.from["admin-listen"], c.AdminListen, true),
		c.storage.check(c.from),
		c.checkSync(),
		c.frontFlags.check(c.from),
		c.limitFlags.check(c.from),
		c.checkBindings())
}

// checkBindings holds the bindings to the limits of those that callers make.
func (c *serveCmd) checkBindings() error {
	for i, b := range c.lists.Bindings {
		if len(b.Pattern) > c.LimitsRoutingKey || len(b.Topic) > c.LimitsTopic {
			return fmt.Errorf("%s: a pattern has at most %d bytes and a topic %d (limits.routing-key, limits.topic)",
				nth(c.whose["binding"], i, ""), c.LimitsRoutingKey, c.LimitsTopic)
		}
	}
	return nil
}

func checkAddress(from, address string, optional bool) error {
	if optional && address == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("%s: %w; write HOST:PORT, such as 127.0.0.1:8080", from, err)
	}
	return nil
}

func (c *serveCmd) checkSync() (err error) {
	if c.Sync == "always" {
		return nil
	}
	if c.sync, err = time.ParseDuration(c.Sync); err != nil || c.sync <= 0 {
		return fmt.Errorf("%s: %q is no time to sync: write always, or a time such as 100ms", c.from["sync"], c.Sync)
	}
	if c.Data == "" {
		return fmt.Errorf("%s: the time of syncing is that of a directory: set data too, or look into the configuration of your servers", c.from["sync"])
	}
	return nil
}

// Run serves until ctx ends.
func (c *serveCmd) Run(ctx context.Context, t *tool, k *kong.Context) error {
	if c.PrintConfig {
		return c.printConfig(t, k)
	}
	t.warnOfSlips(k)
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
	if s.engine, err = c.storage.open(ctx, c.sync, c.queueBounds(), log); err != nil {
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
