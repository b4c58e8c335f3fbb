package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
)

// A bench is one run.
type bench struct {
	c      *benchCmd
	t      *tool
	client *prism.Client
	line   *lifeline
	target target
	id     uint64 // random
	origin time.Time
	slots  *slots
	pace   pace

	outlets []*outlet
	inlets  []*inlet
	hearing context.Context // of the consumers
	deafen  context.CancelFunc
	hear    sync.WaitGroup
	ready   chan struct{} // gets one for each consumer that is connected
	arrived chan struct{} // gets one for each first message

	sent        bool         // some message
	began       int64        // the load, by clock
	ended       atomic.Int64 // it, too
	early       bool         // ... by something else than its duration
	until       time.Time    // see patient
	left        int          // messages in the queue in the end
	leftUnknown error
	crowd       bool // others consume the queue, too
	count       benchCounts
	failure     atomic.Pointer[error] // the first of publishing
	warned      sync.Once             // of messages of others
}

// benchCounts are of messages, deliveries and connections since the load began.
type benchCounts struct {
	published, confirmed, failed, consumed, acked, duplicates, stale, foreign, disconnects atomic.Int64
}

// An outlet is a publisher with its measure.
type outlet struct {
	*notify.Publisher
	confirmed *latency
}

// An inlet is a consumer with its measure.
type inlet struct {
	*notify.Consumer
	handled *latency
	holds   atomic.Int64 // messages of others, on the present connection
	once    sync.Once    // connected
}

func newBench(c *benchCmd, t *tool, client *prism.Client, line *lifeline) (*bench, error) {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	b := &bench{
		c: c, t: t, client: client, line: line, id: binary.BigEndian.Uint64(id[:]), origin: time.Now(),
		target:  target{Queues: notify.NewQueues(client), topic: c.Topic, key: c.RoutingKey},
		ready:   make(chan struct{}, c.Consumers),
		arrived: make(chan struct{}, c.Publishers),
	}
	b.pace = pace{rate: c.Rate, clock: b.clock}
	b.slots = newSlots(c.inFlight(), b.settle)
	b.hearing, b.deafen = context.WithCancel(context.Background())
	for range c.Publishers {
		p, err := notify.NewPublisher(client, notify.PublisherConfig{
			MaxUnconfirmed: c.inFlight(),
			OnConnect:      line.onConnect, OnDisconnect: b.onDisconnect, OnError: line.onError,
		})
		if err != nil {
			return nil, err
		}
		b.outlets = append(b.outlets, &outlet{p, newLatency()})
	}
	for range c.Consumers {
		in, err := b.newInlet()
		if err != nil {
			return nil, err
		}
		b.inlets = append(b.inlets, in)
	}
	return b, nil
}

func (b *bench) newInlet() (*inlet, error) {
	in := &inlet{handled: newLatency()}
	consumer, err := notify.NewConsumer(b.client, notify.ConsumerConfig{
		Topic: b.c.Topic, Workers: b.c.Workers, ManualAck: true, OnError: b.line.onError,
		OnConnect: func() {
			b.line.onConnect()
			in.once.Do(func() { b.ready <- struct{}{} })
		},
		OnDisconnect: func(err error) {
			if err != nil {
				in.holds.Store(0) // they are back in the queue
			}
			b.onDisconnect(err)
		},
	})
	in.Consumer = consumer
	return in, err
}

// clock is monotonic; both ends of a message are in this process.
func (b *bench) clock() int64 { return int64(time.Since(b.origin)) }

func (b *bench) onDisconnect(err error) {
	if err != nil {
		b.count.disconnects.Add(1)
	}
	b.line.onDisconnect(err)
}

// run is the whole of it. However it ends, nothing is running afterwards.
func (b *bench) run(ctx context.Context, bar *progress) (err error) {
	defer b.deafen()
	defer func() { err = cmp.Or(err, b.tidy()) }()
	if err := b.c.attempt(ctx, b.target.prepare); err != nil {
		return err
	}
	if err := b.target.check(); err != nil {
		return err
	}
	defer b.leave()
	if err := b.connect(ctx); err != nil {
		return err
	}
	if err := b.sendFirst(ctx); err != nil {
		return err
	}
	defer bar.watch(b.progress())()
	b.load(ctx)
	return ctx.Err()
}

// tidy drops the queue, if it was made for this run.
func (b *bench) tidy() error {
	ctx, cancel := lastWord()
	defer cancel()
	return b.target.remove(ctx)
}

