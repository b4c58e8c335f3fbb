package platform

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/shopex/prism-go/internal/activity"
	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/wire"
)

// What happens is told as records to those who watch (api_activity.go), and what happens to
// messages to a log of level debug, and to a history. A record is made only if somebody
// wants it.

// An actor is who did something: the holder of a key, from an address.
type actor struct {
	*holder  // nil for a caller that is not known
	remote   string
	consumer string // the consumer_id of a channel, if it has one
}

// id returns the key; "" if it is not known.
func (a actor) id() string {
	if a.holder == nil {
		return ""
	}
	return a.key.ID
}

// noting reports whether anybody wants a record of what has happened to a message, and
// whether the history does. What has no ID cannot be found there.
func (p *Platform) noting(id MessageID, failed bool) (told, kept bool) {
	kept = !id.IsZero() && p.history.Wants(failed)
	return kept || p.feed.Watched() || p.cfg.Logger.Enabled(context.Background(), slog.LevelDebug), kept
}

// note completes a record about a message, and gives it to those who want it.
func (p *Platform) note(by actor, r activity.Record, kept bool) {
	r.RemoteAddr, r.ConsumerID = by.remote, by.consumer
	p.feed.Add(p.complete(by, &r))
	if kept {
		p.history.Add(&r)
	}
	if log := p.cfg.Logger; log.Enabled(context.Background(), slog.LevelDebug) {
		log.LogAttrs(context.Background(), slog.LevelDebug, r.Event, r.Attrs()...)
	}
}

// complete adds to a record when it was, and whose it is.
func (p *Platform) complete(by actor, r *activity.Record) *activity.Record {
	r.Time = p.cfg.Now().UTC().Truncate(time.Millisecond)
	if by.holder != nil {
		r.ClientID, r.App, r.Domain = by.key.ID, by.app.ID, by.app.Exchange()
	}
	r.Reason = shorten(r.Reason, loggedBytes)
	return r
}

// codeOf returns the code by which an answer would name why something was refused.
func codeOf(err error) string {
	var bad *wire.Error
	switch f := asFailure(err); {
	case err == nil:
		return ""
	case f != nil:
		return f.code
	case errors.As(err, &bad):
		return code.InvalidRequest
	case errors.Is(err, errTooManyConsumes):
		return code.TooManyTopics
	case errors.Is(err, ErrUnavailable):
		return code.Unavailable
	case errors.Is(err, context.Canceled):
		return code.Canceled
	}
	return code.InternalError
}

func (p *Platform) notePublish(by actor, e PublishEvent) {
	told, kept := p.noting(e.Message.ID, e.Err != nil)
	if !told {
		return
	}
	m, failed := e.Message, codeOf(e.Err)
	p.note(by, activity.Record{
		Event: activity.Publish, Conn: e.Conn, RoutingKey: m.Key, Topic: e.Topic, ID: idText(m.ID), Bytes: len(m.Body),
		Queues: e.Queues, Failed: failed != "", Code: failed,
	}, kept)
}

func (p *Platform) noteDelivery(by actor, e DeliverEvent) {
	m := e.Message
	told, kept := p.noting(m.ID, false)
	if !told {
		return
	}
	p.note(by, activity.Record{
		Event: activity.Deliver, Conn: e.Conn, RoutingKey: m.Key, Topic: e.Topic, ID: idText(m.ID), Bytes: len(m.Body),
		Publisher: m.ClientID, Tag: e.Tag, Attempt: e.Attempt,
	}, kept)
}

func (p *Platform) noteAck(by actor, e AckEvent) {
	told, kept := p.noting(e.ID, false)
	if !told {
		return
	}
	p.note(by, activity.Record{
		Event: activity.Ack, Conn: e.Conn, RoutingKey: e.RoutingKey, Topic: e.Topic, ID: idText(e.ID), Tag: e.Tag, Stray: e.Stray,
	}, kept)
}

func (p *Platform) noteFail(by actor, e FailEvent) {
	told, kept := p.noting(e.ID, true)
	if !told {
		return
	}
	p.note(by, activity.Record{
		Event: activity.Fail, Conn: e.Conn, RoutingKey: e.RoutingKey, Topic: e.Topic, ID: idText(e.ID), Tag: e.Tag, Stray: e.Stray,
		Attempt: e.Attempt, Failed: true, Reason: e.Reason,
	}, kept)
}

