package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/wire"
)

// The queue calls of protocol chapter 3. Those of chapter 7 are in api_queue.go.

// A queueDoc is the result of notify/status, with the members that clients read.
type queueDoc struct {
	Backing struct {
		Len int
	} `json:"Backing_queue_status"`
	Messages       int `json:"Messages"`
	Ready          int `json:"Messages_ready"`
	Unacknowledged int `json:"Messages_unacknowledged"`
	Consumers      int `json:"Consumers"`
	// Other platforms do not have these members. They are left out if there is no
	// bound.
	MessagesLimit int    `json:"Messages_limit,omitempty"`
	Bytes         int64  `json:"Bytes"`
	BytesLimit    int64  `json:"Bytes_limit,omitempty"`
	Dropped       uint64 `json:"Dropped"`
	Overflow      string `json:"Overflow"`
	Parked        int    `json:"Messages_parked"` // they are none of the others
	ParkedDropped uint64 `json:"Parked_dropped"`
	MaxAttempts   int    `json:"Max_attempts,omitempty"`
	// What the key has published, at this platform since it began.
	Published int64 `json:"Published"`
	Unrouted  int64 `json:"Unrouted"` // to no queue
	// Push is there for the default queue of a key with a push address.
	Push *pushStatusDoc `json:"Push,omitempty"`
}

func (p *Platform) queueStatus(ctx context.Context, c *call, of *holder) (any, error) {
	topic, err := p.topic(c)
	if err != nil {
		return nil, err
	}
	s, err := p.cfg.Queues.Status(ctx, of.key.ID, topic)
	if err != nil {
		return nil, err
	}
	limits, count := newLimitsDoc(s.Limits), p.owners.countOf(of.key.ID)
	doc := queueDoc{
		Messages:       s.Ready + s.Unacknowledged,
		Ready:          s.Ready,
		Unacknowledged: s.Unacknowledged,
		Consumers:      s.Consumers,
		MessagesLimit:  limits.MaxMessages,
		Bytes:          s.Bytes,
		BytesLimit:     limits.MaxBytes,
		Dropped:        s.Dropped,
		Overflow:       limits.Overflow,
		Parked:         s.Parked,
		ParkedDropped:  s.ParkedDropped,
		MaxAttempts:    limits.MaxAttempts,
		Published:      count.published.Load(),
		Unrouted:       count.unrouted.Load(),
	}
	doc.Backing.Len = s.Ready
	if topic == "" {
		doc.Push = p.pushStatus(&of.key.Key)
	}
	return doc, nil
}

// queueWrite puts a message into the queue of topic without routing it. A routing key
// is then only kept as a label. Without a topic, a message with a routing key is
// routed, and a message without one goes into the default queue.
func (p *Platform) queueWrite(ctx context.Context, c *call, of *holder) (any, error) {
	topic, m, err := p.messageOf(c)
	if err != nil {
		return nil, err
	}
	queues := 0
	switch {
	case topic != "" || m.Key == "":
		if err = p.cfg.Queues.Write(ctx, of.key.ID, topic, m); !m.ID.IsZero() {
			queues = 1
		}
	case of.key.ID != c.key.ID:
		return nil, badRequest(code.InvalidParameter, "of names a key, and a message with a routing_key and without a topic is routed to the queues of all keys; leave out of, or name the topic")
	default:
		queues, err = p.publish(ctx, c.app, m)
	}
	p.published(c.actor(), p.owners.countOf(c.key.ID), PublishEvent{Key: c.key.ID, Topic: topic, Message: m, Queues: queues, Err: err})
	if err != nil {
		return nil, err
	}
	return stored{envelope: envelope{Result: true}, ID: m.ID.String(), Queues: queues}, nil
}

