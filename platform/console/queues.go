package console

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The pages about queues: all of a domain, and one.

func (c *Console) queuesRoutes() {
	c.page("/queues", "queues", (*request).queues)
	c.page("/queues/{key}", "queue", (*request).queue)
	c.page("/queues/{key}/{topic}", "queue", (*request).queue)
	c.page("/messages", "messages", (*request).messages)
	c.page("/message", "message", (*request).message)
	c.change("/queues/bind", (*request).bindQueue)
	c.change("/queues/unbind", (*request).unbindQueue)
	c.change("/queues/write", (*request).writeQueue)
	c.change("/queues/limit", (*request).limitQueue)
	c.change("/queues/purge", (*request).purgeQueue)
	c.page("/routing", "routing", (*request).routing)
}

// queuesOfPage is how many queues a page lists.
const queuesOfPage = 100

// A queuesPage lists the queues of a domain.
type queuesPage struct {
	queueFilter
	Queues    []queueCounts `json:"queues"`
	Total     int           `json:"total"`
	Messages  int           `json:"messages"`
	Attention int           `json:"attention"`
}

// A queueFilter says which queues are listed, and how.
type queueFilter struct {
	Search string `json:"search"`
	App    string `json:"app_id"`
	Sort   string `json:"sort"`
	Urgent bool   `json:"only_attention"`
	Page   int    `json:"page"`
}

type queueCounts struct {
	Key             string   `json:"key"`
	App             string   `json:"app_id"`
	Topic           string   `json:"topic"`
	Ready           int      `json:"ready"`
	Unacknowledged  int      `json:"unacknowledged"`
	FullPercent     int      `json:"full_percent"`
	Consumers       int      `json:"consumers"`
	Parked          int      `json:"parked"`
	Dropped         int64    `json:"dropped"`
	Attention       []string `json:"attention"`
	Since           int64    `json:"since,omitempty"`
	DroppedRecently int64    `json:"dropped_recently,omitempty"`
	Published       *float64 `json:"published_per_second,omitempty"` // nil if it is not known
	Removed         *float64 `json:"removed_per_second,omitempty"`
}

// Rates are how many messages come and go in a second.
func (q queueCounts) Rates() string {
	if q.Published == nil || q.Removed == nil {
		return "–"
	}
	return rounded(*q.Published) + " / " + rounded(*q.Removed)
}

// Began is since when it needs attention.
func (q queueCounts) Began() time.Time { return second(q.Since) }

func (r *request) queues() (any, error) {
	q := r.URL.Query()
	page := queuesPage{queueFilter: queueFilter{Search: q.Get("search"), App: q.Get("app_id"), Sort: cmp.Or(q.Get("sort"), "attention"), Urgent: q.Get("attention") == "1", Page: 1}}
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 0 {
		page.Page = n
	}
	return &page, r.get("platform/queues/list", page.params(page.Page), &page)
}

func (f queueFilter) params(page int) url.Values {
	q := url.Values{"page": {strconv.Itoa(page)}, "limit": {strconv.Itoa(queuesOfPage)}}
	set(q, "search", f.Search)
	set(q, "app_id", f.App)
	set(q, "sort", f.Sort)
	if f.Urgent {
		q.Set("attention", "1")
	}
	return q
}

