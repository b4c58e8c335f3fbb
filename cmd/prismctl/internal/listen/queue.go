package listen

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/notify"
)

// A queue is what is listened to.
type queue struct {
	*notify.QueueClient
	topic       string
	maxAttempts int  // which the queue has
	create      bool // it may be made
	temporary   bool // it goes when listening ends
	notice      func(format string, args ...any)
}

// open finds the queue, or makes that of a filter.
func open(ctx context.Context, cfg *Config) (*queue, error) {
	q := &queue{QueueClient: notify.NewQueueClient(cfg.Client), topic: cfg.Topic, create: cfg.Create, notice: cfg.Notice}
	prepare := q.find
	if cfg.Filter != "" {
		prepare = func(ctx context.Context) error { return q.make(ctx, cfg) }
	}
	if err := exit.Attempt(ctx, cfg.Server, prepare); err != nil {
		return nil, err
	}
	return q, nil
}

// find looks at a queue that should be there, or may be made.
func (q *queue) find(ctx context.Context) error {
	if q.create && q.topic != "" {
		if err := q.Create(ctx, q.topic); err != nil {
			return err
		}
	}
	s, err := q.Status(ctx, q.topic)
	var failure *prism.Error
	if q.topic != "" && errors.As(err, &failure) {
		switch {
		case failure.Code == code.UnknownTopic:
			return exit.With(exit.Refused, fmt.Errorf("there is no %s: --create makes it, --filter one that gets what matches, and \"prismctl queue list\" names the queues", words.Queue(q.topic)))
		case errors.Is(err, prism.ErrNotFound):
			return nil // this platform cannot say it
		}
	}
	q.maxAttempts = s.MaxAttempts
	return err
}

// make makes a queue that gets what matches the filter, and nothing else. If the filter
// is refused, nothing was made.
func (q *queue) make(ctx context.Context, cfg *Config) error {
	if q.topic == "" {
		q.topic = "listen-" + strings.ToLower(rand.Text()[:12])
		q.temporary = !cfg.Keep
	} else if err := q.checkBindings(ctx, cfg.Filter); err != nil {
		return err
	}
	if err := q.Bind(ctx, q.topic, cfg.Filter); err != nil {
		return q.unmade(err)
	}
	if cfg.MaxAttempts > 0 {
		if _, err := q.SetLimits(ctx, q.topic, notify.QueueLimits{MaxAttempts: cfg.MaxAttempts}); err != nil {
			return q.unmade(err)
		}
	}
	if cfg.Topic != "" {
		return q.find(ctx)
	}
	if cfg.Keep {
		q.notice("the queue of the filter stays: prismctl listen %s comes back to it", words.Quoted(q.topic))
	}
	return nil
}

// checkBindings refuses a queue that gets other messages than those of the filter.
func (q *queue) checkBindings(ctx context.Context, filter string) error {
	bindings, err := q.Bindings(ctx, q.topic)
	if errors.Is(err, prism.ErrNotFound) {
		return nil
	}
	for _, b := range bindings {
		if b.Pattern != filter {
			return exit.With(exit.Refused, fmt.Errorf("%s is bound to %s already, so it gets more than --filter lets through: name another queue, or listen to it without --filter",
				words.Queue(q.topic), words.Shown(b.Pattern)))
		}
	}
	return err
}

// unmade removes a queue that could not be prepared.
func (q *queue) unmade(err error) error {
	if q.temporary {
		ctx, cancel := context.WithTimeout(context.Background(), farewell)
		defer cancel()
		_ = q.Drop(ctx, q.topic) // it may not be there
	}
	return err
}

// close drops a queue that is only for this.
func (q *queue) close(ctx context.Context) error {
	if !q.temporary {
		return nil
	}
	if err := q.Drop(ctx, q.topic); err != nil && !errors.Is(err, prism.ErrNotFound) {
		return exit.With(exit.Refused, fmt.Errorf("%s could not be dropped (%s): prismctl queue drop %s", words.Queue(q.topic), words.Plain(err), words.Quoted(q.topic)))
	}
	return nil
}

// A depth is what is in a queue.
type depth struct{ waiting, parked int }

// depth asks the platform.
func (q *queue) depth(ctx context.Context) (d depth, known bool) {
	s, err := q.Status(ctx, q.topic)
	return depth{s.Messages, s.Parked}, err == nil
}
