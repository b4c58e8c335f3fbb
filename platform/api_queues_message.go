package platform

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/shopex/prism-go/internal/activity"
	"github.com/shopex/prism-go/internal/code"
)

// mostSearched is how many queues are searched for a message: each may cost a look at a disk.
const mostSearched = 1000

// A lifeDoc is the result of queues/message.
type lifeDoc struct {
	ID       string `json:"id"`
	Time     int64  `json:"time"` // Unix seconds
	Key      string `json:"key"`
	Type     string `json:"type"`
	App      string `json:"app"`
	ClientID string `json:"client_id"`
	Bytes    int    `json:"bytes"` // of the body
	// Places are the queues that have it. Others that it was routed to have it no more: it
	// was acknowledged, read, purged, dropped or discarded there, or became too old.
	Places   []placeDoc `json:"places"`
	Searched int        `json:"searched"` // queues
	Queues   int        `json:"queues"`   // with messages, that the caller sees
	// Events are what this process has seen of it since it began, as far as it remembers.
	Events []messageEventDoc `json:"events"`
	// Missed is how many events, about whatever message, it does not remember since the
	// last of these. EventsSince is when the oldest one was that it does remember.
	Missed      int64      `json:"missed,omitempty"`
	EventsSince *time.Time `json:"events_since,omitempty"`
}

// A placeDoc is a queue with the message.
type placeDoc struct {
	Owner       string `json:"key"`
	App         string `json:"app_id"`
	Topic       string `json:"topic"`
	State       string `json:"state"` // ready, held or parked
	HeldBy      string `json:"held_by,omitempty"`
	HeldSince   int64  `json:"held_since,omitempty"`
	Attempts    int    `json:"attempts,omitempty"` // of what is parked
	Reason      string `json:"reason,omitempty"`
	ParkedBy    string `json:"parked_by,omitempty"`
	ParkedSince int64  `json:"parked_since,omitempty"`
}

// A messageEventDoc is something that happened to a message.
type messageEventDoc struct {
	Time       time.Time `json:"time"`
	Event      string    `json:"event"` // as in platform/activity/tail
	Key        string    `json:"key"`   // that published it, or whose queue it is
	App        string    `json:"app_id"`
	Topic      string    `json:"topic"`
	Queues     *int      `json:"queues,omitempty"` // to how many it was published
	Conn       uint64    `json:"conn,omitempty"`
	ConsumerID string    `json:"consumer_id,omitempty"`
	RemoteAddr string    `json:"remote_addr,omitempty"` // of a push, the host of the receiver
	Attempt    int       `json:"attempt,omitempty"`
	Failed     bool      `json:"failed,omitempty"`
	Status     int       `json:"status,omitempty"` // of the answer to a push
	Code       string    `json:"code,omitempty"`
	Reason     string    `json:"reason,omitempty"`
	// Missed is how many events, about whatever message, were not remembered since the one
	// before this.
	Missed int64 `json:"missed,omitempty"`
}

func newMessageEventDoc(r *activity.Record) messageEventDoc {
	doc := messageEventDoc{
		Time: r.Time, Event: r.Event, Key: r.ClientID, App: r.App, Topic: r.Topic, Conn: r.Conn, ConsumerID: r.ConsumerID, RemoteAddr: r.RemoteAddr,
		Attempt: r.Attempt, Failed: r.Failed, Status: r.Status, Code: r.Code, Reason: r.Reason, Missed: r.Missed,
	}
	if r.Event == activity.Publish {
		doc.Queues = &r.Queues
	}
	return doc
}

