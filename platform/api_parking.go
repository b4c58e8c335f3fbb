package platform

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/shopex/prism-go/internal/activity"
	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/topic"
)

// The calls about messages that are parked.

// mostIDs is how many messages one call puts back, discards or parks.
const mostIDs = 1000

// A countDoc is the result of a call that changes several messages.
type countDoc struct {
	Messages int `json:"messages"`
}

// queuePark parks messages of a queue, whoever holds them.
func (p *Platform) queuePark(ctx context.Context, c *call, of *holder) (any, error) {
	queue, ids, err := p.parkedIDs(c)
	if err != nil {
		return nil, err
	}
	reason, err := once(c.params(), "reason")
	if err != nil {
		return nil, err
	}
	reason = ParkReason(reason)
	by := c.id + " from " + c.caller.remote
	n, err := p.cfg.Queues.Park(ctx, of.key.ID, queue, reason, by, ids...)
	if err != nil {
		return nil, err
	}
	if n > 0 {
		p.tellParked(ctx, c.actorFor(of), queue, by, ids)
	}
	return countDoc{n}, nil
}

// tellParked tells of those of the messages that the caller named by has parked.
func (p *Platform) tellParked(ctx context.Context, of actor, queue, by string, ids []MessageID) {
	owner := of.key.ID
	for _, id := range ids {
		found, err := p.cfg.Queues.Parked(ctx, owner, queue, id.before(), 1)
		if err == nil && len(found) == 1 && found[0].Message.ID == id && found[0].By == by {
			p.parked(of, ParkEvent{Key: owner, Topic: queue, ID: id, RoutingKey: found[0].Message.Key, Attempts: found[0].Attempts, Reason: found[0].Reason, By: by})
		}
	}
}

// queueUnpark puts parked messages back at their places.
func (p *Platform) queueUnpark(ctx context.Context, c *call, of *holder) (any, error) {
	queue, ids, err := p.parkedIDs(c)
	if err != nil {
		return nil, err
	}
	n, err := p.cfg.Queues.Unpark(ctx, of.key.ID, queue, ids...)
	p.noteChanged(c.actorFor(of), activity.Unpark, queue, ids, n)
	return countDoc{n}, err
}

// queueDiscard removes parked messages for good.
func (p *Platform) queueDiscard(ctx context.Context, c *call, of *holder) (any, error) {
	queue, ids, err := p.parkedIDs(c)
	if err != nil {
		return nil, err
	}
	n, err := p.cfg.Queues.Discard(ctx, of.key.ID, queue, ids...)
	p.noteChanged(c.actorFor(of), activity.Discard, queue, ids, n)
	return countDoc{n}, err
}

// parkedIDs returns the queue and the messages that a call is about.
func (p *Platform) parkedIDs(c *call) (queue string, ids []MessageID, err error) {
	if queue, err = p.topic(c); err != nil {
		return "", nil, err
	}
	text, err := once(c.params(), "id")
	if err != nil {
		return "", nil, err
	}
	if text == "" { // of a variable that is not set, for which no message is to go
		return "", nil, missing("id")
	}
	if n := 1 + strings.Count(text, ","); n > mostIDs {
		return "", nil, badRequest(code.InvalidParameter, fmt.Sprintf("id names %d messages; at most %d are allowed in one call", n, mostIDs))
	}
	for one := range strings.SplitSeq(text, ",") {
		id, err := messageIDOf("id", one)
		if err != nil {
			return "", nil, err
		}
		ids = append(ids, id)
	}
	return queue, ids, nil
}

// A parkedDoc is a message of the result of notify/queue/parked.
type parkedDoc struct {
	peekDoc
	Attempts    int    `json:"attempts"`
	Reason      string `json:"reason"`
	ParkedBy    string `json:"parked_by"`
	ParkedSince int64  `json:"parked_since"`
}

func newParkedDoc(found *Parked) parkedDoc {
	doc := parkedDoc{
		peekDoc: newPeekDoc(&Peeked{Message: found.Message}), Attempts: found.Attempts,
		Reason: found.Reason, ParkedBy: found.By, ParkedSince: found.Since.Unix(),
	}
	doc.State = "parked"
	return doc
}

