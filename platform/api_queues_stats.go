package platform

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/curves"
)

// hoursPast is of which time the hours of a queue are told by default.
const hoursPast = 30 * 24 * time.Hour

// A queueStatsDoc is the result of queues/stats.
type queueStatsDoc struct {
	Key         string          `json:"key"` // "" for all queues of the domain
	Topic       string          `json:"topic"`
	StepSeconds int             `json:"step_seconds"`
	Other       bool            `json:"other"` // Points are of others: of the busiest queues, and the first domains
	Points      []queuePointDoc `json:"points"`
}

// A queuePointDoc is what was counted in a minute or an hour.
type queuePointDoc struct {
	Start          int64  `json:"start"` // Unix seconds
	Ready          uint64 `json:"ready"` // when it ended, as what is up to Bytes
	Unacknowledged uint64 `json:"unacknowledged"`
	Parked         uint64 `json:"parked"`
	Consumers      uint64 `json:"consumers"`
	Bytes          uint64 `json:"bytes"`
	Most           uint64 `json:"most"` // messages at a time, ready and unacknowledged
	Published      uint64 `json:"published"`
	Removed        uint64 `json:"removed"`
	Dropped        uint64 `json:"dropped"`
}

// queuesStats returns how a queue did, or all queues of a domain together.
func (p *Platform) queuesStats(ctx context.Context, c *call) (any, error) {
	own := c.params()
	if _, ok := p.cfg.Queues.(QueueDepths); !ok {
		return nil, engineCannot("count its queues")
	}
	hours, from, to, err := p.queueTimes(own)
	if err != nil {
		return nil, err
	}
	doc := queueStatsDoc{StepSeconds: 60, Points: []queuePointDoc{}}
	if hours {
		doc.StepSeconds = 3600
	}
	name := curves.Name{Domain: c.app.Exchange()}
	if own.Has("of") || own.Has("topic") {
		of, topic, err := p.namedQueue(ctx, c)
		if err != nil {
			return nil, err
		}
		name = curves.Name{Domain: of.app.Exchange(), Key: of.key.ID, Topic: topic}
	} else if !c.key.Admin {
		return nil, adminOnly("how all queues of a domain did is for admins; name the key of a queue by of")
	}
	p.curves.begin()
	points, known := p.curves.kept.Points(name, hours, from, to)
	doc.Key, doc.Topic, doc.Other = name.Key, name.Topic, !known
	for _, at := range points {
		doc.Points = append(doc.Points, queuePointDoc{
			at.Start.Unix(), at.Ready, at.Held, at.Parked, at.Consumers, at.Bytes, at.Most, at.Published, at.Removed, at.Dropped,
		})
	}
	return doc, nil
}

// namedQueue returns a queue that a call names, which is there.
func (p *Platform) namedQueue(ctx context.Context, c *call) (of *holder, topic string, err error) {
	if of, err = p.about(ctx, c); err == nil {
		err = p.declare(ctx, of)
	}
	if err == nil {
		topic, err = p.topic(c)
	}
	if err == nil {
		_, err = p.cfg.Queues.Status(ctx, of.key.ID, topic)
	}
	return of, topic, err
}

// queueTimes returns of which time the statistics are, and whether by hours.
func (p *Platform) queueTimes(own url.Values) (hours bool, from, to time.Time, err error) {
	bucket, err := once(own, "bucket")
	if err == nil && !slices.Contains([]string{"", "minute", "hour"}, bucket) {
		err = badRequest(code.InvalidParameter, fmt.Sprintf("bucket is %q; it must be minute or hour", shorten(bucket, 32)))
	}
	if err != nil {
		return false, from, to, err
	}
	hours = bucket == "hour"
	if to, err = timeParam(own, "to", p.cfg.Now().Add(time.Second)); err != nil {
		return hours, from, to, err
	}
	past := statsPast
	if hours {
		past = hoursPast
	}
	from, err = timeParam(own, "from", to.Add(-past))
	return hours, from, to, err
}
