package main

import (
	"time"

	"github.com/shopex/prism-go/internal/wire"
)

// A crowd is bare clients that consume queues in which nothing is.
type crowd struct {
	station *station
	clients []*bare
}

// set makes the crowd n clients and returns when the platform knows.
func (c *crowd) set(n int) error {
	for len(c.clients) < n {
		if err := c.join(topicName(len(c.clients) % 10)); err != nil {
			return err
		}
	}
	left := c.station.platform.Stats().Connections - int64(len(c.clients)-n)
	for len(c.clients) > n {
		last := len(c.clients) - 1
		c.clients[last].conn.Close()
		c.clients = c.clients[:last]
	}
	for began := time.Now(); c.station.platform.Stats().Connections > left; time.Sleep(time.Millisecond) {
		if time.Since(began) > patience {
			return errStuck
		}
	}
	return nil
}

// join consumes a topic and returns when the platform has heard.
func (c *crowd) join(topic string) error {
	command, err := wire.AppendConsume(nil, topic)
	if err != nil {
		return err
	}
	b, err := dial(c.station.server.Listener.Addr().String(), signed("GET", "/api/platform/notify", "topic", "messages"))
	if err != nil {
		return err
	}
	c.clients = append(c.clients, b)
	b.out = appendMasked(b.out, opBinary, b.keys.next(), command)
	defer func() { b.out = nil }()
	return b.ping()
}

// openIdle has connections that consume and get nothing.
func openIdle(open func() (*engine, error), most int) (*way, error) {
	w, err := openWay(open, most, accept)
	if err != nil {
		return nil, err
	}
	c := &crowd{station: w.station}
	w.set, w.end = c.set, c.leave
	return w, nil
}

func (c *crowd) leave() {
	for _, b := range c.clients {
		b.conn.Close()
	}
}
