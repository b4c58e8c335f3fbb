package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

type keyPushCmd struct {
	connection
	aKey
	URL     string        `arg:"" optional:"" name:"url|off" help:"Where to, by http or https; off ends it. Without it, the command shows how it goes."`
	Workers int           `placeholder:"N" help:"POSTs at a time, up to 64. 1, the default, keeps the order of the messages."`
	Rotate  bool          `help:"Give the messages a new secret, and show it."`
	Grace   time.Duration `default:"24h" placeholder:"D" help:"With --rotate: how long messages are signed with the old secret, too (${default}); 0 ends that at once."`
}

const pushOff = "off"

// Validate is called for the arguments. That of what is embedded is called too.
func (c *keyPushCmd) Validate() error {
	switch {
	case c.Rotate && c.URL != "":
		return errors.New("--rotate changes the secret and not the address: leave the address out")
	case c.Workers != 0 && (c.URL == "" || c.URL == pushOff):
		return errors.New("--workers needs the address, too")
	case c.Workers < 0:
		return errors.New("--workers must be at least 1")
	case c.Grace < 0 || c.Grace%time.Second != 0:
		return errors.New("--grace must be whole seconds, such as 90s or 24h, and not negative")
	}
	return c.aKey.Validate()
}

// Help teaches by example.
func (*keyPushCmd) Help() string {
	return `The platform posts each message of the key's default queue to the address, as JSON, signed as Standard Webhooks says; docs/push.md says how a receiver verifies that. An answer of 200 to 299 acknowledges the message. After any other one it is posted again, and parked when it has failed as often as "prismctl queue limit --max-attempts" says.

The secret is shown when the address is set first, and never again: --rotate gives a new one.

    prismctl key push buwb2lii https://erp.example/hooks/prism
    prismctl key push buwb2lii https://erp.example/hooks/prism --workers 8
    prismctl key push buwb2lii
    prismctl key push buwb2lii --rotate
    prismctl key push buwb2lii off`
}

// Run changes what was given, and shows what holds then.
func (c *keyPushCmd) Run(ctx context.Context, t *tool) error {
	var line pushLine
	err := c.with(ctx, t, func(ctx context.Context, client *prism.Client) error {
		a := admin.New(client)
		err := c.change(ctx, a, &line)
		if err != nil || c.URL == pushOff {
			return err
		}
		if line.key, err = a.Key(ctx, c.ID); err != nil {
			return fmt.Errorf("the key: %w", err)
		}
		status, err := notify.NewQueueClient(client).Of(c.ID).Status(ctx, "")
		line.status = status.Push
		return err
	})
	switch {
	case line.secret == "" && err != nil:
		return err
	case c.URL == pushOff:
		return t.printDone("the messages of key " + words.Shown(c.ID) + " are pushed nowhere")
	}
	return errors.Join(t.printPush(c.ID, &line), err) // a secret is shown whatever came behind it
}

func (c *keyPushCmd) change(ctx context.Context, a *admin.Client, line *pushLine) (err error) {
	switch {
	case c.Rotate:
		line.until = time.Now().Add(c.Grace)
		line.secret, err = a.RotatePushSecret(ctx, c.ID, c.Grace)
	case c.URL == pushOff:
		err = a.StopPush(ctx, c.ID)
	case c.URL != "":
		line.secret, err = a.SetPush(ctx, c.ID, c.URL, c.Workers)
	}
	return err
}
