package main

// A contest is the two sides of a row, ready to run. Each does n operations
// and returns when the last is complete.
type contest struct {
	ours, floor func(n int) error
	ready       func(ours bool) error // nil, or what is done before a side is measured
	close       func()
}

// A side connects to a raw server and returns what does n operations. If it fails,
// stop is nil or has still to be called.
type side func(*rawServer) (do func(n int) error, stop func(), err error)

// contend makes a contest of two sides with one raw server.
func contend(ours, floor side) (*contest, error) {
	s := listen()
	c := &contest{close: s.close}
	var err error
	if c.ours, err = c.join(s, ours); err == nil {
		c.floor, err = c.join(s, floor)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// join connects a side, which the contest stops when it closes.
func (c *contest) join(s *rawServer, connect side) (do func(n int) error, err error) {
	do, stop, err := connect(s)
	if before := c.close; stop != nil {
		c.close = func() { stop(); before() }
	}
	return do, err
}