// queueParked returns parked messages and leaves them there. Like notify/peek it ends
// early at Limits.ReadBytes.
func (p *Platform) queueParked(ctx context.Context, c *call, of *holder) (any, error) {
	queue, num, after, err := p.page(c)
	if err != nil {
		return nil, err
	}
	filter, err := p.parkedFilter(c.params())
	if err != nil {
		return nil, err
	}
	return p.takeMessages(c, num, func(step, room int) (texts messageTexts, err error) {
		err = p.eachParked(ctx, of.key.ID, queue, after, func(found *Parked) (more bool, err error) {
			after = found.Message.ID
			if !filter.takes(found) {
				return true, nil
			}
			text, err := encode(newParkedDoc(found))
			texts, room = append(texts, text), room-len(text)
			return len(texts) < step && room > 0, err
		})
		return texts, err
	})
}

// parkedStep is how many parked messages are loaded at a time while they are small.
const parkedStep = 256

// eachParked calls f for the parked messages of a queue behind after, in their order,
// until f returns no more or an error. It loads few at a time until it sees that they are
// small.
func (p *Platform) eachParked(ctx context.Context, owner, queue string, after MessageID, f func(*Parked) (more bool, err error)) error {
	few := max(1, p.cfg.Limits.ReadBytes/p.cfg.Limits.MaxBody)
	step := few
	for {
		found, err := p.cfg.Queues.Parked(ctx, owner, queue, after, step)
		if err != nil {
			return err
		}
		size := int64(0)
		for i := range found {
			if more, err := f(&found[i]); err != nil || !more {
				return err
			}
			after, size = found[i].Message.ID, size+found[i].Size()
		}
		if len(found) < step {
			return nil
		}
		step = max(few, min(4*step, parkedStep))
		if 4*size > int64(p.cfg.Limits.ReadBytes) {
			step = few
		}
	}
}

// A parkedFilter says which parked messages are meant. The zero value takes all.
type parkedFilter struct {
	pattern []string  // none or one
	until   time.Time // when it was parked at the latest
	reason  string    // what its reason contains
}

func (f *parkedFilter) takes(m *Parked) bool {
	return (len(f.pattern) == 0 || topic.MatchAny(f.pattern, m.Message.Key)) &&
		(f.until.IsZero() || !m.Since.After(f.until)) &&
		strings.Contains(m.Reason, f.reason)
}

func (p *Platform) parkedFilter(own url.Values) (f parkedFilter, err error) {
	pattern, err := optional(own, "routing_key", p.cfg.Limits.RoutingKey)
	if err != nil {
		return f, err
	}
	if pattern != "" {
		if err := checkPattern(pattern); err != nil {
			return f, badRequest(code.InvalidParameter, "routing_key: "+err.Error())
		}
		f.pattern = []string{pattern}
	}
	if f.reason, err = optional(own, "reason", MaxReason); err != nil {
		return f, err
	}
	text, err := once(own, "older")
	if err != nil || text == "" {
		return f, err
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 || seconds > math.MaxInt64/int64(time.Second) {
		return f, badRequest(code.InvalidParameter, fmt.Sprintf("older is %q; it must be a number of seconds, for messages that were parked that long ago or longer", shorten(text, 32)))
	}
	f.until = p.cfg.Now().Add(-time.Duration(seconds) * time.Second)
	return f, nil
}

// discardParked removes all messages that are parked in a queue now.
func (p *Platform) discardParked(ctx context.Context, owner, queue string) error {
	var ids []MessageID
	err := p.eachParked(ctx, owner, queue, MessageID{}, func(found *Parked) (bool, error) {
		ids = append(ids, found.Message.ID)
		return true, nil
	})
	for len(ids) > 0 && err == nil {
		n := min(len(ids), mostIDs)
		_, err = p.cfg.Queues.Discard(ctx, owner, queue, ids[:n]...)
		ids = ids[n:]
	}
	return err
}