func (p *Platform) messageOf(c *call) (topic string, m *Message, err error) {
	own, limits := c.params(), p.cfg.Limits
	if topic, err = optional(own, "topic", limits.Topic); err != nil {
		return "", nil, err
	}
	m = &Message{ClientID: c.key.ID, App: c.key.App, Time: toSecond(p.cfg.Now())}
	if m.Key, err = optionalLine(own, "routing_key", limits.RoutingKey); err != nil {
		return "", nil, err
	}
	if err = notReserved(m.Key); err != nil {
		return "", nil, err
	}
	if m.ContentType, err = optionalLine(own, "content_type", limits.ContentType); err != nil {
		return "", nil, err
	}
	if m.Time, err = firstPublished(own, m.Time); err != nil {
		return "", nil, err
	}
	m.Body, err = p.data(own)
	return topic, m, err
}

// toSecond cuts the time of a message to seconds, as the protocol has them.
func toSecond(t time.Time) time.Time { return time.Unix(t.Unix(), 0) }

// firstPublished returns when a message was first published: a program that puts a
// message aside or back says so in the parameter time, so that the message keeps its
// age. A time in the future counts as now, or the message would never become too old.
func firstPublished(own url.Values, now time.Time) (time.Time, error) {
	text, err := once(own, "time")
	if err != nil || text == "" {
		return now, err
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 1 {
		return now, badRequest(code.InvalidParameter, fmt.Sprintf("time is %q; it must be a Unix time in seconds", shorten(text, 32)))
	}
	return time.Unix(min(seconds, now.Unix()), 0), nil
}

func (p *Platform) data(own url.Values) ([]byte, error) {
	if !own.Has("data") {
		return nil, missing("data")
	}
	data, err := once(own, "data")
	if err != nil {
		return nil, err
	}
	if len(data) > p.cfg.Limits.MaxBody {
		return nil, &failure{
			status: http.StatusRequestEntityTooLarge, code: code.MessageTooLarge,
			message: fmt.Sprintf("data has %d bytes; a message has at most %d", len(data), p.cfg.Limits.MaxBody),
		}
	}
	return []byte(data), nil
}

// queueRead removes messages from a queue and returns each as a string that holds its
// JSON. It ends early at Limits.ReadBytes, so that it removes no message that would
// make the answer too large for a client.
func (p *Platform) queueRead(ctx context.Context, c *call, of *holder) (any, error) {
	topic, err := p.topic(c)
	if err != nil {
		return nil, err
	}
	num, err := p.readNum(c.params(), 1)
	if err != nil {
		return nil, err
	}
	return p.takeMessages(c, num, func(step, _ int) (texts messageTexts, err error) {
		messages, err := p.cfg.Queues.Read(ctx, of.key.ID, topic, step)
		p.noteRead(c.actorFor(of), topic, messages)
		for _, m := range messages {
			texts = append(texts, messageText(m))
		}
		return texts, err
	})
}

// takeMessages returns the texts of up to num messages, which next takes from a queue. It
// ends early at Limits.ReadBytes, of which next learns how many are left. After the first
// texts it returns no error, or those would be lost.
func (p *Platform) takeMessages(c *call, num int, next func(step, room int) (messageTexts, error)) (any, error) {
	// There must be room for the messages before they are taken.
	held := min(int64(p.cfg.Limits.ReadBytes), int64(num)*int64(p.cfg.Limits.MaxBody))
	c.count = p.owners.countOf(c.key.ID)
	if !p.reserveAnswer(c.count, held) {
		return nil, overloaded()
	}
	texts, room := messageTexts{}, p.cfg.Limits.ReadBytes
	defer func() {
		c.answer = int64(p.cfg.Limits.ReadBytes - room) // until it is written
		p.releaseAnswer(c.count, held-c.answer)
	}()
	for num > len(texts) && room > 0 {
		step := min(num-len(texts), max(1, room/p.cfg.Limits.MaxBody))
		more, err := next(step, room)
		if err != nil && len(texts) == 0 {
			return nil, err
		}
		room -= more.size()
		texts = append(texts, more...)
		if len(more) < step {
			break
		}
	}
	return texts, nil
}

// reserveAnswer reports whether there is room for an answer of so many bytes. A key gets
// half of it at most, or one that reads no answer would keep all others out.
func (p *Platform) reserveAnswer(count *keyCount, n int64) bool {
	if count.answers.Add(n) <= p.answers.limit/2 && p.answers.reserve(n) {
		return true
	}
	count.answers.Add(-n)
	return false
}

func (p *Platform) releaseAnswer(count *keyCount, n int64) {
	count.answers.Add(-n)
	p.answers.release(n)
}

func (p *Platform) readNum(own url.Values, preset int) (int, error) {
	text, err := once(own, "num")
	if err != nil || text == "" {
		return min(preset, p.cfg.Limits.Read), err
	}
	num, err := strconv.Atoi(text)
	if err != nil || num < 1 || num > p.cfg.Limits.Read {
		return 0, badRequest(code.InvalidParameter, fmt.Sprintf("num is %q; it must be a number from 1 to %d", shorten(text, 32), p.cfg.Limits.Read))
	}
	return num, nil
}

// messageText returns m as a JSON string that holds its JSON. Bytes that are not
// UTF-8 become U+FFFD, as JSON cannot hold them; the channel delivers them unchanged.
func messageText(m *Message) json.RawMessage {
	delivery := deliveryOf(m)
	inner := wire.AppendMessage(nil, &delivery)
	return appendJSONString(make([]byte, 0, len(inner)+len(inner)/8+2), inner)
}

// deliveryOf returns what a delivery says of m itself.
func deliveryOf(m *Message) wire.Delivery {
	return wire.Delivery{
		ID: m.ID.String(), Time: m.unix(), Key: m.Key, Type: m.ContentType, App: m.App, ClientID: m.ClientID, Body: m.Body,
	}
}

// appendJSONString appends s as a JSON string. s must have no control characters, as
// the inner JSON has none.
func appendJSONString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for len(s) > 0 {
		switch b := s[0]; {
		case b == '"' || b == '\\':
			dst, s = append(dst, '\\', b), s[1:]
		case b < utf8.RuneSelf:
			dst, s = append(dst, b), s[1:]
		default:
			r, size := utf8.DecodeRune(s)
			dst, s = utf8.AppendRune(dst, r), s[size:]
		}
	}
	return append(dst, '"')
}

