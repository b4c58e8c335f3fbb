package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/pipes"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

type queueWriteCmd struct {
	queueOwner
	First   string  `is:"bytes" arg:"" names:"queue" name:"topic-or-message" help:"The queue, made if it is not there; or the message, if it is the only argument."`
	Message *string `is:"bytes" arg:"" optional:"" help:"The message; - reads it from standard input."`
	Topic   *string `placeholder:"TOPIC" names:"queue" help:"The queue of a message that is the only argument. Without it, the default queue of the key."`
}

// Help teaches by example.
func (*queueWriteCmd) Help() string {
	return `The message goes into this one queue, past all routing. With --output json it prints the ID of the message, and in how many queues it is: 1, or 0 if the queue is full and drops what comes.

    prismctl queue write orders 'hello world'
    prismctl queue write orders - < order.json
    prismctl queue write '' 'to the default queue'`
}

// Validate is called for the arguments.
func (c *queueWriteCmd) Validate() error {
	switch {
	case c.Message == nil:
		return nil
	case c.Topic != nil:
		return errors.New("give the queue either before the message or by --topic; a message with spaces stands in quotes")
	}
	return checkText(c.First)
}

// Run writes one message.
func (c *queueWriteCmd) Run(ctx context.Context, t *tool) error {
	topic, message, err := c.target(t)
	if err != nil {
		return err
	}
	data, err := t.dataOf(ctx, message)
	if err != nil {
		return err
	}
	var r notify.Receipt
	err = c.queues(ctx, t, func(ctx context.Context, q *notify.QueueClient) (err error) {
		r, err = q.WriteReceipt(ctx, topic, notify.Message{Body: data})
		return err
	})
	if err != nil {
		return err
	}
	if r.Queues == 0 {
		t.notice("%s is full and has dropped the message", c.named(topic))
	}
	if t.Output == asJSON {
		return t.printJSON(receiptLine(r))
	}
	if r.Queues == 0 {
		return nil
	}
	return t.println("written to %s", c.named(topic))
}

// A receiptLine is a Receipt in the members of the platform's answer.
type receiptLine notify.Receipt

// MarshalJSON leaves out what the platform did not say.
func (r receiptLine) MarshalJSON() ([]byte, error) {
	line := struct {
		ID     string `json:"id,omitempty"`
		Queues *int   `json:"queues,omitempty"`
	}{ID: r.ID}
	if r.Queues >= 0 {
		line.Queues = &r.Queues
	}
	return json.Marshal(line)
}

// target tells the queue from the message. A lone argument beside text that nobody
// reads may be either.
func (c *queueWriteCmd) target(t *tool) (topic, message string, err error) {
	switch {
	case c.Message != nil:
		return c.First, *c.Message, nil
	case c.Topic != nil:
		return *c.Topic, c.First, nil
	case c.First != "-" && t.hasText():
		return "", "", exit.Usagef("is %[1]s the queue, or the message? Standard input has text, which a message that is an argument leaves unread.\n"+
			"That text into the queue: prismctl queue write %[1]s -\n"+
			"%[1]s into the default queue: prismctl queue write '' %[1]s", words.Shown(c.First))
	default:
		return "", c.First, nil
	}
}

// hasText reports whether standard input is a file or a pipe with something to read. A
// program on the other side of a pipe is given a moment to write.
func (t *tool) hasText() bool {
	f, ok := t.in.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		return false
	case info.Mode().IsRegular():
		at, err := f.Seek(0, io.SeekCurrent)
		return err == nil && at < info.Size()
	}
	return info.Mode()&os.ModeNamedPipe != 0 && pipes.HasInput(f, 100*time.Millisecond)
}
