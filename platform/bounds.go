package platform

import (
	"fmt"
	"math"
	"time"

	"github.com/shopex/prism-go/internal/topic"
)

// NoBound as the value of a bound means that there is none.
const NoBound = -1

// QueueBounds is what the queues of an engine hold at most. In each, zero means
// the default and [NoBound], as any negative number, none.
type QueueBounds struct {
	// MaxMessages is how many messages one queue holds, ready and
	// unacknowledged; the default is 100,000.
	MaxMessages int
	// MaxBytes is how many bytes of bodies, routing keys and content types
	// one queue holds, ready and unacknowledged; the default is 256 MiB. A
	// message that went to several queues counts in each of them.
	MaxBytes int64
	// MaxOwnerMessages and MaxOwnerBytes are the same over all queues of an owner;
	// the defaults are a million and 1 GiB. For a message that finds no room under
	// them, the largest queue that may drop gives up its oldest ready messages, then
	// the next largest. These are the queues that are set to drop, and those of the
	// default policy with a ready message of another key. Only when they have nothing
	// left, the message is refused, or a queue that drops makes room in itself.
	MaxOwnerMessages int
	MaxOwnerBytes    int64
	// MaxTotalMessages and MaxTotalBytes are the same over the queues of all
	// owners, of which the largest give up messages too. The default is no bound.
	MaxTotalMessages int
	MaxTotalBytes    int64
	// MaxParked and MaxParkedBytes are how many parked messages one queue has, and how
	// many bytes of them; the defaults are 10,000 and 64 MiB. They count under the bounds
	// over several queues, too, but not as messages of the queue.
	MaxParked      int
	MaxParkedBytes int64
	// MaxTopics is how many named topics an owner has; the default is 1,000.
	MaxTopics int
	// MaxBindings is how many bindings an owner has over all of its queues;
	// the default is 10,000. Their patterns have at most four times as many
	// words, all together, where a word behind a # counts as 40.
	MaxBindings int
	// MaxFanOut is how many queues of an exchange may be bound to the same pattern
	// without wildcards, and how many to patterns with wildcards; the default is
	// 10,000. So one message goes to twice as many queues at most.
	MaxFanOut int
	// OnDrop, if set, is called when a queue begins to drop messages, and while it
	// goes on at most once a minute for each queue: with its owner, its topic, and how
	// many it has dropped ever. It must be quick and must not call the engine. A
	// platform learns the same by [QueueDrops], for its system events.
	OnDrop func(owner, topic string, dropped uint64)
	// MaxAge is how old a message may become, by its Time: an older one is
	// removed unless a consumer holds it or it is parked. A clock that is set wrong for
	// less than ten minutes removes nothing. The default is no bound.
	MaxAge time.Duration
	// Bindings are the bindings that an owner begins with, unless [Owner] says
	// others. Their topics exist from the start, even above MaxTopics and
	// MaxBindings.
	Bindings []Binding
}

// A Binding sends the messages whose routing key matches Pattern to the queue
// of Topic, where the empty topic is the default queue.
type Binding struct {
	Pattern, Topic string
	// Own is set by [Queues].Bindings for a binding that an earlier version made: it
	// brings only what the queue's own key publishes, until it is bound anew.
	Own bool `json:",omitzero"`
}

// Usage counts the messages that queues hold, ready and unacknowledged, and their
// bytes.
type Usage struct{ Messages, Bytes int64 }

// Plus returns the sum of both.
func (u Usage) Plus(more Usage) Usage { return Usage{u.Messages + more.Messages, u.Bytes + more.Bytes} }

// Minus returns the difference of both.
func (u Usage) Minus(less Usage) Usage {
	return Usage{u.Messages - less.Messages, u.Bytes - less.Bytes}
}

