package console

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// The page about what is parked in a queue: messages that nobody could handle.

func (c *Console) parkedRoutes() {
	c.page("/parked", "parked", (*request).parked)
	c.change("/parked/unpark", (*request).unpark)
	c.change("/parked/discard", (*request).discard)
	c.change("/parked/move", (*request).move)
}

const (
	parkedOfPage = 20
	// parkedAtOnce is how many messages one change is about at most, and idsAtOnce how many
	// a call of it.
	parkedAtOnce = 10_000
	idsAtOnce    = 500
	movedAtOnce  = 50
)

// A parkedFilter says which parked messages are meant.
type parkedFilter struct {
	RoutingKey string `json:"routing_key,omitempty"` // a pattern
	Reason     string `json:"reason,omitempty"`      // a part of it
	Older      string `json:"older,omitempty"`       // in seconds
}

func (r *request) parkedFilter() parkedFilter {
	return parkedFilter{r.value("routing_key"), r.value("reason"), r.value("older")}
}

// A parkedPage shows what is parked, and what a change would be about.
type parkedPage struct {
	queueName
	parkedFilter
	After    string         `json:"after,omitempty"`
	Messages []queueMessage `json:"messages"`
	Matching int            `json:"matching"` // up to parkedAtOnce
}

func (r *request) parked() (any, error) {
	page := parkedPage{queueName: r.queueName(), parkedFilter: r.parkedFilter(), After: r.value("after"), Messages: []queueMessage{}}
	var status queueStatus
	if err := r.get("platform/notify/status", page.params(), &status); err != nil {
		return nil, err
	}
	if page.Matching = status.Parked; page.parkedFilter != (parkedFilter{}) {
		ids, err := r.parkedIDs(page.queueName, page.parkedFilter)
		if err != nil {
			return nil, err
		}
		page.Matching = len(ids)
	}
	err := r.get("platform/notify/queue/parked", page.wanted(page.After, parkedOfPage), &page.Messages)
	for i := range page.Messages {
		page.Messages[i].shorten()
	}
	return page, err
}

func (p parkedPage) wanted(after string, num int) url.Values {
	return p.queueName.params("routing_key", p.RoutingKey, "reason", p.Reason, "older", p.Older, "after", after, "num", strconv.Itoa(num))
}

// Next returns the query of the messages behind these; "" if there are none.
func (p parkedPage) Next() string {
	if len(p.Messages) < parkedOfPage {
		return ""
	}
	q := url.Values{"key": {p.Key}, "topic": {p.Topic}}
	set(q, "routing_key", p.RoutingKey)
	set(q, "reason", p.Reason)
	set(q, "older", p.Older)
	q.Set("after", p.Messages[len(p.Messages)-1].ID)
	return q.Encode()
}

// eachParked calls f with the messages that a filter means, some at a time.
func (r *request) eachParked(n queueName, filter parkedFilter, step int, f func([]queueMessage) error) error {
	page := parkedPage{queueName: n, parkedFilter: filter}
	after := ""
	for seen := 0; seen < parkedAtOnce; {
		var found []queueMessage
		if err := r.get("platform/notify/queue/parked", page.wanted(after, step), &found); err != nil || len(found) == 0 {
			return err
		}
		found = found[:min(len(found), parkedAtOnce-seen)]
		seen, after = seen+len(found), found[len(found)-1].ID
		if err := f(found); err != nil {
			return err
		}
	}
	return nil
}

// parkedIDs returns the IDs of the messages that are meant, at most parkedAtOnce.
func (r *request) parkedIDs(n queueName, filter parkedFilter) (ids []string, err error) {
	err = r.eachParked(n, filter, parkedOfPage*5, func(found []queueMessage) error {
		for i := range found {
			ids = append(ids, found[i].ID)
		}
		return nil
	})
	return ids, err
}

// changeParked makes a call about the messages that a form means: one by its ID, or all that
// its filter means. The number that the page has shown must be right still.
func (r *request) changeParked(api, done string) (string, error) {
	n, filter := r.queueName(), r.parkedFilter()
	ids := []string{r.value("id")}
	if ids[0] == "" {
		var err error
		if ids, err = r.parkedIDs(n, filter); err != nil {
			return "", err
		}
		if err := r.foreseen(len(ids)); err != nil {
			return "", err
		}
	}
	r.before = map[string]any{"filter": filter, "messages": len(ids)}
	changed := 0
	for len(ids) > 0 {
		some := ids[:min(len(ids), idsAtOnce)]
		var count struct{ Messages int }
		if err := r.post(api, n.params("id", strings.Join(some, ",")), &count); err != nil {
			return "", err
		}
		ids, changed = ids[len(some):], changed+count.Messages
	}
	r.after = map[string]int{"messages": changed}
	return "parked?" + n.Query() + "&done=" + done, nil
}

