package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/wire"
)

// PublisherConfig bounds a Publisher. Every field has a useful zero value;
// [NewPublisher] copies it.
type PublisherConfig struct {
	// MaxUnconfirmed and MaxUnconfirmedBytes bound what was given to the
	// publisher and is not confirmed yet: default 10,000 messages and 16 MiB.
	// At the bound, publishing waits.
	MaxUnconfirmed      int
	MaxUnconfirmedBytes int
	// FailUnconfirmed makes a lost connection fail what was sent over it and
	// not confirmed, with [ErrOutcomeUnknown], instead of sending it again.
	// Nothing is published twice then, and what is lost is the caller's to
	// decide.
	FailUnconfirmed bool
	// MaxKey and MaxBody are the sizes in bytes beyond which a message is not
	// even sent: default 256 and 1 MiB, as the platform's.
	MaxKey  int
	MaxBody int

	// Retry, PingInterval, PongTimeout, OnConnect, OnDisconnect and OnError are
	// as for a consumer, see [ConsumerConfig]. The callbacks hold up the
	// publisher, so they must not wait for it: no Publish, Flush or Close.
	Retry        Retry
	PingInterval time.Duration
	PongTimeout  time.Duration
	OnConnect    func()
	OnDisconnect func(err error)
	OnError      func(err error)
}

func (cfg *PublisherConfig) check() error {
	return fill("PublisherConfig", []number{
		{"MaxUnconfirmed", &cfg.MaxUnconfirmed, 10_000}, {"MaxUnconfirmedBytes", &cfg.MaxUnconfirmedBytes, 16 << 20},
		{"MaxKey", &cfg.MaxKey, 256}, {"MaxBody", &cfg.MaxBody, 1 << 20},
	})
}

// Message is what is published.
type Message struct {
	Key  string // the routing key, such as order.new; required
	Body []byte
	Type string // content type; empty is text/plain
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
	ctx     context.Context // of the connection
	quit    context.CancelFunc
	parting context.Context // of Close; set before ctx ends
	gone    chan struct{}   // closed when the goroutine of connections has ended

	mu      sync.Mutex
	queue   list    // unconfirmed messages, in order
	unsent  *item   // the first of queue that this connection has not been given
	current *stream // the present connection
	bytes   int     // frames in queue
	ghost   uint64  // seq of the last frame of this connection that was abandoned, until it is confirmed
	full    error   // the platform's last word was that a queue is full
	lost    error   // why there is no connection
	failed  error   // the first failure that nobody was told of
	company int     // messages that the last pong confirmed
	awaited bool    // somebody waited for the last of them
	started bool
	closed  bool
	pushed  uint64        // items ever put into queue
	changed chan struct{} // if somebody waits: closed when queue shrinks
	wake    chan struct{} // tells the connection that there is work

	spare  sync.Pool // of items
	waited sync.Pool // of items with a result
	read   []*item   // what confirm settles; reused by whoever reads
	stats  publisherCounters
}

// NewPublisher checks cfg. It does not connect. Call Close when done.
func NewPublisher(client *prism.Client, cfg PublisherConfig) (*Publisher, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	p := &Publisher{
		cfg: cfg,
		link: lifecycle{
			client: client, retry: cfg.Retry, pingInterval: cfg.PingInterval, pongTimeout: cfg.PongTimeout,
			onConnect: cfg.OnConnect, onDisconnect: cfg.OnDisconnect, onError: cfg.OnError,
		},
		gone: make(chan struct{}),
		wake: make(chan struct{}, 1),
	}
	p.spare.New = func() any { return new(item) }
	p.waited.New = func() any { return &item{result: make(chan error, 1)} }
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
	it := p.waited.Get().(*item)
	s, err := p.enqueue(ctx, m, it)
	if err != nil {
		return err
	}
	if s != nil {
		s.hear(ctx, it)
	}
	select {
	case err := <-it.result:
		if err == nil {
			p.recycle(it)
		}
		return err
	case <-ctx.Done():
		return p.abandon(it, ctx.Err())
	}
}

// PublishAsync sends m and does not wait for the confirmation: ctx bounds only
// the waiting for room below MaxUnconfirmed. done is called once, with what
// PublishMessage would have returned, in the order of confirmation, by whoever
// reads confirmations, which may be a caller who waits for his own: it must not
// block, publish nor panic.
// With a nil done, Flush returns the first failure.
// PublishAsync copies m.Body.
func (p *Publisher) PublishAsync(ctx context.Context, m Message, done func(error)) error {
	it := p.spare.Get().(*item)
	it.done = done
	_, err := p.enqueue(ctx, m, it)
	return err
}

// recycle gives back an item that is confirmed or was never in the queue, which
// saves two allocations a message, four if somebody waits. The frame of one that
// has failed may still be on its way to the connection.
func (p *Publisher) recycle(it *item) {
	if cap(it.frame) > keptFrame {
		return
	}
	*it = item{frame: it.frame[:0], result: it.result}
	if it.result != nil {
		p.waited.Put(it)
	} else {
		p.spare.Put(it)
	}
}

const keptFrame = 4 << 10

// enqueue has m sent. If it returns a stream, m is alone there, and its caller does
// well to hear.
func (p *Publisher) enqueue(ctx context.Context, m Message, it *item) (*stream, error) {
	var s *stream
	var lone bool
	err := p.encode(m, it)
	if err == nil {
		s, lone, err = p.take(ctx, it)
	}
	if err != nil {
		p.recycle(it)
		return nil, err
	}
	if s != nil {
		s.conn.Push(lone)
	}
	if !lone {
		s = nil
	}
	return s, nil
}