func (p *Platform) notePark(by actor, e ParkEvent) {
	told, kept := p.noting(e.ID, true)
	if !told {
		return
	}
	p.note(by, activity.Record{
		Event: activity.Park, Conn: e.Conn, RoutingKey: e.RoutingKey, Topic: e.Topic, ID: idText(e.ID),
		Attempt: e.Attempts, Failed: true, Reason: e.Reason,
	}, kept)
}

func (p *Platform) notePush(by actor, e PushEvent) {
	told, kept := p.noting(e.Message.ID, e.Err != nil)
	if !told {
		return
	}
	r := activity.Record{
		Event: activity.Push, RoutingKey: e.Message.Key, ID: idText(e.Message.ID), Bytes: len(e.Message.Body),
		Publisher: e.Message.ClientID, Attempt: e.Attempt, Status: e.Status, TookMS: inMS(e.Took),
	}
	if e.Err != nil {
		r.Failed, r.Reason = true, e.Err.Error()
	}
	p.note(by, r, kept)
}

// noteRead tells of messages that a call has taken out of a queue.
func (p *Platform) noteRead(of actor, topic string, messages []*Message) {
	for _, m := range messages {
		if told, kept := p.noting(m.ID, false); told {
			p.note(of, activity.Record{
				Event: activity.Read, RoutingKey: m.Key, Topic: topic, ID: idText(m.ID), Bytes: len(m.Body), Publisher: m.ClientID,
			}, kept)
		}
	}
}

// noteChanged tells of n parked messages that were put back or discarded. Which of ids they
// are is known only if there are as many of those.
func (p *Platform) noteChanged(of actor, event, topic string, ids []MessageID, n int) {
	if n < len(ids) {
		p.history.Miss(n)
		return
	}
	for _, id := range ids {
		if told, kept := p.noting(id, false); told {
			p.note(of, activity.Record{Event: event, Topic: topic, ID: idText(id)}, kept)
		}
	}
}

func idText(id MessageID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}

// noteCalled tells those who watch of a call that was answered. The handshake of a channel
// is told of by its connection, and nobody is told of the calls that pages consist of.
func (p *Platform) noteCalled(r *http.Request, c *call, status int, code string, took time.Duration, kept bool) {
	looks := c.person != nil && r.Method == http.MethodGet
	if !p.feed.Watched() || looks || status == http.StatusSwitchingProtocols {
		return
	}
	rec := activity.Record{
		Event: activity.Call, RequestID: c.id, RemoteAddr: c.caller.remote, UserAgent: shorten(r.UserAgent(), loggedBytes),
		Method: shorten(r.Method, 32), Path: shorten(r.URL.Path, loggedBytes), API: shorten(c.api, apiNameBytes),
		Status: status, Code: code, Failed: activity.HasFailed(status, code), TookMS: inMS(took),
	}
	rec.Kept = kept
	if g := c.passage; g != nil {
		rec.Gateway = true
		if g.service != "" {
			rec.API = g.service + "/" + shorten(g.api, apiNameBytes)
		}
	}
	p.feed.Add(p.complete(c.actor(), &rec))
}

// actor returns who makes a call: the holder of the key that it names, if there is one,
// also when the call does not prove to be by it.
func (c *call) actor() actor {
	return actor{holder: cmp.Or(c.holder, c.claimed), remote: c.caller.remote}
}

// actorFor returns the holder of the key that a call is about, from the caller's address.
func (c *call) actorFor(of *holder) actor { return actor{holder: of, remote: c.caller.remote} }

// actor returns who is at the other end of the channel.
func (c *channel) actor() actor { return actor{c.keyState.holder.Load(), c.info.RemoteAddr, c.name.id} }

// noteConn tells those who watch that a connection has begun or, with an ending, ended.
func (c *channel) noteConn(event string, e ending) {
	if !c.p.feed.Watched() {
		return
	}
	r := activity.Record{
		Event: event, Conn: c.info.ID, RequestID: c.info.RequestID, RemoteAddr: c.info.RemoteAddr,
		UserAgent: shorten(c.info.UserAgent, loggedBytes), Status: int(e.code), Reason: e.reason, Code: e.refused, Failed: e.refused != "",
	}
	c.p.feed.Add(c.p.complete(c.actor(), &r))
}
