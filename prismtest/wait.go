package prismtest

import (
	"github.com/shopex/prism-go/platform"
)

// The Wait methods return as soon as what they wait for has happened, at once if it has
// already. They fail the test when it takes longer than [Config].Patience, and say what
// has happened instead.

// WaitCalls waits until [Server.Calls] has n calls, of these APIs if any are
// named, and returns them all.
func (s *Server) WaitCalls(n int, api ...string) []Call {
	s.t.Helper()
	var calls []Call
	enough := func() bool { calls = s.Calls(api...); return len(calls) >= n }
	if !s.seen.await(s.patience, enough) {
		s.tooFew(n, "calls", len(calls), listed(s.Calls(), Call.line))
	}
	return calls
}

// WaitPublished waits until [Server.Published] has n messages, and returns them
// all.
func (s *Server) WaitPublished(n int) []platform.PublishEvent {
	s.t.Helper()
	return waitFor(s, n, "published messages", &s.seen.published, publishLine)
}

// WaitRejected waits until [Server.Rejected] has n messages, and returns them all.
func (s *Server) WaitRejected(n int) []platform.PublishEvent {
	s.t.Helper()
	return waitFor(s, n, "rejected messages", &s.seen.rejected, publishLine)
}

// WaitDeliveries waits until [Server.Deliveries] has n deliveries, and returns
// them all.
func (s *Server) WaitDeliveries(n int) []platform.DeliverEvent {
	s.t.Helper()
	return waitFor(s, n, "deliveries", &s.seen.deliveries, deliveryLine)
}

// WaitAcks waits until [Server.Acks] has n deliveries, and returns them all.
func (s *Server) WaitAcks(n int) []platform.DeliverEvent {
	s.t.Helper()
	return waitFor(s, n, "acknowledged deliveries", &s.seen.acks, deliveryLine)
}

// WaitFails waits until [Server.Fails] has n attempts that failed, and returns them all.
func (s *Server) WaitFails(n int) []platform.FailEvent {
	s.t.Helper()
	return waitFor(s, n, "failed attempts", &s.seen.fails, failLine)
}

// WaitParked waits until [Server.Parks] has n messages that were parked, and returns them
// all.
func (s *Server) WaitParked(n int) []platform.ParkEvent {
	s.t.Helper()
	return waitFor(s, n, "parked messages", &s.seen.parks, parkLine)
}

// WaitPushes waits until [Server.Pushes] has n POSTs, and returns them all.
func (s *Server) WaitPushes(n int) []platform.PushEvent {
	s.t.Helper()
	return waitFor(s, n, "POSTs to push addresses", &s.seen.pushes, pushLine)
}

// WaitConnected waits until [Server.Connections] has n connections, whether
// they are live or not, and returns them all.
func (s *Server) WaitConnected(n int) []Connection {
	s.t.Helper()
	if !s.seen.await(s.patience, func() bool { return size(s, &s.seen.conns) >= n }) {
		s.tooFew(n, "connections", size(s, &s.seen.conns), s.listConnections())
	}
	return s.Connections()
}

// WaitConnections waits until exactly n connections are live; n may be 0.
func (s *Server) WaitConnections(n int) {
	s.t.Helper()
	live := func() int { return s.seen.alive(^uint64(0)) }
	if !s.seen.await(s.patience, func() bool { return live() == n }) {
		s.tooFew(n, "live connections", live(), s.listConnections())
	}
}

// WaitUntil waits until done returns true. It calls done at once and after each event of
// the platform, so done should depend on this Server only. what says in a few words what
// the test waits for.
//
//	srv.WaitUntil("an empty queue", func() bool { return srv.Depth("") == 0 })
func (s *Server) WaitUntil(what string, done func() bool) {
	s.t.Helper()
	if !s.seen.await(s.patience, done) {
		s.t.Fatalf("prismtest: waited %v for %s; the last calls are:%s\nand the connections:%s",
			s.patience, what, listed(s.Calls(), Call.line), s.listConnections())
	}
}

func waitFor[T any](s *Server, n int, what string, list *[]T, line func(T) string) []T {
	s.t.Helper()
	if !s.seen.await(s.patience, func() bool { return size(s, list) >= n }) {
		got := snapshot(s, list)
		s.tooFew(n, what, len(got), listed(got, line)+"\nover the connections:"+s.listConnections())
	}
	return snapshot(s, list)
}

func (s *Server) tooFew(n int, what string, got int, list string) {
	s.t.Helper()
	s.t.Fatalf("prismtest: waited %v for %d %s; there are %d:%s", s.patience, n, what, got, list)
}

func (s *Server) listConnections() string { return listed(s.Connections(), Connection.line) }
