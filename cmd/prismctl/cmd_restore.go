package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/alecthomas/kong"

	"github.com/shopex/prism-go/cmd/prismctl/internal/engine"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type restoreCmd struct {
	settings.Storage
	configFlag
	File string `is:"file" arg:"" help:"The file of a backup; - is standard input."`
}

// Help teaches by example.
func (*restoreCmd) Help() string {
	return `Brings a backup into an empty directory, or to JetStream servers that have none of it yet. It refuses any other place, and leaves nothing behind where the file is not whole.

    prismctl restore --data /var/lib/prism prism.backup
    gunzip < prism.backup.gz | prismctl restore --nats nats://10.0.0.1 -`
}

// AfterApply is called for the flags.
func (c *restoreCmd) AfterApply(k *kong.Context, t *tool) error {
	return c.Settle(k, t.env, c.Config)
}

// Run restores the backup.
func (c *restoreCmd) Run(ctx context.Context, t *tool) error {
	in := t.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return exit.Usagef("the backup cannot be read: %w", err)
		}
		defer f.Close()
		in = f
	}
	if err := engine.Restore(ctx, &c.Storage, t.logAt(slog.LevelError), in); err != nil {
		return err
	}
	return t.println("restored %s", words.Shown(c.Where()))
}
