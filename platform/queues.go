package platform

import (
	"context"
	"errors"
	"time"
)

// A Message is what a queue stores. Queues may share one value, so a Message must not
// be changed after it was published.
type Message struct {
	// ID names the message, the same in all of its queues and for its whole life. The
	// engine sets it when it stores the message; a new one that no queue took has none.
	ID          MessageID
	Key         string // routing key; empty when it was written straight to a topic
	Body        []byte
	ContentType string
	ClientID    string // the key of the publisher
	App         string // the app of the publisher
	// Time is when it was first published, by the platform's clock, to the second.
	Time time.Time
}

// Size returns the bytes that the message counts against bounds: those of its body,
// routing key and content type.
func (m *Message) Size() int64 { return int64(len(m.Key) + len(m.Body) + len(m.ContentType)) }

// unix returns the time as in deliveries, 0 for a message without one.
func (m *Message) unix() int64 {
	if m.Time.IsZero() {
		return 0
	}
	return m.Time.Unix()
}

// Queues stores and delivers the messages of all keys. Queues belong to an owner,
// which is a key; the empty topic is the owner's default queue. Owners belong to an
// exchange, which is a domain: what one of them publishes reaches the queues of all.
// Every method may be called from any number of goroutines.
//
// A method that returns nil has stored what it was given, as durably as the
// engine promises. A topic is made when it is first created, bound, written
// or consumed. The other methods make nothing, and return [ErrUnknownTopic] for a
// topic that is not there. An owner that another method names before Declare is
// declared with the zero [Owner].
type Queues interface {
	// Declare makes an owner with its default queue and first bindings, or changes
	// the exchange of an owner and what it may listen to. Its bindings go with it to
	// another exchange. What is in its queues stays. Declaring twice is declaring
	// once. If the exchange has no room for its bindings under MaxFanOut, the error is
	// [ErrFanOut], and nothing has changed.
	Declare(ctx context.Context, name string, o Owner) error

	// Publish routes each message to the queues of the exchange with a binding that
	// matches its Key, as far as their owners may listen to it. All of them get it at
	// once, or none. The publisher is the owner that the message's ClientID names.
	// A queue that is full refuses the message or drops one, as its [Overflow]
	// says; if one refuses, no queue gets it, and the error is [ErrQueueFull]. A
	// message that matches no queue is dropped, and counts as stored.
	//
	// The messages are stored in their order, up to the first that is refused: routed
	// has how many queues each stored one is in, and err says why the next one was
	// not. The slice stays the caller's.
	Publish(ctx context.Context, exchange string, ms ...*Message) (routed []int, err error)
	// Route returns to how many queues Publish would route m now.
	Route(ctx context.Context, exchange string, m *Message) (int, error)
	// Write puts m into one queue, or returns [ErrQueueFull]. A full queue takes m for a
	// message of its own key, whatever key its ClientID names. If the queue drops m, m has
	// no ID then.
	Write(ctx context.Context, owner, topic string, m *Message) error
	// Read removes up to n messages from the head of the queue and returns
	// them. A caller that fails after that has lost them. Read does not wait.
	Read(ctx context.Context, owner, topic string, n int) ([]*Message, error)
	// Peek returns up to n messages of the queue in their order, those that
	// consumers hold too, and changes nothing. They begin at the head of the queue or,
	// unless after is zero, behind the place where the message of that ID is or was.
	// An ID that this engine never gave returns [ErrUnknownMessage].
	Peek(ctx context.Context, owner, topic string, after MessageID, n int) ([]Peeked, error)
	// Consume starts a consumer that competes with the others of the queue. Peek shows
	// its name, which need not be unique.
	Consume(ctx context.Context, owner, topic, name string) (Consumer, error)
	// Resume is Consume of a queue that is there: it makes none, and returns
	// [ErrUnknownTopic].
	Resume(ctx context.Context, owner, topic, name string) (Consumer, error)
	// ConsumeAlone is Consume for one of several consumers of which only one may work, so
	// that messages keep their order: the Fetch of such a consumer waits while there is an
	// older one of the queue. Consumers of the other methods compete with it as always. If
	// the processes of a cluster call it for the same queue and one dies, another one
	// gets the messages within 15 seconds.
	ConsumeAlone(ctx context.Context, owner, topic, name string) (Consumer, error)

	// Park parks messages of a queue, ready or held: nobody gets them until Unpark. A
	// message that was held counts as tried. by names who had it last. It returns how
	// many were parked; IDs of messages that are not in the queue are ignored. What is
	// parked is bounded by [QueueBounds].MaxParked and MaxParkedBytes: beyond them the
	// message that was parked first is dropped, and counted.
	Park(ctx context.Context, owner, topic, reason, by string, ids ...MessageID) (int, error)
	// Parked returns up to n parked messages with greater IDs than after, in the order
	// of the queue. Unlike Peek it takes any ID.
	Parked(ctx context.Context, owner, topic string, after MessageID, n int) ([]Parked, error)
	// Unpark makes parked messages ready at their old places in the queue, whatever
	// its limits. It returns how many; other IDs are ignored. A message older than
	// [QueueBounds].MaxAge stays parked, as it would be removed at once.
	Unpark(ctx context.Context, owner, topic string, ids ...MessageID) (int, error)
	// Discard removes parked messages for good. It returns how many; other IDs are
	// ignored.
	Discard(ctx context.Context, owner, topic string, ids ...MessageID) (int, error)

	// Create makes a queue, unless it exists.
	Create(ctx context.Context, owner, topic string) error
	// Drop removes a queue with its messages and bindings, and ends its
	// consumers with [ErrUnknownTopic]. The default queue is only purged.
	Drop(ctx context.Context, owner, topic string) error
	// Purge removes the messages that no consumer holds and that are not parked.
	Purge(ctx context.Context, owner, topic string) error
	// SetLimits replaces the limits of a queue, which must be there. What it holds
	// already stays. An unknown Overflow is refused.
	SetLimits(ctx context.Context, owner, topic string, l QueueLimits) error
	// Bind adds a topic-exchange pattern to a queue: words between dots, *
	// for one word, # for any number of them. Neither matches the keys that begin
	// with "@system.", which a pattern has to name so. Binding twice is binding once;
	// a binding with Own becomes one of the exchange. Beyond MaxFanOut the error is
	// [ErrFanOut].
	Bind(ctx context.Context, owner, topic, pattern string) error
	// Unbind removes one pattern of a queue for good, even one that the owner
	// began with, or one of the default queue. The messages of the queue stay. It
	// returns [ErrUnknownTopic] or, for a pattern that the queue is not bound to,
	// [ErrUnknownBinding].
	Unbind(ctx context.Context, owner, topic, pattern string) error
	// Bindings returns the bindings of a queue, sorted by pattern.
	Bindings(ctx context.Context, owner, topic string) ([]Binding, error)
	// Status counts a queue. An unknown topic returns [ErrUnknownTopic].
	Status(ctx context.Context, owner, topic string) (QueueStatus, error)
	// List returns the owner's named topics, sorted.
	List(ctx context.Context, owner string) ([]string, error)
	// Forget removes all queues of owner with their messages and bindings, the
	// default queue too, and ends their consumers with [ErrUnknownTopic]. There
	// need not be any. If the owner is named again, it begins like a new one. When
	// Forget fails, some of the queues may have been removed.
	Forget(ctx context.Context, owner string) error

	// Limits returns how many messages a queue without limits of its own holds at
	// most, and how many bytes of them as [QueueStatus] counts them. The largest
	// number is no limit.
	Limits() (messages int, bytes int64)
}

