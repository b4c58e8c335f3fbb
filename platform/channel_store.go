package platform

import (
	"bytes"
	"cmp"
	"errors"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"github.com/shopex/prism-go/internal/wire"
)

// Bounds of what is stored at once.
const (
	maxTogether      = 256 // messages or acks
	maxTogetherBytes = 512 << 10
	maxPings         = 2 * maxTogether // one for each message, while a batch is stored and the next is read
)

// store stores the messages and acks that were read. An engine that syncs takes as long
// for many of them as for one, so store is called only before the socket waits, or
// before something else that takes long. An error ends the channel.
func (c *channel) store() error {
	c.heard()
	if !c.seen { // published SDKs send each ack by itself, with Nagle's algorithm
		c.conn.AckAtOnce()
	}
	err := c.storeMessages()
	if err == nil {
		err = c.storeAcks()
	}
	if err != nil {
		c.failed(err)
	}
	return err
}

// publish notes a message, which store will store.
func (c *channel) publish(cmd wire.Command) error {
	if !isLine(cmd.Key) || !isLine(cmd.ContentType) {
		return &wire.Error{Op: wire.OpPublish, Kind: wire.Policy, Reason: "the routing key or the content type has a line break or another control character"}
	}
	app := c.keyState.holder.Load().app // its key may have been moved
	m := &Message{
		Key:         cmd.Key,
		Body:        append([]byte(nil), cmd.Body...),
		ContentType: cmd.ContentType,
		ClientID:    c.info.Key,
		App:         app.ID,
		Time:        toSecond(c.came),
	}
	if err := app.mayPublish(m.Key); err != nil {
		err = cmp.Or(c.storeMessages(), err) // those that came before it
		c.published(m, 0, err)
		return err
	}
	c.messages = append(c.messages, m)
	c.messageBytes += sizeOf(m)
	if len(c.messages) == maxTogether || c.messageBytes > maxTogetherBytes {
		return c.beginStoring()
	}
	return nil
}

// A batch is the messages that an engine stores while the next ones are read: so the
// processor works while an engine syncs.
type batch struct {
	messages []*Message
	done     chan struct{} // closed when the rest is set
	routed   []int
	err      error
}

// beginStoring hands the noted messages to the engine, once it has stored those before.
func (c *channel) beginStoring() error {
	if err := c.endStoring(); err != nil {
		return err
	}
	b := &batch{messages: c.messages, done: make(chan struct{}), err: errPanicked}
	c.came, c.messages, c.messageBytes = time.Time{}, c.spare[:0], 0
	c.batch, c.spare = b, nil
	go func() {
		defer close(b.done)
		c.guarded(func() { b.routed, b.err = c.publishAll(b.messages) })
	}()
	return nil
}

// errPanicked is the error of a batch whose engine has panicked. The channel ends.
var errPanicked = errors.New("platform: the engine, the store or a hook has panicked")

// withoutPanic runs do. A panic in it, of the engine, the store or a hook, is logged and becomes
// errPanicked.
func withoutPanic(log *slog.Logger, do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			log.Error("panic", slog.Any("value", v), slog.String("stack", string(debug.Stack())))
			err = errPanicked
		}
	}()
	return do()
}

// endStoring waits for the batch that is being stored, if there is one.
func (c *channel) endStoring() error {
	b := c.batch
	if b == nil {
		return nil
	}
	<-b.done
	c.batch = nil
	err := c.conclude(b.messages, b.routed, b.err)
	clear(b.messages) // they belong to the queues now
	c.spare = b.messages
	return err
}

// storeMessages stores what is noted.
func (c *channel) storeMessages() error {
	if err := c.endStoring(); err != nil {
		return err
	}
	c.came = time.Time{}
	if len(c.messages) == 0 {
		return nil
	}
	all := c.messages
	c.messages, c.messageBytes = c.messages[:0], 0
	routed, err := c.publishAll(all)
	err = c.conclude(all, routed, err)
	clear(all) // they belong to the queues now
	return err
}

// conclude reports what was stored, up to a message that was refused. Then it drops what
// is noted: messages, as none may be stored behind a refused one, and acks, as they may
// be for deliveries from which the refused message was made, and these must come again.
func (c *channel) conclude(all []*Message, routed []int, err error) error {
	n := len(routed)
	for i, m := range all[:n] {
		c.published(m, routed[i], nil)
	}
	if err != nil {
		clear(c.messages)
		c.messages, c.messageBytes, c.acks = c.messages[:0], 0, c.acks[:0]
		if n < len(all) {
			c.published(all[n], 0, err)
		}
	}
	for i := range c.pings {
		c.pings[i].messages = max(0, c.pings[i].messages-n)
	}
	return c.confirm(err)
}

// unstored returns how many messages were read and are not stored.
func (c *channel) unstored() int {
	if c.batch == nil {
		return len(c.messages)
	}
	return len(c.batch.messages) + len(c.messages)
}

