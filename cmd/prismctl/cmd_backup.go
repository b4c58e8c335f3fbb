package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/files"
	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/jetstream"
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

// write is copy, but tells when it was w that failed.
func (c *backupCmd) write(ctx context.Context, t *tool, w io.Writer) error {
	out := &noted{w: w}
	err := c.copy(ctx, t, out)
	if out.err != nil {
		return fmt.Errorf("it cannot be written: %w", out.err)
	}
	return err
}

// copy writes all that is kept to w. A directory that is in use is copied by
// the platform that uses it.
func (c *backupCmd) copy(ctx context.Context, t *tool, w io.Writer) error {
	if c.Data != "" {
		_, err := os.Stat(filepath.Join(c.Data, "lock"))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("no platform has worked on %s: %w", c.Data, err)
		}
		if err != nil {
			return fmt.Errorf("%s cannot be read: %w", c.Data, err)
		}
	}
	e, err := openEngine(ctx, &c.Storage, 0, platform.QueueBounds{}, t.logAt(slog.LevelError))
	if errors.Is(err, jetstream.ErrInUse) {
		socket, release, err := backupAddress(c.Data)
		if err != nil {
			return err
		}
		defer release()
		return fetchBackup(ctx, socket, w)
	}
	if err != nil {
		return err
	}
	err = e.js.Backup(ctx, w)
	if err != nil {
		err = &refusal{err, withoutPackage(err)}
	}
	return errors.Join(err, e.close())
}

// fetchBackup copies what the platform at a socket hands out.
func fetchBackup(ctx context.Context, socket string, w io.Writer) error {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://prismctl/", nil)
	if err != nil {
		return err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("the directory is in use, and who uses it hands out no backup: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("the platform that runs makes none: %s", bytes.TrimSpace(why))
	}
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("the platform that runs did not finish it; its log says why: %w", err)
	}
	return nil
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
