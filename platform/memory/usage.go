package memory

import (
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/internal/steady"
	"github.com/shopex/prism-go/platform"
)

// A usage is the usage of the queues of all owners together.
type usage struct{ messages, bytes atomic.Int64 }

func (u *usage) add(more platform.Usage) {
	u.messages.Add(more.Messages)
	u.bytes.Add(more.Bytes)
}

func (u *usage) now() platform.Usage {
	return platform.Usage{Messages: u.messages.Load(), Bytes: u.bytes.Load()}
}

// shared has the settings and counters that all exchanges share.
type shared struct {
	config                 Config
	ownerBound, totalBound platform.Usage
	bounded                bool          // there is a bound over all
	ages                   *steady.Clock // nil without MaxAge
	began                  time.Time

	log     uint32        // of the IDs
	numbers atomic.Uint64 // the number of the last ID
	total   usage
	giving  atomic.Int64           // how many givers the exchanges have
	expired atomic.Int64           // messages, since New
	onDrop  atomic.Pointer[onDrop] // of NotifyDrops
}

func (s *shared) set(config Config) {
	s.config = config.WithDefaults()
	s.ownerBound = platform.Usage{Messages: int64(s.config.MaxOwnerMessages), Bytes: s.config.MaxOwnerBytes}
	s.totalBound = platform.Usage{Messages: int64(s.config.MaxTotalMessages), Bytes: s.config.MaxTotalBytes}
	s.bounded = s.totalBound != platform.Usage{Messages: math.MaxInt, Bytes: math.MaxInt64}
	s.log, s.began = rand.Uint32(), time.Now()
	if config.MaxAge > 0 {
		s.ages = steady.New(time.Now(), agePatience)
	}
}

// identify gives m its ID. One that has an ID is in other queues, and a copy gets the
// new one.
func (s *shared) identify(m *platform.Message) *platform.Message {
	if !m.ID.IsZero() {
		again := *m
		m = &again
	}
	m.ID = platform.MessageID{Log: s.log, Number: s.numbers.Add(1)}
	return m
}

// agePatience is how long the wall clock must differ from the engine's clock until the
// engine follows it.
const agePatience = 10 * time.Minute

// old reports whether m has passed MaxAge.
func (s *shared) old(m *platform.Message) bool {
	return s.config.MaxAge > 0 && s.ages.Now().Sub(m.Time) > s.config.MaxAge
}
