package platform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/shopex/prism-go/internal/code"
)

// The queue calls that other platforms do not have.

// ofKey returns how a call about the queues of a key is served: those of the caller, or of
// another key of its domain that an admin key names with the parameter of.
func (p *Platform) ofKey(serve func(ctx context.Context, c *call, of *holder) (any, error)) func(context.Context, *call) (any, error) {
	return func(ctx context.Context, c *call) (any, error) {
		of, err := p.about(ctx, c)
		if err == nil {
			err = p.declare(ctx, of)
		}
		if err != nil {
			return nil, err
		}
		return serve(ctx, c, of)
	}
}

// about returns the key whose queues a call is about. For a key of another domain the
// error is the same as if there were none.
func (p *Platform) about(ctx context.Context, c *call) (*holder, error) {
	if !c.query.Has("of") && !c.form.Has("of") { // as in nearly all calls
		if c.person != nil {
			return nil, badRequest(code.MissingParameter, "name the key whose queues the call is about by of")
		}
		return c.holder, nil
	}
	id, err := optional(c.params(), "of", idBytes)
	switch {
	case err != nil:
		return nil, err
	case id == "": // of a variable that is not set, for which no queue of the caller is to be purged
		return nil, badRequest(code.InvalidParameter, "of is empty; name a key, or leave of out for the queues of the key that makes the call")
	case id == c.key.ID:
		return c.holder, nil
	case !c.key.Admin && c.app.Role == "":
		return nil, adminOnly("of names another key, which is for admin keys, and for members whose apps have it; without it the call is about the queues of the key that makes it")
	}
	h, err := p.registry.holder(ctx, id, nil)
	if errors.Is(err, ErrUnknownKey) || err == nil && !c.provisions(h.app) {
		return nil, unknownKeyHere()
	}
	return h, err
}

func adminOnly(message string) *failure {
	return &failure{status: http.StatusForbidden, code: code.ForbiddenAdmin, message: message}
}

// A peekDoc is a message of the result of notify/peek.
type peekDoc struct {
	ID         string `json:"id"`
	Time       int64  `json:"time"` // Unix seconds, as HeldSince
	Key        string `json:"key"`
	Type       string `json:"type"`
	App        string `json:"app"`
	ClientID   string `json:"client_id"`
	Body       string `json:"body"`
	BodyBase64 []byte `json:"body_base64,omitempty"` // if it is not UTF-8
	State      string `json:"state"`                 // ready, held or parked
	HeldBy     string `json:"held_by,omitempty"`
	HeldSince  int64  `json:"held_since,omitempty"`
}

func newPeekDoc(found *Peeked) peekDoc {
	m := found.Message
	doc := peekDoc{
		ID: m.ID.String(), Time: m.unix(), Key: m.Key, Type: m.ContentType, App: m.App, ClientID: m.ClientID,
		Body: string(m.Body), State: "ready",
	}
	if !utf8.Valid(m.Body) {
		doc.BodyBase64 = m.Body
		doc.Body = string([]rune(doc.Body)) // encoding/json would write U+FFFD as six bytes, not three
	}
	if found.Held {
		doc.State, doc.HeldBy = "held", found.Holder
		if !found.Since.IsZero() {
			doc.HeldSince = found.Since.Unix()
		}
	}
	return doc
}

// peekNum is how many messages a notify/peek without num returns.
const peekNum = 10

// queuePeek returns messages of a queue and leaves them there. It ends early at
// Limits.ReadBytes: the ID of the last one says where another call goes on.
func (p *Platform) queuePeek(ctx context.Context, c *call, of *holder) (any, error) {
	topic, num, after, err := p.page(c)
	if err != nil {
		return nil, err
	}
	return p.takeMessages(c, num, func(step, room int) (texts messageTexts, err error) {
		found, err := p.cfg.Queues.Peek(ctx, of.key.ID, topic, after, step)
		if err != nil {
			return nil, err
		}
		for i := range found {
			text, err := encode(newPeekDoc(&found[i]))
			if err != nil {
				return nil, err
			}
			texts, after = append(texts, text), found[i].Message.ID
			if room -= len(text); room <= 0 { // bytes that are escaped take six times as many
				break
			}
		}
		return texts, nil
	})
}

