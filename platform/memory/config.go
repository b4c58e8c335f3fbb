package memory

import (
	"math"
	"time"

	"github.com/shopex/prism-go/internal/steady"
	"github.com/shopex/prism-go/platform"
)

// Config bounds the queues of each owner. In every bound, 0 means the default
// and a negative number means no bound. The zero Config is ready to use.
type Config struct {
	// MaxMessages is how many messages one queue holds, ready and
	// unacknowledged; the default is 100,000.
	MaxMessages int
	// MaxBytes is how many bytes of bodies, routing keys and content types
	// one queue holds, ready and unacknowledged; the default is 256 MiB. A
	// message that went to several queues counts in each of them.
	MaxBytes int64
	// MaxOwnerMessages and MaxOwnerBytes are the same over all queues of an owner;
	// the defaults are a million and 1 GiB.
	MaxOwnerMessages int
	MaxOwnerBytes    int64
	// MaxTotalMessages and MaxTotalBytes are the same over the queues of all
	// owners. The default is no bound. Publishers that pass it at the same moment may
	// exceed it by a message each.
	MaxTotalMessages int
	MaxTotalBytes    int64
	// MaxTopics is how many named topics an owner has; the default is 1,000.
	MaxTopics int
	// MaxBindings is how many bindings an owner has over all of its queues;
	// the default is 10,000. Their patterns have at most four times as many
	// words, all together.
	MaxBindings int
	// MaxAge is how old a message may become, by its Time: an older one is
	// removed unless a consumer holds it. A clock that is set wrong for less than
	// ten minutes removes nothing. The default is no bound. What nobody
	// looks at and writes to keeps its memory for longer.
	MaxAge time.Duration
	// Bindings are the bindings that every owner begins with. Their topics
	// exist from the start, even above MaxTopics and MaxBindings. If there
	// are none, the default queue is bound to #; if there are any, it is
	// bound to nothing else than they say.
	Bindings []Binding

	ages *steady.Clock // nil without MaxAge
}

// A Binding sends the messages whose routing key matches Pattern to the queue
// of Topic, where the empty topic is the default queue.
type Binding struct {
	Pattern, Topic string
}

func (c Config) withDefaults() Config {
	c.MaxMessages = bound(c.MaxMessages, 100_000, math.MaxInt)
	c.MaxBytes = bound(c.MaxBytes, 256<<20, math.MaxInt64)
	c.MaxOwnerMessages = bound(c.MaxOwnerMessages, 1_000_000, math.MaxInt)
	c.MaxOwnerBytes = bound(c.MaxOwnerBytes, 1<<30, math.MaxInt64)
	c.MaxTotalMessages = bound(c.MaxTotalMessages, math.MaxInt, math.MaxInt)
	c.MaxTotalBytes = bound(c.MaxTotalBytes, math.MaxInt64, math.MaxInt64)
	c.MaxTopics = bound(c.MaxTopics, 1000, math.MaxInt)
	c.MaxBindings = bound(c.MaxBindings, 10_000, math.MaxInt)
	if c.MaxAge > 0 {
		c.ages = steady.New(time.Now(), agePatience)
	}
	c.Bindings = append([]Binding(nil), c.Bindings...)
	if len(c.Bindings) == 0 {
		c.Bindings = []Binding{{Pattern: "#"}}
	}
	return c
}

// agePatience is how long the wall clock must have differed until messages grow old by it.
const agePatience = 10 * time.Minute

// old reports whether m has passed MaxAge.
func (c *Config) old(m *platform.Message) bool {
	return c.MaxAge > 0 && c.ages.Now().Sub(time.Unix(m.Time, 0)) > c.MaxAge
}

// maxWords keeps a binding from costing as much memory as the longest pattern.
func (c Config) maxWords() int {
	const perBinding = 4
	if c.MaxBindings > math.MaxInt/perBinding {
		return math.MaxInt
	}
	return perBinding * c.MaxBindings
}

func bound[N int | int64](n, preset, none N) N {
	switch {
	case n < 0:
		return none
	case n == 0:
		return preset
	}
	return n
}