// connect starts the consumers and waits until they are connected.
func (b *bench) connect(ctx context.Context) error {
	for _, in := range b.inlets {
		b.hear.Go(func() {
			err := in.Run(b.hearing, func(ctx context.Context, d *notify.Delivery) error { return b.handle(ctx, in, d) })
			if b.hearing.Err() == nil {
				b.line.stop(&exitError{exitRefused, err})
			}
		})
	}
	timed, cancel := context.WithTimeout(ctx, b.c.Patience)
	defer cancel()
	for n := range b.inlets {
		select {
		case <-b.ready:
		case <-timed.Done():
			return b.late(ctx, "%d of %d consumers had a connection", n, len(b.inlets))
		}
	}
	status, err := b.target.Status(ctx, b.c.Topic)
	if err == nil && status.Consumers > len(b.inlets) {
		err = &exitError{exitRefused, errors.New("another consumer of " + queueName(b.c.Topic) + " has come, which would take messages from bench")}
	}
	return err
}

// late is the error when ctx or the patience has ended.
func (b *bench) late(ctx context.Context, format string, args ...any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return &exitError{exitTimeout, fmt.Errorf(format+" within %v (--patience)", append(args, b.c.Patience)...)}
}

// sendFirst sends one message by each publisher. So all connections are there
// before anything is measured, and it is known that the messages come to the
// queue and to no other.
func (b *bench) sendFirst(ctx context.Context) error {
	before, err := b.target.others(ctx)
	if err != nil {
		return err
	}
	timed, cancel := context.WithTimeout(ctx, b.c.Patience)
	defer cancel()
	body := b.newBody()
	b.sent = true
	for i, out := range b.outlets {
		marking{b.id, uint64(i), b.clock()}.put(body)
		if err := out.PublishMessage(timed, b.message(body)); err != nil {
			return b.unconfirmed(ctx, timed, i, err)
		}
	}
	if err := b.checkCopies(ctx, before); err != nil {
		return err
	}
	for range b.outlets {
		select {
		case <-b.arrived:
		case <-timed.Done():
			return b.late(ctx, "a message with the routing key %s did not come to %s (is it bound to that? \"prismctl queue bind\" does it)",
				shown(b.c.RoutingKey), queueName(b.c.Topic))
		}
	}
	return nil
}

// unconfirmed is the error of a first message.
func (b *bench) unconfirmed(ctx, timed context.Context, publisher int, err error) error {
	if timed.Err() != nil {
		return b.late(ctx, "publisher %d got no confirmation (%s)", publisher+1, plain(err))
	}
	return err
}

// checkCopies refuses when other queues have got the first messages, too. It
// takes them out again.
func (b *bench) checkCopies(ctx context.Context, before map[string]int) error {
	topics, err := b.target.grown(ctx, before, len(b.outlets))
	if err != nil || len(topics) == 0 {
		return err
	}
	text := fmt.Sprintf("%s gets copies of messages with the routing key %s, which nobody would consume: choose another --routing-key, or a key with other bindings",
		queueName(topics[0]), shown(b.c.RoutingKey))
	for _, topic := range topics {
		if n := b.sweep(topic); n < len(b.outlets) {
			text += fmt.Sprintf("\nIn %s are still %s of bench.", queueName(topic), counted(len(b.outlets)-n, "message", "messages"))
		}
	}
	return &exitError{exitRefused, errors.New(text)}
}

// sweep acknowledges the first messages in another queue and tells how many it
// has found.
func (b *bench) sweep(topic string) (n int) {
	ctx, cancel := lastWord()
	defer cancel()
	consumer, err := notify.NewConsumer(b.client, notify.ConsumerConfig{Topic: topic})
	if err != nil {
		return 0
	}
	for d, err := range consumer.Deliveries(ctx) {
		if err != nil {
			return n
		}
		if s, ok := markingOf(d.Body); !ok || s.run != b.id || d.Ack(ctx) != nil {
			continue
		}
		if n++; n == len(b.outlets) {
			break
		}
	}
	return n
}

// load publishes until the duration is over or ctx ends, and waits until what
// is under way has come through.
func (b *bench) load(ctx context.Context) {
	loading, cancel := context.WithTimeout(ctx, b.c.Duration)
	defer cancel()
	publishing, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	b.slots.open()
	b.began = b.clock()
	b.pace.began = b.began
	var senders sync.WaitGroup
	for _, out := range b.outlets {
		for range b.c.callers() {
			senders.Go(func() { b.send(loading, publishing, out) })
		}
	}
	<-loading.Done()
	b.ended.Store(b.clock())
	b.early = ctx.Err() != nil
	rest, cancel := b.patient()
	defer cancel()
	b.slots.takeAll(rest)
	giveUp()
	senders.Wait()
}