// page returns which messages of which queue a call shows: up to num behind after.
func (p *Platform) page(c *call) (topic string, num int, after MessageID, err error) {
	if topic, err = p.topic(c); err == nil {
		num, err = p.readNum(c.params(), peekNum)
	}
	if err == nil {
		after, err = messageID(c.params(), "after")
	}
	return topic, num, after, err
}

// messageID reads the ID of a message; none is the zero ID.
func messageID(own url.Values, name string) (id MessageID, err error) {
	text, err := once(own, name)
	if err != nil || text == "" {
		return id, err
	}
	return messageIDOf(name, text)
}

func messageIDOf(name, text string) (MessageID, error) {
	id, err := ParseMessageID(text)
	if err != nil {
		return id, badRequest(code.InvalidParameter, fmt.Sprintf("%s: %s, such as 9b4d1e00-1a2b3c", name, engineWords(err)))
	}
	return id, nil
}

// A limitsDoc is the result of notify/queue/limit. 0 is no bound.
type limitsDoc struct {
	MaxMessages int    `json:"max_messages"`
	MaxBytes    int64  `json:"max_bytes"`
	Overflow    string `json:"overflow"`
	MaxAttempts int    `json:"max_attempts"`
}

const defaultOverflow = "default"

// newLimitsDoc returns the limits that hold for a queue.
func newLimitsDoc(l QueueLimits) limitsDoc {
	doc := limitsDoc{
		MaxMessages: l.MaxMessages, MaxBytes: l.MaxBytes, Overflow: cmp.Or(string(l.Overflow), defaultOverflow), MaxAttempts: l.MaxAttempts,
	}
	if doc.MaxMessages == math.MaxInt {
		doc.MaxMessages = 0
	}
	if doc.MaxBytes == math.MaxInt64 {
		doc.MaxBytes = 0
	}
	return doc
}

// queueLimit changes the limits of a queue that a POST names, and returns those that hold
// then.
func (p *Platform) queueLimit(ctx context.Context, c *call, of *holder) (any, error) {
	topic, err := p.topic(c)
	if err != nil {
		return nil, err
	}
	change, err := limitChangeOf(c.params())
	if err != nil {
		return nil, err
	}
	if change != (limitChange{}) && c.method == http.MethodGet {
		return nil, badRequest(code.InvalidParameter, "GET only says which limits hold: change them by POST")
	}
	// What holds is read before it is changed, so there may be one change at a time.
	unlock, err := p.owners.lock(ctx, of.key.ID)
	if err != nil {
		return nil, err
	}
	defer unlock()
	now, err := p.limitsOf(ctx, of.key.ID, topic)
	if err != nil || change == (limitChange{}) {
		return newLimitsDoc(now), err
	}
	limits, err := p.changedLimits(now, change, c.key.Admin)
	if err != nil {
		return nil, err
	}
	if err := p.cfg.Queues.SetLimits(ctx, of.key.ID, topic, limits); err != nil {
		return nil, err
	}
	now, err = p.limitsOf(ctx, of.key.ID, topic)
	return newLimitsDoc(now), err
}

func (p *Platform) limitsOf(ctx context.Context, owner, topic string) (QueueLimits, error) {
	s, err := p.cfg.Queues.Status(ctx, owner, topic)
	return s.Limits, err
}

// A limitChange has the limits that a call names. In the others the flag is false.
type limitChange struct {
	messages, bytes, overflow, attempts bool
	QueueLimits
}

