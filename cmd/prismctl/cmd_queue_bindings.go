package main

import (
	"context"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

type queueBindingsCmd struct {
	queueOwner
	aQueue
}

// Help teaches by example.
func (*queueBindingsCmd) Help() string {
	return `One pattern a line. A binding that an earlier version of the platform made says "own": it brings only what the queue's own key publishes, until "prismctl queue bind" makes it one of the domain.

    prismctl queue bindings orders
    prismctl queue bindings --of buwb2lii --output json`
}

// A bindingLine is a binding in the members of the platform's answer.
type bindingLine struct {
	Pattern string `json:"routing_key"`
	Own     bool   `json:"own,omitempty"`
}

// Run lists the bindings of a queue.
func (c *queueBindingsCmd) Run(ctx context.Context, t *tool) error {
	var bindings []notify.Binding
	err := c.queues(ctx, t, func(ctx context.Context, q *notify.QueueClient) (err error) {
		bindings, err = q.Bindings(ctx, c.Topic)
		return err
	})
	if err != nil {
		return err
	}
	return printEach(bindings, t.printBinding)
}

func (t *tool) printBinding(b notify.Binding) error {
	switch {
	case t.Output == asJSON:
		return t.printJSON(bindingLine(b))
	case b.Own:
		return t.println("%s  (own: only what the key of the queue publishes)", words.Shown(b.Pattern))
	}
	return t.println("%s", words.Shown(b.Pattern))
}