// An Owner is what the queues know of a key.
type Owner struct {
	Exchange string     // the domain
	Listen   Permission // which messages are routed to its queues
	// Bindings are those that a new owner begins with; if nil, those of
	// [QueueBounds].
	Bindings []Binding
}

// QueueLimits is what one queue holds at most, ready and unacknowledged, and what
// happens beyond that. A number of zero means that of [QueueBounds], and [NoBound], as any
// negative one, no limit.
type QueueLimits struct {
	MaxMessages int
	MaxBytes    int64
	Overflow    Overflow
	// MaxAttempts is how often a message is tried before it is parked: whenever the
	// count of its attempts reaches a multiple. Zero means that it is tried for ever.
	MaxAttempts int
}

// An Overflow says what a full queue does. Messages that a consumer holds are never
// dropped; if none is ready, the newcomer is. What is dropped is counted.
type Overflow string

const (
	// OverflowDefault refuses what the queue's own key publishes or writes, and drops
	// the oldest message for one of another key.
	OverflowDefault Overflow = ""
	// Refuse refuses the newcomer, for all queues that it matches.
	Refuse Overflow = "refuse"
	// DropOldest drops the oldest ready messages.
	DropOldest Overflow = "drop-oldest"
	// DropNewest drops the newcomer.
	DropNewest Overflow = "drop-newest"
)

// Refuses reports whether a full queue refuses a message rather than drop one. own says
// that the queue's own key publishes or writes it.
func (o Overflow) Refuses(own bool) bool { return o == Refuse || o == OverflowDefault && own }

// Peeked is a message that [Queues].Peek has found.
type Peeked struct {
	Message *Message
	Held    bool      // by a consumer
	Holder  string    // the name of that consumer
	Since   time.Time // since when, as far as this engine knows
}

// QueueDepths is an interface for operators that an engine may have beside [Queues].
type QueueDepths interface {
	// Depths counts every queue of every owner, in no order. On a large platform
	// that is slow.
	Depths(ctx context.Context) ([]QueueDepth, error)
}

