package memory

import "github.com/shopex/prism-go/platform"

// Config bounds the queues of each owner; the zero Config is ready to use.
// Publishers that pass a bound over all owners at the same moment may exceed it by
// a message each. Messages that have become too old keep their memory for longer
// in a queue that nobody looks at and writes to.
type Config = platform.QueueBounds
