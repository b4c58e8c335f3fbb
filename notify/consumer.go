package notify

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go"
)

// ConsumerConfig says what a Consumer consumes and how. Every field has a
// useful zero value; [NewConsumer] copies it.
type ConsumerConfig struct {
	// Topic is the queue; empty is the key's default queue.
	Topic string
	// RecreateQueue makes the queue again when it is dropped, empty and without its
	// bindings, and calls OnError. Otherwise Run ends with [ErrQueueDropped], also
	// when the queue was dropped while the connection was lost. Platforms other than
	// this project's may not report that.
	RecreateQueue bool
	// Workers is how many handlers run at once, default 1. With one worker,
	// deliveries keep their order.
	Workers int
	// Window and WindowBytes bound the deliveries that are read and not yet
	// handled: by number, default 1024, and by the bytes of their bodies,
	// routing keys and other texts, default 16 MiB. At the bound nothing more is
	// read until a handler has finished. Deliveries of the last read may exceed
	// it, by at most 64 and at most Window; nothing is dropped. The platform itself
	// stops at 256 unacknowledged ones unless it is configured otherwise. Window
	// may be at most 1,048,576.
	Window      int
	WindowBytes int
	// ManualAck leaves the acknowledging to the handler, by [Delivery.Ack],
	// there or later. Later can be too late: not only a lost connection, but
	// also a renewal (see OnGiveUp) makes deliveries stale.
	ManualAck bool
	// MaxDelivery is the size in bytes of the largest frame that is read,
	// default 32 MiB; a larger one ends Run.
	MaxDelivery int

	// Attempts is how often a delivery is handled before it is given up,
	// default 3, unless the error is [Permanent]. They are one attempt for the
	// platform. The first pause between two attempts is at most AttemptDelay,
	// default 100 ms and at most an hour; the bound doubles each time, up to a
	// hundredfold. A handler that has acknowledged is not called again.
	Attempts     int
	AttemptDelay time.Duration
	// OnGiveUp is called after the last attempt with its error, on the
	// worker's goroutine. Nil acknowledges the delivery: it was put out of the
	// way, by [Park] for instance, and the log has a warning. Otherwise, and
	// without OnGiveUp, the platform is told after a while that this attempt at
	// the message failed. It counts the attempt and delivers the message again,
	// or parks it if the queue has [QueueLimits].MaxAttempts. The while is random
	// below a bound that is 0.5 s after the first attempt and doubles with each up
	// to a minute. A delivery that was given up cannot be acknowledged.
	//
	// To a platform that counts no attempts nothing can be told. There
	// the connection is renewed after a while: no further handler starts until those
	// that run have returned, and then it is closed and made anew.
	OnGiveUp func(d *Delivery, err error) error

	// Grace is how long handlers may go on after Run's context has ended, at
	// least a nanosecond and by default 10 s. Then their context is cancelled.
	Grace time.Duration

	// Reconnect says how a lost connection is replaced.
	Reconnect Reconnect
	// PingInterval is the time between pings, default 30 s. A connection on which
	// a ping is not answered within PongTimeout, default 10 s, is replaced,
	// whatever else comes; while deliveries of 64 KiB come in that time, a slow
	// line has four of them. A handshake has PongTimeout, too, and after each that
	// took longer the next one has twice as long, up to a minute.
	PingInterval time.Duration
	PongTimeout  time.Duration

	// OnConnect is called when the consume command was sent on a new connection,
	// OnDisconnect when a connection has ended: with nil if this side ended
	// it. OnError is called for every failure, even one after which the consumer
	// tries again, and by several goroutines at a time. They are called with no
	// lock held, block their caller, and must not panic. While OnConnect runs
	// nothing is read.
	OnConnect    func()
	OnDisconnect func(err error)
	OnError      func(err error)

	// Trace has functions to be called at the stages of a delivery. If nil, none are.
	Trace *Trace
}

// check fills in the defaults, and returns an error for a value that is not valid.
func (cfg *ConsumerConfig) check() error {
	err := fill("ConsumerConfig", []number{
		{"Workers", &cfg.Workers, 1}, {"Window", &cfg.Window, 1024},
		{"WindowBytes", &cfg.WindowBytes, 16 << 20}, {"Attempts", &cfg.Attempts, 3},
		{"MaxDelivery", &cfg.MaxDelivery, 32 << 20},
	})
	if err != nil {
		return err
	}
	switch {
	case cfg.Window > maxWindow:
		return fmt.Errorf("notify: ConsumerConfig.Window is %d, it may be at most %d", cfg.Window, maxWindow)
	case cfg.Grace < 0:
		return errors.New("notify: ConsumerConfig.Grace must not be negative")
	case cfg.AttemptDelay < 0 || cfg.AttemptDelay > time.Hour:
		return fmt.Errorf("notify: ConsumerConfig.AttemptDelay is %v, it must be between 0 and one hour", cfg.AttemptDelay)
	}
	cfg.Grace = cmp.Or(cfg.Grace, 10*time.Second)
	cfg.AttemptDelay = cmp.Or(cfg.AttemptDelay, 100*time.Millisecond)
	if len(cfg.Topic) > maxTopic {
		return &SizeError{Part: "topic", Size: len(cfg.Topic), Limit: maxTopic}
	}
	return nil
}

const (
	maxTopic  = 256
	maxWindow = 1 << 20
)

// A number is a field of a configuration for which zero means value.
type number struct {
	name  string
	field *int
	value int
}

