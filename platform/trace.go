package platform

import (
	"net/url"
	"sync/atomic"
	"time"
)

// Trace is a set of hooks that a Platform calls; any may be nil. They are called during
// the work, by any goroutine, several at a time, so they must be quick and must not call
// the platform.
type Trace struct {
	// Call is called when an HTTP call has been answered, also when it was
	// refused; for the channel, when the connection is accepted or refused.
	Call func(Call, Outcome)
	// Connect and Disconnect are called when a channel connection begins and has
	// ended. When Disconnect is called, unacknowledged messages are back in their
	// queues.
	Connect    func(Conn)
	Disconnect func(c Conn, reason string)
	// Publish is called for each message from a connection, or from
	// notify/write, once it is stored or refused. A consumer may get a
	// message before this returns.
	Publish func(PublishEvent)
	// Deliver is called right before a delivery is handed to its connection.
	Deliver func(DeliverEvent)
	// Ack is called for each acknowledgement, also for one that is ignored.
	Ack func(AckEvent)
	// Fail is called for each attempt that was counted: because the consumer said that
	// it failed, or because its connection ended. It is called for a command of a
	// consumer that is ignored, too. It comes before the Park of the same message, and
	// before the Disconnect of its connection.
	Fail func(FailEvent)
	// Park is called for each message that was parked, after a failed attempt or by a
	// call.
	Park func(ParkEvent)
	// Push is called when a POST to the push address of a key has ended, and what it
	// means for the message is stored, or given to the engine to be stored soon.
	Push func(PushEvent)
}

// A Call is one request to an API.
type Call struct {
	RequestID  string
	Method     string
	Path       string     // decoded, base path included
	API        string     // the path below the base path, without a leading slash
	Key, App   string     // empty when the caller was not recognised
	UserID     string     // the user of the access token; empty without a valid one
	Params     url.Values // the call's own parameters, of form and query, at the OAuth server without secrets; not to be changed
	RemoteAddr string
	UserAgent  string

	// Service is the prefix of the service that the call was for, and MethodID which of its
	// APIs, "*" for what it does not list. Both are empty before the call is answered, and
	// for calls that no service has.
	Service, MethodID string
}

// An Outcome is how a call ended.
type Outcome struct {
	Status   int
	Code     string // of the error envelope; empty on success and for a Backend's answer
	Duration time.Duration
}

// A Conn describes a channel connection.
type Conn struct {
	ID         uint64 // counts from 1 in each Platform
	Key, App   string
	RequestID  string
	RemoteAddr string
	UserAgent  string
	Since      time.Time // by the platform's clock
}

// A PublishEvent is a message that was published.
type PublishEvent struct {
	Conn    uint64 // 0 for notify/write
	Key     string // the client_id of the publisher
	Topic   string // of notify/write, which then routed nothing
	Message *Message
	Queues  int   // how many queues it went to; 0 if no queue that may listen to it is bound to its routing key
	Err     error // why it was refused; nil when it is stored
}

// A DeliverEvent is a message that is delivered.
type DeliverEvent struct {
	Conn    uint64
	Key     string // the client_id of the consumer
	Topic   string
	Tag     uint64
	Attempt int // counts from 1
	Message *Message
}

// An AckEvent is an acknowledgement.
type AckEvent struct {
	Conn       uint64
	Key        string
	Topic      string // as what follows, the zero one if Stray
	ID         MessageID
	RoutingKey string // the message's routing key
	Tag        uint64 // 0 for an ack without a tag
	Stray      bool   // it named no outstanding delivery and was ignored
}

// A FailEvent is a failed attempt to handle a message.
type FailEvent struct {
	Conn       uint64 // 0 if the platform pushed it
	Key        string // the client_id of the consumer
	Topic      string
	Tag        uint64
	ID         MessageID // the zero one if Stray
	RoutingKey string    // the message's routing key; empty if Stray
	Attempt    int       // counts from 1; 0 if Stray
	Reason     string
	Stray      bool // it named no outstanding delivery and was ignored
}

// A ParkEvent is a message that was parked.
type ParkEvent struct {
	Conn       uint64 // of the last consumer; 0 if a call parked it, or the platform pushed it
	Key        string // whose queue it is in
	Topic      string
	ID         MessageID
	RoutingKey string // the message's routing key
	Attempts   int
	Reason     string
	By         string // who had it last
}

// A PushEvent is one POST to the push address of a key.
type PushEvent struct {
	Key     string // the client_id of the key
	Message *Message
	Attempt int
	Status  int    // of the answer; 0 without one
	Err     error  // nil if the receiver has taken the message
	Parked  bool   // the queue's limit of attempts was reached
	Host    string // of the receiver, with the port if it has one
	Took    time.Duration
}

