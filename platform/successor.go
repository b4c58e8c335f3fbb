package platform

import "github.com/shopex/prism-go/internal/socket"

// A consumer that lost its connection without a word connects again while the
// platform still takes the old connection for alive, and gives it every second
// message. So it gives its name in the parameter consumer_id of each handshake
// (protocol chapter 7): the new connection ends the old one, and consumes when that
// one's messages are back in their queues.

const consumerIDBytes = 64

// A consumerName identifies a consumer. It includes the key, so no key can name a
// consumer of another one. The id is empty for peers without a consumer_id.
type consumerName struct{ key, id string }

func replaced() ending {
	return ending{code: socket.Abnormal, reason: "replaced: the same consumer has connected again", cut: true}
}

// awaitPredecessor waits until all messages that earlier connections of this consumer held
// are back in their queues, and reports whether the channel has not ended meanwhile.
func (c *channel) awaitPredecessor() bool {
	if c.predecessor == nil {
		return true
	}
	select {
	case <-c.predecessor:
		return true
	case <-c.ctx.Done():
		return false
	}
}

// handOver gives up the place among the connections of the key, and lets a successor
// consume. It is called once, when the channel holds no message any more.
func (c *channel) handOver() {
	if c.predecessor != nil {
		<-c.predecessor
	}
	close(c.returned)
	c.p.conns.release(c)
}