func (p *Platform) queuePurge(ctx context.Context, c *call, of *holder) (any, error) {
	topic, err := p.topic(c)
	if err != nil {
		return nil, err
	}
	parked, err := flag(c.params(), "parked")
	if err != nil {
		return nil, err
	}
	err = p.cfg.Queues.Purge(ctx, of.key.ID, topic)
	if err == nil && parked {
		err = p.discardParked(ctx, of.key.ID, topic)
	}
	return true, err
}

func (p *Platform) queueCreate(ctx context.Context, c *call, of *holder) (any, error) {
	topic, err := required(c.params(), "topic", p.cfg.Limits.Topic)
	if err != nil {
		return nil, err
	}
	return true, p.cfg.Queues.Create(ctx, of.key.ID, topic)
}

func (p *Platform) queueDrop(ctx context.Context, c *call, of *holder) (any, error) {
	topic, err := required(c.params(), "topic", p.cfg.Limits.Topic)
	if err != nil {
		return nil, err
	}
	return true, p.cfg.Queues.Drop(ctx, of.key.ID, topic)
}

func (p *Platform) queueList(ctx context.Context, c *call, of *holder) (any, error) {
	topics, err := p.cfg.Queues.List(ctx, of.key.ID)
	if err != nil {
		return nil, err
	}
	type queue struct {
		Topic string `json:"topic"`
	}
	queues := make([]queue, len(topics))
	for i, topic := range topics {
		queues[i].Topic = topic
	}
	return queues, nil
}