// Stats counts what a Platform did since New.
type Stats struct {
	Connections int64 // live now
	Connected   int64 // ever
	Calls       int64 // answered, channel handshakes included
	Published   int64 // messages stored, by channel or notify/write
	Unrouted    int64 // those of them that went to no queue
	Delivered   int64 // frames handed to connections
	Acked       int64
	StrayAcks   int64 // acks and fails of no outstanding delivery, ignored
	Failed      int64 // attempts that failed
	Parked      int64 // messages that were parked
	Events      int64 // system events that a queue has got
	EventsLost  int64 // system events that could not be published, or were too many

	Pushed      int64 // POSTs that their receivers have taken
	PushFailed  int64 // POSTs that failed
	Pushing     int64 // keys with a push address that this platform takes messages for, or waits to
	PushWaiting int64 // those of them whose last POST failed

	Forwarded     int64 // calls that a backend of a service has answered
	ForwardFailed int64 // calls that a backend was to answer, and has not
	Limited       int64 // calls that were over their limit
	Uncounted     int64 // apps, keys and APIs of calls, for whose statistics there was no room, not even as (other)
}

type counters struct {
	connections, connected, calls, published, unrouted, delivered, acked, strayAcks, failed, parked, events, eventsLost, pushed, pushFailed, forwarded, forwardFailed, limited atomic.Int64
}

// Stats returns the counters. They are read one after the other, so they may
// be a moment apart.
func (p *Platform) Stats() Stats {
	n := &p.count
	pushing, waiting := p.pushers.count()
	return Stats{
		Connections: n.connections.Load(),
		Connected:   n.connected.Load(),
		Calls:       n.calls.Load(),
		Published:   n.published.Load(),
		Unrouted:    n.unrouted.Load(),
		Delivered:   n.delivered.Load(),
		Acked:       n.acked.Load(),
		StrayAcks:   n.strayAcks.Load(),
		Failed:      n.failed.Load(),
		Parked:      n.parked.Load(),
		Events:      n.events.Load(),
		EventsLost:  n.eventsLost.Load(),

		Pushed:      n.pushed.Load(),
		PushFailed:  n.pushFailed.Load(),
		Pushing:     int64(pushing),
		PushWaiting: int64(waiting),

		Forwarded:     n.forwarded.Load(),
		ForwardFailed: n.forwardFailed.Load(),
		Limited:       n.limited.Load(),
		Uncounted:     p.calls.stats.Load().Lost(),
	}
}

func (p *Platform) published(by actor, of *keyCount, e PublishEvent) {
	if e.Err == nil {
		p.count.published.Add(1)
		of.published.Add(1)
	}
	if e.Err == nil && e.Queues == 0 {
		p.count.unrouted.Add(1)
		of.unrouted.Add(1)
	}
	p.notePublish(by, e)
	if p.cfg.Trace.Publish != nil {
		p.cfg.Trace.Publish(e)
	}
}

func (p *Platform) delivering(by actor, e DeliverEvent) {
	p.count.delivered.Add(1)
	p.noteDelivery(by, e)
	if p.cfg.Trace.Deliver != nil {
		p.cfg.Trace.Deliver(e)
	}
}

func (p *Platform) acked(by actor, e AckEvent) {
	if e.Stray {
		p.count.strayAcks.Add(1)
	} else {
		p.count.acked.Add(1)
	}
	p.noteAck(by, e)
	if p.cfg.Trace.Ack != nil {
		p.cfg.Trace.Ack(e)
	}
}

func (p *Platform) failed(by actor, e FailEvent) {
	if e.Stray {
		p.count.strayAcks.Add(1)
	} else {
		p.count.failed.Add(1)
	}
	p.noteFail(by, e)
	if p.cfg.Trace.Fail != nil {
		p.cfg.Trace.Fail(e)
	}
}

func (p *Platform) parked(by actor, e ParkEvent) {
	p.count.parked.Add(1)
	p.notePark(by, e)
	p.parkedEvent(e)
	if p.cfg.Trace.Park != nil {
		p.cfg.Trace.Park(e)
	}
}

func (p *Platform) posted(by actor, e PushEvent) {
	if e.Err == nil {
		p.count.pushed.Add(1)
	} else {
		p.count.pushFailed.Add(1)
		p.pushFailedEvent(e)
	}
	p.notePush(by, e)
	if p.cfg.Trace.Push != nil {
		p.cfg.Trace.Push(e)
	}
}