func limitChangeOf(own url.Values) (l limitChange, err error) {
	var messages int64
	if messages, l.messages, err = limitParam(own, "max_messages"); err != nil {
		return l, err
	}
	l.MaxMessages = int(min(messages, math.MaxInt))
	if l.MaxBytes, l.bytes, err = limitParam(own, "max_bytes"); err != nil {
		return l, err
	}
	if l.MaxAttempts, l.attempts, err = attemptsParam(own); err != nil {
		return l, err
	}
	l.overflow = own.Has("overflow")
	text, err := once(own, "overflow")
	if err != nil || !l.overflow {
		return l, err
	}
	switch l.Overflow = Overflow(text); l.Overflow {
	case Refuse, DropOldest, DropNewest:
	case defaultOverflow:
		l.Overflow = OverflowDefault
	default:
		return l, badRequest(code.InvalidParameter, fmt.Sprintf("overflow is %q; it must be %s", shorten(text, 32),
			strings.Join([]string{string(Refuse), string(DropOldest), string(DropNewest), "or " + defaultOverflow}, ", ")))
	}
	return l, nil
}

// limitParam reads a bound; 0 is the default of the engine.
func limitParam(own url.Values, name string) (n int64, set bool, err error) {
	text, err := once(own, name)
	if err != nil || !own.Has(name) {
		return 0, false, err
	}
	n, err = strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, false, badRequest(code.InvalidParameter, fmt.Sprintf("%s is %q; it must be a number, or 0 for the default", name, shorten(text, 32)))
	}
	return n, true, nil
}

// attemptsParam reads how often a message is tried; 0 is for ever.
func attemptsParam(own url.Values) (n int, set bool, err error) {
	const name = "max_attempts"
	text, err := once(own, name)
	if err != nil || !own.Has(name) {
		return 0, false, err
	}
	n, err = strconv.Atoi(text)
	if err != nil || n < 0 || n > MaxAttemptsCounted {
		return 0, false, badRequest(code.InvalidParameter, fmt.Sprintf("%s is %q; it must be a number from 1 to %d, or 0 to try each message for ever", name, shorten(text, 32), MaxAttemptsCounted))
	}
	return n, true, nil
}

// changedLimits returns the limits to set where now hold. What a queue holds takes room
// from others, so only admin keys raise its bounds. A queue that refuses stops publishers
// of other keys, so only admin keys choose that.
func (p *Platform) changedLimits(now QueueLimits, change limitChange, admin bool) (QueueLimits, error) {
	presetMessages, presetBytes := p.cfg.Queues.Limits()
	limits := now
	if change.messages {
		limits.MaxMessages = cmp.Or(change.MaxMessages, presetMessages)
	}
	if change.bytes {
		limits.MaxBytes = cmp.Or(change.MaxBytes, presetBytes)
	}
	if change.overflow {
		limits.Overflow = change.Overflow
	}
	if change.attempts {
		limits.MaxAttempts = change.MaxAttempts
	}
	switch {
	case admin:
	case limits.MaxMessages > now.MaxMessages:
		return now, adminOnly(fmt.Sprintf("max_messages of this queue is %d: a key may lower it, and an admin key raise it", now.MaxMessages))
	case limits.MaxBytes > now.MaxBytes:
		return now, adminOnly(fmt.Sprintf("max_bytes of this queue is %d: a key may lower it, and an admin key raise it", now.MaxBytes))
	case limits.Overflow == Refuse && now.Overflow != Refuse:
		return now, adminOnly("overflow refuse is for admin keys, as the queue then stops all its publishers; choose drop-oldest, drop-newest or default")
	}
	if limits.MaxMessages == presetMessages {
		limits.MaxMessages = 0 // it follows the default
	}
	if limits.MaxBytes == presetBytes {
		limits.MaxBytes = 0
	}
	return limits, nil
}

// routingTest returns to how many queues a message of the key would go now.
func (p *Platform) routingTest(ctx context.Context, c *call, of *holder) (any, error) {
	m := &Message{ClientID: of.key.ID, App: of.key.App}
	var err error
	if m.Key, err = required(c.params(), "routing_key", p.cfg.Limits.RoutingKey); err != nil {
		return nil, err
	}
	if err := checkRoutingKey(m.Key); err != nil {
		return nil, err
	}
	if err := of.app.mayPublish(m.Key); err != nil {
		return nil, err
	}
	queues, err := p.cfg.Queues.Route(ctx, of.app.Exchange(), m)
	if err != nil {
		return nil, err
	}
	return struct {
		Queues int `json:"queues"`
	}{queues}, nil
}
