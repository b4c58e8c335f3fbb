// Package load is the benchmark of "prismctl bench": it publishes, consumes and
// acknowledges messages of its own, and measures how many there were and how
// long each took. It knows duplicates and losses exactly, in a memory that
// does not grow (see slots).
package load

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/lifeline"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

// Run loads a platform until the duration of cfg is over or ctx ends, lets what
// is under way come to its end, and reports. After it nothing is running.
//
// The report is nil if nothing was measured. If there is one, the error says
// what is wrong by it, such as messages that were lost, or else that of ctx.
// Errors have an exit status.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if err := cfg.Check(); err != nil {
		return nil, exit.With(exit.Usage, err)
	}
	if err := cfg.chooseQueue(ctx); err != nil {
		return nil, err
	}
	ctx, line := lifeline.New(ctx, cfg.Server, cfg.Notice)
	defer line.Stop(nil)
	b, err := newBench(cfg, line)
	if err != nil {
		return nil, err
	}
	err = lifeline.Verdict(ctx, b.run(ctx))
	if b.began == 0 {
		if b.sent && b.left > 0 {
			cfg.Notice("%s of bench may be left in %s", messagesOf(int64(b.left)), words.Queue(cfg.Topic))
		}
		return nil, err
	}
	r := b.report()
	return r, cmp.Or(r.failure(), err)
}

// A bench is one run.
type bench struct {
	cfg    Config
	line   *lifeline.Line
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
	sender
	confirmed *latency
}

// An inlet is a consumer with its measure.
type inlet struct {
	*notify.Consumer
	handled *latency
	holds   atomic.Int64 // messages of others, on the present connection
	once    sync.Once    // connected
}

func newBench(c Config, line *lifeline.Line) (*bench, error) {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	b := &bench{
		cfg: c, line: line, id: binary.BigEndian.Uint64(id[:]), origin: time.Now(),
		target:  target{QueueClient: notify.NewQueueClient(c.Client), topic: c.Topic, key: c.RoutingKey, direct: c.Direct},
		ready:   make(chan struct{}, c.Consumers),
		arrived: make(chan struct{}, c.Publishers),
	}
	b.pace = pace{rate: c.Rate, clock: b.clock}
	b.slots = newSlots(c.inFlight(), b.settle)
	b.hearing, b.deafen = context.WithCancel(context.Background())
	for range c.Publishers {
		p, err := b.newSender()
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

func (b *bench) newSender() (sender, error) {
	if b.cfg.Direct {
		return newDirect(b.target.QueueClient, b.cfg.Topic), nil
	}
	return notify.NewPublisher(b.cfg.Client, notify.PublisherConfig{
		MaxUnconfirmed: b.cfg.inFlight(),
		OnConnect:      b.line.OnConnect, OnDisconnect: b.onDisconnect, OnError: b.line.OnError,
	})
}

// clock is monotonic; both ends of a message are in this process.
func (b *bench) clock() int64 { return int64(time.Since(b.origin)) }

// run is the whole of it. However it ends, nothing is running afterwards.
func (b *bench) run(ctx context.Context) (err error) {
	defer b.deafen()
	defer func() { err = cmp.Or(err, b.tidy()) }()
	if err := exit.Attempt(ctx, b.cfg.Server, b.target.prepare); err != nil {
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
	b.began = b.clock()
	b.pace.began = b.began
	defer b.watch()()
	b.load(ctx)
	return ctx.Err()
}
