package memory

import "github.com/shopex/prism-go/platform"

// Config bounds the queues of each owner; the zero Config is ready to use.
// Publishers that pass a bound over all owners at the same moment may exceed it by
// a message each. Messages that have become too old are freed with the next call that
// reads or writes their queue.
type Config = platform.QueueBounds
