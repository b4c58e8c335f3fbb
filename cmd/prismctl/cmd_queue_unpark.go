package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

type queueUnparkCmd struct{ parkedChange }

// Help teaches by example.
func (*queueUnparkCmd) Help() string {
	return `The messages are ready again, at their old places in the queue, with all that they had. A message that fails again is parked again after as many attempts. Whatever chooses them, it changes exactly the messages that it has found; with --dry-run it only prints their IDs, for which another command takes them by -.

    prismctl queue unpark orders 9b4d1e00-1a2b3c
    prismctl queue unpark orders --reason timeout --dry-run
    prismctl queue unpark orders --routing-key 'order.#' --older 1h
    prismctl queue unpark orders --all`
}

// Run puts parked messages back.
func (c *queueUnparkCmd) Run(ctx context.Context, t *tool) error {
	return c.apply(ctx, t, "put back", (*notify.QueueClient).Unpark)
}

type queueDiscardCmd struct {
	parkedChange
	destructive
}

// Help teaches by example.
func (*queueDiscardCmd) Help() string {
	return `The messages are removed for good. Whatever chooses them, it removes exactly the messages that it has found; with --dry-run it only prints their IDs, for which another command takes them by -.

    prismctl queue discard orders 9b4d1e00-1a2b3c
    prismctl queue discard orders --older 720h --dry-run > old
    prismctl queue discard orders - < old
    prismctl queue discard orders --all`
}

func (c *queueDiscardCmd) destroys() bool { return !c.DryRun }

// Run removes parked messages.
func (c *queueDiscardCmd) Run(ctx context.Context, t *tool) error {
	return c.apply(ctx, t, "discarded", (*notify.QueueClient).Discard)
}

// A parkedChange is the arguments of a command that changes parked messages.
type parkedChange struct {
	queueOwner
	parkedChoice
	All    bool `help:"All parked messages of the queue."`
	DryRun bool `help:"Change nothing: print the IDs of the messages that are meant, and how many they are."`
}

// Validate is called for the arguments.
func (c *parkedChange) Validate() error {
	switch {
	case c.All && (len(c.IDs) > 0 || c.filtered()):
		return errors.New("--all means every parked message of the queue: leave it out, or the IDs and filters")
	case !c.All && len(c.IDs) == 0 && !c.filtered():
		return errors.New("say which messages: give their IDs behind the queue ('' is the default queue), or --routing-key, --older or --reason; --all means every parked message of the queue")
	}
	return c.check()
}

// apply finds the messages that are meant, and does with them what done says.
func (c *parkedChange) apply(ctx context.Context, t *tool, done string, change func(*notify.QueueClient, context.Context, string, ...string) (int, error)) error {
	ids, err := c.given(ctx, t)
	if err != nil {
		return err
	}
	changed := 0
	err = c.queues(ctx, t, func(ctx context.Context, q *notify.QueueClient) (err error) {
		if c.All || c.DryRun || c.filtered() {
			ids, err = c.find(ctx, q, ids)
		}
		if err == nil && !c.DryRun {
			changed, err = change(q, ctx, c.Topic, ids...)
		}
		return err
	})
	switch {
	case err != nil && changed > 0:
		return fmt.Errorf("%s %s before this: %w", words.Counted(changed, "message was", "messages were"), done, err)
	case err != nil:
		return err
	case c.DryRun:
		return c.printFound(t, done, ids)
	}
	return c.printChanged(t, done, len(ids), changed)
}

// find returns the IDs of the parked messages that are meant.
func (c *parkedChange) find(ctx context.Context, q *notify.QueueClient, given []string) (found []string, err error) {
	err = c.each(ctx, q, "", given, func(m *notify.Parked) (more bool, err error) {
		found = append(found, m.ID)
		return true, nil
	})
	return found, err
}

// printFound prints IDs for another command.
func (c *parkedChange) printFound(t *tool, done string, ids []string) error {
	t.notice("%s of %s would be %s", words.Counted(len(ids), "parked message", "parked messages"), c.named(c.Topic), done)
	return printEach(ids, func(id string) error {
		if t.Output == asJSON {
			return t.printJSON(map[string]string{"id": id})
		}
		return t.println("%s", words.Shown(id))
	})
}

// printChanged says how many messages were meant, and how many of them were still parked.
func (c *parkedChange) printChanged(t *tool, done string, meant, changed int) error {
	if t.Output == asJSON {
		if err := t.printJSON(map[string]int{"matched": meant, "messages": changed}); err != nil {
			return err
		}
	} else if err := t.println("%s %s of %s", done, words.Counted(changed, "parked message", "parked messages"), c.named(c.Topic)); err != nil {
		return err
	}
	switch missing := meant - changed; {
	case missing == 0:
		return nil
	case changed == 0 && !c.filtered() && !c.All:
		return exit.With(exit.Refused, fmt.Errorf("%s parked in %s", words.Counted(missing, "named message is not", "named messages are not"), c.named(c.Topic)))
	default:
		t.notice("%s no longer parked", words.Counted(missing, "message was", "messages were"))
		return nil
	}
}
