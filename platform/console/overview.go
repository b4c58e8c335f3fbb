package console

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// The overview is the first page: what needs attention, and how much goes on.

func (c *Console) overviewRoutes() {
	c.page("/{$}", "overview", (*request).overview)
}

// mostNotices bounds what the overview says to need attention, and mostListed its lists.
const (
	mostNotices = 10
	mostListed  = 5
)

// An overviewPage is what the overview shows.
type overviewPage struct {
	Notices  []notice    `json:"attention"`
	More     int         `json:"more"`            // queues that need attention, too
	Stats    *callCounts `json:"stats,omitempty"` // of all APIs, for those who see calls
	Messages int         `json:"messages"`        // in all queues
	Queues   int         `json:"queues"`
	Slowest  []apiNumber `json:"slowest"`
	Failing  []apiNumber `json:"failing"`
	Denied   bool        `json:"denied"` // the person sees nothing: the member of the role is gone, or may do nothing
	Version  string      `json:"version,omitempty"`
	Span     span        `json:"-"`
}

// A notice is something that needs attention: a phrase about a queue or an API, with
// numbers.
type notice struct {
	What   string `json:"what"` // full, no_consumer, filling, parked, dropped or failing
	Key    string `json:"key,omitempty"`
	Topic  string `json:"topic,omitempty"`
	API    string `json:"api,omitempty"`
	Number int64  `json:"number"`
	Of     int64  `json:"of,omitempty"`
}

// An apiNumber is how an API did in a time.
type apiNumber struct {
	Name    string  `json:"name"`
	Calls   int64   `json:"calls"`
	Refused int64   `json:"refused"`
	Failed  int64   `json:"failed"`
	P50MS   float64 `json:"p50_ms"`
	P99MS   float64 `json:"p99_ms"`
}

func (r *request) overview() (any, error) {
	page := &overviewPage{Notices: []notice{}, Slowest: []apiNumber{}, Failing: []apiNumber{}, Version: r.c.cfg.Version, Span: r.span()}
	err := r.overviewQueues(page)
	if page.Denied = hasCode(err, "forbidden_admin"); page.Denied {
		return page, nil
	}
	if err == nil && r.administers() {
		err = r.overviewCalls(page)
	}
	return page, err
}

// Curves are the charts of the page, or nil for those who see none.
func (p *overviewPage) Curves() *curves {
	if p.Stats == nil {
		return nil
	}
	return p.Stats.Curves()
}

func (r *request) overviewQueues(page *overviewPage) error {
	var list struct {
		Queues []struct {
			Key, Topic string
			Messages   int64
			Parked     int64
			Dropped    int64
			Attention  []string
		}
		Total, Messages, Attention int
	}
	if err := r.get("platform/queues/list", url.Values{"limit": {strconv.Itoa(mostNotices)}, "sort": {"attention"}}, &list); err != nil {
		return err
	}
	page.Queues, page.Messages = list.Total, list.Messages
	for _, q := range list.Queues {
		if len(q.Attention) == 0 {
			break // they are sorted by that
		}
		n := notice{What: q.Attention[0], Key: q.Key, Topic: q.Topic, Number: q.Messages}
		switch n.What {
		case "full", "dropped":
			n.Number = q.Dropped
		case "parked":
			n.Number = q.Parked
		}
		page.Notices = append(page.Notices, n)
	}
	page.More = max(0, list.Attention-len(page.Notices))
	return nil
}

func (r *request) overviewCalls(page *overviewPage) (err error) {
	if page.Stats, err = r.callCounts(""); err != nil {
		return err
	}
	all, err := r.apiNumbers(page.Span.from)
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b apiNumber) int { return cmp.Compare(b.P99MS, a.P99MS) })
	page.Slowest = append(page.Slowest, all[:min(mostListed, len(all))]...)
	page.Failing = append(page.Failing, failing(all)...)
	if page.Span.step > time.Minute { // what needs attention does so now
		if all, err = r.apiNumbers(r.c.cfg.Now().Add(-time.Hour)); err != nil {
			return err
		}
	}
	for _, n := range failing(all) {
		page.Notices = append(page.Notices, notice{What: "failing", API: n.Name, Number: n.Failed, Of: n.Calls})
	}
	return nil
}

// apiNumbers returns how each API did since a time.
func (r *request) apiNumbers(since time.Time) (all []apiNumber, err error) {
	var series []struct {
		Name   string
		Points []apiNumber
	}
	from := strconv.FormatInt(since.Unix(), 10)
	err = r.get("platform/calls/stats", url.Values{"by": {"api"}, "bucket": {"total"}, "from": {from}}, &series)
	for _, s := range series {
		for _, n := range s.Points {
			n.Name = s.Name
			all = append(all, n)
		}
	}
	return all, err
}

// failing returns those that have failed most.
func failing(all []apiNumber) []apiNumber {
	failed := slices.DeleteFunc(slices.Clone(all), func(n apiNumber) bool { return n.Failed == 0 })
	slices.SortFunc(failed, func(a, b apiNumber) int { return cmp.Compare(b.Failed, a.Failed) })
	return failed[:min(mostListed, len(failed))]
}

var overviewPhrases = map[string]phrase{
	"overview.title":              {"Overview", "概览"},
	"overview.attention":          {"What needs attention", "需要关注"},
	"overview.nothing":            {"Nothing: no queue is full or without a consumer, and no API fails.", "暂无：没有队列已满或缺少消费者，也没有 API 出错。"},
	"overview.denied":             {"Your role is that of a member who is not there, or who may do nothing yet. An admin can change that: \"prismctl user role\" shows which member it is.", "您的角色对应的成员不存在，或尚无任何权限。请联系管理员：prismctl user role 可显示对应的成员。"},
	"overview.notice.full":        {"is full. Messages dropped so far: %s.", "已满，并已丢弃 %s 条消息。"},
	"overview.notice.filling":     {"is filling up. Messages that wait: %s.", "即将写满：有 %s 条消息等待。"},
	"overview.notice.no_consumer": {"has no consumer. Messages that wait: %s.", "没有消费者，有 %s 条消息等待。"},
	"overview.notice.parked":      {"has parked what nobody could handle: %s.", "搁置了 %s 条无法处理的消息。"},
	"overview.notice.dropped":     {"has dropped messages: %s.", "已丢弃 %s 条消息。"},
	"overview.notice.failing":     {"has failed in %s of %s calls within the last hour.", "最近一小时内 %[2]s 次调用中有 %[1]s 次失败。"},
	"overview.more":               {"%s more queues", "另有 %s 个队列"},
	"overview.queue":              {"Queue", "队列"},
	"overview.default_queue":      {"default queue", "默认队列"},
	"overview.calls":              {"Calls", "调用"},
	"overview.refused":            {"refused", "被拒绝"},
	"overview.failed":             {"failed", "失败"},
	"overview.now":                {"Now", "当前"},
	"overview.messages":           {"messages wait in %s queues", "条消息等待，共 %s 个队列"},
	"overview.slowest":            {"Slowest APIs", "最慢的 API"},
	"overview.no_calls":           {"No API was called in this time. \"prismctl api import FILE\" offers APIs; \"prismctl call\" makes a call.", "该时段没有 API 调用。可用 prismctl api import FILE 导入 API，用 prismctl call 发起调用。"},
	"overview.median":             {"Median", "中位数"},
	"overview.p99":                {"99 %", "99 %"},
	"overview.version":            {"Version %s", "版本 %s"},
}