func (p *Platform) routingSet(ctx context.Context, c *call, of *holder) (any, error) {
	topic, pattern, err := p.binding(c)
	if err != nil {
		return nil, err
	}
	if err := checkRoutingKey(pattern); err != nil {
		return nil, err
	}
	if err := of.app.mayListen(pattern); err != nil {
		return nil, err
	}
	return true, p.cfg.Queues.Bind(ctx, of.key.ID, topic, pattern)
}

// routingUnset needs no permission to listen, as it only removes a binding.
func (p *Platform) routingUnset(ctx context.Context, c *call, of *holder) (any, error) {
	topic, pattern, err := p.binding(c)
	if err != nil {
		return nil, err
	}
	return true, p.cfg.Queues.Unbind(ctx, of.key.ID, topic, pattern)
}

// checkRoutingKey refuses a key or pattern that belongs to no message.
func checkRoutingKey(key string) error {
	if !isLine(key) {
		return badRequest(code.InvalidParameter, "routing_key has a line break or another control character, which no message's key has")
	}
	return nil
}

// binding returns what a call is to bind or unbind. The topic must be named, but
// may be empty for the default queue.
func (p *Platform) binding(c *call) (topic, pattern string, err error) {
	own := c.params()
	if !own.Has("topic") {
		return "", "", missing("topic")
	}
	if topic, err = p.topic(c); err != nil {
		return "", "", err
	}
	pattern, err = required(own, "routing_key", p.cfg.Limits.RoutingKey)
	return topic, pattern, err
}

func (p *Platform) routingList(ctx context.Context, c *call, of *holder) (any, error) {
	topic, err := p.topic(c)
	if err != nil {
		return nil, err
	}
	bound, err := p.cfg.Queues.Bindings(ctx, of.key.ID, topic)
	if err != nil {
		return nil, err
	}
	type binding struct {
		RoutingKey string `json:"routing_key"`
		Own        bool   `json:"own,omitempty"`
	}
	bindings := make([]binding, len(bound))
	for i, b := range bound {
		bindings[i] = binding{b.Pattern, b.Own}
	}
	return bindings, nil
}

// topic returns the queue that a call is about; "" is the default queue.
func (p *Platform) topic(c *call) (string, error) {
	return optional(c.params(), "topic", p.cfg.Limits.Topic)
}

func required(own url.Values, name string, limit int) (string, error) {
	value, err := optional(own, name, limit)
	if err == nil && value == "" {
		err = missing(name)
	}
	return value, err
}

func optional(own url.Values, name string, limit int) (string, error) {
	value, err := once(own, name)
	if err == nil && len(value) > limit {
		err = badRequest(code.InvalidParameter, fmt.Sprintf("%s has %d bytes; at most %d are allowed", name, len(value), limit))
	}
	return value, err
}

// optionalLine is optional for values that logs and protocols put into one line.
func optionalLine(own url.Values, name string, limit int) (string, error) {
	value, err := optional(own, name, limit)
	if err == nil && !isLine(value) {
		err = badRequest(code.InvalidParameter, fmt.Sprintf("%s is %q; it must have no line break or other control character", name, shorten(value, 48)))
	}
	return value, err
}

// isLine reports whether text has no control characters.
func isLine(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] == 0x7f {
			return false
		}
	}
	return true
}

func once(own url.Values, name string) (string, error) {
	if len(own[name]) > 1 {
		return "", badRequest(code.InvalidParameter, name+" was sent more than once")
	}
	return own.Get(name), nil
}

// flag reads a parameter that is 1 or left out.
func flag(own url.Values, name string) (bool, error) {
	text, err := once(own, name)
	if err == nil && text != "" && text != "0" && text != "1" {
		err = badRequest(code.InvalidParameter, fmt.Sprintf("%s is %q; it must be 1, or be left out", name, shorten(text, 32)))
	}
	return text == "1", err
}

func missing(name string) *failure {
	return badRequest(code.MissingParameter, "the parameter "+name+" is missing")
}
