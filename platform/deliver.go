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

// smallWindowBytes bounds the frames that are on their way to a peer that has
// not pinged: PHP's consumer fails when one of its reads, of 8,192 bytes, ends
// within a frame's header, so no read may be full unless one frame fills it.
const smallWindowBytes = 8<<10 - 1

const maxHeader = 4 // of a frame that is not alone in the small window

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
	if !c.succeed() {
		return c.ctx.Err()
	}
	for _, other := range c.p.passes.channelsOf(c.info.Key) {
		if other != c {
			other.doubt(topic)
		}
	}
	consume := c.p.cfg.Queues.Consume
	if c.existing {
		consume = c.p.cfg.Queues.Resume
	}
	consumer, err := consume(c.ctx, c.info.Key, topic)
	if err != nil {
		return err
	}
	queue := &source{consumer}
	if !c.adopt(topic, queue) {
		return queue.Close()
	}
	if shared, ok := consumer.(SharedConsumer); ok {
		shared.OnRival(func() { c.doubtSoon(topic) })
	}
	c.spawn(func() { c.deliver(topic, queue) })
	return nil
}

// adopt makes the channel responsible for queue, unless it has ended.
func (c *channel) adopt(topic string, queue *source) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return false
	}
	c.consumers[topic] = queue
	return true
}

// deliver moves messages from a queue to the peer until either ends.
func (c *channel) deliver(topic string, queue *source) {
	var frame []byte
	for {
		room := c.waitRoom()
		if room == 0 {
			return
		}
		leases, err := c.fetch(queue, room)
		if err != nil {
			c.fetchFailed(err)
			return
		}
		var sent int
		if sent, frame, err = c.send(topic, queue, leases, frame); err != nil {
			return // whatever ended the writing ends the reading, too, which tells why
		}
		if err := giveBack(c.ctx, queue, leases[sent:]); err != nil {
			c.fetchFailed(err)
			return
		}
		if cap(frame) > keptFrame {
			frame = nil
		}
	}
}

// fetch waits for messages, and returns none when the peer has become doubtful:
// it must not even hold a place among those who wait.
func (c *channel) fetch(queue *source, room int) ([]Lease, error) {
	ctx := c.beginFetch()
	defer c.endFetch()
	leases, err := queue.Fetch(ctx, room, c.roomBytes())
	if ctx.Err() == nil || c.ctx.Err() != nil {
		return leases, err
	}
	if err == nil || errors.Is(err, ctx.Err()) {
		err = giveBack(c.ctx, queue, leases)
	}
	return nil, err
}

// giveBack returns what the window had no room for. Another topic of this
// connection may have filled it while Fetch waited; and another consumer of
// the queue may have room.
func giveBack(ctx context.Context, queue *source, leases []Lease) error {
	if len(leases) == 0 {
		return nil
	}
	ids := make([]uint64, len(leases))
	for i, l := range leases {
		ids[i] = l.ID
	}
	return queue.Return(ctx, ids...)
}

// fetchFailed ends the channel, unless it is ending already. A topic that was
// dropped ends it with a code after which a peer connects and consumes again.
func (c *channel) fetchFailed(err error) {
	if c.ctx.Err() == nil {
		c.end(c.refusal(err))
	}
}

// send writes leases as deliveries, each as one frame with the next tag of
// the connection, as far as the window has room, and returns how many it
// wrote.
func (c *channel) send(topic string, queue *source, leases []Lease, frame []byte) (int, []byte, error) {
	c.sending.Lock()
	defer c.sending.Unlock()
	for n, l := range leases {
		m, tag := l.Message, c.lastTag+1
		frame = wire.AppendDelivery(frame[:0], &wire.Delivery{
			Tag: tag, Time: m.unix(), Key: m.Key, Type: m.ContentType, App: m.App, ClientID: m.ClientID, Body: m.Body,
		})
		if !c.hold(tag, held{queue: queue, id: l.ID, size: sizeOf(m), frame: len(frame)}) {
			return n, frame, nil
		}
		c.p.delivering(DeliverEvent{Conn: c.info.ID, Key: c.info.Key, Topic: topic, Tag: tag, Message: m})
		if err := c.conn.Write(c.ctx, opcodeOf(frame), frame); err != nil {
			return n, frame, err
		}
	}
	return len(leases), frame, nil
}

// sizeOf is what a message counts in the window.
func sizeOf(m *Message) int {
	return len(m.Body) + len(m.Key) + len(m.ContentType) + len(m.App) + len(m.ClientID)
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

// roomBytes returns how many bytes of messages the window has room for: none is
// fetched that could not be sent.
func (c *channel) roomBytes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pinged {
		return max(1, c.p.cfg.Limits.WindowBytes-c.heldBytes)
	}
	return max(1, smallWindowBytes-c.heldFrames)
}

// room is called with mu held.
func (c *channel) room() int {
	l := &c.p.cfg.Limits
	switch {
	case c.life.doubted, c.heldBytes >= l.WindowBytes:
		return 0
	case c.life.trial:
		return max(0, 1-len(c.held))
	case c.pinged:
		return max(0, c.window-len(c.held))
	case len(c.held) > 0 && c.heldFrames+c.wanted > smallWindowBytes:
		return 0
	}
	return max(0, c.window-len(c.held))
}

// hold gives a delivery its place in the window, if there is one.
func (c *channel) hold(tag uint64, h held) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted = h.frame + maxHeader
	if c.ended || c.room() == 0 {
		return false
	}
	c.wanted = 0
	c.lastTag = tag
	c.held[tag] = h
	c.heldBytes += h.size
	c.heldFrames += h.frame + maxHeader
	return true
}
