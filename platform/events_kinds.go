package platform

import (
	"context"
	"errors"
	"time"

	"github.com/shopex/prism-go/internal/topic"
)

// The routing keys of system events.
const (
	eventLogin       = "@system.oauth.login"
	eventSignRefused = "@system.sign.refused"
	eventDropped     = "@system.queue.dropped"
	eventParked      = "@system.queue.parked"
	eventPushFailed  = "@system.push.failed"
	eventKeyExpired  = "@system.key.expired"
)

// An eventHead has the members that each event has.
type eventHead struct {
	Event    string `json:"event"` // the routing key
	Time     int64  `json:"time"`  // when it happened, Unix time
	ClientID string `json:"client_id"`
	App      string `json:"app"` // of that key

	at       time.Time
	exchange string // "" until locate has found it and App
}

func (h *eventHead) head() *eventHead { return h }

// locate returns the exchange into which the event goes: that of its key. The error is
// [ErrUnknownKey] if there is no such key any more.
func (h *eventHead) locate(ctx context.Context, r *Registry) (exchange string, err error) {
	if h.exchange == "" {
		holder, err := r.holder(ctx, h.ClientID, nil)
		if err != nil {
			return "", err
		}
		h.App, h.exchange = holder.app.ID, holder.app.Exchange()
	}
	return h.exchange, nil
}

// newEvent returns the head of an event about a key.
func (p *Platform) newEvent(name, key string) eventHead {
	now := p.cfg.Now()
	return eventHead{Event: name, Time: now.Unix(), ClientID: key, at: now}
}

// newEventOf is newEvent for a key whose app is known.
func (p *Platform) newEventOf(name string, h *holder) eventHead {
	head := p.newEvent(name, h.key.ID)
	head.App, head.exchange = h.app.ID, h.app.Exchange()
	return head
}

type loginEvent struct {
	eventHead
	User         string `json:"user"`          // the stable ID
	SessionSince int64  `json:"session_since"` // when the user has shown the password
	SessionUntil int64  `json:"session_until"` // when the session ends at the latest
}

// loggedInEvent tells that the app has got the tokens of a user: it has exchanged the code
// of a login.
func (p *Platform) loggedInEvent(h *holder, s *session) {
	began := s.Began
	if began.IsZero() { // in the record of an older version
		began = p.cfg.Now()
	}
	p.events.add(&loginEvent{
		eventHead: p.newEventOf(eventLogin, h), User: s.User.ID,
		SessionSince: began.Unix(), SessionUntil: began.Add(p.cfg.OAuth.SessionLife).Unix(),
	})
}

type signRefusedEvent struct {
	eventHead
	Address string `json:"address"` // of the caller
	Code    string `json:"code"`    // of the refusal
	Refused int    `json:"refused"` // since the last such event of the key, with this one
}

// signRefused tells that a call could not prove that it is by this key.
func (p *Platform) signRefused(c *call, h *holder, err error) {
	var f *failure
	if !errors.As(err, &f) {
		return
	}
	if n := p.events.rates.allow(eventSignRefused, h.key.ID, time.Minute); n > 0 {
		p.events.add(&signRefusedEvent{eventHead: p.newEventOf(eventSignRefused, h), Address: c.caller.ip(), Code: f.code, Refused: n})
	}
}

type keyExpiredEvent struct {
	eventHead
	Expired int64 `json:"expired"` // since when, Unix time
}

// keyExpired tells that a key is used, or was still connected, though it has expired. What
// nobody uses is not looked at.
func (p *Platform) keyExpired(h *holder) {
	if p.events.rates.allow(eventKeyExpired, h.key.ID, time.Hour) > 0 {
		p.events.add(&keyExpiredEvent{eventHead: p.newEventOf(eventKeyExpired, h), Expired: h.key.Expires.Unix()})
	}
}

type droppedEvent struct {
	eventHead
	Topic   string `json:"topic"`   // "" is the default queue
	Dropped uint64 `json:"dropped"` // messages of this queue, ever
}

// queueDropped tells that a queue drops messages. The engine calls it once a minute for
// each queue at most.
func (p *Platform) queueDropped(owner, topic string, dropped uint64) {
	p.events.add(&droppedEvent{eventHead: p.newEvent(eventDropped, owner), Topic: topic, Dropped: dropped})
}

type parkedEvent struct {
	eventHead
	Topic      string `json:"topic"` // "" is the default queue
	ID         string `json:"id"`
	RoutingKey string `json:"routing_key"`
	Attempts   int    `json:"attempts"`
	Reason     string `json:"reason"`
	ParkedBy   string `json:"parked_by"`
}

// parkedEvent tells that a message was parked, unless it is an event itself.
func (p *Platform) parkedEvent(e ParkEvent) {
	if !topic.Reserved(e.RoutingKey) {
		p.events.add(&parkedEvent{
			eventHead: p.newEvent(eventParked, e.Key), Topic: e.Topic, ID: e.ID.String(), RoutingKey: e.RoutingKey,
			Attempts: e.Attempts, Reason: ParkReason(e.Reason), ParkedBy: e.By,
		})
	}
}

type pushFailedEvent struct {
	eventHead
	Host       string `json:"host"`   // of the receiver
	Status     int    `json:"status"` // of its answer, 0 without one
	Reason     string `json:"reason"`
	Failed     int    `json:"failed"` // POSTs since the last such event of the key, with this one
	ID         string `json:"id"`     // of the message
	RoutingKey string `json:"routing_key"`
	Attempt    int    `json:"attempt"`
}

// pushFailedEvent tells of a POST that failed, unless its message is an event itself.
func (p *Platform) pushFailedEvent(e PushEvent) {
	if topic.Reserved(e.Message.Key) {
		return
	}
	if n := p.events.rates.allow(eventPushFailed, e.Key, time.Minute); n > 0 {
		p.events.add(&pushFailedEvent{
			eventHead: p.newEvent(eventPushFailed, e.Key), Host: e.Host, Status: e.Status, Reason: ParkReason(e.Err.Error()), Failed: n,
			ID: e.Message.ID.String(), RoutingKey: e.Message.Key, Attempt: e.Attempt,
		})
	}
}
