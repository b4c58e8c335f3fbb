package platform

import (
	"context"
	"errors"
	"net/http"

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

// queuesMessage finds a message in all queues that the caller sees.
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
	doc := lifeDoc{ID: id.String()}
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
	if len(doc.Places) == 0 {
		return nil, &failure{status: http.StatusNotFound, code: code.UnknownMessage, message: "no queue that was searched has this message: it was acknowledged, read, purged, dropped or discarded everywhere, or there never was such a one"}
	}
	return doc, nil
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
