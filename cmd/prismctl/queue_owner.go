package main

import (
	"context"
	"errors"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

// queueOwner is the connection of a command for queues, and whose queues they are.
type queueOwner struct {
	connection
	Of keyFlag `placeholder:"KEY" names:"key" help:"The queues of this key of the domain, instead of those of the own key. That needs an admin key."`
}

// A keyFlag is a key that is given: never the empty one, so that an empty variable of a
// script does not name the queues of the caller.
type keyFlag string

// UnmarshalText is called for the flag.
func (k *keyFlag) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("the key is empty")
	}
	*k = keyFlag(text)
	return checkText(string(text))
}

// named is a queue for people.
func (c *queueOwner) named(topic string) string {
	name := words.Queue(topic)
	if c.Of != "" {
		name += " of key " + words.Shown(string(c.Of))
	}
	return name
}

// flag is --of for a command that a message names.
func (c *queueOwner) flag() string {
	if c.Of == "" {
		return ""
	}
	return " --of " + words.Quoted(string(c.Of))
}

// queues does something with the queues.
func (c *queueOwner) queues(ctx context.Context, t *tool, do func(context.Context, *notify.QueueClient) error) error {
	return c.with(ctx, t, func(ctx context.Context, client *prism.Client) error {
		return do(ctx, notify.NewQueueClient(client).Of(string(c.Of)))
	})
}

// change is queues for what has no result; then it says what was done.
func (c *queueOwner) change(ctx context.Context, t *tool, done string, do func(context.Context, *notify.QueueClient) error) error {
	if err := c.queues(ctx, t, do); err != nil {
		return err
	}
	return t.printDone(done)
}

// aTopic is the argument of commands that need one.
type aTopic struct {
	Topic string `arg:"" names:"queue" help:"The name of the queue."`
}

// Validate is called for the argument.
func (a *aTopic) Validate() error {
	if a.Topic == "" {
		return errors.New("the topic is empty: the default queue is always there")
	}
	return nil
}

// aQueue is the argument of commands for any queue.
type aQueue struct {
	Topic string `arg:"" optional:"" names:"queue" help:"The name of the queue. Without it, the default queue of the key."`
}
