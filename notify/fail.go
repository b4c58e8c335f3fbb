package notify

import (
	"context"
	"slices"
	"time"

	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/internal/wire"
)

// A failure is a given-up delivery of which the platform will be told, so that it counts
// the attempt. It is not told at once: a message that nobody can handle now would come
// again at once.
type failure struct {
	tag    uint64
	reason string
	due    time.Time
}

// addFailure makes awaitEnd tell the platform after a while. The more attempts at the
// message have failed, the longer that is. If too many wait, it tells of the next one now.
func (s *session) addFailure(d *Delivery, err error) {
	f := failure{d.Tag, wire.Reason(err.Error()), time.Now().Add(backoff(d.Attempt, firstBackoff, lastBackoff))}
	if surplus := s.queueFailure(f); len(surplus) > 0 {
		s.fail(context.Background(), surplus[0])
	}
	signal(s.failing)
}

// leastFailures is how many failures may wait, if the window has not more. As many
// deliveries has a platform without acknowledgements, unless it is configured otherwise.
const leastFailures = 256

func (s *session) queueFailure(f failure) (surplus []failure) {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	i, _ := slices.BinarySearchFunc(s.failures, f, func(a, b failure) int { return a.due.Compare(b.due) })
	s.failures = slices.Insert(s.failures, i, f)
	return s.cutFailures(len(s.failures) - max(s.cfg.Window, leastFailures))
}

// cutFailures removes the first n failures and returns them. The caller holds the pool's
// mu.
func (s *session) cutFailures(n int) []failure {
	if n <= 0 {
		return nil
	}
	first := slices.Clone(s.failures[:n])
	s.failures = slices.Delete(s.failures, 0, n)
	return first
}

// nextDue returns a channel that gets a value when the next failure is due.
func (s *session) nextDue() <-chan time.Time {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	if len(s.failures) == 0 {
		return nil
	}
	return time.After(time.Until(s.failures[0].due))
}

// report tells the platform of the failures that are due until then.
func (s *session) report(ctx context.Context, then time.Time) {
	s.pool.mu.Lock()
	n := 0
	for n < len(s.failures) && !s.failures[n].due.After(then) {
		n++
	}
	due := s.cutFailures(n)
	s.pool.mu.Unlock()
	for _, f := range due {
		s.fail(ctx, f)
	}
}

// fail tells the platform that an attempt has failed. When the connection has ended, the
// message comes again anyway.
func (s *session) fail(ctx context.Context, f failure) {
	if s.conn.Write(ctx, socket.Binary, wire.AppendFail(nil, f.tag, f.reason)) == nil {
		s.stats.returned.Add(1)
		s.link.trace.returned(f)
	}
}