// send publishes one message after the other.
func (b *bench) send(loading, publishing context.Context, out *outlet) {
	body := b.newBody()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for loading.Err() == nil {
		i, ok := b.slots.take(loading)
		if !ok {
			return
		}
		sent, ok := b.pace.turn(loading, timer)
		if !ok {
			b.slots.cancel(i)
			return
		}
		marking{b.id, b.slots.begin(i, sent, out.confirmed), sent}.put(body)
		b.count.published.Add(1)
		if b.c.ConfirmEach {
			b.settle(i, out.PublishMessage(publishing, b.message(body)))
		} else if err := out.PublishAsync(publishing, b.message(body), b.slots.all[i].done); err != nil {
			b.settle(i, err)
		}
	}
}

// newBody is one of the right size, which lacks its marking.
func (b *bench) newBody() []byte {
	body := make([]byte, b.c.Size)
	for i := range body {
		body[i] = 'x'
	}
	return body
}

func (b *bench) message(body []byte) notify.Message {
	return notify.Message{Key: b.c.RoutingKey, Body: body}
}

// settle takes note of what became of publishing a message. What is refused
// once would be so each time, so that ends the load.
func (b *bench) settle(i int, err error) {
	if err == nil {
		sent, by := b.slots.confirm(i)
		by.add(sent, b.clock())
		b.count.confirmed.Add(1)
		return
	}
	b.count.failed.Add(1)
	b.failure.CompareAndSwap(nil, &err)
	if errors.Is(err, notify.ErrClosed) || errors.Is(err, context.Canceled) {
		return // the patience has ended
	}
	b.slots.cancel(i)
	b.line.stop(&exitError{exitRefused, err})
}

// handle acknowledges a delivery, if the message is one of this run.
func (b *bench) handle(ctx context.Context, in *inlet, d *notify.Delivery) error {
	s, ok := markingOf(d.Body)
	if !ok || s.run != b.id {
		b.leaveAlone(in)
		return nil
	}
	now := b.clock()
	fresh := b.slots.consume(s.id)
	err := d.Ack(ctx)
	switch {
	case b.slots.first(s.id):
		if fresh {
			b.arrived <- struct{}{}
		}
		return nil
	case fresh:
		in.handled.add(s.sent, now)
		b.count.consumed.Add(1)
	default:
		b.count.duplicates.Add(1)
	}
	if err != nil {
		b.count.stale.Add(1) // it comes again
		return nil
	}
	b.count.acked.Add(1)
	return nil
}

func (b *bench) leaveAlone(in *inlet) {
	in.holds.Add(1)
	b.count.foreign.Add(1)
	b.warned.Do(func() {
		b.t.notice("messages of others come to %s; they are not acknowledged, and free again in the end", queueName(b.c.Topic))
	})
}

// foreign is how many messages of others the consumers hold.
func (b *bench) foreign() (n int) {
	for _, in := range b.inlets {
		n += int(in.holds.Load())
	}
	return n
}

// leave ends the publishers, waits until the queue is empty, ends the consumers,
// and counts what is left.
func (b *bench) leave() {
	over, end := context.WithCancel(context.Background())
	end()
	for _, out := range b.outlets {
		_ = out.Close(over) // load has waited already
	}
	if b.sent {
		b.awaitEmpty()
	}
	b.deafen()
	b.hear.Wait()
	ctx, cancel := lastWord()
	defer cancel()
	status, err := b.target.Status(ctx, b.c.Topic)
	b.left, b.leftUnknown = max(status.Messages-b.foreign(), 0), err
}

// patient is a context for what is done even after Ctrl-C. All of it together
// may take the patience.
func (b *bench) patient() (context.Context, context.CancelFunc) {
	if b.until.IsZero() {
		b.until = time.Now().Add(b.c.Patience)
	}
	return context.WithDeadline(context.Background(), b.until)
}

// lastWord is a context for a call that is made even when the patience has
// ended.
func lastWord() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), lastWordTime)
}

const lastWordTime = 2 * time.Second

// awaitEmpty waits for the last acknowledgements. Nothing tells of them, so it
// asks.
func (b *bench) awaitEmpty() {
	ctx, cancel := b.patient()
	defer cancel()
	ticks := time.NewTicker(50 * time.Millisecond)
	defer ticks.Stop()
	for {
		status, err := b.target.Status(ctx, b.c.Topic)
		if err != nil {
			return
		}
		b.crowd = b.crowd || status.Consumers > len(b.inlets)
		if status.Messages <= b.foreign() {
			return
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// progress returns what draws the state, and the rate since it did so last.
func (b *bench) progress() func() string {
	var then, before int64
	return func() string {
		now, consumed := b.clock()-b.began, b.count.consumed.Load()
		rate := float64(consumed-before) / time.Duration(now-then).Seconds()
		then, before = now, consumed
		underWay := b.count.published.Load() - b.count.failed.Load() - consumed
		return progressLine(time.Duration(now), b.c.Duration, consumed, rate, underWay, b.ended.Load() > 0)
	}
}
