package prismtest

import (
	"net"
	"sync"
	"time"
)

// A network is a listener whose connections can have faults.
type network struct {
	net.Listener

	mu       sync.Mutex // guards what follows; taken before that of a conn
	conns    map[*conn]struct{}
	refusing bool
	frozen   bool
	latency  time.Duration
}

func newNetwork(inner net.Listener) *network {
	return &network{Listener: inner, conns: make(map[*conn]struct{})}
}

// Accept returns the next connection that is not refused.
func (n *network) Accept() (net.Conn, error) {
	for {
		inner, err := n.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := n.admit(inner); c != nil {
			return c, nil
		}
		reset(inner)
	}
}

func (n *network) admit(inner net.Conn) *conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.refusing {
		return nil
	}
	c := newConn(inner, n)
	c.stalled, c.latency = n.frozen, n.latency
	n.conns[c] = struct{}{}
	return c
}

func (n *network) remove(c *conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, c)
}

// each calls act for each connection.
func (n *network) each(act func(*conn)) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		act(c)
	}
	return len(n.conns)
}

// removeMatching removes the connections that match from the list, and returns them.
func (n *network) removeMatching(match func(*conn) bool) []*conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	var taken []*conn
	for c := range n.conns {
		if match(c) {
			delete(n.conns, c)
			taken = append(taken, c)
		}
	}
	return taken
}

func (n *network) cut() int {
	conns := n.removeMatching(func(*conn) bool { return true })
	for _, c := range conns {
		c.cut()
	}
	return len(conns)
}

// cutStalled ends the stalled connections, and stops freezing new ones.
func (n *network) cutStalled() {
	n.mu.Lock()
	n.frozen = false
	n.mu.Unlock()
	for _, c := range n.removeMatching((*conn).isStalled) {
		c.cut()
	}
}

func (n *network) stall(newcomers bool) int {
	n.mu.Lock()
	n.frozen = n.frozen || newcomers
	n.mu.Unlock()
	return n.each(func(c *conn) { c.change(func() { c.stalled = true }) })
}

func (n *network) resume() {
	n.mu.Lock()
	n.frozen = false
	n.mu.Unlock()
	n.each(func(c *conn) { c.change(func() { c.stalled = false }) })
	for _, c := range n.removeMatching((*conn).isClosed) {
		c.Conn.Close() // the end that did not get through
	}
}

func (n *network) refuse(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refusing = on
}

func (n *network) delay(d time.Duration) {
	n.mu.Lock()
	n.latency = d
	n.mu.Unlock()
	n.each(func(c *conn) { c.change(func() { c.latency = d }) })
}

// reset closes a connection so that its peer gets a reset.
func reset(c net.Conn) {
	if l, ok := c.(interface{ SetLinger(int) error }); ok {
		l.SetLinger(0)
	}
	c.Close()
}
