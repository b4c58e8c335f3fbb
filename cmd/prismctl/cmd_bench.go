package main

import (
	"cmp"
	"context"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/load"
	"github.com/shopex/prism-go/cmd/prismctl/internal/progress"
)

type benchCmd struct {
	connection
	destructive
	Topic      string `placeholder:"TOPIC" names:"queue" help:"The queue. Without it, the default queue of the key where that gets the messages and is not in use, else one of its own. One that is not there is made, bound, and dropped in the end."`
	RoutingKey string `placeholder:"KEY" default:"bench.load" help:"The routing key of all messages (${default})."`

	Direct bool `help:"Write each message into the queue by a call, past the routing: slower, and no other queue gets a copy. So it is, too, where the default queue is in use and would get one."`

	Duration time.Duration `short:"d" placeholder:"D" default:"10s" help:"How long to publish (${default})."`
	Size     int           `short:"s" placeholder:"BYTES" default:"1024" help:"The size of a body (${default})."`
	Rate     int64         `short:"r" placeholder:"N" default:"0" help:"Messages a second, of all publishers together; 0 is as fast as it goes (${default})."`

	Publishers  int  `short:"p" placeholder:"N" default:"1" help:"Publishers, each with a connection (${default})."`
	ConfirmEach bool `help:"Wait for the confirmation of each message before the next one."`
	Callers     *int `placeholder:"N" help:"With --confirm-each: how many wait so at a time, for each publisher (1)."`
	Consumers   int  `short:"c" placeholder:"N" default:"1" help:"Consumers, each with a connection (${default})."`
	Workers     int  `short:"w" placeholder:"N" default:"1" help:"Handlers of each consumer (${default})."`
	InFlight    *int `placeholder:"N" help:"The most messages that are published and not yet consumed and confirmed (1000, or two for each caller, or what fits into 64 MiB)."`

	Patience   time.Duration `placeholder:"D" default:"10s" help:"How long connecting may take, and after the load what is on its way (${default})."`
	Remote     bool          `help:"Load a platform that is not on this machine."`
	Histogram  bool          `help:"Show how the times are distributed, too."`
	NoProgress bool          `help:"Show no progress. Without a terminal there is none."`
}

// Help teaches by example.
func (c *benchCmd) Help() string {
	return `Publishes, consumes and acknowledges messages of its own for a while, and reports how many a second that were and how long each took from publishing to its handler and to its confirmation. Publishers and consumers are in this process: where the platform runs on the same machine they share its processors.

    prismctl bench
    prismctl bench -d 1m -p 4 -c 4 -s 200
    prismctl bench --rate 5000 --output json
    prismctl bench --confirm-each --callers 64

Without --rate a new message is published as soon as an earlier one is through: then the rates count, and the times grow with --in-flight. With --rate the times are those of a platform that is not overloaded, and a message that could not be sent in time counts from when it was due.

It refuses a --topic that has messages or consumers, and without --direct a routing key of which other queues get copies, those of other keys too, where the platform says so. It acknowledges its own messages only. Ctrl-C ends the load early, the rest comes to its end, and the report is printed; a second one ends at once and may leave messages behind.

The exit status is 1 if messages were lost, or stay in the queue.`
}

// Validate is called for the flags.
func (c *benchCmd) Validate() error {
	cfg := c.config()
	return cfg.Check()
}

func (c *benchCmd) config() load.Config {
	return load.Config{
		Server: c.URL, Topic: c.Topic, RoutingKey: c.RoutingKey, Direct: c.Direct, Duration: c.Duration, Size: c.Size, Rate: c.Rate,
		Publishers: c.Publishers, ConfirmEach: c.ConfirmEach, Callers: c.Callers, Consumers: c.Consumers, Workers: c.Workers,
		InFlight: c.InFlight, Patience: c.Patience,
	}
}

// Run loads the platform and reports.
func (c *benchCmd) Run(ctx context.Context, t *tool) error {
	client, err := c.client(ctx, t)
	if err != nil {
		return err
	}
	if !c.Remote {
		if err := load.CheckLocal(ctx, c.URL); err != nil {
			return err
		}
	}
	ctx, cancel := c.within(ctx)
	defer cancel()
	cfg := c.config()
	cfg.Client, cfg.Notice = client, t.notice
	if fd, ok := terminal(t.err); ok && !c.NoProgress {
		line := progress.On(t.err, fd)
		above := *t
		above.err = line
		cfg.Notice, cfg.Progress = above.notice, line
	}
	report, err := load.Run(ctx, cfg)
	if report == nil {
		return err
	}
	return cmp.Or(c.print(t, report), err)
}

func (c *benchCmd) print(t *tool, r *load.Report) error {
	if t.Output == asJSON {
		return t.printJSON(r)
	}
	return t.write([]byte(r.Text(c.Histogram)))
}
