package platform

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/curves"
)

// The calls about all queues of a domain, for admin keys; members see those of the apps that
// they have made.

// queuesTable lists the APIs about all queues.
func (p *Platform) queuesTable() map[string]route {
	get := []string{"GET"}
	return map[string]route{
		"platform/queues/list":      {admin: true, role: DeveloperRole, lists: true, methods: get, serve: p.queuesList},
		"platform/queues/routes":    {admin: true, role: DeveloperRole, lists: true, methods: get, serve: p.queuesRoutes},
		"platform/queues/message":   {admin: true, role: DeveloperRole, lists: true, methods: get, serve: p.queuesMessage},
		"platform/queues/stats":     {admin: true, role: DeveloperRole, methods: get, serve: p.queuesStats},
		"platform/queues/consumers": {admin: true, role: DeveloperRole, methods: get, serve: p.ofKey(p.queueConsumers)},
	}
}

const (
	listedQueues     = 100 // by default
	mostListedQueues = 1000
	mostPages        = 1 << 20
	// A queue is filling and full from so many percent of its limits on.
	fillingPercent = 50
	fullPercent    = 95
)

// A queuesDoc is the result of queues/list.
type queuesDoc struct {
	Queues    []queueCountsDoc `json:"queues"`
	Total     int              `json:"total"`     // of those that were searched for, Queues among them
	Messages  int              `json:"messages"`  // in all of these
	Attention int              `json:"attention"` // how many of these need it
}

// A queueCountsDoc is one of all queues.
type queueCountsDoc struct {
	Key            string   `json:"key"`
	App            string   `json:"app_id"`
	Topic          string   `json:"topic"`
	Messages       int      `json:"messages"`
	Ready          int      `json:"ready"`
	Unacknowledged int      `json:"unacknowledged"`
	Bytes          int64    `json:"bytes"`
	FullPercent    int      `json:"full_percent"`
	Consumers      int      `json:"consumers"`
	Parked         int      `json:"parked"`
	Dropped        uint64   `json:"dropped"`
	Attention      []string `json:"attention"` // why it needs some, the most urgent first

	// As far as this process knows.
	Since              int64   `json:"since"`                // when the most urgent reason began, in Unix seconds; 0 if unknown
	DroppedRecently    uint64  `json:"dropped_recently"`     // within a day
	PublishedPerSecond float64 `json:"published_per_second"` // within the last minute
	RemovedPerSecond   float64 `json:"removed_per_second"`
}

// attention are the reasons for which a queue needs some, the most urgent first. dropped is
// how many messages it has dropped within a day.
var attention = []struct {
	name string
	bit  curves.Reasons
	is   func(d *QueueDepth, dropped uint64) bool
}{
	{"full", 1, func(d *QueueDepth, _ uint64) bool { return percentFull(d) >= fullPercent }},
	{"no_consumer", 2, func(d *QueueDepth, _ uint64) bool { return d.Consumers == 0 && d.Ready+d.Unacknowledged > 0 }},
	{"filling", 4, func(d *QueueDepth, _ uint64) bool { n := percentFull(d); return n >= fillingPercent && n < fullPercent }},
	{"parked", 8, func(d *QueueDepth, _ uint64) bool { return d.Parked > 0 }},
	{"dropped", curves.Dropping, func(_ *QueueDepth, dropped uint64) bool { return dropped > 0 }},
}

// reasonsOf returns why a queue needs attention, whatever it has dropped.
func reasonsOf(d *QueueDepth) (r curves.Reasons) {
	for i := range attention {
		if why := &attention[i]; why.is(d, 0) {
			r |= why.bit
		}
	}
	return r
}

// A rankedQueue is a queue before it is known whether it is shown.
type rankedQueue struct {
	*QueueDepth
	urgency int // 0 if it needs no attention
}

func rank(d *QueueDepth, dropped uint64) rankedQueue {
	q := rankedQueue{QueueDepth: d}
	for i := range attention {
		q.urgency *= 2
		if attention[i].is(d, dropped) {
			q.urgency++
		}
	}
	return q
}

func newQueueCountsDoc(d *QueueDepth, r curves.Recent) queueCountsDoc {
	doc := queueCountsDoc{
		Key: d.Owner, Topic: d.Topic, Messages: d.Ready + d.Unacknowledged, Ready: d.Ready, Unacknowledged: d.Unacknowledged, Bytes: d.Bytes,
		FullPercent: percentFull(d), Consumers: d.Consumers, Parked: d.Parked, Dropped: d.Dropped + d.ParkedDropped, Attention: []string{},
		DroppedRecently: r.Dropped, PublishedPerSecond: roundRate(r.Published), RemovedPerSecond: roundRate(r.Removed),
	}
	for i := range attention {
		why := &attention[i]
		if !why.is(d, r.Dropped) {
			continue
		}
		if doc.Attention = append(doc.Attention, why.name); len(doc.Attention) == 1 {
			doc.Since = r.Since(why.bit)
		}
	}
	return doc
}

// roundRate keeps a rate short in answers.
func roundRate(perSecond float64) float64 { return math.Round(perSecond*1000) / 1000 }

// percentFull returns how much of its limits a queue uses, in messages or bytes, whichever
// is more.
func percentFull(d *QueueDepth) int {
	return int(100 * max(share(int64(d.Ready+d.Unacknowledged), int64(d.Limits.MaxMessages)), share(d.Bytes, d.Limits.MaxBytes)))
}

