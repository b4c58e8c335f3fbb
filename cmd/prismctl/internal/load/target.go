package load

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/notify"
)

// A target is the queue that bench loads.
type target struct {
	*notify.QueueClient
	topic, key string
	direct     bool // into the queue, which needs no binding
	before     notify.Status
	made       bool // by bench, which drops it in the end
}

// chooseQueue names a queue of its own for the load, which prepare makes, if none is named
// and the default queue does not get the messages or is in use. A platform that cannot say
// what that is bound to leaves it to the first messages.
func (c *Config) chooseQueue(ctx context.Context) error {
	if c.Topic != "" {
		return nil
	}
	if c.Direct {
		c.nameQueue()
		return nil
	}
	var bindings []notify.Binding
	var status notify.Status
	queues := notify.NewQueueClient(c.Client)
	err := exit.Attempt(ctx, c.Server, func(ctx context.Context) (err error) {
		if bindings, err = queues.Bindings(ctx, ""); err == nil {
			status, err = queues.Status(ctx, "")
		}
		return err
	})
	switch {
	case errors.Is(err, prism.ErrNotFound):
		return nil
	case err != nil:
		return err
	case !reach(bindings, c.RoutingKey):
		c.nameQueue()
	case status.Messages > 0 || status.Consumers > 0:
		c.nameQueue()
		c.Direct = true
		c.Notice("the default queue is in use and would keep copies; so the messages go\n" +
			"past it into a queue of bench, by a call each, which is slower than publishing")
	}
	return nil
}

func (c *Config) nameQueue() { c.Topic = "bench-" + strings.ToLower(rand.Text()[:8]) }

// reach reports whether one of the bindings brings messages with a routing key.
func reach(bindings []notify.Binding, key string) bool {
	return slices.ContainsFunc(bindings, func(b notify.Binding) bool { return topic.MatchAny([]string{b.Pattern}, key) })
}

// prepare sees to it that the queue is there.
func (q *target) prepare(ctx context.Context) (err error) {
	q.before, err = q.Status(ctx, q.topic)
	if errors.Is(err, prism.ErrNotFound) && q.topic != "" {
		return q.create(ctx)
	}
	return err
}

// check refuses a queue that somebody uses.
func (q *target) check() error {
	const elsewhere = `a key of its own ("prismctl key create --bind") has queues of its own, and --topic names another queue`
	switch n := q.before; {
	case n.Messages > 0:
		return exit.With(exit.Refused, fmt.Errorf("%s holds %s, which bench would hold up: %s; \"prismctl queue purge\" removes them",
			words.Queue(q.topic), messagesOf(int64(n.Messages)), elsewhere))
	case n.Consumers > 0:
		return exit.With(exit.Refused, fmt.Errorf("%s has %s, which would take messages from bench: %s",
			words.Queue(q.topic), words.Counted(n.Consumers, "consumer", "consumers"), elsewhere))
	}
	return nil
}

func (q *target) create(ctx context.Context) error {
	if err := q.Create(ctx, q.topic); err != nil {
		return err
	}
	q.made = true
	if q.direct {
		return nil
	}
	return q.Bind(ctx, q.topic, q.key)
}

// remove drops the queue, if bench has made it.
func (q *target) remove(ctx context.Context) error {
	if !q.made {
		return nil
	}
	if err := q.Drop(ctx, q.topic); err != nil && !errors.Is(err, prism.ErrNotFound) {
		return fmt.Errorf("%s was made by bench and could not be dropped: %w", words.Queue(q.topic), err)
	}
	return nil
}

// checkForeign refuses a routing key that fills queues of other keys, before anything is
// sent. Other platforms cannot tell.
func (q *target) checkForeign(ctx context.Context) error {
	n, err := q.RoutedTo(ctx, q.key)
	if err != nil || n == 0 {
		return ctx.Err()
	}
	own, err := q.bound(ctx)
	if err != nil || n <= own {
		return err
	}
	return exit.With(exit.Refused, fmt.Errorf("%s of other keys would get copies of messages with the routing key %s, too: choose another --routing-key, or write by --direct",
		words.Counted(n-own, "queue", "queues"), words.Shown(q.key)))
}

// bound counts the queues of the key that get the messages.
func (q *target) bound(ctx context.Context) (n int, err error) {
	topics, err := q.Topics(ctx)
	if err != nil {
		return 0, err
	}
	for _, name := range append(topics, "") {
		bindings, err := q.Bindings(ctx, name)
		if err != nil && !errors.Is(err, prism.ErrNotFound) {
			return 0, err
		}
		if reach(bindings, q.key) {
			n++
		}
	}
	return n, nil
}

// others counts the messages of the other queues of the key.
func (q *target) others(ctx context.Context) (map[string]int, error) {
	topics, err := q.Topics(ctx)
	if err != nil {
		return nil, err
	}
	depths := map[string]int{}
	for _, topic := range append(topics, "") {
		if topic == q.topic {
			continue
		}
		status, err := q.Status(ctx, topic)
		if errors.Is(err, prism.ErrNotFound) {
			continue // it was dropped meanwhile
		}
		if err != nil {
			return nil, err
		}
		depths[topic] = status.Messages
	}
	return depths, nil
}

// grown returns the queues that have got at least n messages since before.
func (q *target) grown(ctx context.Context, before map[string]int, n int) ([]string, error) {
	after, err := q.others(ctx)
	if err != nil {
		return nil, err
	}
	var grown []string
	for topic, depth := range after {
		if depth-before[topic] >= n {
			grown = append(grown, topic)
		}
	}
	return grown, nil
}
