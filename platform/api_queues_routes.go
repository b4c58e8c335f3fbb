package platform

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// A routesDoc is the result of queues/routes.
type routesDoc struct {
	Queues  []routeDoc `json:"queues"`  // those with a binding that matches, as far as the caller sees them
	Matched int        `json:"matched"` // how many there are in the domain
	Gets    int        `json:"gets"`    // how many of those get the message
	Refused string     `json:"refused"` // why the key that of names may not publish it
}

// A routeDoc is a queue with a binding that matches a routing key.
type routeDoc struct {
	Key      string   `json:"key"`
	App      string   `json:"app_id"`
	Topic    string   `json:"topic"`
	Patterns []string `json:"patterns"`
	Gets     bool     `json:"gets"`
	// Why it does not get the message: may_not_listen, or not_its_own for a binding of an
	// earlier version, that brings only what the queue's key publishes.
	Why string `json:"why,omitempty"`
}

// queuesRoutes returns which queues a message would go to, and which it would not although
// they are bound to it.
func (p *Platform) queuesRoutes(ctx context.Context, c *call) (any, error) {
	own := c.params()
	key, err := required(own, "routing_key", p.cfg.Limits.RoutingKey)
	if err == nil {
		err = checkRoutingKey(key)
	}
	if err != nil {
		return nil, err
	}
	limit, err := numberParam(own, "limit", mostListedQueues, mostListedQueues)
	if err != nil {
		return nil, err
	}
	doc, publisher := routesDoc{Queues: []routeDoc{}}, ""
	if own.Has("of") {
		of, err := p.about(ctx, c)
		if err != nil {
			return nil, err
		}
		publisher = of.key.ID
		if f := asFailure(of.app.mayPublish(key)); f != nil {
			doc.Refused = f.message
		}
	}
	mine, err := p.wantedKeys(ctx, c, own)
	if err != nil {
		return nil, err
	}
	telling, ok := p.cfg.Queues.(QueueRoutes)
	if !ok {
		return nil, engineCannot("tell where a message would go")
	}
	routes, err := telling.Routes(ctx, c.app.Exchange(), key)
	if err != nil {
		return nil, err
	}
	doc.Matched = len(routes)
	for i := range routes {
		one := newRouteDoc(&routes[i], publisher)
		if one.Gets {
			doc.Gets++
		}
		if mine == nil || mine[one.Key] {
			doc.Queues = append(doc.Queues, one)
		}
	}
	slices.SortFunc(doc.Queues, func(a, b routeDoc) int {
		return cmp.Or(strings.Compare(a.Why, b.Why), strings.Compare(a.Key, b.Key), strings.Compare(a.Topic, b.Topic))
	})
	doc.Queues = doc.Queues[:min(len(doc.Queues), int(limit))]
	return doc, p.nameRoutes(ctx, doc.Queues)
}

func newRouteDoc(r *QueueRoute, publisher string) routeDoc {
	doc := routeDoc{Key: r.Owner, Topic: r.Topic, Patterns: r.Patterns}
	switch {
	case r.Barred:
		doc.Why = "may_not_listen"
	case r.Own && r.Owner != publisher:
		doc.Why = "not_its_own"
	default:
		doc.Gets = true
	}
	return doc
}

func (p *Platform) nameRoutes(ctx context.Context, docs []routeDoc) error {
	apps := make(map[string]string)
	for i := range docs {
		app, err := p.appIDOf(ctx, apps, docs[i].Key)
		if err != nil {
			return err
		}
		docs[i].App = app
	}
	return nil
}