func share(n, of int64) float64 {
	if of <= 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// queueOrders are what queues may be sorted by. Those that are the same to it are sorted by
// key and topic.
var queueOrders = map[string]func(a, b rankedQueue) int{
	"":          byUrgency,
	"attention": byUrgency,
	"messages":  byMessages,
	"parked":    func(a, b rankedQueue) int { return b.Parked - a.Parked },
	"dropped":   func(a, b rankedQueue) int { return cmp.Compare(b.Dropped+b.ParkedDropped, a.Dropped+a.ParkedDropped) },
	"name":      func(a, b rankedQueue) int { return 0 },
}

func byUrgency(a, b rankedQueue) int { return cmp.Or(b.urgency-a.urgency, byMessages(a, b)) }

func byMessages(a, b rankedQueue) int {
	return b.Ready + b.Unacknowledged - a.Ready - a.Unacknowledged
}

// queuesList returns the queues of a domain with what is in them, page by page.
func (p *Platform) queuesList(ctx context.Context, c *call) (any, error) {
	own := c.params()
	text, err := optional(own, "sort", idBytes)
	order := queueOrders[text]
	if err == nil && order == nil {
		err = badRequest(code.InvalidParameter, "sort must be attention, messages, parked, dropped or name")
	}
	if err != nil {
		return nil, err
	}
	limit, err := numberParam(own, "limit", listedQueues, mostListedQueues)
	if err != nil {
		return nil, err
	}
	page, err := numberParam(own, "page", 1, mostPages)
	if err != nil {
		return nil, err
	}
	found, err := p.wantedQueues(ctx, c, own)
	if err != nil {
		return nil, err
	}
	doc := queuesDoc{Queues: []queueCountsDoc{}, Total: len(found)}
	for _, q := range found {
		doc.Messages += q.Ready + q.Unacknowledged
		if q.urgency > 0 {
			doc.Attention++
		}
	}
	slices.SortFunc(found, func(a, b rankedQueue) int {
		if order := order(a, b); order != 0 {
			return order
		}
		return cmp.Or(strings.Compare(a.Owner, b.Owner), strings.Compare(a.Topic, b.Topic))
	})
	from := min(int((page-1)*limit), doc.Total)
	for _, q := range found[from:min(from+int(limit), doc.Total)] {
		doc.Queues = append(doc.Queues, newQueueCountsDoc(q.QueueDepth, p.curves.recent(q.QueueDepth)))
	}
	return doc, p.nameApps(ctx, doc.Queues)
}

// wantedQueues returns the queues that a call is about.
func (p *Platform) wantedQueues(ctx context.Context, c *call, own url.Values) ([]rankedQueue, error) {
	search, err := optional(own, "search", searchBytes)
	if err != nil {
		return nil, err
	}
	search = strings.ToLower(search)
	urgent, err := flag(own, "attention")
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
	var wanted []rankedQueue
	for i := range all {
		d := &all[i]
		if d.Exchange != c.app.Exchange() || mine != nil && !mine[d.Owner] ||
			search != "" && !strings.Contains(strings.ToLower(d.Owner), search) && !strings.Contains(strings.ToLower(d.Topic), search) {
			continue
		}
		if q := rank(d, p.curves.dropped(d)); !urgent || q.urgency > 0 {
			wanted = append(wanted, q)
		}
	}
	return wanted, nil
}

// wantedKeys returns of which keys the queues are wanted; nil for all keys of the domain.
func (p *Platform) wantedKeys(ctx context.Context, c *call, own url.Values) (map[string]bool, error) {
	app, err := optional(own, "app_id", idBytes)
	if err != nil || c.key.Admin && app == "" {
		return nil, err
	}
	apps, err := p.registry.Apps(ctx)
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool)
	for i := range apps {
		seen[apps[i].ID] = c.provisions(&apps[i]) && (app == "" || app == apps[i].ID)
	}
	keys, err := p.registry.Keys(ctx)
	if err != nil {
		return nil, err
	}
	wanted := make(map[string]bool)
	for i := range keys {
		if seen[keys[i].App] {
			wanted[keys[i].ID] = true
		}
	}
	return wanted, nil
}

// nameApps adds to queues whose they are.
func (p *Platform) nameApps(ctx context.Context, docs []queueCountsDoc) error {
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

// appIDOf returns the ID of the app of a key; "" if the key is gone.
func (p *Platform) appIDOf(ctx context.Context, known map[string]string, key string) (string, error) {
	if app, ok := known[key]; ok {
		return app, nil
	}
	h, err := p.registry.holder(ctx, key, p.holders.get(key))
	if err != nil && !errors.Is(err, ErrUnknownKey) {
		return "", err
	}
	if err == nil {
		known[key] = h.app.ID
	}
	return known[key], nil
}

// depthCounts keeps what the engine has counted for a short time: the shorter the faster it
// counts, so that looking at queues leaves it to its messages.
type depthCounts struct {
	counted func([]QueueDepth) // is told what was counted

	turn  chan struct{} // holds one element while a goroutine counts, or looks at what follows
	last  []QueueDepth  // that nobody changes
	until time.Time
}

const (
	// countingShare is how many times longer counts are kept than counting took.
	countingShare = 20
	// fewQueues are counted each time.
	fewQueues = 500
)

func (d *depthCounts) all(ctx context.Context, queues Queues) ([]QueueDepth, error) {
	counting, ok := queues.(QueueDepths)
	if !ok {
		return nil, engineCannot("count its queues")
	}
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	began := time.Now()
	if began.Before(d.until) {
		return d.last, nil
	}
	all, err := counting.Depths(ctx)
	if err == nil {
		d.counted(all)
	}
	if err == nil && len(all) > fewQueues {
		now := time.Now()
		d.last, d.until = all, now.Add(countingShare*now.Sub(began))
	}
	return all, err
}

func engineCannot(what string) *failure {
	return &failure{status: http.StatusNotFound, code: code.UnknownAPI, message: "the engine of this platform cannot " + what}
}