// set sets what is not empty.
func set(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

// Sorts are what queues can be sorted by.
func (queuesPage) Sorts() []string {
	return []string{"attention", "messages", "parked", "dropped", "name"}
}

// Older and Newer return the queries of the pages around, or "".
func (p *queuesPage) Older() string {
	if p.Page*queuesOfPage >= p.Total {
		return ""
	}
	return p.params(p.Page + 1).Encode()
}

// Newer is the page before.
func (p *queuesPage) Newer() string {
	if p.Page == 1 {
		return ""
	}
	return p.params(p.Page - 1).Encode()
}

// Queue returns the address of the page of a queue. The default queue has no second part,
// so that no name of a queue is its own.
func (v *view) Queue(key, topic string) string {
	switch topic {
	case "":
		return v.URL("queues", key)
	case ".", "..": // parts that browsers take for a way
		return v.At(url.Values{"topic": {topic}}.Encode(), "queues", key)
	}
	return v.URL("queues", key, topic)
}

// A queueName says which queue a page is about.
type queueName struct {
	Key   string `json:"key"`
	Topic string `json:"topic"`
}

func (n queueName) params(pairs ...string) url.Values {
	q := url.Values{"of": {n.Key}, "topic": {n.Topic}}
	for i := 0; i < len(pairs); i += 2 {
		set(q, pairs[i], pairs[i+1])
	}
	return q
}

// Query names the queue in the query of another page.
func (n queueName) Query() string { return url.Values{"key": {n.Key}, "topic": {n.Topic}}.Encode() }

// Confirm is what has to be typed before something is destroyed.
func (n queueName) Confirm() string { return cmp.Or(n.Topic, n.Key) }

// A queuePage shows one queue.
type queuePage struct {
	queueName
	Status    queueStatus     `json:"status"`
	Limits    queueLimits     `json:"limits"`
	Bindings  []queueBinding  `json:"bindings"`
	Consumers []queueConsumer `json:"consumers"`
	Messages  []queueMessage  `json:"messages"` // the oldest
	Oldest    int64           `json:"oldest_seconds,omitempty"`
	History   *queueHistory   `json:"history,omitempty"`
}

type queueStatus struct {
	Ready          int   `json:"Messages_ready"`
	Unacknowledged int   `json:"Messages_unacknowledged"`
	Limit          int   `json:"Messages_limit"`
	Bytes          int64 `json:"Bytes"`
	BytesLimit     int64 `json:"Bytes_limit"`
	Consumers      int   `json:"Consumers"`
	Dropped        int64 `json:"Dropped"`
	Parked         int   `json:"Messages_parked"`
	ParkedDropped  int64 `json:"Parked_dropped"`
	Push           *struct {
		Delivered int64  `json:"Delivered"`
		Failed    int64  `json:"Failed"`
		LastError string `json:"Last_error,omitempty"`
	} `json:"Push,omitempty"`
}

// Full reports whether the queue is about to refuse or drop.
func (s queueStatus) Full() bool {
	return s.Limit > 0 && 20*(s.Ready+s.Unacknowledged) >= 19*s.Limit || s.BytesLimit > 0 && 20*s.Bytes >= 19*s.BytesLimit
}

// Unread reports whether messages wait and nobody takes them.
func (s queueStatus) Unread() bool { return s.Ready > 0 && s.Consumers == 0 }

type queueLimits struct {
	MaxMessages int    `json:"max_messages"`
	MaxBytes    int64  `json:"max_bytes"`
	Overflow    string `json:"overflow"`
	MaxAttempts int    `json:"max_attempts"`
}

// Overflows are what a full queue can do.
func (queueLimits) Overflows() []string {
	return []string{"default", "refuse", "drop-oldest", "drop-newest"}
}

type queueBinding struct {
	RoutingKey string `json:"routing_key"`
	Own        bool   `json:"own,omitempty"`
}

// Plain reports whether the pattern is a routing key, without wildcards.
func (b queueBinding) Plain() bool { return !strings.ContainsAny(b.RoutingKey, "*#") }

type queueConsumer struct {
	Conn           uint64    `json:"conn"`
	ConsumerID     string    `json:"consumer_id,omitempty"`
	RemoteAddr     string    `json:"remote_addr"`
	UserAgent      string    `json:"user_agent"`
	Connected      time.Time `json:"connected"`
	Window         int       `json:"window"`
	Unacknowledged int       `json:"unacknowledged"`
}

// A queueMessage is one that a queue holds, or that is parked there.
type queueMessage struct {
	ID          string `json:"id"`
	Time        int64  `json:"time"`
	Key         string `json:"key"`
	Type        string `json:"type"`
	App         string `json:"app"`
	ClientID    string `json:"client_id"`
	Body        string `json:"body"`
	BodyBase64  string `json:"body_base64,omitempty"`
	State       string `json:"state"`
	HeldBy      string `json:"held_by,omitempty"`
	HeldSince   int64  `json:"held_since,omitempty"`
	Attempts    int    `json:"attempts,omitempty"`
	Reason      string `json:"reason,omitempty"`
	ParkedBy    string `json:"parked_by,omitempty"`
	ParkedSince int64  `json:"parked_since,omitempty"`
	Cut         bool   `json:"cut,omitempty"` // Body is the beginning only
}

// shownBody is how many bytes of a body a page shows.
const shownBody = 2048

// shorten leaves of a body its beginning.
func (m *queueMessage) shorten() {
	if len(m.Body) > shownBody {
		m.Body, m.Cut = strings.ToValidUTF8(m.Body[:shownBody], ""), true
	}
	m.BodyBase64 = ""
}

// bytes returns the body as it was published.
func (m *queueMessage) bytes() string {
	if raw, err := base64.StdEncoding.DecodeString(m.BodyBase64); err == nil && m.BodyBase64 != "" {
		return string(raw)
	}
	return m.Body
}

// Published is when it was published.
func (m queueMessage) Published() time.Time { return second(m.Time) }

// Held is since when a consumer holds it.
func (m queueMessage) Held() time.Time { return second(m.HeldSince) }

// Parked is since when it is parked.
func (m queueMessage) Parked() time.Time { return second(m.ParkedSince) }

func second(unix int64) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0)
}

