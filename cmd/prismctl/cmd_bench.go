package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopex/prism-go/notify"
)

type benchCmd struct {
	connection
	Topic      string `placeholder:"TOPIC" help:"The queue. Without it, the default queue of the key. One that is not there is made, bound, and dropped in the end."`
	RoutingKey string `placeholder:"KEY" default:"bench.load" help:"The routing key of all messages (${default})."`

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

It refuses a queue that has messages or consumers, and a routing key of which other queues of the key get copies (which it cannot see where a consumer takes them at once). It acknowledges its own messages only. Ctrl-C ends the load early, the rest comes to its end, and the report is printed; a second one ends at once and may leave messages behind.

The exit status is 1 if messages were lost, or stay in the queue.`
}

// The bounds of what can be asked for.
const (
	mostConnections = 100 // as a platform lets a key have unless it is told otherwise
	mostCallers     = 100
	mostWorkers     = 1000
	mostInFlight    = 100_000 // messages, as a queue holds
	mostInFlightMiB = 256     // as a queue holds
	mostSize        = 1 << 20
	mostRate        = 10_000_000
)

// Validate is called for the flags.
func (c *benchCmd) Validate() error {
	if err := c.checkNumbers(); err != nil {
		return err
	}
	if err := c.checkTimes(); err != nil {
		return err
	}
	switch {
	case c.Callers != nil && !c.ConfirmEach:
		return errors.New("--callers is for --confirm-each: without it nobody waits for a confirmation")
	case c.Size < minSize || c.Size > mostSize:
		return fmt.Errorf("--size is %d bytes: use %d, which hold the run and the time, to %d", c.Size, minSize, mostSize)
	case c.RoutingKey == "":
		return errors.New("the routing key is empty: a message needs one, such as bench.load")
	case len(c.RoutingKey) > 256:
		return &notify.SizeError{Part: "routing key", Size: len(c.RoutingKey), Limit: 256}
	case strings.ContainsAny(c.RoutingKey, "*#"):
		return fmt.Errorf("the routing key %q is a pattern: give one without * and #", c.RoutingKey)
	}
	return c.checkInFlight()
}

func (c *benchCmd) checkNumbers() error {
	for _, n := range []struct {
		flag         string
		value        int64
		lowest, most int64
	}{
		{"--publishers", int64(c.Publishers), 1, mostConnections},
		{"--consumers", int64(c.Consumers), 1, mostConnections},
		{"--workers", int64(c.Workers), 1, mostWorkers},
		{"--callers", int64(c.callers()), 1, mostCallers},
		{"--rate", c.Rate, 0, mostRate},
		{"--in-flight", int64(c.inFlight()), 1, mostInFlight},
	} {
		if n.value < n.lowest || n.value > n.most {
			return fmt.Errorf("%s is %d: use %d to %d", n.flag, n.value, n.lowest, n.most)
		}
	}
	return nil
}

func (c *benchCmd) checkTimes() error {
	for _, d := range []struct {
		flag          string
		value, lowest time.Duration
		most          time.Duration
	}{
		{"--duration", c.Duration, 10 * time.Millisecond, 24 * time.Hour},
		{"--patience", c.Patience, 100 * time.Millisecond, 10 * time.Minute},
	} {
		if d.value < d.lowest || d.value > d.most {
			return fmt.Errorf("%s is %v: use %v to %v", d.flag, d.value, d.lowest, d.most)
		}
	}
	return nil
}

func (c *benchCmd) checkInFlight() error {
	n := c.inFlight()
	switch {
	case n < c.Publishers:
		return fmt.Errorf("--in-flight is %d: each of the %d publishers needs one", n, c.Publishers)
	case n > mostInFlightMiB<<20/c.Size:
		return fmt.Errorf("--in-flight is %d: of %d bytes each, use at most %d, which are %d MiB", n, c.Size, mostInFlightMiB<<20/c.Size, mostInFlightMiB)
	}
	return nil
}

// callers is how many publish for each publisher.
func (c *benchCmd) callers() int {
	if c.Callers == nil {
		return 1
	}
	return *c.Callers
}

// inFlight is the flag, or what it says of itself.
func (c *benchCmd) inFlight() int {
	if c.InFlight != nil {
		return *c.InFlight
	}
	const bytes = 64 << 20
	fits := bytes / min(max(c.Size, minSize), mostSize)
	return max(min(max(1000, 2*c.Publishers*c.callers()), fits), c.Publishers)
}

// Run loads the platform and reports.
func (c *benchCmd) Run(ctx context.Context, t *tool) error {
	client, err := c.client(ctx, t)
	if err != nil {
		return err
	}
	if !c.Remote {
		if err := checkLocal(ctx, c.URL); err != nil {
			return err
		}
	}
	ctx, cancel := c.within(ctx)
	defer cancel()
	quiet, bar := c.progress(t)
	ctx, line := newLifeline(ctx, quiet, c.URL)
	b, err := newBench(c, quiet, client, line)
	if err != nil {
		return err
	}
	err = verdict(ctx, b.run(ctx, bar))
	if b.began == 0 { // nothing was measured
		if b.sent && b.left > 0 {
			t.notice("%s of bench may be left in %s", messagesOf(int64(b.left)), queueName(c.Topic))
		}
		return err
	}
	r := b.report()
	if unwritten := r.print(t); unwritten != nil {
		return unwritten
	}
	return cmp.Or(r.failure(), err)
}

// progress returns the progress, if there is one, and a tool whose notices
// come above it.
func (c *benchCmd) progress(t *tool) (*tool, *progress) {
	p := progressOn(t.err)
	if c.NoProgress || p == nil {
		return t, nil
	}
	above := *t
	above.err = p
	return &above, p
}