func fill(config string, numbers []number) error {
	for _, n := range numbers {
		if *n.field < 0 {
			return fmt.Errorf("notify: %s.%s is %d, it must not be negative", config, n.name, *n.field)
		}
		if *n.field == 0 {
			*n.field = n.value
		}
	}
	return nil
}

// A Consumer takes deliveries from one queue and acknowledges those that were
// handled. A delivery whose acknowledgement did not reach the platform comes
// again, so handlers must tolerate duplicates.
type Consumer struct {
	cfg     ConsumerConfig
	link    lifecycle
	running atomic.Bool
	stats   consumerCounters
}

// NewConsumer checks cfg. It does not connect: Run and Deliveries do.
func NewConsumer(client *prism.Client, cfg ConsumerConfig) (*Consumer, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	c := &Consumer{cfg: cfg, link: lifecycle{
		client: client, maxMessage: cfg.MaxDelivery, query: "?consumer_id=" + rand.Text(),
		retry: cfg.Reconnect, pingInterval: cfg.PingInterval, pongTimeout: cfg.PongTimeout,
		onConnect: cfg.OnConnect, onDisconnect: cfg.OnDisconnect, onError: cfg.OnError, trace: cfg.Trace,
	}}
	if err := c.link.check(); err != nil {
		return nil, err
	}
	return c, nil
}

// Handler handles one delivery; nil acknowledges it, unless the consumer is
// configured with ManualAck. ctx is cancelled when the grace period of a
// consumer that stops is over; it is not when merely a connection is lost.
type Handler func(ctx context.Context, d *Delivery) error

// Run consumes the queue and calls handle for each delivery, reconnecting when
// the connection is lost. It blocks until ctx ends or an error occurs that no
// reconnecting cures, and returns only after every call of handle has returned.
//
// When ctx ends, no further delivery is handled. Handlers that are running may
// go on for ConsumerConfig.Grace, their acknowledgements are sent, and the connection is
// closed; without any, Run returns within a second. A handler that ignores the
// end of its own context is left behind, and the error matches
// [ErrHandlerStuck].
//
// The error matches ctx.Err() if ctx ended, [prism.ErrUnauthorized] or
// [prism.ErrForbidden] if the platform refused the key, [ErrRetriesExhausted] if
// Reconnect.MaxFailures is used up, [ErrQueueDropped] if the queue was dropped, and
// [ErrRunning] if the consumer is running already.
func (c *Consumer) Run(ctx context.Context, handle Handler) error {
	if handle == nil {
		return errors.New("notify: the handler is nil")
	}
	return c.run(ctx, handle, c.cfg.Workers, c.cfg.ManualAck)
}

func (c *Consumer) run(ctx context.Context, handle Handler, workers int, manual bool) error {
	if !c.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer c.running.Store(false)
	p := newPool(ctx, c, handle, workers, manual)
	err := c.reconnect(ctx, p)
	if stuck := p.stop(); stuck != nil {
		return errors.Join(stuck, err)
	}
	return err
}

// reconnect serves one connection after the other.
func (c *Consumer) reconnect(ctx context.Context, p *pool) error {
	var t tries
	renewals := 0
	for {
		end := c.serve(ctx, p, renewals)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		wait, err := end.wait, error(nil)
		switch {
		case end.renewed:
			t, renewals = tries{}, end.renewals
		case errors.Is(end.err, ErrQueueDropped) && c.cfg.RecreateQueue:
			p.consumed = false
			c.link.fail(slog.LevelWarn, "the queue was dropped; it is made anew, without its bindings", end.err)
			wait, err = t.failed(c.link.retry, end)
		case !curable(end.err, c.link.worked.Load()) && !(p.consumed && isPolicy(end.err)):
			c.link.fail(slog.LevelError, "cannot consume", end.err)
			return end.err
		default:
			c.link.fail(slog.LevelWarn, "not connected", end.err)
			wait, err = t.failed(c.link.retry, end)
		}
		if err != nil {
			return err
		}
		c.link.trace.reconnect(end.err, wait)
		if !elapse(wait, ctx.Done()) {
			return ctx.Err()
		}
	}
}

// ConsumerStats counts since NewConsumer.
type ConsumerStats struct {
	Connected   bool
	Connects    int64 // connections made, the first one included
	Renewals    int64 // connections ended to have given-up deliveries again, where the platform counts no attempts
	Returned    int64 // given-up deliveries of which the platform was told that they failed
	Received    int64 // deliveries read
	Acked       int64 // acknowledgements handed to a connection
	Failed      int64 // attempts that returned an error or panicked
	GivenUp     int64 // deliveries that failed in all attempts
	Stale       int64 // acknowledgements too late for their connection
	Undecodable int64 // frames that were no delivery
}

type consumerCounters struct {
	connected                                                                          atomic.Bool
	connects, renewals, returned, received, acked, failed, givenUp, stale, undecodable atomic.Int64
}

// Stats may be called at any time.
func (c *Consumer) Stats() ConsumerStats {
	s := &c.stats
	return ConsumerStats{
		Connected: s.connected.Load(), Connects: s.connects.Load(), Renewals: s.renewals.Load(), Returned: s.returned.Load(),
		Received: s.received.Load(), Acked: s.acked.Load(), Failed: s.failed.Load(),
		GivenUp: s.givenUp.Load(), Stale: s.stale.Load(), Undecodable: s.undecodable.Load(),
	}
}