// Age is that of the oldest message.
func (p queuePage) Age() string { return (time.Duration(p.Oldest) * time.Second).String() }

// seen is how many of its messages the page of a queue shows.
const seen = 5

func (r *request) queue() (any, error) {
	page := queuePage{queueName: queueName{r.PathValue("key"), cmp.Or(r.PathValue("topic"), r.URL.Query().Get("topic"))}, Bindings: []queueBinding{}, Consumers: []queueConsumer{}}
	for _, part := range []struct {
		api  string
		into any
	}{
		{"platform/notify/status", &page.Status}, {"platform/notify/routing/list", &page.Bindings}, {"platform/queues/consumers", &page.Consumers},
		{"platform/notify/queue/limit", &page.Limits},
	} {
		if err := r.get(part.api, page.params(), part.into); err != nil {
			return nil, err
		}
	}
	var err error
	if page.History, err = r.queueHistory(page.params()); err != nil {
		return nil, err
	}
	if page.Messages, err = r.peek(page.queueName, "", seen); err == nil && len(page.Messages) > 0 {
		page.Oldest = max(0, r.c.cfg.Now().Unix()-page.Messages[0].Time)
	}
	return page, err
}

// peek returns messages of a queue behind the one with the ID after, and leaves them there.
func (r *request) peek(n queueName, after string, num int) ([]queueMessage, error) {
	messages := []queueMessage{}
	err := r.get("platform/notify/peek", n.params("after", after, "num", strconv.Itoa(num)), &messages)
	for i := range messages {
		messages[i].shorten()
	}
	return messages, err
}

// A messagesPage shows messages of a queue.
type messagesPage struct {
	queueName
	After    string         `json:"after,omitempty"`
	Messages []queueMessage `json:"messages"`
}

const messagesOfPage = 20

func (r *request) messages() (any, error) {
	page := messagesPage{queueName: r.queueName(), After: r.value("after")}
	var err error
	page.Messages, err = r.peek(page.queueName, page.After, messagesOfPage)
	return page, err
}

// Next returns the query of the messages behind these; "" if there are none.
func (p messagesPage) Next() string {
	if len(p.Messages) < messagesOfPage {
		return ""
	}
	return p.Query() + "&after=" + url.QueryEscape(p.Messages[len(p.Messages)-1].ID)
}

func (r *request) queueName() queueName { return queueName{r.value("key"), r.FormValue("topic")} }

// back returns the page of a queue, with the phrase of what was done.
func (n queueName) back(done string) string {
	v := view{}
	page := strings.TrimPrefix(v.Queue(n.Key, n.Topic), "/")
	if strings.Contains(page, "?") {
		return page + "&done=" + done
	}
	return page + "?done=" + done
}

func (r *request) bindQueue() (string, error) {
	n, pattern := r.queueName(), r.value("pattern")
	r.after = pattern
	return n.back("queue.bound"), r.post("platform/notify/routing/set", n.params("routing_key", pattern), nil)
}

func (r *request) unbindQueue() (string, error) {
	n, pattern := r.queueName(), r.FormValue("pattern")
	r.before = pattern
	params := n.params()
	params.Set("routing_key", pattern)
	return n.back("queue.unbound"), r.post("platform/notify/routing/unset", params, nil)
}

