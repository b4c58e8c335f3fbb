package tour

import (
	"net"
	"sync"
)

// A cutter is a listener whose connections can all be cut as by a failing network,
// without a close on either side.
type cutter struct {
	net.Listener

	mu   sync.Mutex // guards what follows
	live map[*cuttable]struct{}
}

type cuttable struct {
	net.Conn
	of *cutter
}

func newCutter(l net.Listener) *cutter {
	return &cutter{Listener: l, live: make(map[*cuttable]struct{})}
}

// Accept waits for the next connection.
func (c *cutter) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	cut := &cuttable{conn, c}
	c.live[cut] = struct{}{}
	return cut, nil
}

// Close closes the connection.
func (c *cuttable) Close() error {
	c.of.mu.Lock()
	delete(c.of.live, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// cut cuts all connections and returns how many there were.
func (c *cutter) cut() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.live {
		_ = conn.Conn.Close()
	}
	n := len(c.live)
	clear(c.live)
	return n
}
