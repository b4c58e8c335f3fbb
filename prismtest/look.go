package prismtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopex/prism-go/platform"
)

// Calls returns the calls that were answered or refused, in the order of their
// answers; those that open the message channel count, too, when they are
// accepted. With names of APIs, such as platform/notify/status, it returns the
// calls of these only. Calls outside of the base path have no name.
func (s *Server) Calls(api ...string) []Call {
	names := make([]string, len(api))
	for i, name := range api {
		names[i] = apiName(name)
	}
	calls := snapshot(s, &s.seen.calls)
	if len(names) == 0 {
		return calls
	}
	return slices.DeleteFunc(calls, func(c Call) bool { return !slices.Contains(names, c.API) })
}

// Connections returns the connections of the message channel, in the order in
// which they were made, live and ended ones.
func (s *Server) Connections() []Connection {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	conns := make([]Connection, len(s.seen.conns))
	for i, c := range s.seen.conns {
		conns[i] = *c
	}
	return conns
}

// Published returns the messages that clients have published or written and
// the platform has stored.
func (s *Server) Published() []platform.PublishEvent { return snapshot(s, &s.seen.published) }

// Rejected returns the messages that clients have published or written and the
// platform has not stored, each with the reason.
func (s *Server) Rejected() []platform.PublishEvent { return snapshot(s, &s.seen.rejected) }

// Deliveries returns the deliveries that were written to the connections of consumers.
// They need not have arrived.
func (s *Server) Deliveries() []platform.DeliverEvent { return snapshot(s, &s.seen.deliveries) }

// Acks returns the deliveries that were acknowledged, in the order of their
// acknowledgements.
func (s *Server) Acks() []platform.DeliverEvent { return snapshot(s, &s.seen.acks) }

// StrayAcks returns the acknowledgements that named no outstanding delivery of
// their connection.
func (s *Server) StrayAcks() []platform.AckEvent { return snapshot(s, &s.seen.strayAcks) }

// Fails returns the attempts that failed: those of which consumers said so, and those
// that the ends of their connections were counted as. Those that were stray are there, too.
func (s *Server) Fails() []platform.FailEvent { return snapshot(s, &s.seen.fails) }

// Parks returns the messages that were parked, in the order in which that happened.
// [Server.Parked] shows which of them still are.
func (s *Server) Parks() []platform.ParkEvent { return snapshot(s, &s.seen.parks) }

// Pushes returns the POSTs to the push addresses of keys that have ended, those that
// failed too.
func (s *Server) Pushes() []platform.PushEvent { return snapshot(s, &s.seen.pushes) }

// Forget makes all lists empty; later events are counted from zero. A long benchmark
// calls it now and then, as the lists keep every message.
func (s *Server) Forget() { s.seen.forget() }

func snapshot[T any](s *Server, list *[]T) []T {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	return slices.Clone(*list)
}

func size[T any](s *Server, list *[]T) int {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	return len(*list)
}

// listed returns the last entries of a list as text.
func listed[T any](list []T, line func(T) string) string {
	const most = 10
	var b strings.Builder
	if hidden := len(list) - most; hidden > 0 {
		fmt.Fprintf(&b, "\n\t(%d more)", hidden)
		list = list[hidden:]
	}
	for _, item := range list {
		b.WriteString("\n\t" + line(item))
	}
	return b.String()
}

func (c Call) line() string {
	line := fmt.Sprintf("%s %s: HTTP %d", c.Method, c.Path, c.Status)
	if c.Code != "" {
		line += " " + c.Code
	}
	return line
}

func (c Connection) line() string {
	if c.Live {
		return fmt.Sprintf("connection %d of key %s: live", c.ID, c.Key)
	}
	return fmt.Sprintf("connection %d of key %s: %s", c.ID, c.Key, c.Reason)
}

func publishLine(e platform.PublishEvent) string {
	line := fmt.Sprintf("connection %d: %q, %d bytes", e.Conn, e.Message.Key, len(e.Message.Body))
	if e.Err != nil {
		line += ": " + e.Err.Error()
	}
	return line
}

func failLine(e platform.FailEvent) string {
	return fmt.Sprintf("connection %d, topic %q, tag %d: attempt %d: %s", e.Conn, e.Topic, e.Tag, e.Attempt, e.Reason)
}

func parkLine(e platform.ParkEvent) string {
	return fmt.Sprintf("%s, topic %q, after %d attempts: %s", e.ID, e.Topic, e.Attempts, e.Reason)
}

func pushLine(e platform.PushEvent) string {
	if e.Err != nil {
		return fmt.Sprintf("key %s, attempt %d of message %s: %v", e.Key, e.Attempt, e.Message.ID, e.Err)
	}
	return fmt.Sprintf("key %s, attempt %d of message %s: answered %d", e.Key, e.Attempt, e.Message.ID, e.Status)
}

func deliveryLine(e platform.DeliverEvent) string {
	return fmt.Sprintf("connection %d, topic %q, tag %d: %q, %d bytes", e.Conn, e.Topic, e.Tag, e.Message.Key, len(e.Message.Body))
}
