package load

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
)

// Config says what a load is. Check says which values are possible; only those
// of which it is said may be zero.
type Config struct {
	// Client is the key that publishes and consumes, and Server the base URL of
	// its platform, for the report and for errors.
	Client *prism.Client
	Server string

	// Topic is the queue. If empty, it is the default queue of the key where that gets
	// the messages and is not in use, else one of its own. One that is not there is
	// made, bound, and dropped in the end. RoutingKey is that of all messages.
	Topic, RoutingKey string

	// Direct is to write each message into the queue by a call, past the routing, so
	// that no other queue gets a copy. It is so, too, where the default queue gets the
	// messages but is in use: it would keep the copies. Without a Topic the queue is one
	// of its own.
	Direct bool

	// Duration is how long to publish, Size the bytes of a body, and Rate the
	// messages a second of all publishers together. If Rate is zero, it is as
	// fast as it goes.
	Duration time.Duration
	Size     int
	Rate     int64

	// Publishers and Consumers have a connection each, Workers are the handlers
	// of each consumer.
	Publishers, Consumers, Workers int

	// ConfirmEach is to wait for the confirmation of each message before the
	// next one, and Callers how many wait so at a time, for each publisher. If
	// Callers is nil, it is one.
	ConfirmEach bool
	Callers     *int

	// InFlight is the most messages that are published and not yet consumed and
	// confirmed. If nil, it is 1000, or two for each caller, or what fits into
	// 64 MiB.
	InFlight *int

	// Patience is how long connecting may take, and after the load what is on
	// its way.
	Patience time.Duration

	// Notice gets what the user should know meanwhile, in the form of
	// fmt.Printf. It may be called by several goroutines.
	Notice func(format string, args ...any)
	// Progress shows how far it is. It may be nil.
	Progress Progress
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

// Check returns an error that says what is wrong with c, in the words of the
// command line, and nil if Run takes it.
func (c *Config) Check() error {
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

func (c *Config) checkNumbers() error {
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

func (c *Config) checkTimes() error {
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

func (c *Config) checkInFlight() error {
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
func (c *Config) callers() int {
	if c.Callers == nil {
		return 1
	}
	return *c.Callers
}

// inFlight is InFlight, or what it is if it is nil.
func (c *Config) inFlight() int {
	if c.InFlight != nil {
		return *c.InFlight
	}
	const bytes = 64 << 20
	fits := bytes / min(max(c.Size, minSize), mostSize)
	return max(min(max(1000, 2*c.Publishers*c.callers()), fits), c.Publishers)
}
