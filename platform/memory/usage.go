package memory

import (
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/internal/steady"
	"github.com/shopex/prism-go/platform"
)

// A usage is the usage of all queues together, of one owner or of all owners.
type usage struct{ messages, bytes atomic.Int64 }

func (u *usage) add(more platform.Usage) {
	u.messages.Add(more.Messages)
	u.bytes.Add(more.Bytes)
}

func (u *usage) now() platform.Usage {
	return platform.Usage{Messages: u.messages.Load(), Bytes: u.bytes.Load()}
}

// shared has the settings and counters that all owners share.
type shared struct {
	config  Config
	ages    *steady.Clock // nil without MaxAge
	total   usage
	expired atomic.Int64 // messages, since New
}

// agePatience is how long the wall clock must differ from the engine's clock until the
// engine follows it.
const agePatience = 10 * time.Minute

// old reports whether m has passed MaxAge.
func (s *shared) old(m *platform.Message) bool {
	return s.config.MaxAge > 0 && s.ages.Now().Sub(m.Time) > s.config.MaxAge
}
