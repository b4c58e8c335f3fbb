package jetstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/shopex/prism-go/platform"
)

// Peek returns up to n messages of the queue of topic in their order, ready and held,
// and changes nothing. It shows those that are there at one moment, and reads their
// bodies after it: what is removed meanwhile may be shown or not. Those that are too
// old for a consumer are passed over. Since is when this engine learned that a message
// is held, so after Open it is not before Open.
func (e *Engine) Peek(ctx context.Context, owner, topic string, after platform.MessageID, n int) ([]platform.Peeked, error) {
	var found []platform.Peeked
	for {
		want := max(n-len(found), 0)
		queue, seen, err := e.look(ctx, owner, topic, after, want)
		if err != nil {
			return nil, err
		}
		more, err := e.peeked(ctx, queue, seen)
		if err != nil {
			return nil, err
		}
		if found = append(found, more...); len(seen) < want || len(found) >= n {
			return found, nil
		}
		after = platform.MessageID{Log: e.log.Load(), Number: seen[len(seen)-1].item.number}
	}
}

// mostName bounds the name of a consumer, as it is in the log as long as the consumer.
const mostName = 256

func shortName(name string) string { return strings.ToValidUTF8(name[:min(len(name), mostName)], "") }

// A sight is what Peek has seen of a message.
type sight struct {
	item   item
	held   bool
	holder string
	since  time.Time
}

// look returns up to n messages behind one, with the id of their queue.
func (e *Engine) look(ctx context.Context, owner, topic string, after platform.MessageID, n int) (uint64, []sight, error) {
	var id uint64
	var seen []sight
	err := e.query(ctx, func(d *draft) error {
		q, err := d.queue(owner, topic)
		if err == nil {
			err = e.checkGiven(d.state, after)
		}
		if err == nil {
			id, seen = q.id, q.behind(after.Number, n)
		}
		return err
	})
	if err != nil {
		return 0, nil, err // and both may still be written to
	}
	return id, seen, nil
}

// checkGiven returns an error if no message of this log can have had the ID.
func (e *Engine) checkGiven(s *state, id platform.MessageID) error {
	if id.IsZero() || id.Log == e.log.Load() && id.Number >= numberOf(1, 0) && id.Number < numberOf(s.applied+1, 0) {
		return nil
	}
	return fmt.Errorf("%w %v", platform.ErrUnknownMessage, id)
}

// behind returns up to n messages with greater numbers, in order.
func (q *queue) behind(number uint64, n int) []sight {
	if n == 0 {
		return nil
	}
	ready := q.ready.behind(number, n)
	seen := make([]sight, 0, len(ready))
	for _, it := range ready {
		seen = append(seen, sight{item: it})
	}
	for _, held := range lowestBehind(maps.Keys(q.held), number, n) {
		h := q.held[held]
		seen = append(seen, sight{h.item, true, h.member.name, h.since})
	}
	slices.SortFunc(seen, func(a, b sight) int { return cmp.Compare(a.item.number, b.item.number) })
	return seen[:min(n, len(seen))]
}

// lowestBehind returns the lowest n of the numbers that are greater than number, in order.
// It sorts few of them, as the engine waits for it.
func lowestBehind(numbers iter.Seq[uint64], number uint64, n int) []uint64 {
	var lowest []uint64
	most := uint64(math.MaxUint64)
	for found := range numbers {
		if n <= 0 || found <= number || found > most {
			continue
		}
		if lowest = append(lowest, found); len(lowest)-n > n {
			slices.Sort(lowest)
			lowest = lowest[:n]
			most = lowest[n-1]
		}
	}
	slices.Sort(lowest)
	return lowest[:min(n, len(lowest))]
}

// behind returns up to n items with greater numbers.
func (l *ring) behind(number uint64, n int) []item {
	l.mergeLate()
	var items []item
	for i := l.search(number + 1); i < l.length && len(items) < n; i++ {
		if it := l.at(i); !it.is(dead) {
			items = append(items, *it)
		}
	}
	return items
}

// peeked reads the messages that were seen. It leaves out those that are gone, and
// those that would be removed before a consumer gets them.
func (e *Engine) peeked(ctx context.Context, queue uint64, seen []sight) ([]platform.Peeked, error) {
	var found []platform.Peeked
	var last openRecord
	for _, s := range seen {
		f, err := e.fact(ctx, queue, s.item, &last)
		if errors.Is(err, errNoRecord) || err == nil && !s.held && e.old(f.message) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, platform.Peeked{Message: f.message, Held: s.held, Holder: s.holder, Since: s.since})
	}
	return found, nil
}