// take puts it in the queue when there is room, and perhaps on a stream, which is
// to be pushed: by the caller, if this is all that is under way.
func (p *Publisher) take(ctx context.Context, it *item) (s *stream, lone bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	err = ctx.Err()
	for err == nil && !p.closed && p.crowded(len(it.frame)) {
		err = p.awaitChange(ctx)
	}
	if err != nil {
		return nil, false, p.explain(fmt.Errorf("notify: not published: %w", err))
	}
	if p.closed {
		return nil, false, ErrClosed
	}
	p.push(it)
	waits, hears := it.result != nil, false
	switch lone = p.lone(it); {
	case (waits || lone) && p.direct(it):
		s, hears = p.current, waits && lone
	case p.unsent == it:
		p.rouse()
	}
	if p.current != nil && !hears {
		p.current.needReader()
	}
	return s, lone, nil
}

// crowded reports whether a frame of n bytes has to wait. The caller holds mu.
func (p *Publisher) crowded(n int) bool {
	return p.queue.n > 0 && (p.queue.n >= p.cfg.MaxUnconfirmed || p.bytes+n > p.cfg.MaxUnconfirmedBytes)
}

// lone reports whether the platform has read everything but it, so that writing it
// does not block, and no other caller is likely to join: of those that the last
// pong has let go, the first would be lone. The caller holds mu.
func (p *Publisher) lone(it *item) bool {
	return p.queue.n == 1 && p.ghost == 0 && p.company <= 1 && len(it.frame) <= keptFrame
}

func (p *Publisher) encode(m Message, it *item) (err error) {
	if m.Type == "" {
		m.Type = "text/plain"
	}
	switch {
	case len(m.Key) > p.cfg.MaxKey:
		return &SizeError{Part: "routing key", Size: len(m.Key), Limit: p.cfg.MaxKey}
	case len(m.Body) > p.cfg.MaxBody:
		return &SizeError{Part: "body", Size: len(m.Body), Limit: p.cfg.MaxBody}
	case len(m.Type) > maxType:
		return &SizeError{Part: "content type", Size: len(m.Type), Limit: maxType}
	}
	if m.Key == "" {
		return errors.New("notify: the routing key is empty; a message needs one, such as order.new")
	}
	if err := m.checkLines(); err != nil {
		return err
	}
	it.frame, err = wire.AppendPublish(slices.Grow(it.frame[:0], 9+len(m.Key)+len(m.Body)+len(m.Type)), m.Key, m.Body, m.Type)
	return err
}

const maxType = 256

// checkLines refuses here what the platform would refuse by ending the connection.
func (m *Message) checkLines() error {
	for _, part := range [...]struct{ name, text string }{{"routing_key", m.Key}, {"content_type", m.Type}} {
		for i := range len(part.text) {
			if c := part.text[i]; c < ' ' || c == 0x7f {
				return &prism.ParamError{Name: part.name, Err: errors.New("it has a line break or another control character")}
			}
		}
	}
	return nil
}

// explain adds why nothing moves, if that is known. The caller holds mu.
func (p *Publisher) explain(err error) error {
	switch {
	case p.full != nil:
		return fmt.Errorf("%w: %w: %w", ErrQueueFull, p.full, err)
	case p.lost != nil:
		return fmt.Errorf("%w; not connected: %v", err, p.lost)
	default:
		return err
	}
}

// abandon takes back an item whose caller waits no longer.
func (p *Publisher) abandon(it *item, err error) error {
	p.mu.Lock()
	if it.settled {
		p.mu.Unlock()
		return <-it.result
	}
	it.settled = true
	sent := it.sent
	if p.given(it) {
		p.ghost = max(p.ghost, it.seq) // whatever ends this connection may be its fault
	}
	p.remove(it)
	p.announce()
	err = fmt.Errorf("notify: not published: %w", err)
	if sent {
		err = unknown(err)
	}
	err = p.explain(err)
	p.mu.Unlock()
	p.stats.failed.Add(1)
	return err
}

// Flush waits until everything published before the call is confirmed or has
// failed. It returns the first failure of a message published without a done
// function that no Flush has returned yet. If ctx ends first, the error matches
// ctx.Err() and nothing is taken back.
func (p *Publisher) Flush(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for last := p.pushed; p.queue.first != nil && p.queue.first.order <= last; {
		if err := p.awaitChange(ctx); err != nil {
			return p.explain(fmt.Errorf("notify: %d messages are not confirmed: %w", p.queue.n, err))
		}
	}
	err := p.failed
	p.failed = nil
	return err
}

// Close takes no further messages, flushes within ctx, shakes hands and waits
// for the publisher's goroutines. What is not confirmed when ctx ends fails, and
// the error says how much that was. A second call returns nil.
func (p *Publisher) Close(ctx context.Context) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	p.announce() // those who wait for room
	started := p.started
	p.mu.Unlock()
	err := p.Flush(ctx)
	p.parting = ctx
	p.quit()
	if started {
		<-p.gone
	}
	p.fail(ErrClosed, true)
	return err
}

// PublisherStats counts since NewPublisher.
type PublisherStats struct {
	Connected   bool
	Connects    int64 // connections made, the first one included
	Confirmed   int64 // messages
	Failed      int64 // messages whose publishing returned an error after they were taken
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
	n := p.queue.n
	p.mu.Unlock()
	s := &p.stats
	return PublisherStats{
		Connected: s.connected.Load(), Connects: s.connects.Load(), Confirmed: s.confirmed.Load(),
		Failed: s.failed.Load(), Resent: s.resent.Load(), Unconfirmed: n,
	}
}