// QueueRoutes is an interface for operators that an engine may have beside [Queues].
type QueueRoutes interface {
	// Routes returns the queues of an exchange with a binding that matches a routing key,
	// also those that do not get such a message, in no order.
	Routes(ctx context.Context, exchange, key string) ([]QueueRoute, error)
}

// A QueueRoute is a queue with a binding that matches a routing key.
type QueueRoute struct {
	Owner, Topic string
	Patterns     []string // of the bindings that match, sorted
	Barred       bool     // the owner may not listen to the key, so the queue does not get it
	Own          bool     // the queue gets it only if its owner has published it
}

// QueueDrops is an interface that an engine may have beside [Queues]. By it a platform
// learns what its system events of dropped messages tell.
type QueueDrops interface {
	// NotifyDrops sets a function that is called as [QueueBounds].OnDrop is, but not
	// for dropped messages that are system events themselves. It replaces the one that
	// was set before. f must be quick and must not call the engine.
	NotifyDrops(f func(owner, topic string, dropped uint64))
}

// A Consumer takes messages from one queue. It holds those that it took and did not
// acknowledge until Close. Fetch is called by one goroutine at a time; the other methods
// by any.
type Consumer interface {
	// Fetch waits until the queue has a message for this consumer and
	// returns up to max of them, in queue order. Together they have at most
	// maxBytes bytes, as [QueueStatus] counts them, but for the first, which
	// comes whatever its size. No more than that is loaded.
	Fetch(ctx context.Context, max, maxBytes int) ([]Lease, error)
	// Ack removes messages for good. IDs that are not outstanding at this
	// consumer are ignored.
	Ack(ctx context.Context, ids ...uint64) error
	// Fail counts an attempt of each message. Those that have reached the MaxAttempts of
	// the queue it parks, with the reason and the name of the consumer, and returns their
	// IDs: they are no longer outstanding. The others stay so. IDs that are not
	// outstanding at this consumer are ignored. What was counted survives a restart.
	Fail(ctx context.Context, reason string, ids ...uint64) (parked []uint64, err error)
	// Return puts messages back at their places in the queue, where any
	// consumer can fetch them. IDs that are not outstanding at this consumer
	// are ignored.
	Return(ctx context.Context, ids ...uint64) error
	// Close returns what is unacknowledged to its place in the queue; when
	// it returns, another consumer can fetch it. A waiting Fetch ends.
	Close() error
}

// A SharedConsumer is a [Consumer] of an engine that several processes share, and that
// knows of the consumers of the other processes.
type SharedConsumer interface {
	Consumer
	// OnRival sets the function that is called, any number of times, when a
	// consumer of another process begins to consume the same queue. f must not
	// block.
	OnRival(f func())
}

// A Lease is a message that a consumer holds. ID names it to [Consumer.Ack].
type Lease struct {
	ID      uint64
	Message *Message
	// Attempt is one more than the attempts that were counted in this queue.
	Attempt int
}

// QueueStatus counts the messages of a queue.
type QueueStatus struct {
	Limits         QueueLimits // those that hold: the largest number is no limit
	Dropped        uint64      // messages that found it full, or made room there, ever
	Ready          int         // waiting for a consumer
	Unacknowledged int         // held by consumers
	Consumers      int
	Bytes          int64 // bodies, routing keys and content types, ready and unacknowledged
	Parked         int
	ParkedBytes    int64  // as Bytes, with the reasons
	ParkedDropped  uint64 // parked messages that made room for others, ever
}

// A QueueDepth is the status of one queue among all.
type QueueDepth struct {
	Owner, Topic string
	Exchange     string // of the owner
	QueueStatus
	// Published counts the messages that came into the queue, those among them that it has
	// dropped, since the engine began or ever. A smaller number than before is that of an
	// engine, or a queue, that has begun anew.
	Published uint64
}

var (
	// ErrQueueFull is returned when a queue's limit of messages or bytes
	// would be passed. Nothing was stored.
	ErrQueueFull = errors.New("platform: queue is full")
	// ErrUnknownTopic is returned for a topic that was never made.
	ErrUnknownTopic = errors.New("platform: unknown topic")
	// ErrTooManyTopics is returned when a key may make no further topic.
	ErrTooManyTopics = errors.New("platform: too many topics")
	// ErrTooManyBindings is returned when a key may make no further binding.
	ErrTooManyBindings = errors.New("platform: too many bindings")
	// ErrFanOut is returned when no further queue of an exchange may be bound to such
	// a pattern.
	ErrFanOut = errors.New("platform: too many queues for one routing key")
	// ErrUnknownMessage is returned for an ID that the engine never gave.
	ErrUnknownMessage = errors.New("platform: unknown message")
	// ErrUnknownBinding is returned for a pattern that a queue is not bound to.
	ErrUnknownBinding = errors.New("platform: unknown binding")
	// ErrConsumerClosed is returned by Fetch after Close.
	ErrConsumerClosed = errors.New("platform: consumer closed")
)
