package console

import (
	"cmp"
	"net/url"
	"slices"
	"time"
)

// The page about one message: where it is, and what has happened to it.

// A messagePage says where a message is.
type messagePage struct {
	ID       string         `json:"id"`
	Time     int64          `json:"time"`
	Key      string         `json:"key"`
	Type     string         `json:"type"`
	App      string         `json:"app"`
	ClientID string         `json:"client_id"`
	Bytes    int            `json:"bytes"`
	Places   []messagePlace `json:"places"`
	Gone     []queueRoute   `json:"gone"` // queues that get its routing key now and do not have it: bound later, or done with it
	Searched int            `json:"searched"`
	Queues   int            `json:"queues"`

	Events      []messageEvent `json:"events"`
	Missed      int64          `json:"missed,omitempty"` // events of any message that came later and are not remembered
	EventsSince *time.Time     `json:"events_since,omitempty"`
}

// A messageEvent is something that has happened to the message, which this process has seen.
type messageEvent struct {
	Time       time.Time `json:"time"`
	Event      string    `json:"event"`
	Key        string    `json:"key"`
	App        string    `json:"app_id"`
	Topic      string    `json:"topic"`
	Queues     *int      `json:"queues,omitempty"`
	Conn       uint64    `json:"conn,omitempty"`
	ConsumerID string    `json:"consumer_id,omitempty"`
	RemoteAddr string    `json:"remote_addr,omitempty"`
	Attempt    int       `json:"attempt,omitempty"`
	Failed     bool      `json:"failed,omitempty"`
	Status     int       `json:"status,omitempty"`
	Code       string    `json:"code,omitempty"`
	Reason     string    `json:"reason,omitempty"`
	Missed     int64     `json:"missed,omitempty"`
}

// InQueue reports whether it happened in a queue: a publish has a queue only if it was
// written there.
func (e messageEvent) InQueue() bool { return e.Event != "publish" || e.Topic != "" }

// To is to how many queues it was published.
func (e messageEvent) To() int { return *e.Queues }

// Name returns the name of the phrase that says what happened; "" if there is none.
func (e messageEvent) Name() string { return knownPhrase("event." + e.Event) }

type messagePlace struct {
	Key         string `json:"key"`
	App         string `json:"app_id"`
	Topic       string `json:"topic"`
	State       string `json:"state"`
	HeldBy      string `json:"held_by,omitempty"`
	HeldSince   int64  `json:"held_since,omitempty"`
	Attempts    int    `json:"attempts,omitempty"`
	Reason      string `json:"reason,omitempty"`
	ParkedBy    string `json:"parked_by,omitempty"`
	ParkedSince int64  `json:"parked_since,omitempty"`
}

// By is who holds it, or has parked it.
func (p messagePlace) By() string { return cmp.Or(p.HeldBy, p.ParkedBy) }

// Since is since when it is held or parked.
func (p messagePlace) Since() time.Time { return second(cmp.Or(p.HeldSince, p.ParkedSince)) }

// Published is when it was published.
func (p *messagePage) Published() time.Time { return second(p.Time) }

func (r *request) message() (any, error) {
	page := &messagePage{ID: r.value("id"), Places: []messagePlace{}, Gone: []queueRoute{}, Events: []messageEvent{}}
	if page.ID == "" {
		return page, nil
	}
	err := r.get("platform/queues/message", url.Values{"id": {page.ID}}, page)
	if hasCode(err, "unknown_message") {
		return page, nil
	}
	if err != nil || page.Key == "" {
		return page, err
	}
	var routes struct{ Queues []queueRoute }
	if err := r.get("platform/queues/routes", url.Values{"routing_key": {page.Key}}, &routes); err != nil {
		return nil, err
	}
	for _, route := range routes.Queues {
		here := func(p messagePlace) bool { return p.Key == route.Key && p.Topic == route.Topic }
		if route.Gets && !slices.ContainsFunc(page.Places, here) {
			page.Gone = append(page.Gone, route)
		}
	}
	return page, nil
}

var messagePhrases = map[string]phrase{
	"message.title":     {"A message", "消息"},
	"message.text":      {"A message has one ID in all of its queues. The platform knows where it is now, and remembers for a while what has happened to it.", "同一条消息在所有队列中的 ID 相同。平台知道它现在的位置，并在一段时间内记住它经历过的事件。"},
	"message.find":      {"Find", "查找"},
	"message.none":      {"No queue that was searched has this message: it was acknowledged, read, purged, dropped or discarded everywhere, or there never was one. This process remembers nothing of it.", "已搜索的队列中都没有该消息：可能已确认、读取、清空或丢弃，或者从未存在。本进程也没有关于它的记录。"},
	"message.places":    {"Where it is", "所在队列"},
	"message.by":        {"By", "由"},
	"message.since":     {"Since", "自"},
	"message.gone":      {"Queues that get its routing key now and do not have it", "目前会收到该路由键但没有该消息的队列"},
	"message.gone_text": {"Either such a queue was bound only after the message was published and never had it, or it was acknowledged, read, purged, dropped or discarded there: see below what is remembered of it.", "这些队列可能是在消息发布之后才绑定、从未收到过该消息；也可能已在其中确认、读取、清空或丢弃，可参考下方的经历。"},
	"message.searched":  {"%d of %d queues that have messages were searched.", "已搜索 %d 个队列（共 %d 个队列有消息）。"},
	"message.live":      {"What happens to this routing key from now on", "实时查看该路由键的后续事件"},
	"message.size":      {"Size of the body", "消息体大小"},
	"message.nowhere":   {"No queue that was searched has it any more.", "已搜索的队列中都不再有该消息。"},
	"message.life":      {"What has happened to it", "消息的经历"},
	"message.life_text": {"As far as this process has seen it and remembers; in a cluster, others may have seen more.", "仅包含本进程所见并仍记得的事件；在集群中，其他进程可能有更多记录。"},
	"message.life_none": {"This process remembers nothing of it.", "本进程没有关于它的记录。"},
	"message.since_of":  {"It remembers what came since %s.", "本进程记得自 %s 以来的事件。"},
	"message.missed":    {"%d events of any messages in between are not remembered: there were too many at a time.", "其间有 %d 个事件（涉及任意消息）因过于密集而未记录。"},
	"message.later":     {"%d events of any messages that came later are not remembered: what happened to this one may be among them.", "此后有 %d 个事件（涉及任意消息）未记录，其中可能包括该消息的事件。"},
	"message.event":     {"Event", "事件"},
	"message.time":      {"Time", "时间"},
	"message.attempt":   {"Attempt", "尝试"},
	"message.details":   {"Details", "详情"},
	"message.peer":      {"Connection", "连接"},
	"message.to_queues": {"queues: %d", "队列数：%d"},
	"event.publish":     {"published", "发布"},
	"event.deliver":     {"delivered", "投递"},
	"event.ack":         {"acknowledged", "确认"},
	"event.fail":        {"failed", "失败"},
	"event.park":        {"parked", "搁置"},
	"event.unpark":      {"put back", "放回队列"},
	"event.discard":     {"discarded", "丢弃"},
	"event.read":        {"read by a call", "被调用读取"},
	"event.push":        {"pushed", "推送"},
}