// queuesMessage finds a message in all queues that the caller sees, and what has happened
// to it there.
func (p *Platform) queuesMessage(ctx context.Context, c *call) (any, error) {
	own := c.params()
	text, err := required(own, "id", maxMessageID)
	if err != nil {
		return nil, err
	}
	id, err := messageIDOf("id", text)
	if err != nil {
		return nil, err
	}
	mine, err := p.wantedKeys(ctx, c, own)
	if err != nil {
		return nil, err
	}
	all, err := p.depths.all(ctx, p.cfg.Queues)
	if err != nil {
		return nil, err
	}
	doc := lifeDoc{ID: id.String(), Places: []placeDoc{}, Events: []messageEventDoc{}}
	p.remember(&doc, c.app.Exchange(), mine)
	apps := make(map[string]string)
	for i := range all {
		d := &all[i]
		if d.Exchange != c.app.Exchange() || mine != nil && !mine[d.Owner] || d.Ready+d.Unacknowledged+d.Parked == 0 {
			continue
		}
		if doc.Queues++; doc.Queues > mostSearched {
			continue
		}
		doc.Searched++
		m, place, err := p.findIn(ctx, d, id)
		if err != nil {
			return nil, err
		}
		if m == nil {
			continue
		}
		if place.App, err = p.appIDOf(ctx, apps, d.Owner); err != nil {
			return nil, err
		}
		doc.Time, doc.Key, doc.Type, doc.App, doc.ClientID, doc.Bytes = m.unix(), m.Key, m.ContentType, m.App, m.ClientID, len(m.Body)
		doc.Places = append(doc.Places, place)
	}
	if len(doc.Places) == 0 && len(doc.Events) == 0 {
		return nil, &failure{status: http.StatusNotFound, code: code.UnknownMessage, message: "no queue that was searched has this message, and this process remembers nothing of it: it was acknowledged, read, purged, dropped or discarded everywhere, or there never was such a one"}
	}
	return doc, nil
}

// remember adds to a doc what this process remembers of the message: of the keys that are
// mine, or of all of the domain if that is nil.
func (p *Platform) remember(doc *lifeDoc, domain string, mine map[string]bool) {
	records, later, since := p.history.Of(domain, doc.ID)
	missed := int64(0)
	for i := range records {
		r := &records[i]
		if len(doc.Events) > 0 {
			missed += r.Missed
		}
		if mine != nil && !mine[r.ClientID] {
			continue
		}
		r.Missed, missed = missed, 0
		doc.describe(r)
		doc.Events = append(doc.Events, newMessageEventDoc(r))
	}
	if len(doc.Events) > 0 {
		doc.Missed = missed + later
	}
	if !since.IsZero() {
		doc.EventsSince = &since
	}
	// A consumer may get a message before the record is made that it was published.
	slices.SortStableFunc(doc.Events, func(a, b messageEventDoc) int {
		return cmp.Compare(published(b), published(a))
	})
	for i := len(doc.Events) - 1; i > 0; i-- {
		if earlier, later := &doc.Events[i-1], doc.Events[i]; published(*earlier) == 1 && later.Time.Before(earlier.Time) {
			earlier.Time = later.Time
		}
	}
}

func published(e messageEventDoc) int {
	if e.Event == activity.Publish {
		return 1
	}
	return 0
}

// describe adds to a doc what a record says of the message itself. Where a queue has the
// message still, that knows it better.
func (doc *lifeDoc) describe(r *activity.Record) {
	doc.Key = cmp.Or(doc.Key, r.RoutingKey)
	doc.Bytes = cmp.Or(doc.Bytes, r.Bytes)
	if r.Event == activity.Publish {
		doc.Time, doc.App, doc.ClientID = r.Time.Unix(), r.App, r.ClientID
	} else {
		doc.ClientID = cmp.Or(doc.ClientID, r.Publisher)
	}
}

// findIn returns the message with this ID if it is in a queue, and what becomes of it there.
func (p *Platform) findIn(ctx context.Context, d *QueueDepth, id MessageID) (*Message, placeDoc, error) {
	place := placeDoc{Owner: d.Owner, Topic: d.Topic}
	if d.Parked > 0 {
		found, err := p.cfg.Queues.Parked(ctx, d.Owner, d.Topic, id.before(), 1)
		if err == nil && len(found) == 1 && found[0].Message.ID == id {
			doc := newParkedDoc(&found[0])
			place.State, place.Attempts, place.Reason, place.ParkedBy, place.ParkedSince = doc.State, doc.Attempts, doc.Reason, doc.ParkedBy, doc.ParkedSince
			return found[0].Message, place, nil
		}
		if err != nil && !errors.Is(err, ErrUnknownTopic) { // it was dropped meanwhile
			return nil, place, err
		}
	}
	found, err := p.cfg.Queues.Peek(ctx, d.Owner, d.Topic, id.before(), 1)
	if errors.Is(err, ErrUnknownMessage) { // the first one of all has none before it
		found, err = p.cfg.Queues.Peek(ctx, d.Owner, d.Topic, MessageID{}, 1)
	}
	if errors.Is(err, ErrUnknownTopic) {
		return nil, place, nil
	}
	if err != nil || len(found) == 0 || found[0].Message.ID != id {
		return nil, place, err
	}
	doc := newPeekDoc(&found[0])
	place.State, place.HeldBy, place.HeldSince = doc.State, doc.HeldBy, doc.HeldSince
	return found[0].Message, place, nil
}
