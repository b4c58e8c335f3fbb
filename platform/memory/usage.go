package memory

import (
	"fmt"
	"sync/atomic"

	"github.com/shopex/prism-go/platform"
)

// A usage is what queues hold together, ready and unacknowledged, and what they
// may. It is of one owner or of all of them.
type usage struct {
	of              string // for the words of a refusal
	messages, bytes atomic.Int64
	expired         atomic.Int64 // since the start; of all owners only

	maxMessages, maxBytes int64
}

// room returns an error if so many more would exceed a limit.
func (u *usage) room(messages, bytes int64) error {
	if has := u.messages.Load(); messages > u.maxMessages-has {
		return fmt.Errorf("%w: the queues of %s hold %d messages of at most %d", platform.ErrQueueFull, u.of, has, u.maxMessages)
	}
	if has := u.bytes.Load(); bytes > u.maxBytes-has {
		return fmt.Errorf("%w: the queues of %s hold %d bytes of at most %d", platform.ErrQueueFull, u.of, has, u.maxBytes)
	}
	return nil
}

func (u *usage) add(messages, bytes int64) {
	u.messages.Add(messages)
	u.bytes.Add(bytes)
}
