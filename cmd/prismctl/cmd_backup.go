package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/alecthomas/kong"

	"github.com/shopex/prism-go/cmd/prismctl/internal/engine"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/files"
	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type backupCmd struct {
	settings.Storage
	configFlag
	File string `is:"file" arg:"" help:"The file to write, or a pipe or a device that is there; - is standard output."`
}

// Help teaches by example.
func (*backupCmd) Help() string {
	return `Writes a consistent copy of all messages, apps, keys, users and logins to a file that only its owner can read: it holds the secrets. The platform may run meanwhile. FILE is there only when it is whole.

    prismctl backup --data /var/lib/prism prism.backup
    prismctl backup --config /etc/prism/prismctl.toml prism.backup
    prismctl backup --nats nats://10.0.0.1,nats://10.0.0.2 - | gzip > prism.backup.gz`
}

// AfterApply is called for the flags.
func (c *backupCmd) AfterApply(k *kong.Context, t *tool) error {
	return c.Settle(k, t.env, c.Config)
}

// configFlag is for commands that take from a file of settings where the messages
// are.
type configFlag struct {
	Config string `is:"file" placeholder:"FILE" help:"The file of settings of the platform, in TOML (PRISM_CONFIG)."`
}

// Run writes the backup.
func (c *backupCmd) Run(ctx context.Context, t *tool) error {
	write := func(w io.Writer) error { return c.write(ctx, t, w) }
	if c.File == "-" && t.screen {
		return exit.Usagef("a backup is nothing for a terminal: give a file, or lead standard output elsewhere")
	}
	if c.File == "-" {
		return backedUp(write(t.out))
	}
	if err := files.ReplaceBy(c.File, write); err != nil {
		return backedUp(err)
	}
	return t.println("backed up %s to %s", words.Shown(c.Where()), words.Shown(c.File))
}

func backedUp(err error) error {
	if err != nil {
		return fmt.Errorf("there is no backup: %w", err)
	}
	return nil
}

// write writes all that is kept, and says so when it was w that failed.
func (c *backupCmd) write(ctx context.Context, t *tool, w io.Writer) error {
	out := &noted{w: w}
	err := engine.Copy(ctx, &c.Storage, t.logAt(slog.LevelError), out)
	if out.err != nil {
		return fmt.Errorf("it cannot be written: %w", out.err)
	}
	return err
}

// A noted writer remembers that it was the writing that failed.
type noted struct {
	w   io.Writer
	err error
}

func (n *noted) Write(p []byte) (written int, err error) {
	written, err = n.w.Write(p)
	n.err = cmp.Or(n.err, err)
	return written, err
}