// writeQueue puts a message into the queue. It is not logged what it says.
func (r *request) writeQueue() (string, error) {
	n := r.queueName()
	params := n.params("content_type", r.value("content_type"))
	if n.Topic != "" { // without one, a message with a routing key would be routed
		set(params, "routing_key", r.value("routing_key"))
	}
	params.Set("data", r.FormValue("data"))
	r.after = map[string]int{"bytes": len(r.FormValue("data"))}
	return n.back("queue.written"), r.post("platform/notify/write", params, nil)
}

func (r *request) limitQueue() (string, error) {
	n := r.queueName()
	var before, after queueLimits
	if err := r.get("platform/notify/queue/limit", n.params(), &before); err != nil {
		return "", err
	}
	params := n.params()
	for name, now := range map[string]string{
		"max_messages": strconv.Itoa(before.MaxMessages), "max_bytes": strconv.FormatInt(before.MaxBytes, 10),
		"max_attempts": strconv.Itoa(before.MaxAttempts), "overflow": before.Overflow,
	} {
		if value := r.value(name); value != now {
			set(params, name, value)
		}
	}
	r.before = before
	err := r.post("platform/notify/queue/limit", params, &after)
	r.after = after
	return n.back("queue.limited"), err
}

func (r *request) purgeQueue() (string, error) {
	n := r.queueName()
	if err := r.confirmed(n.Confirm()); err != nil {
		return "", err
	}
	var before queueStatus
	if err := r.get("platform/notify/status", n.params(), &before); err != nil {
		return "", err
	}
	r.before = map[string]int{"ready": before.Ready, "parked": before.Parked}
	return n.back("queue.purged"), r.post("platform/notify/purge", n.params("parked", r.value("parked")), nil)
}

// A routingPage says where a routing key goes.
type routingPage struct {
	RoutingKey string       `json:"routing_key"`
	Of         string       `json:"of,omitempty"` // the key that would publish
	Queues     []queueRoute `json:"queues"`
	Matched    int          `json:"matched"`
	Gets       int          `json:"gets"`
	Refused    string       `json:"refused,omitempty"`
	Total      int          `json:"total"` // all queues of the domain
}

type queueRoute struct {
	Key      string   `json:"key"`
	App      string   `json:"app_id"`
	Topic    string   `json:"topic"`
	Patterns []string `json:"patterns"`
	Gets     bool     `json:"gets"`
	Why      string   `json:"why,omitempty"`
}

// routesOfPage is how many queues the page shows.
const routesOfPage = 200

func (r *request) routing() (any, error) {
	page := &routingPage{RoutingKey: r.URL.Query().Get("routing_key"), Of: strings.TrimSpace(r.URL.Query().Get("of")), Queues: []queueRoute{}}
	if page.RoutingKey == "" {
		return page, nil
	}
	var all struct{ Total int }
	if err := r.get("platform/queues/list", url.Values{"limit": {"1"}}, &all); err != nil {
		return nil, err
	}
	page.Total = all.Total
	params := url.Values{"routing_key": {page.RoutingKey}, "limit": {strconv.Itoa(routesOfPage)}}
	set(params, "of", page.Of)
	return page, r.get("platform/queues/routes", params, page)
}

// Others is how many queues have no binding that matches.
func (p *routingPage) Others() int { return max(0, p.Total-p.Matched) }

