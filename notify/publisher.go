package notify

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go"
)

// PublisherConfig bounds a Publisher. Every field has a useful zero value;
// [NewPublisher] copies it.
type PublisherConfig struct {
	// MaxUnconfirmed and MaxUnconfirmedBytes bound what was given to the
	// publisher and is not confirmed yet: default 10,000 messages and 16 MiB.
	// At the bound, publishing waits.
	MaxUnconfirmed      int
	MaxUnconfirmedBytes int
	// FailUnconfirmed makes messages that were sent over a lost connection and
	// not confirmed fail with [ErrOutcomeUnknown], instead of being sent again.
	// Then nothing is published twice, and the caller decides what to do with
	// those messages.
	FailUnconfirmed bool
	// MaxKey and MaxBody are the sizes in bytes beyond which a message is not
	// even sent: default 256 and 1 MiB, as the platform's.
	MaxKey  int
	MaxBody int

	// Reconnect, PingInterval, PongTimeout, OnConnect, OnDisconnect and OnError are
	// as for a consumer, see [ConsumerConfig]. The callbacks block the
	// publisher, so they must not wait for it: no Publish, Flush or Close.
	Reconnect    Reconnect
	PingInterval time.Duration
	PongTimeout  time.Duration
	OnConnect    func()
	OnDisconnect func(err error)
	OnError      func(err error)

	// Trace has functions to be called at the stages of publishing. If nil, none are.
	Trace *Trace
}

func (cfg *PublisherConfig) check() error {
	return fill("PublisherConfig", []number{
		{"MaxUnconfirmed", &cfg.MaxUnconfirmed, 10_000}, {"MaxUnconfirmedBytes", &cfg.MaxUnconfirmedBytes, 16 << 20},
		{"MaxKey", &cfg.MaxKey, 256}, {"MaxBody", &cfg.MaxBody, 1 << 20},
	})
}

// A Publisher sends messages over one connection, which it makes when the
// first message comes and replaces when it is lost. All methods may be called
// from any number of goroutines; their frames share system calls and
// confirmations.
//
// The protocol confirms nothing by itself. The publisher sends a ping behind
// the frames: the pong proves that the platform has read them, and this
// project's platform has stored them by then. What was sent and not confirmed
// when a connection is lost is sent again, so a message may be published
// twice; see [PublisherConfig.FailUnconfirmed].
type Publisher struct {
	cfg     PublisherConfig
	link    lifecycle
	ctx     context.Context // of the connections
	quit    context.CancelFunc
	parting context.Context // of Close; set before ctx ends
	running sync.WaitGroup  // the goroutine that makes connections
	more    chan struct{}   // gets a value when there may be something to send
	spare   sync.Pool       // of entries
	ended   []*entry        // reused by confirm
	stats   publisherCounters

	mu      sync.Mutex
	ledger  ledger
	lastErr error         // the end of the last connection, until there is another, or room again
	failed  error         // the first failure that no done function and no Flush has got
	closed  bool          // no more messages are accepted
	changed chan struct{} // not nil if a caller waits; closed when the ledger has shrunk
}

// NewPublisher checks cfg. It does not connect. Call Close when done.
func NewPublisher(client *prism.Client, cfg PublisherConfig) (*Publisher, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	p := &Publisher{
		cfg: cfg,
		link: lifecycle{
			client: client, retry: cfg.Reconnect, pingInterval: cfg.PingInterval, pongTimeout: cfg.PongTimeout,
			onConnect: cfg.OnConnect, onDisconnect: cfg.OnDisconnect, onError: cfg.OnError, trace: cfg.Trace,
		},
		more:   make(chan struct{}, 1),
		spare:  sync.Pool{New: func() any { return new(entry) }},
		ledger: ledger{maxEntries: cfg.MaxUnconfirmed, maxBytes: cfg.MaxUnconfirmedBytes},
	}
	if err := p.link.check(); err != nil {
		return nil, err
	}
	p.ctx, p.quit = context.WithCancel(context.Background())
	return p, nil
}

// Publish sends one message as text/plain and waits until the platform has
// read it; see [Publisher.PublishMessage].
func (p *Publisher) Publish(ctx context.Context, key string, body []byte) error {
	return p.PublishMessage(ctx, Message{Key: key, Body: body})
}

// PublishMessage sends m and returns nil when the platform has read it. While
// there is no connection, or the platform has no room, it waits.
//
// If ctx ends before m was sent, it never will be, and the error matches
// ctx.Err(). If ctx ends later the error matches [ErrOutcomeUnknown] too, and m
// is not sent again. If the last that the platform said was that a queue is
// full, it matches [ErrQueueFull] as well. A message that the platform refuses
// fails with a [*RefusedError], one that is too large with a [*SizeError], and
// after Close with [ErrClosed].
func (p *Publisher) PublishMessage(ctx context.Context, m Message) error {
	ctx, m, traced := p.cfg.Trace.publishStart(ctx, m)
	err := p.publish(ctx, m)
	if traced != nil {
		traced(err)
	}
	return err
}

func (p *Publisher) publish(ctx context.Context, m Message) error {
	e := p.spare.Get().(*entry)
	e.waits = true
	if e.result == nil {
		e.result = make(chan error, 1)
	}
	if err := p.add(ctx, m, e); err != nil {
		return err
	}
	select {
	case err := <-e.result:
		if err == nil {
			p.recycle(e)
		}
		return err
	case <-ctx.Done():
		return p.abandon(e, ctx.Err())
	}
}

