package prismtest

import "time"

// Cut ends all connections, those of calls and those of the message channel, like a
// broken cable: without a close frame, over TCP with a reset. Data on its way is lost.
// New connections are accepted, unless [Server.Refuse] forbids them. Cut returns how many
// connections it has ended, after the platform has noticed: then unacknowledged messages
// are back in their queues.
func (s *Server) Cut() int {
	s.t.Helper()
	last := s.seen.newest()
	n := s.net.cut()
	if !s.seen.await(s.patience, func() bool { return s.seen.alive(last) == 0 }) {
		s.t.Fatalf("prismtest: %v after Cut the platform still serves:%s", s.patience, s.listConnections())
	}
	return n
}

// Stall stops all data on the existing connections, in both directions, and returns how
// many connections there are. Their ends do not get through either: such sockets are
// called half-open. What the client sends goes into the buffers of the kernel, or of the
// pipe, as long as they have room.
//
// New connections work. Stalled ones go on after [Server.Resume], with the data that was
// sent meanwhile; the platform may have closed them by then.
func (s *Server) Stall() int { return s.net.stall(false) }

// Freeze is [Server.Stall] for new connections too, until [Server.Resume]: a client can
// connect, but gets no data, as if the process of the platform had been stopped.
func (s *Server) Freeze() int { return s.net.stall(true) }

// Resume ends what [Server.Stall] and [Server.Freeze] began.
func (s *Server) Resume() { s.net.resume() }

// Refuse makes the server close new connections as soon as they are made, or stops that.
// Existing connections go on, idle ones too: use [Server.Cut] to end them.
func (s *Server) Refuse(on bool) { s.net.refuse(on) }

// Delay delays everything that the platform reads and writes by d, on all connections;
// each piece waits for the one before. Zero ends it.
func (s *Server) Delay(d time.Duration) { s.net.delay(d) }

// Duplicate stores each of the next n messages twice, those of [Server.Publish]
// and [Server.Write] included. [Server.Published] lists them once.
func (s *Server) Duplicate(n int) { s.queues.duplicates.Store(int64(n)) }

// LoseAcks loses each of the next n acknowledgements, although [Server.Acks]
// lists them: when their connection ends, the messages are delivered again.
func (s *Server) LoseAcks(n int) { s.queues.lostAcks.Store(int64(n)) }

// Restart stops the platform and starts another one with the same keys and
// messages at the same address, as an update would: each connection of the
// message channel ends with close code 1001, and a client that connects meanwhile
// gets 503. Handlers, faults, the clock and the lists of what was seen stay.
// Restart returns when the connections have ended; after a second it cuts those whose
// peer does not answer the close frame.
func (s *Server) Restart() {
	s.t.Helper()
	s.restarting <- struct{}{} // not a mutex: in a bubble, time must go on while a caller waits
	defer func() { <-s.restarting }()
	s.shutdown()
	s.earlier += uint64(s.current.Load().Stats().Connected)
	if err := s.begin(s.earlier); err != nil {
		s.t.Fatalf("prismtest: no platform after Restart: %v", err)
	}
}
