package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/shopex/prism-go/cmd/prismctl/internal/lifeline"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

type publishCmd struct {
	connection
	RoutingKey string  `arg:"" help:"The label that routes the message, such as order.new."`
	Body       *string `is:"bytes" arg:"" optional:"" help:"The message; - reads it from standard input."`
	Lines      bool    `help:"Publish each line of standard input as a message."`
	Type       string  `placeholder:"TYPE" default:"text/plain" help:"The content type (${default})."`
}

// Help teaches by example.
func (c *publishCmd) Help() string {
	return `The exit status is 0 only when the platform has every message. One that goes to no queue counts as stored; then standard error says so, if the platform does.

    prismctl publish order.new 'hello world'
    prismctl publish order.new --type application/json - < order.json
    seq 1 1000 | prismctl publish order.new --lines

One message is given up after 30 seconds unless --timeout says otherwise; --lines has no such bound. Once the platform was reached, a lost connection is made again and what was not confirmed is sent again, so a message may come twice.`
}

// Validate is called for the arguments.
func (c *publishCmd) Validate() error {
	switch {
	case c.RoutingKey == "":
		return errors.New("the routing key is empty: a message needs one, such as order.new")
	case strings.ContainsFunc(c.RoutingKey, unicode.IsControl):
		return errors.New("the routing key has a line break or another control character: is it the body?")
	case strings.ContainsFunc(c.Type, unicode.IsControl):
		return errors.New("--type has a line break or another control character: a content type is such as application/json")
	case c.Lines && c.Body != nil && *c.Body != "-":
		return errors.New("--lines takes the messages from standard input: leave the body out")
	case !c.Lines && c.Body == nil:
		return errors.New("there is no body: give it after the routing key, or - to read it from standard input")
	}
	return nil
}

// Run publishes one message or many.
func (c *publishCmd) Run(ctx context.Context, t *tool) error {
	client, err := c.client(ctx, t)
	if err != nil {
		return err
	}
	if c.Timeout == 0 && !c.Lines {
		c.Timeout = 30 * time.Second
	}
	ctx, cancel := c.within(ctx)
	defer cancel()
	ctx, line := lifeline.New(ctx, c.URL, t.notice)
	score := &score{stop: line.Stop}
	publisher, err := notify.NewPublisher(client, notify.PublisherConfig{
		OnConnect: line.OnConnect, OnDisconnect: score.quiet(line.OnDisconnect), OnError: line.OnError,
	})
	if err != nil {
		return err
	}
	err = c.publish(ctx, t, publisher, score)
	_ = publisher.Close(ctx) // score knows what became of each message
	if err == nil {
		err = score.tell(t)
		c.warn(ctx, t, notify.NewQueueClient(client), score)
	}
	return lifeline.Verdict(ctx, err)
}

// warn says that what was confirmed went to no queue. Other platforms, and those of
// before, cannot tell.
func (c *publishCmd) warn(ctx context.Context, t *tool, q *notify.QueueClient, s *score) {
	if s.confirmed == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, hintTime)
	defer cancel()
	if n, err := q.RoutedTo(ctx, c.RoutingKey); err == nil && n == 0 {
		t.notice("nobody gets %s: no queue is bound to it whose app may listen to it.\n"+
			"To bind one: prismctl queue bind TOPIC %s", words.Shown(c.RoutingKey), words.Quoted(c.RoutingKey))
	}
}

func (c *publishCmd) publish(ctx context.Context, t *tool, publisher *notify.Publisher, s *score) error {
	if c.Lines {
		return c.publishLines(ctx, t, publisher, s)
	}
	body, err := t.dataOf(ctx, *c.Body)
	if err != nil {
		return err
	}
	s.begin()
	s.count(publisher.PublishMessage(ctx, c.message(body)))
	return nil
}

func (c *publishCmd) publishLines(ctx context.Context, t *tool, publisher *notify.Publisher, s *score) error {
	for l := range lines(ctx, t.in) {
		if l.err != nil {
			return l.err
		}
		numbered := func(err error) { s.count(atLine(l.number, err)) }
		s.begin()
		if err := publisher.PublishAsync(ctx, c.message(l.text), numbered); err != nil {
			numbered(err)
		}
	}
	_ = publisher.Flush(ctx) // it would say the same as score
	if err := ctx.Err(); err != nil {
		s.interrupted(err)
	}
	return nil
}

func atLine(number int, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("line %d: %w", number, err)
}

func (c *publishCmd) message(body []byte) notify.Message {
	return notify.Message{Key: c.RoutingKey, Body: body, ContentType: c.Type}
}