// WithDefaults returns b for an engine: with the defaults, with the largest number for
// each bound that there is not, and with a copy of Bindings.
func (b QueueBounds) WithDefaults() QueueBounds {
	b.MaxMessages = bound(b.MaxMessages, 100_000, math.MaxInt)
	b.MaxBytes = bound(b.MaxBytes, 256<<20, math.MaxInt64)
	b.MaxOwnerMessages = bound(b.MaxOwnerMessages, 1_000_000, math.MaxInt)
	b.MaxOwnerBytes = bound(b.MaxOwnerBytes, 1<<30, math.MaxInt64)
	b.MaxTotalMessages = bound(b.MaxTotalMessages, math.MaxInt, math.MaxInt)
	b.MaxTotalBytes = bound(b.MaxTotalBytes, math.MaxInt64, math.MaxInt64)
	b.MaxParked = bound(b.MaxParked, 10_000, math.MaxInt)
	b.MaxParkedBytes = bound(b.MaxParkedBytes, 64<<20, math.MaxInt64)
	b.MaxTopics = bound(b.MaxTopics, 1000, math.MaxInt)
	b.MaxBindings = bound(b.MaxBindings, 10_000, math.MaxInt)
	b.MaxFanOut = bound(b.MaxFanOut, 10_000, math.MaxInt)
	b.Bindings = append([]Binding(nil), b.Bindings...)
	return b
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

// LimitsOf returns what holds for a queue with these limits: b says what l leaves open,
// and the largest number is no limit. b must come from WithDefaults, for this and the
// checks.
func (b *QueueBounds) LimitsOf(l QueueLimits) QueueLimits {
	l.MaxMessages = bound(l.MaxMessages, b.MaxMessages, math.MaxInt)
	l.MaxBytes = bound(l.MaxBytes, b.MaxBytes, math.MaxInt64)
	return l
}

// Check returns [ErrQueueFull], with the reason, if the queue with this name, as of
// [QueueNameFor], and usage has no room for a message of size bytes. l must come from
// LimitsOf.
func (l QueueLimits) Check(queue string, used Usage, consumed bool, size int64) error {
	idle := ""
	if !consumed {
		idle = " and nobody consumes it"
	}
	switch {
	case used.Messages >= int64(l.MaxMessages):
		return fmt.Errorf("%w: %s holds its limit of %d messages%s", ErrQueueFull, queue, l.MaxMessages, idle)
	case size > l.MaxBytes-used.Bytes:
		return fmt.Errorf("%w: %s holds %d bytes of at most %d%s, and the message has %d",
			ErrQueueFull, queue, used.Bytes, l.MaxBytes, idle, size)
	}
	return nil
}

// Check returns an error that names the policies, unless o is one of them.
func (o Overflow) Check() error {
	switch o {
	case OverflowDefault, Refuse, DropOldest, DropNewest:
		return nil
	}
	return fmt.Errorf("platform: unknown overflow %q: use %q, %q, %q, or none for the default",
		shorten(string(o), 48), Refuse, DropOldest, DropNewest)
}

// CheckFanOut returns [ErrFanOut] if a pattern to which so many queues of the exchange
// are bound already may not get another. For a pattern with wildcards these are all
// queues that are bound to any such.
func (b *QueueBounds) CheckFanOut(queues int, pattern string) error {
	switch {
	case queues < b.MaxFanOut:
		return nil
	case topic.HasWildcard(pattern):
		return fmt.Errorf("%w: %d queues of the exchange are bound to patterns with * or #, which is the limit; a pattern without them may be bound",
			ErrFanOut, queues)
	}
	return fmt.Errorf("%w: %d queues of the exchange are bound to %q, which is the limit; another pattern may be bound",
		ErrFanOut, queues, shorten(pattern, 48))
}

// CheckOwner returns [ErrQueueFull], with the reason, if more does not fit into the
// queues of an owner.
func (b *QueueBounds) CheckOwner(used, more Usage) error {
	return checkAll("this key", used, more, int64(b.MaxOwnerMessages), b.MaxOwnerBytes)
}

// CheckTotal is CheckOwner for the queues of all owners.
func (b *QueueBounds) CheckTotal(used, more Usage) error {
	return checkAll("all keys", used, more, int64(b.MaxTotalMessages), b.MaxTotalBytes)
}

func checkAll(of string, used, more Usage, messages, bytes int64) error {
	switch {
	case more.Messages > messages-used.Messages:
		return fmt.Errorf("%w: the queues of %s hold %d messages of at most %d", ErrQueueFull, of, used.Messages, messages)
	case more.Bytes > bytes-used.Bytes:
		return fmt.Errorf("%w: the queues of %s hold %d bytes of at most %d", ErrQueueFull, of, used.Bytes, bytes)
	}
	return nil
}

// CheckTopic returns [ErrTooManyTopics] if an owner that has this number of named
// topics may not make topic.
func (b *QueueBounds) CheckTopic(named int, topic string) error {
	if named >= b.MaxTopics {
		return fmt.Errorf("%w: %q would exceed the limit of %d", ErrTooManyTopics, topic, b.MaxTopics)
	}
	return nil
}

// CheckBinding returns [ErrTooManyBindings] if an owner with this number of bindings,
// and of this weight, may not have another. The weight of a pattern is the number of its
// words, of which those behind a # count 40 times: else one owner could make each
// message of its exchange slow.
func (b *QueueBounds) CheckBinding(bindings, weight int, pattern string) error {
	const perBinding = 4 // or a binding could cost as much memory as the longest pattern
	if bindings >= b.MaxBindings {
		return fmt.Errorf("%w: a further binding would exceed the limit of %d", ErrTooManyBindings, b.MaxBindings)
	}
	most := math.MaxInt
	if b.MaxBindings <= math.MaxInt/perBinding {
		most = perBinding * b.MaxBindings
	}
	if n := topic.Weight(pattern); n > most-weight {
		return fmt.Errorf("%w: the pattern counts as %d words, and with those of the other bindings they would exceed the limit of %d words; each word behind a # counts as 40",
			ErrTooManyBindings, n, most)
	}
	return nil
}

// QueueName returns how errors name the queue of a topic.
func QueueName(topic string) string {
	if topic == "" {
		return "the default queue"
	}
	return fmt.Sprintf("topic %q", topic)
}

// QueueNameFor returns how errors name the queue of a topic to a publisher, which may
// know no more of the queues of other keys than that they listen. Without a publisher the
// owner is not named.
func QueueNameFor(publisher, owner, topic string) string {
	if publisher == "" || owner == publisher {
		return QueueName(topic)
	}
	return fmt.Sprintf("%s of the key %q", QueueName(topic), owner)
}
