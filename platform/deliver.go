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

// smallWindowBytes bounds the unacknowledged frames of a peer that has not pinged:
// PHP's consumer fails when one of its reads, of 8,192 bytes, ends within a frame's
// header, so no read may be full unless one frame fills it.
const smallWindowBytes = 8<<10 - 1

const maxHeader = 4 // bytes of the header of a frame that fits into the small window

// consume starts to deliver a topic. It does nothing if the topic is delivered already.
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
	if !c.awaitPredecessor() {
		return c.ctx.Err()
	}
	for _, other := range c.p.keyStates.channelsOf(c.info.Key) {
		if other != c {
			other.doubt(topic)
		}
	}
	consume := c.p.cfg.Queues.Consume
	if c.existing {
		consume = c.p.cfg.Queues.Resume
	}
	name := c.info.RequestID + " from " + c.info.RemoteAddr
	consumer, err := consume(c.ctx, c.info.Key, topic, name)
	if err != nil {
		return err
	}
	queue := &source{Consumer: consumer, topic: topic, name: name}
	if !c.adopt(topic, queue) {
		return queue.Close()
	}
	if shared, ok := consumer.(SharedConsumer); ok {
		shared.OnRival(func() { c.startDoubt(topic) })
	}
	c.spawn(func() { c.deliver(queue) })
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
func (c *channel) deliver(queue *source) {
	var frame []byte
	for {
		room := c.waitForSlots()
		if room == 0 {
			return
		}
		leases, err := c.fetch(queue, room)
		if err != nil {
			c.fetchFailed(err)
			return
		}
		var sent int
		if sent, frame, err = c.send(queue, leases, frame); err != nil {
			return // the same cause ends the reading, which reports it
		}
		if err := returnLeases(c.ctx, queue, leases[sent:]); err != nil {
			c.fetchFailed(err)
			return
		}
		if cap(frame) > keptFrame {
			frame = nil
		}
	}
}

// fetch waits for messages, and returns none when the peer has become doubtful: then it
// must not even have a place among the waiting consumers.
func (c *channel) fetch(queue *source, room int) ([]Lease, error) {
	ctx := c.beginFetch()
	defer c.endFetch()
	leases, err := queue.Fetch(ctx, room, c.freeBytes())
	if ctx.Err() == nil || c.ctx.Err() != nil {
		return leases, err
	}
	if err == nil || errors.Is(err, ctx.Err()) {
		err = returnLeases(c.ctx, queue, leases)
	}
	return nil, err
}

// returnLeases returns the leases for which the window had no room, as another consumer
// of the queue may have room. Another topic of this connection may have filled the
// window while Fetch waited.
func returnLeases(ctx context.Context, queue *source, leases []Lease) error {
	if len(leases) == 0 {
		return nil
	}
	return queue.Return(ctx, idsOf(leases)...)
}

func idsOf(leases []Lease) []uint64 {
	ids := make([]uint64, len(leases))
	for i, l := range leases {
		ids[i] = l.ID
	}
	return ids
}

// fetchFailed ends the channel, unless it is ending already. For a topic that was
// dropped it has a code of its own, after which a peer connects and consumes again.
func (c *channel) fetchFailed(err error) {
	if c.ctx.Err() == nil {
		c.end(c.refusal(err))
	}
}

// send writes leases as deliveries, each as one frame with the next tag of
// the connection, as far as the window has room, and returns how many it
// wrote.
func (c *channel) send(queue *source, leases []Lease, frame []byte) (int, []byte, error) {
	c.sending.Lock()
	defer c.sending.Unlock()
	by := c.actor()
	var id [maxMessageID]byte // so that its text is not allocated
	for n, l := range leases {
		m, tag := l.Message, c.lastTag+1
		if l.Attempt > 1 {
			c.supersede(queue, l.ID)
		}
		frame = wire.AppendDelivery(frame[:0], &wire.Delivery{
			Tag: tag, ID: string(m.ID.Append(id[:0])), Attempt: l.Attempt, Time: m.unix(), Key: m.Key, Type: m.ContentType, App: m.App, ClientID: m.ClientID, Body: m.Body,
		})
		if !c.reserve(tag, held{queue: queue, id: l.ID, message: m.ID, routing: m.Key, attempt: l.Attempt, size: sizeOf(m), frame: len(frame)}) {
			return n, frame, nil
		}
		c.p.delivering(by, DeliverEvent{Conn: c.info.ID, Key: c.info.Key, Topic: queue.topic, Tag: tag, Attempt: l.Attempt, Message: m})
		if err := c.conn.Write(c.ctx, opcodeOf(frame), frame); err != nil {
			return n, frame, err
		}
	}
	return len(leases), frame, nil
}

// sizeOf returns how many bytes a message counts in the window.
func sizeOf(m *Message) int {
	return len(m.Body) + len(m.Key) + len(m.ContentType) + len(m.App) + len(m.ClientID)
}

// opcodeOf returns Text only for UTF-8, as a text frame must be; a body may have any
// bytes.
func opcodeOf(frame []byte) socket.Opcode {
	if utf8.Valid(frame) {
		return socket.Text
	}
	return socket.Binary
}

// waitForSlots waits until the window has room, and returns for how many deliveries. It
// returns 0 when the channel has ended.
func (c *channel) waitForSlots() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.ended && c.freeSlots() == 0 {
		c.changed.Wait()
	}
	if c.ended {
		return 0
	}
	return c.freeSlots()
}

// freeBytes returns for how many bytes of messages the window has room, so that fetch
// fetches no message that could not be sent.
func (c *channel) freeBytes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pinged {
		return max(1, c.p.cfg.Limits.WindowBytes-c.heldBytes)
	}
	return max(1, smallWindowBytes-c.heldFrames)
}

// freeSlots returns for how many deliveries the window has room. The caller holds mu.
func (c *channel) freeSlots() int {
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

// reserve adds a delivery to the window, and reports whether there was room.
func (c *channel) reserve(tag uint64, h held) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted = h.frame + maxHeader
	if c.ended || c.freeSlots() == 0 {
		return false
	}
	c.wanted = 0
	c.lastTag = tag
	c.held[tag] = h
	c.heldBytes += h.size
	c.heldFrames += h.frame + maxHeader
	return true
}
