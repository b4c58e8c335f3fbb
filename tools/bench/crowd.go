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

func (c *crowd) join(topic string) error {
	b, err := dial(c.station.server.Listener.Addr().String(), signedTarget())
	if err != nil {
		return err
	}
	c.clients = append(c.clients, b)
	return b.subscribe(topic)
}

// subscribe consumes a topic and knows that the platform has heard.
func (b *bare) subscribe(topic string) error {
	command, err := wire.AppendConsume(nil, topic)
	if err != nil {
		return err
	}
	b.out = appendMasked(b.out, opBinary, b.keys.next(), command)
	defer func() { b.out = nil }()
	return b.ping()
}

// openIdle has connections that consume and get nothing.
func openIdle(open func() (*engine, error), most int) (*ground, error) {
	w, err := openWay(open, most, accept)
	if err != nil {
		return nil, err
	}
	c := &crowd{station: w.station}
	return &ground{way: w, set: c.set, end: c.leave}, nil
}

func (c *crowd) leave() {
	for _, b := range c.clients {
		b.conn.Close()
	}
}