// foreseen returns an error if a change would be about more messages than its page has said.
func (r *request) foreseen(n int) error {
	if expected, err := strconv.Atoi(r.value("count")); err == nil && n <= expected {
		return nil
	}
	return &callError{Status: http.StatusConflict, Code: "not_confirmed", Message: "nothing was done: there are " + strconv.Itoa(n) + " messages now, more than the page has shown; load it anew"}
}

func (r *request) unpark() (string, error) {
	return r.changeParked("platform/notify/queue/unpark", "parked.unparked")
}

func (r *request) discard() (string, error) {
	if err := r.confirmed(r.queueName().Confirm()); err != nil {
		return "", err
	}
	return r.changeParked("platform/notify/queue/discard", "parked.discarded")
}

// move writes parked messages into another queue of the key, and discards each that is there:
// a failure on the way leaves the others parked.
func (r *request) move() (string, error) {
	n, filter, to := r.queueName(), r.parkedFilter(), r.value("to")
	if to == n.Topic || to == "" {
		return "", &callError{Status: http.StatusBadRequest, Code: "invalid_parameter", Message: "name another queue of the key"}
	}
	ids, err := r.parkedIDs(n, filter)
	if err == nil {
		err = r.foreseen(len(ids))
	}
	if err != nil {
		return "", err
	}
	if err := r.get("platform/notify/status", queueName{n.Key, to}.params(), nil); err != nil { // or a typo would make a queue
		return "", err
	}
	r.before = map[string]any{"filter": filter, "messages": len(ids), "to": to}
	counted := make(map[string]bool, len(ids)) // others may be parked meanwhile
	for _, id := range ids {
		counted[id] = true
	}
	moved := 0
	defer func() { r.after = map[string]int{"moved": moved} }()
	err = r.eachParked(n, filter, movedAtOnce, func(found []queueMessage) error {
		for i := range found {
			if !counted[found[i].ID] {
				continue
			}
			if err := r.moveOne(n, to, &found[i]); err != nil {
				return err
			}
			moved++
		}
		return nil
	})
	return "parked?" + n.Query() + "&done=parked.moved", err
}

func (r *request) moveOne(n queueName, to string, m *queueMessage) error {
	params := queueName{n.Key, to}.params("routing_key", m.Key, "content_type", m.Type)
	if m.Time > 0 { // it keeps its age
		params.Set("time", strconv.FormatInt(m.Time, 10))
	}
	params.Set("data", m.bytes())
	if err := r.post("platform/notify/write", params, nil); err != nil {
		return err
	}
	return r.post("platform/notify/queue/discard", n.params("id", m.ID), nil)
}

var parkedPhrases = map[string]phrase{
	"parked.title":       {"Parked messages", "搁置的消息"},
	"parked.text":        {"Messages that were tried as often as the queue allows, or were parked by a consumer or by hand. Nobody gets them until they are put back.", "已达到队列允许的尝试次数，或被消费者、人工搁置的消息。放回之前不会再投递。"},
	"parked.pattern":     {"Routing key (pattern)", "路由键（模式）"},
	"parked.reason":      {"Reason has", "原因包含"},
	"parked.older":       {"Parked for at least (seconds)", "搁置至少（秒）"},
	"parked.filter":      {"Filter", "筛选"},
	"parked.matching":    {"%d messages agree with this filter.", "%d 条消息符合筛选条件。"},
	"parked.why":         {"Why", "原因"},
	"parked.tries":       {"Tries", "尝试次数"},
	"parked.since":       {"Parked", "搁置时间"},
	"parked.by":          {"by %s", "由 %s"},
	"parked.actions":     {"What to do with all %d of them", "处理全部 %d 条消息"},
	"parked.unpark":      {"Put back into the queue", "放回队列"},
	"parked.unpark_one":  {"Put back", "放回"},
	"parked.unpark_text": {"They are delivered again, at their old places.", "消息会回到原来的位置并重新投递。"},
	"parked.move":        {"Move", "移动"},
	"parked.move_to":     {"To another queue of the same key, as new messages of yours", "移动到同一 Key 的其他队列（成为由您写入的新消息）"},
	"parked.discard":     {"Discard", "丢弃"},
	"parked.unparked":    {"The messages were put back.", "消息已放回队列。"},
	"parked.discarded":   {"The messages were discarded.", "消息已丢弃。"},
	"parked.moved":       {"The messages were moved.", "消息已移动。"},
	"parked.none":        {"Nothing is parked here. \"prismctl queue limit\" says after how many tries a message is.", "没有搁置的消息。可用 prismctl queue limit 设置尝试多少次后搁置。"},

	"did./parked/unpark":  {"put parked messages back", "放回搁置的消息"},
	"did./parked/discard": {"discarded parked messages", "丢弃搁置的消息"},
	"did./parked/move":    {"moved parked messages", "移动搁置的消息"},
}
