package main

import (
	"context"
	"errors"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/listen"
	"github.com/shopex/prism-go/cmd/prismctl/internal/progress"
)

type listenCmd struct {
	server
	Topic     string  `arg:"" optional:"" names:"queue" help:"The queue. Without it, the default queue of the key, or with --filter a new one."`
	ForwardTo *string `placeholder:"URL" help:"POST each message to this address."`
	Exec      *string `is:"bytes" placeholder:"COMMAND" help:"Run this command of the shell for each message."`

	Format     *listen.Format `placeholder:"FORMAT" help:"What is posted: prism, cloudevents or raw (prism)."`
	Header     []string       `is:"bytes" short:"H" sep:"none" placeholder:"'NAME: VALUE'" help:"A header of each POST. May be repeated."`
	SkipVerify bool           `help:"POST to a server whose certificate cannot be verified."`
	Timeout    time.Duration  `placeholder:"D" default:"30s" help:"How long one POST or one command may take (${default})."`

	Filter      *string `placeholder:"PATTERN" help:"Only what matches, such as 'order.#', by a queue of its own, which is dropped in the end."`
	Create      bool    `help:"Make the queue, if it is not there. It gets messages once it is bound."`
	Keep        bool    `help:"Leave the queue of --filter there in the end. With a TOPIC, it has that name."`
	Workers     int     `short:"w" placeholder:"N" default:"4" help:"How many messages are under way at a time; one keeps the order (${default})."`
	MaxAttempts int     `placeholder:"N" default:"0" help:"Park a message that failed so often; 0 is what the queue says, or never (${default})."`
}

// Help teaches by example.
func (c *listenCmd) Help() string {
	return `A message is acknowledged when it was answered by a status of 200 to 299, or when the command has ended with exit status 0. Any other is tried again, after a pause that grows from at most 200 ms to a minute, and parked after --max-attempts: see "prismctl queue parked". Whatever ends listen, no message is lost, and one may come twice.

    prismctl listen --forward-to http://127.0.0.1:3000/orders
    prismctl listen orders --forward-to https://erp.example/hook --format raw -H 'Authorization: Bearer t0k3n'
    prismctl listen --filter 'order.#' --max-attempts 5 --exec './import.sh "$PRISM_ROUTING_KEY"'
    prismctl listen orders --filter 'order.#' --keep --forward-to http://127.0.0.1:3000/

--exec runs the command by sh -c (on Windows, cmd /C). The body is its standard input; PRISM_ID, PRISM_ROUTING_KEY, PRISM_CONTENT_TYPE, PRISM_CLIENT_ID, PRISM_APP, PRISM_TIME and PRISM_ATTEMPT are in its environment, PRISM_SECRET is not. What it prints goes to standard error.

--format prism posts the message as JSON, cloudevents as CloudEvents 1.0 in binary mode, and raw the body alone, with the rest in headers such as Prism-Routing-Key. Redirects are not followed.

Each try is a line on standard output; with --output json an object with id, routing_key, attempt, status or exit, error, parked and duration_ms. An object with state "listening" comes first, one with state "ended" last.

Ctrl-C ends it within a second, with exit status 0; what is under way then is finished or comes again.`
}

// Validate is called for the flags.
func (c *listenCmd) Validate() error {
	switch {
	case (c.ForwardTo == nil) == (c.Exec == nil):
		return errors.New("give either --forward-to URL or --exec COMMAND")
	case c.Exec != nil && (c.Format != nil || len(c.Header) > 0 || c.SkipVerify):
		return errors.New("--format, --header and --skip-verify are for --forward-to: a command gets the body as its standard input, and the rest in its environment")
	case c.Timeout <= 0:
		return errors.New("--timeout must be positive")
	case c.Workers < 1 || c.Workers > 1000:
		return errors.New("--workers must be from 1 to 1000")
	case c.MaxAttempts < 0:
		return errors.New("--max-attempts must not be negative")
	case c.Filter != nil && c.Create:
		return errors.New("--filter makes its queue itself: leave --create out")
	case c.Filter == nil && c.Keep:
		return errors.New("--keep is for the queue of --filter")
	case c.Filter != nil && c.Topic != "" && !c.Keep:
		return errors.New("a queue of --filter with a name stays in the end: give --keep, or leave the name out")
	case c.Filter != nil:
		return listen.CheckFilter(*c.Filter)
	}
	return nil
}

// Run brings messages to the receiver.
func (c *listenCmd) Run(ctx context.Context, t *tool) error {
	var line listen.Line
	if fd, ok := terminal(t.err); ok {
		last, above := progress.On(t.err, fd), *t
		above.err, line = last, last
		if t.screen {
			above.out = last
		}
		t = &above
	}
	to, err := c.receiver(t)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	conn := connection{server: c.server}
	client, err := conn.client(ctx, t)
	if err != nil {
		return err
	}
	cfg := listen.Config{
		Client: client, Server: conn.URL, To: to, Topic: c.Topic, Create: c.Create, Keep: c.Keep, Workers: c.Workers, MaxAttempts: c.MaxAttempts,
		Report: t.printEvent, Notice: t.notice, Line: line,
	}
	if c.Filter != nil {
		cfg.Filter = *c.Filter
	}
	return listen.Run(ctx, cfg)
}

// receiver is what the flags name.
func (c *listenCmd) receiver(t *tool) (listen.Receiver, error) {
	if c.Exec != nil {
		return listen.Command(*c.Exec, t.environ(), c.Timeout, t.err), nil
	}
	header, err := listen.ParseHeaders(c.Header)
	if err != nil {
		return nil, err
	}
	f := listen.Forwarding{URL: *c.ForwardTo, Header: header, Timeout: c.Timeout, Workers: c.Workers, SkipVerify: c.SkipVerify}
	if c.Format != nil {
		f.Format = *c.Format
	}
	return listen.Forward(f)
}

// printEvent prints what listen reports.
func (t *tool) printEvent(event listen.Event) error {
	if t.Output == asJSON {
		return t.printJSON(event)
	}
	return t.println("%s", event.Text())
}