// publishAll refuses all messages if the key has become invalid since they were read. It
// returns to how many queues each stored message went.
func (c *channel) publishAll(all []*Message) (routed []int, err error) {
	if refused := c.keyState.refusal(c.secret, c.p.cfg.Now()); refused != nil {
		return nil, refused
	}
	return c.p.cfg.Queues.Publish(c.ctx, c.keyState.holder.Load().app.Exchange(), all...)
}

func (c *channel) published(m *Message, queues int, err error) {
	c.p.published(c.actor(), c.count, PublishEvent{Conn: c.info.ID, Key: c.info.Key, Message: m, Queues: queues, Err: err})
}

// An ack is an acknowledgement that was read and is not stored yet, or its opposite: a
// consumer says that it failed.
type ack struct {
	tag    uint64
	hasTag bool
	known  bool   // it named a delivery
	topic  string // of that
	failed bool   // the opposite
	reason string // of that
	held          // until it is stored; of the opposite also afterwards
}

// note notes an ack, which store will store.
func (c *channel) note(a ack) error {
	c.acks = append(c.acks, a)
	if len(c.acks) == maxTogether {
		return c.store()
	}
	return nil
}

// storeAcks removes delivered messages for good, and counts attempts of those that
// failed. A tag that is not outstanding, or none at all, is counted and otherwise ignored.
func (c *channel) storeAcks() (err error) {
	c.releaseAcked(c.acks)
	for i := range c.acks {
		if a := &c.acks[i]; a.queue != nil && !a.failed && err == nil {
			err = c.storeAcksOf(a.queue, c.acks[i:])
		}
	}
	if err == nil {
		err = c.storeFails(c.acks)
	}
	for _, a := range c.acks {
		switch {
		case a.queue != nil: // not stored, or storeFails has told
		case a.failed:
			c.p.failed(c.actor(), FailEvent{Conn: c.info.ID, Key: c.info.Key, Tag: a.tag, Reason: a.reason, Stray: true})
		default:
			c.p.acked(c.actor(), AckEvent{Conn: c.info.ID, Key: c.info.Key, Topic: a.topic, ID: a.message, RoutingKey: a.routing, Tag: a.tag, Stray: !a.known})
		}
	}
	clear(c.acks)
	c.acks = c.acks[:0]
	if err == nil {
		for i := range c.pings {
			c.pings[i].acks = 0
		}
	}
	return c.confirm(err)
}

// storeAcksOf stores the acks for one queue.
func (c *channel) storeAcksOf(queue *source, acks []ack) error {
	c.ids = c.ids[:0]
	for i := range acks {
		if acks[i].queue == queue && !acks[i].failed {
			c.ids = append(c.ids, acks[i].id)
		}
	}
	if err := queue.Ack(c.ctx, c.ids...); err != nil {
		return err
	}
	if err := c.ctx.Err(); err != nil { // if retire came first, the engine ignored them
		return err
	}
	for i := range acks {
		if acks[i].queue == queue && !acks[i].failed {
			acks[i].queue = nil
		}
	}
	return nil
}

// releaseAcked removes the deliveries that the acks name from the window, all at once:
// if the window grew one by one, the topics would deliver one by one.
func (c *channel) releaseAcked(acks []ack) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range acks {
		a := &acks[i]
		h, known := c.held[a.tag]
		if !a.hasTag || !known {
			continue
		}
		a.held, a.known, a.topic = h, true, h.queue.topic
		c.acked++
		h.queue.settled = max(h.queue.settled, a.tag)
		c.free(a.tag, h)
	}
	c.changed.Broadcast() // any of the waiting topics may be the one that has messages
}

// A ping is a ping of the peer that is not answered yet. Its pong proves to a publisher
// that everything before it is stored.
type ping struct {
	payload        []byte
	messages, acks int // that came before it and are not stored
}

// onPing is called for each ping. The first one shows that the peer can take the full
// window, and pings of the platform.
func (c *channel) onPing(payload []byte) {
	if bytes.HasSuffix(payload, wire.NotReading) {
		c.noteAlive(func() { c.life.excused = time.Now() })
	}
	if !c.seen {
		c.seen = true
		c.widen()
	}
	if c.unstored() == 0 && len(c.acks) == 0 {
		c.conn.Pong(payload)
		return
	}
	if len(c.pings) == maxPings { // RFC 6455 permits answering only the newest
		c.pings = c.pings[:maxPings-1]
	}
	c.pings = append(c.pings, ping{slices.Clone(payload), c.unstored(), len(c.acks)})
}

func (c *channel) widen() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.window, c.pinged = c.p.cfg.Limits.Window, true
	c.changed.Broadcast()
	if !c.ended {
		c.keepAlive()
	}
}

// confirm answers the pings before which everything is stored. After an error it drops
// the others, as the refused messages are no longer noted and would seem to be stored.
func (c *channel) confirm(err error) error {
	n := 0
	for ; n < len(c.pings) && c.pings[n].messages == 0 && c.pings[n].acks == 0; n++ {
		c.conn.Pong(c.pings[n].payload)
	}
	c.pings = slices.Delete(c.pings, 0, n)
	if err != nil {
		c.pings = nil
	}
	return err
}
