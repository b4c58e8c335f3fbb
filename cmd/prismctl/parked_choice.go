package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

// A parkedChoice says which parked messages of a queue are meant: those for which all
// holds that is given.
type parkedChoice struct {
	Topic      string         `arg:"" optional:"" names:"queue" help:"The name of the queue; '' is the default queue of the key."`
	IDs        []string       `arg:"" optional:"" name:"id" help:"Only these messages; - reads their IDs from standard input."`
	RoutingKey givenText      `placeholder:"PATTERN" help:"Only messages whose routing key matches, such as 'order.#'."`
	Older      *time.Duration `placeholder:"D" help:"Only messages that were parked so long ago, such as 90m, or longer."`
	Reason     givenText      `placeholder:"TEXT" help:"Only messages whose reason contains this text."`
}

// A givenText is never empty, so that an empty variable of a script does not mean more
// messages than it names.
type givenText string

// UnmarshalText is called for the flag.
func (g *givenText) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("the text is empty")
	}
	*g = givenText(text)
	return checkText(string(text))
}

func (c *parkedChoice) check() error {
	if c.Older != nil && *c.Older < 0 {
		return errors.New("--older must not be negative")
	}
	return nil
}

// filtered reports whether something else than IDs is given.
func (c *parkedChoice) filtered() bool {
	return c.RoutingKey != "" || c.Older != nil || c.Reason != ""
}

// given returns the IDs that are given.
func (c *parkedChoice) given(ctx context.Context, t *tool) (ids []string, err error) {
	for _, arg := range c.IDs {
		if arg != "-" {
			ids = append(ids, arg)
			continue
		}
		text, err := t.dataOf(ctx, arg)
		if err == nil {
			ids, err = appendIDs(ids, text)
		}
		if err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// appendIDs reads IDs with white space between, or lines of JSON with the member id, as
// the commands print them.
func appendIDs(ids []string, text []byte) ([]string, error) {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); !bytes.HasPrefix(line, []byte("{")) {
			ids = append(ids, strings.Fields(string(line))...)
			continue
		}
		var doc struct{ ID string }
		if err := json.Unmarshal(line, &doc); err != nil || doc.ID == "" {
			return nil, fmt.Errorf("a line of standard input is no ID of a message, and no JSON with one: %s", words.Shown(string(line)))
		}
		ids = append(ids, doc.ID)
	}
	return ids, nil
}

// parkedPage is how many messages are asked for at once.
const parkedPage = 100

// each calls f for the messages behind the place of after that are meant, until it returns
// no more or an error. ids are what given has returned.
func (c *parkedChoice) each(ctx context.Context, q *notify.QueueClient, after string, ids []string, f func(*notify.Parked) (more bool, err error)) error {
	wanted := slices.Sorted(slices.Values(ids))
	o := notify.ParkedOptions{After: after, N: parkedPage, RoutingKey: string(c.RoutingKey), Reason: string(c.Reason)}
	if c.Older != nil {
		o.Older = *c.Older
	}
	for {
		page, err := q.Parked(ctx, c.Topic, o)
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			if _, found := slices.BinarySearch(wanted, page[i].ID); !found && len(c.IDs) > 0 {
				continue
			}
			if more, err := f(&page[i]); err != nil || !more {
				return err
			}
		}
		o.After = page[len(page)-1].ID
	}
}
