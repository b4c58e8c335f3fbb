package jetstream

import (
	"fmt"

	"github.com/shopex/prism-go/platform"
)

// A usage is how many messages and bytes queues hold, ready and unacknowledged.
type usage struct{ messages, bytes int64 }

func (u *usage) add(more usage) {
	u.messages += more.messages
	u.bytes += more.bytes
}

func (u usage) minus(less usage) usage {
	return usage{u.messages - less.messages, u.bytes - less.bytes}
}

// room returns an error if more would bring u, which is that of the queues of
// something, beyond its limits.
func (u usage) room(of string, more usage, maxMessages, maxBytes int64) error {
	switch {
	case more.messages > maxMessages-u.messages:
		return fmt.Errorf("%w: the queues of %s hold %d messages of at most %d", platform.ErrQueueFull, of, u.messages, maxMessages)
	case more.bytes > maxBytes-u.bytes:
		return fmt.Errorf("%w: the queues of %s hold %d bytes of at most %d", platform.ErrQueueFull, of, u.bytes, maxBytes)
	}
	return nil
}

// count brings what has changed in q into the usage of its owner and of all.
func (s *state) count(q *queue) {
	now := usage{int64(q.ready.len() + len(q.held)), q.bytes}
	change := now.minus(q.counted)
	q.counted = now
	s.used.add(change)
	if q.owner != nil {
		q.owner.used.add(change)
	}
}
