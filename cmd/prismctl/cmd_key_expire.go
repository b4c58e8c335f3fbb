package main

import (
	"context"
	"errors"
	"time"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type keyExpireCmd struct {
	connection
	aKey
	destructive
	At    string `placeholder:"TIME|D" help:"When it ends, in the form of --expires of \"prismctl key create\"."`
	Never bool   `help:"The key does not end."`

	expires func(now time.Time) time.Time
}

// AfterApply is called for the flags.
func (c *keyExpireCmd) AfterApply() (err error) {
	c.expires, err = parseExpires("--at", c.At)
	return err
}

// Help teaches by example.
func (*keyExpireCmd) Help() string {
	return `A key that has ended is refused, and its connections are closed. Its queues stay and get messages, so --never switches it on again with what came meanwhile.

    prismctl key expire buwb2lii
    prismctl key expire buwb2lii --at 2027-01-31T00:00:00Z
    prismctl key expire buwb2lii --never`
}

// Validate is called for the arguments. That of what is embedded is called too.
func (c *keyExpireCmd) Validate() error {
	if c.Never && c.At != "" {
		return errors.New("--at and --never exclude each other")
	}
	return c.aKey.Validate()
}

func (c *keyExpireCmd) destroys() bool { return !c.Never }

// Run says until when a key is good.
func (c *keyExpireCmd) Run(ctx context.Context, t *tool) error {
	at := c.expires(time.Now())
	done := "key " + words.Shown(c.ID) + " ends at " + at.UTC().Format(time.RFC3339)
	switch {
	case c.Never:
		done = "key " + words.Shown(c.ID) + " does not end"
	case c.At == "":
		at, done = time.Now(), "key "+words.Shown(c.ID)+" has ended"
	}
	return c.provisioned(ctx, t, done, func(ctx context.Context, a *admin.Client) error { return a.ExpireKey(ctx, c.ID, at) })
}
