// Package listen is the work of "prismctl listen": it brings each message of a queue to a
// receiver that has no SDK, by HTTP or as the input of a command, and acknowledges it when
// the receiver has taken it.
package listen

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/lifeline"
	"github.com/shopex/prism-go/notify"
)

// A Receiver is what messages are brought to: see [Forward] and [Command].
type Receiver interface {
	// check returns why no message can be brought to it, as far as that is seen now.
	check(ctx context.Context) error
	// deliver brings it a message, and returns nil if it has taken it. It says in the
	// attempt what the receiver answered.
	deliver(ctx context.Context, d *notify.Delivery, a *Attempt) error
	close()
}

// Config says what to listen to, and how.
type Config struct {
	Client *prism.Client
	Server string // its address, for messages
	To     Receiver

	// Topic is the queue; empty is the default queue. With a Filter it is a queue of its
	// own, made if it is not there, which Keep has to keep; empty is one with a name that
	// nothing else has.
	Topic  string
	Filter string // a pattern of routing keys
	Keep   bool   // leave the queue of the filter there in the end
	// Create makes the queue of Topic, if it is not there. Without it such a queue is an
	// error.
	Create bool
	// MaxAttempts is how often a message is tried before it is parked. Zero is what
	// the queue says, and if it says nothing, there is no end.
	MaxAttempts int
	Workers     int

	// Report gets an [Attempt] for each try and a [State] at the begin and the end, one
	// after the other. Its first error ends listening.
	Report func(Event) error
	Notice func(format string, args ...any) // tells the user something
	Line   Line                             // shows how it is, if not nil
}

// A listener is one Run.
type listener struct {
	cfg    Config
	ctx    context.Context // when it has ended nothing new is tried
	line   *lifeline.Line
	queue  *queue
	most   int // attempts; 0: any number
	events chan Event
	state  state
	began  time.Time // of the first connection; of the consumer's goroutine

	pasts pasts

	mu   sync.Mutex    // guards what follows
	lost chan struct{} // closed when the connection has ended
}

// grace is how long a try may go on when ctx has ended. Together with what follows then
// it is less than a second.
const grace = 250 * time.Millisecond

// Run listens until ctx ends, which is no error, or an error that does not heal. Tries
// that are under way then may finish, for a moment; what was not taken stays in the queue.
// When Run returns nothing is running. Errors have an exit status.
func Run(ctx context.Context, cfg Config) error {
	defer cfg.To.close()
	if err := cfg.To.check(ctx); err != nil {
		return exit.With(exit.Usage, err)
	}
	ctx, line := lifeline.New(ctx, cfg.Server, cfg.Notice)
	defer line.Stop(nil)
	l := &listener{cfg: cfg, ctx: ctx, line: line, most: cfg.MaxAttempts, events: make(chan Event, 256), lost: make(chan struct{})}
	var err error
	if l.queue, err = open(ctx, &cfg); err != nil {
		return err
	}
	if l.most == 0 {
		l.most = l.queue.maxAttempts
	}
	reported := l.reporting()
	err = l.run()
	left := l.leave()
	reported()
	return cmp.Or(lifeline.Verdict(ctx, err), left)
}

// farewell is how long the calls together may take that are made in the end.
const farewell = 300 * time.Millisecond

// leave tells how it went, and drops the queue if it was only for this.
func (l *listener) leave() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), farewell)
	defer cancel()
	if l.line.Reached() {
		l.emit(ctx, l.ended(ctx))
	}
	return l.queue.close(ctx)
}

// run consumes the queue, and tells how that goes.
func (l *listener) run() error {
	consumer, err := notify.NewConsumer(l.cfg.Client, notify.ConsumerConfig{
		Topic: l.queue.topic, Workers: l.cfg.Workers, Attempts: 1, Grace: grace,
		OnConnect: l.onConnect, OnDisconnect: l.onDisconnect, OnError: l.line.OnError,
	})
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	watched := l.watching()
	err = consumer.Run(l.ctx, l.handle)
	watched()
	if err == nil || l.ctx.Err() != nil && !errors.Is(err, notify.ErrHandlerStuck) {
		return nil
	}
	return exit.With(exit.Refused, err)
}