var queuesPhrases = map[string]phrase{
	"queues.title":          {"Queues", "队列"},
	"queues.text":           {"A queue keeps the messages that its bindings bring to a key, until a consumer has acknowledged them.", "队列按绑定规则为 Key 保存消息，直到消费者确认。"},
	"queues.search":         {"Key or queue", "Key 或队列名"},
	"queues.app":            {"App", "应用"},
	"queues.sort":           {"Sort by", "排序"},
	"queues.by.attention":   {"what needs attention", "需要关注的优先"},
	"queues.by.messages":    {"messages", "消息数"},
	"queues.by.parked":      {"parked", "搁置数"},
	"queues.by.dropped":     {"dropped", "丢弃数"},
	"queues.by.name":        {"name", "名称"},
	"queues.only":           {"Only what needs attention", "仅需要关注的"},
	"queues.show":           {"Show", "查看"},
	"queues.summary":        {"%s queues, %s messages, %s need attention", "%s 个队列，%s 条消息，%s 个需要关注"},
	"queues.queue":          {"Queue", "队列"},
	"queues.key":            {"Key", "Key"},
	"queues.ready":          {"Ready", "待投递"},
	"queues.held":           {"Unacknowledged", "未确认"},
	"queues.parked":         {"Parked", "搁置"},
	"queues.dropped":        {"Dropped", "已丢弃"},
	"queues.consumers":      {"Consumers", "消费者"},
	"queues.full":           {"Full", "占用"},
	"queues.rates":          {"In / out per second", "流入 / 流出（每秒）"},
	"queues.since":          {"since %s", "自 %s 起"},
	"queues.attention":      {"Attention", "需要关注"},
	"queues.default":        {"default queue", "默认队列"},
	"queues.none":           {"No queue agrees with this filter. A key has a default queue; others are made by \"prismctl queue create\" or by a consumer.", "没有符合条件的队列。每个 Key 都有默认队列；其他队列由 prismctl queue create 或消费者创建。"},
	"queues.next":           {"Next", "下一页"},
	"queues.before":         {"Previous", "上一页"},
	"attention.full":        {"full", "已满"},
	"attention.no_consumer": {"no consumer", "无消费者"},
	"attention.filling":     {"filling", "正在积压"},
	"attention.parked":      {"parked", "有搁置"},
	"attention.dropped":     {"has dropped", "丢弃过消息"},

	"queue.history":        {"How the queue did", "队列走势"},
	"queue.other":          {"This queue is not among the 200 busiest, of which curves are kept.", "该队列不在最繁忙的 200 个队列之列，因此没有走势数据。"},
	"queue.title":          {"Queue", "队列"},
	"queue.of":             {"of key %s", "所属 Key：%s"},
	"queue.all":            {"All queues", "全部队列"},
	"queue.full":           {"This queue is full or nearly so. What it does then: %s.", "该队列已满或即将写满。写满后的处理方式：%s。"},
	"queue.unread":         {"Messages wait and nobody consumes this queue.", "有消息等待投递，但没有消费者。"},
	"queue.oldest":         {"Oldest message", "最早的消息"},
	"queue.ago":            {"%s ago", "%s 前"},
	"queue.of_limit":       {"at most %s", "上限 %s"},
	"queue.bytes":          {"Bytes", "字节数"},
	"queue.bindings":       {"Bindings", "绑定"},
	"queue.bindings_of":    {"Messages whose routing key matches one of these patterns come here: * stands for one word, # for any number.", "路由键匹配以下任一模式的消息会进入该队列：* 匹配一个单词，# 匹配任意多个单词。"},
	"queue.unrouted":       {"No binding: only what is written to the queue itself comes here.", "没有绑定：只有直接写入的消息会进入该队列。"},
	"queue.pattern":        {"Pattern", "模式"},
	"queue.bind":           {"Add binding", "添加绑定"},
	"queue.unbind":         {"Remove", "移除"},
	"queue.bound":          {"The binding was added.", "已添加绑定。"},
	"queue.unbound":        {"The binding was removed.", "已移除绑定。"},
	"queue.own":            {"only what the key itself publishes", "仅限该 Key 自己发布的消息"},
	"queue.who_gets":       {"Who else gets it", "还有谁会收到"},
	"queue.consumers_of":   {"Connections to this process; in a cluster, others may have more.", "仅包含到本进程的连接；在集群中，其他进程可能还有更多。"},
	"queue.no_consumers":   {"No connection to this process consumes the queue. \"prismctl consume\" does.", "没有连接到本进程的消费者。可用 prismctl consume 消费。"},
	"queue.pushed":         {"The platform posts what is in this queue to the push address of the key: %d were taken, %d tries have failed.", "平台会将该队列的消息推送到该 Key 的推送地址：成功 %d 条，失败 %d 次。"},
	"queue.address":        {"Address", "地址"},
	"queue.client":         {"Client", "客户端"},
	"queue.since":          {"Connected", "连接时间"},
	"queue.window":         {"Window", "窗口"},
	"queue.messages":       {"Oldest messages", "最早的消息"},
	"queue.peek":           {"They stay in the queue: looking takes nothing out.", "查看不会取走消息。"},
	"queue.more":           {"All messages", "全部消息"},
	"queue.empty":          {"The queue is empty.", "队列为空。"},
	"queue.write":          {"Put a message into this queue", "向该队列写入消息"},
	"queue.write_text":     {"It goes into this queue only, past all bindings. \"prismctl publish\" sends one to all queues that are bound to its routing key.", "消息只进入该队列，不经过绑定。prismctl publish 会将消息发到所有匹配其路由键的队列。"},
	"queue.body":           {"Body", "消息体"},
	"queue.routing_key":    {"Routing key", "路由键"},
	"queue.type":           {"Content type", "内容类型"},
	"queue.send":           {"Put", "写入"},
	"queue.written":        {"The message is in the queue.", "消息已写入队列。"},
	"queue.limits":         {"Limits", "限制"},
	"queue.limits_text":    {"0 is the default of the platform.", "0 表示使用平台默认值。"},
	"queue.max_messages":   {"Messages at most", "最多消息数"},
	"queue.max_bytes":      {"Bytes at most", "最多字节数"},
	"queue.max_attempts":   {"Tries until a message is parked", "搁置前的尝试次数"},
	"queue.overflow":       {"When it is full", "写满后"},
	"overflow.default":     {"default: refuse what the own key sends, drop the oldest for others", "默认：拒绝本 Key 的消息，为其他 Key 的消息丢弃最旧的"},
	"overflow.refuse":      {"refuse: no one can send to it", "拒绝：不再接收任何消息"},
	"overflow.drop-oldest": {"drop the oldest message", "丢弃最旧的消息"},
	"overflow.drop-newest": {"drop what comes", "丢弃新消息"},
	"queue.save":           {"Save", "保存"},
	"queue.limited":        {"The limits were changed.", "限制已修改。"},
	"queue.purge":          {"Purge", "清空"},
	"queue.purge_text":     {"Removes all messages that no consumer holds, for good.", "永久删除所有未被消费者持有的消息。"},
	"queue.purge_parked":   {"Also what is parked", "同时删除搁置的消息"},
	"queue.purged":         {"The queue was purged.", "队列已清空。"},

	"messages.title":     {"Messages", "消息"},
	"messages.id":        {"ID", "ID"},
	"messages.published": {"Published", "发布时间"},
	"messages.state":     {"State", "状态"},
	"messages.from":      {"by %s", "发布者 %s"},
	"messages.cut":       {"The body goes on; this is its beginning.", "消息体较长，此处仅显示开头。"},
	"messages.none":      {"There are no messages here.", "这里没有消息。"},
	"state.ready":        {"ready", "待投递"},
	"state.held":         {"held by a consumer", "消费者持有"},
	"state.parked":       {"parked", "搁置"},

	"routing.title":          {"Routing", "路由"},
	"routing.text":           {"Which queues get a message with this routing key, and why others do not.", "查看带有该路由键的消息会进入哪些队列，以及其他队列为何收不到。"},
	"routing.of":             {"Published by key (optional)", "发布者 Key（可选）"},
	"routing.result":         {"%d of %d queues get it.", "%d 个队列会收到（共 %d 个队列）。"},
	"routing.gets":           {"Gets it", "是否收到"},
	"routing.bindings":       {"Bindings that match", "匹配的绑定"},
	"routing.others":         {"%d other queues have no binding that matches.", "另外 %d 个队列没有匹配的绑定。"},
	"routing.may_not_listen": {"no: its app may not listen to this key", "否：其应用无权接收该路由键"},
	"routing.not_its_own":    {"no: the binding brings only what its own key publishes", "否：该绑定只接收本 Key 自己发布的消息"},
	"routing.none":           {"No queue has a binding that matches. \"prismctl queue bind\" adds one.", "没有匹配的绑定。可用 prismctl queue bind 添加。"},
	"routing.more":           {"%d of them are shown.", "仅显示其中 %d 个。"},

	"did./queues/bind":   {"added a binding", "添加绑定"},
	"did./queues/unbind": {"removed a binding", "移除绑定"},
	"did./queues/write":  {"put a message into a queue", "向队列写入消息"},
	"did./queues/limit":  {"changed the limits of a queue", "修改队列限制"},
	"did./queues/purge":  {"purged a queue", "清空队列"},
}
