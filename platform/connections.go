package platform

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/shopex/prism-go/internal/code"
)

// connections has the live channels.
type connections struct {
	limit int // for each key

	mu     sync.Mutex // guards what follows
	live   map[*channel]struct{}
	perKey map[string]int
	named  map[consumerName]*channel // the newest channel of each named consumer
	closed bool
	idle   chan struct{} // closed when closed is set and live is empty
}

func (s *connections) init(limit int) {
	s.limit = limit
	s.live = make(map[*channel]struct{})
	s.perKey = make(map[string]int)
	s.named = make(map[consumerName]*channel)
	s.idle = make(chan struct{})
}

// join adds a channel before its connection is accepted, or refuses it. It ends the
// earlier connection of the same consumer, which no longer counts.
func (s *connections) join(c *channel) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return &failure{
			status: http.StatusServiceUnavailable, code: code.ShuttingDown, retryAfter: time.Second,
			message: "the platform is shutting down; connect again in a moment",
		}
	}
	before := s.named[c.name]
	if before != nil {
		s.releaseLocked(before)
		before.end(replaced())
		c.predecessor = before.returned
	}
	if s.perKey[c.info.Key] >= s.limit {
		return &failure{
			status: http.StatusTooManyRequests, code: code.TooManyConnections, retryAfter: time.Second,
			message: fmt.Sprintf("this key has its %d connections; close one, or share one between publishers", s.limit),
		}
	}
	s.live[c] = struct{}{}
	s.perKey[c.info.Key]++
	c.counted = true
	if c.name.id != "" {
		s.named[c.name] = c
	}
	return nil
}

// release gives the place of a channel that has ended to the next one. Its
// closing handshake may still take a while; a peer that reconnects at once
// should not have to wait for that.
func (s *connections) release(c *channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.releaseLocked(c)
}

// releaseLocked is release for a caller that holds mu.
func (s *connections) releaseLocked(c *channel) {
	if !c.counted {
		return
	}
	c.counted = false
	if s.perKey[c.info.Key]--; s.perKey[c.info.Key] == 0 {
		delete(s.perKey, c.info.Key)
	}
	if s.named[c.name] == c {
		delete(s.named, c.name)
	}
}

// leave removes a channel that has ended completely.
func (s *connections) leave(c *channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, c)
	if s.closed && len(s.live) == 0 {
		close(s.idle)
	}
}

// shut refuses new channels and ends all others. The channel that it returns is closed
// when the last one has left.
func (s *connections) shut() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		if len(s.live) == 0 {
			close(s.idle)
		}
	}
	for c := range s.live {
		c.end(shuttingDown())
	}
	return s.idle
}

// cut closes the sockets of the channels that are left.
func (s *connections) cut() {
	for _, c := range s.all() {
		c.cut()
	}
}

func (s *connections) all() []*channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	channels := make([]*channel, 0, len(s.live))
	for c := range s.live {
		channels = append(channels, c)
	}
	return channels
}
