package platform

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/internal/wire"
)

var errTooManyConsumes = errors.New("platform: too many topics on one connection")

// keptFrame is the largest frame buffer that a delivering goroutine keeps.
const keptFrame = 64 << 10

// consume starts to deliver a topic; one that is delivered already is left
// alone.
func (c *channel) consume(topic string) error {
	c.mu.Lock()
	_, again := c.consumers[topic]
	count := len(c.consumers)
	c.mu.Unlock()
	if again {
		return nil
	}
	if limit := c.p.cfg.Limits.TopicsPerConnection; count >= limit {
		return fmt.Errorf("%w: at most %d", errTooManyConsumes, limit)
	}
	queue, err := c.p.cfg.Queues.Consume(c.ctx, c.info.Key, topic)
	if err != nil {
		return err
	}
	if !c.adopt(topic, queue) {
		return queue.Close()
	}
	c.spawn(func() { c.deliver(topic, queue) })
	return nil
}

// adopt makes the channel responsible for queue, unless it has ended.
func (c *channel) adopt(topic string, queue Consumer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return false
	}
	c.consumers[topic] = queue
	return true
}

// deliver moves messages from a queue to the peer until either ends.
func (c *channel) deliver(topic string, queue Consumer) {
	var frame []byte
	for {
		room := c.waitRoom()
		if room == 0 {
			return
		}
		leases, err := queue.Fetch(c.ctx, room)
		if err != nil {
			c.fetchFailed(err)
			return
		}
		if frame, err = c.send(topic, queue, leases, frame); err != nil {
			return // whatever ended the writing ends the reading, too, which tells why
		}
		if cap(frame) > keptFrame {
			frame = nil
		}
	}
}

// fetchFailed ends the channel, unless it is ending already. A topic that was
// dropped ends it with a code after which a peer connects and consumes again.
func (c *channel) fetchFailed(err error) {
	if c.ctx.Err() == nil {
		c.end(c.refusal(err))
	}
}

// send writes leases as deliveries. With several topics on one connection
// they may be more than the window has room for: then it waits.
func (c *channel) send(topic string, queue Consumer, leases []Lease, frame []byte) ([]byte, error) {
	for len(leases) > 0 {
		if c.waitRoom() == 0 {
			return frame, context.Canceled
		}
		var n int
		var err error
		if n, frame, err = c.sendSome(topic, queue, leases, frame); err != nil {
			return frame, err
		}
		leases = leases[n:]
	}
	return frame, nil
}

// sendSome writes what the window takes: each delivery as one frame, its tag
// the next of the connection.
func (c *channel) sendSome(topic string, queue Consumer, leases []Lease, frame []byte) (int, []byte, error) {
	c.sending.Lock()
	defer c.sending.Unlock()
	tag, n := c.hold(queue, leases)
	for _, l := range leases[:n] {
		m := l.Message
		c.p.delivering(DeliverEvent{Conn: c.info.ID, Key: c.info.Key, Topic: topic, Tag: tag, Message: m})
		frame = wire.AppendDelivery(frame[:0], &wire.Delivery{
			Tag: tag, Time: m.Time, Key: m.Key, Type: m.ContentType, App: m.App, ClientID: m.ClientID, Body: m.Body,
		})
		if err := c.conn.Write(c.ctx, opcodeOf(frame), frame); err != nil {
			return 0, frame, err
		}
		tag++
	}
	return n, frame, nil
}

// opcodeOf lets bodies of any bytes pass: a text frame must be UTF-8.
func opcodeOf(frame []byte) socket.Opcode {
	if utf8.Valid(frame) {
		return socket.Text
	}
	return socket.Binary
}

// waitRoom waits until the window has room and tells how much, or 0 when the
// channel has ended.
func (c *channel) waitRoom() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.ended && c.room() == 0 {
		c.changed.Wait()
	}
	if c.ended {
		return 0
	}
	return c.room()
}

// room is called with mu held.
func (c *channel) room() int {
	if c.heldBytes >= c.p.cfg.Limits.WindowBytes {
		return 0
	}
	return max(0, c.window-len(c.held))
}

// hold gives as many leases as the window takes their tags, and returns the
// first tag and how many they are.
func (c *channel) hold(queue Consumer, leases []Lease) (first uint64, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first = c.lastTag + 1
	for n < len(leases) && !c.ended && c.room() > 0 {
		l := leases[n]
		c.lastTag++
		c.held[c.lastTag] = held{queue: queue, id: l.ID, size: len(l.Message.Body)}
		c.heldBytes += len(l.Message.Body)
		n++
	}
	return first, n
}

// ack removes a delivered message for good. A tag that is not outstanding,
// or none at all, is counted and otherwise ignored.
func (c *channel) ack(tag uint64, hasTag bool) error {
	h, known := c.let(tag, hasTag)
	var err error
	if known {
		err = h.queue.Ack(c.ctx, h.id)
	}
	c.p.acked(AckEvent{Conn: c.info.ID, Key: c.info.Key, Tag: tag, Stray: !known})
	return err
}

// let takes a delivery out of the window.
func (c *channel) let(tag uint64, hasTag bool) (held, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, known := c.held[tag]
	if !hasTag || !known {
		return held{}, false
	}
	delete(c.held, tag)
	c.heldBytes -= h.size
	c.changed.Broadcast() // any of the waiting topics may be the one that has messages
	return h, true
}