// PublishAsync sends m and does not wait for the confirmation: ctx bounds only
// the waiting for room below MaxUnconfirmed. done is called once, with what
// PublishMessage would have returned, in the order of confirmation, by a goroutine of
// the publisher or by Close: it must not block, publish nor panic. With a nil done,
// Flush returns the first failure. PublishAsync copies m.Body.
func (p *Publisher) PublishAsync(ctx context.Context, m Message, done func(error)) error {
	e := p.spare.Get().(*entry)
	ctx, m, traced := p.cfg.Trace.publishStart(ctx, m)
	e.done, e.traced = done, traced
	err := p.add(ctx, m, e)
	if err != nil && traced != nil {
		traced(err)
	}
	return err
}

// recycle makes an entry available for another message, if it was confirmed or was never
// in the ledger. The frame of an entry that has failed may still be in use.
func (p *Publisher) recycle(e *entry) {
	if cap(e.frame) <= keptFrame {
		*e = entry{frame: e.frame[:0], result: e.result}
		p.spare.Put(e)
	}
}

const keptFrame = 4 << 10

// add makes e the entry of m and puts it in the ledger, when there is room.
func (p *Publisher) add(ctx context.Context, m Message, e *entry) (err error) {
	if e.frame, err = m.appendTo(e.frame[:0], &p.cfg); err == nil {
		err = p.addFrame(ctx, e)
	}
	if err != nil {
		p.recycle(e)
	}
	return err
}

func (p *Publisher) addFrame(ctx context.Context, e *entry) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := ctx.Err()
	for err == nil && !p.closed && !p.ledger.fits(len(e.frame)) {
		err = p.awaitChange(ctx)
	}
	if err != nil {
		return p.explain(fmt.Errorf("notify: not published: %w", err))
	}
	if p.closed {
		return ErrClosed
	}
	if p.ledger.added == 0 {
		p.running.Go(p.run)
	}
	p.ledger.add(e)
	if p.ledger.unsent == e { // otherwise run was signalled before
		p.signal()
	}
	return nil
}

// signal wakes the goroutine that sends, as there may be something to send. The caller
// holds mu.
func (p *Publisher) signal() {
	if p.ledger.unsent == nil {
		return
	}
	select {
	case p.more <- struct{}{}:
	default: // it is signalled already
	}
}

// explain adds to err why nothing could be sent, if that is known. The caller holds mu.
func (p *Publisher) explain(err error) error {
	switch {
	case p.lastErr == nil:
		return err
	case isQueueFull(p.lastErr):
		return fmt.Errorf("%w: %w: %w", ErrQueueFull, p.lastErr, err)
	default:
		return fmt.Errorf("%w; not connected: %v", err, p.lastErr)
	}
}

// abandon removes an entry for which its caller waits no longer.
func (p *Publisher) abandon(e *entry, err error) error {
	p.mu.Lock()
	if e.complete {
		p.mu.Unlock()
		return <-e.result
	}
	defer p.mu.Unlock()
	p.ledger.abandon(e)
	p.notifyChange()
	p.stats.failed.Add(1)
	err = fmt.Errorf("notify: not published: %w", err)
	if e.sent {
		err = unknown(err)
	}
	return p.explain(err)
}

// notifyChange wakes the callers of awaitChange. The caller holds mu.
func (p *Publisher) notifyChange() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// awaitChange waits, without mu, until the ledger has shrunk. The caller holds mu
// before and after.
func (p *Publisher) awaitChange(ctx context.Context) error {
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	changed := p.changed
	p.mu.Unlock()
	defer p.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Flush waits until everything published before the call is confirmed or has
// failed. It returns the first failure of a message published without a done
// function that no Flush has returned yet. If ctx ends first, the error matches
// ctx.Err() and nothing is taken back.
func (p *Publisher) Flush(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for last := p.ledger.added; p.ledger.holds(last); {
		if err := p.awaitChange(ctx); err != nil {
			return p.explain(fmt.Errorf("notify: %d messages are not confirmed: %w", p.ledger.n, err))
		}
	}
	err := p.failed
	p.failed = nil
	return err
}

// Close accepts no further messages, flushes within ctx, closes the connection and waits
// for the publisher's goroutines. Messages that are not confirmed when ctx ends fail, and
// the error says how many there were. A second call returns nil.
func (p *Publisher) Close(ctx context.Context) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	p.notifyChange() // callers that wait for room
	p.mu.Unlock()
	err := p.Flush(ctx)
	p.parting = ctx
	p.quit()
	p.running.Wait()
	p.fail(ErrClosed, true)
	return err
}

// PublisherStats counts since NewPublisher.
type PublisherStats struct {
	Connected   bool
	Connects    int64 // connections made, the first one included
	Confirmed   int64 // messages
	Failed      int64 // messages whose publishing returned an error after they were accepted
	Resent      int64 // frames sent again over a new connection
	Unconfirmed int   // messages waiting now
}

type publisherCounters struct {
	connected                           atomic.Bool
	connects, confirmed, failed, resent atomic.Int64
}

// Stats may be called at any time.
func (p *Publisher) Stats() PublisherStats {
	p.mu.Lock()
	n := p.ledger.n
	p.mu.Unlock()
	s := &p.stats
	return PublisherStats{
		Connected: s.connected.Load(), Connects: s.connects.Load(), Confirmed: s.confirmed.Load(),
		Failed: s.failed.Load(), Resent: s.resent.Load(), Unconfirmed: n,
	}
}
