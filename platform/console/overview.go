package console

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/shopex/prism-go/platform"
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
	Notices  []notice      `json:"attention"`
	More     int           `json:"more"`            // queues that need attention, too
	Stats    *callCounts   `json:"stats,omitempty"` // of all APIs, for those who see calls
	Messages int           `json:"messages"`        // in all queues
	Queues   int           `json:"queues"`
	History  *queueHistory `json:"history,omitempty"` // of all queues, for those who see them
	Slowest  []apiNumber   `json:"slowest"`
	Failing  []apiNumber   `json:"failing"`
	Troubled []callRow     `json:"troubled,omitempty"` // the last calls that failed or were refused
	Denied   bool          `json:"denied"`             // the person sees nothing: the member of the role is gone, or may do nothing
	Version  string        `json:"version,omitempty"`
	Status   *status       `json:"status,omitempty"` // for operators
	Span     span          `json:"-"`
}

// A status is how the process that answers is, as platform/status tells.
type status struct {
	Ready       bool   `json:"ready"`
	Problem     string `json:"problem,omitempty"`
	Version     string `json:"version,omitempty"`
	Started     int64  `json:"started"`
	Uptime      int64  `json:"uptime_seconds"`
	Connections int64  `json:"connections"`
	Disk        *disk  `json:"disk,omitempty"`
}

// Since is when the process began.
func (s *status) Since() time.Time { return second(s.Started) }

// A disk is how much room there is, in bytes.
type disk struct {
	Free    int64 `json:"free"`
	Total   int64 `json:"total"`
	Reserve int64 `json:"reserve"` // of what is free
}

// Used is how full the disk is, in percent.
func (d *disk) Used() float64 { return percent(d.Total-d.Free, d.Total) }

// Low reports whether soon, or now, no message is taken: a tenth or less is left before the
// reserve.
func (d *disk) Low() bool { return 10*(d.Free-d.Reserve) <= d.Total }

// A notice is something that needs attention: a phrase about the platform, a queue or an
// API, with numbers.
type notice struct {
	What   string `json:"what"` // not_ready, disk, full, no_consumer, filling, parked, dropped or failing
	Key    string `json:"key,omitempty"`
	Topic  string `json:"topic,omitempty"`
	API    string `json:"api,omitempty"`
	Number int64  `json:"number"`
	Of     int64  `json:"of,omitempty"`
	Since  int64  `json:"since,omitempty"` // when it began, in Unix seconds
	Text   string `json:"text,omitempty"`  // of the platform, in English
}

// Notice writes what needs attention with a queue, behind its name.
func (v *view) Notice(n notice) string {
	since := ""
	if n.Since > 0 {
		since = v.T("overview.since", v.Clock(second(n.Since)))
	}
	if n.What == "full" && n.Number == 0 {
		return v.T("overview.notice.full_only", since)
	}
	return v.T("overview.notice."+n.What, since, v.N(n.Number))
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
	if r.person.Role == platform.OperatorRole {
		if err := r.overviewStatus(page); err != nil {
			return nil, err
		}
	}
	err := r.overviewQueues(page)
	if page.Denied = hasCode(err, "forbidden_admin"); page.Denied {
		return page, nil
	}
	if err == nil && r.administers() {
		err = r.overviewCalls(page)
	}
	return page, err
}

func (r *request) overviewStatus(page *overviewPage) error {
	if err := r.get("platform/status", nil, &page.Status); err != nil {
		return err
	}
	if !page.Status.Ready {
		page.Notices = append(page.Notices, notice{What: "not_ready", Text: page.Status.Problem})
	}
	if d := page.Status.Disk; d != nil && d.Low() {
		page.Notices = append(page.Notices, notice{What: "disk", Number: max(0, d.Free-d.Reserve), Of: d.Total})
	}
	return nil
}

// Uptime writes for how long something runs.
func (v *view) Uptime(seconds int64) string {
	d := time.Duration(seconds) * time.Second
	days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60
	switch {
	case days > 0:
		return v.T("overview.days", days, hours)
	case hours > 0:
		return v.T("overview.hours", hours, minutes)
	}
	return v.T("overview.minutes", minutes)
}

// Curves are the charts of the page, or nil for those who see none.
func (p *overviewPage) Curves() *curves {
	if p.Stats == nil {
		return nil
	}
	all := p.Stats.Curves()
	if p.History != nil {
		all.Charts = append(all.Charts, p.History.Flow())
	}
	return all
}

func (r *request) overviewQueues(page *overviewPage) error {
	var list struct {
		Queues []struct {
			Key, Topic string
			Messages   int64
			Parked     int64
			Dropped    int64
			Attention  []string
			Since      int64
			Recently   *int64 `json:"dropped_recently"` // nil if it is not known
		}
		Total, Messages, Attention int
	}
	if err := r.get("platform/queues/list", url.Values{"limit": {strconv.Itoa(mostNotices)}, "sort": {"attention"}}, &list); err != nil {
		return err
	}
	page.Queues, page.Messages, page.More = list.Total, list.Messages, list.Attention
	for _, q := range list.Queues {
		if len(q.Attention) == 0 {
			break // they are sorted by that
		}
		n := notice{What: q.Attention[0], Key: q.Key, Topic: q.Topic, Number: q.Messages, Since: q.Since}
		switch n.What {
		case "full", "dropped":
			if n.Number = q.Dropped; q.Recently != nil {
				n.Number = *q.Recently
			}
		case "parked":
			n.Number = q.Parked
		}
		page.Notices = append(page.Notices, n)
		page.More--
	}
	return nil
}

func (r *request) overviewCalls(page *overviewPage) (err error) {
	if page.Stats, err = r.callCounts(""); err != nil {
		return err
	}
	if page.History, err = r.queueHistory(url.Values{}); err != nil {
		return err
	}
	failed, err := r.listCalls(callsFilter{Failed: true}, mostListed)
	if err != nil {
		return err
	}
	page.Troubled = failed.Calls
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
	"overview.since":              {" since %s", "自 %s 起"},
	"overview.notice.full":        {"is full%s and has dropped %s messages.", "%s已满，并已丢弃 %s 条消息。"},
	"overview.notice.full_only":   {"is full%s.", "%s已满。"},
	"overview.notice.filling":     {"is filling up%s. Messages that wait: %s.", "%s即将写满：有 %s 条消息等待。"},
	"overview.notice.no_consumer": {"has no consumer%s. Messages that wait: %s.", "%s没有消费者，有 %s 条消息等待。"},
	"overview.notice.parked":      {"has parked what nobody could handle%s: %s.", "%s搁置了 %s 条无法处理的消息。"},
	"overview.notice.dropped":     {"has dropped messages%s: %s.", "%s已丢弃 %s 条消息。"},
	"overview.notice.failing":     {"has failed in %s of %s calls within the last hour.", "最近一小时内 %[2]s 次调用中有 %[1]s 次失败。"},
	"overview.more":               {"Queues that need attention, too: %s", "另有 %s 个队列需要关注"},
	"overview.troubled":           {"Last calls that failed", "最近失败的调用"},
	"overview.all_troubled":       {"All of them", "全部"},
	"overview.queue":              {"Queue", "队列"},
	"overview.default_queue":      {"default queue", "默认队列"},
	"overview.calls":              {"Calls", "调用"},
	"overview.refused":            {"Refused", "被拒绝"},
	"overview.failed":             {"Failed", "失败"},
	"overview.now":                {"Now", "当前"},
	"overview.messages":           {"messages wait in %s queues", "条消息等待，共 %s 个队列"},
	"overview.slowest":            {"Slowest APIs", "最慢的 API"},
	"overview.no_calls":           {"No API was called in this time. \"prismctl api import FILE\" offers APIs; \"prismctl call\" makes a call.", "该时段没有 API 调用。可用 prismctl api import FILE 导入 API，用 prismctl call 发起调用。"},
	"overview.median":             {"Median", "中位数"},
	"overview.p99":                {"99 %", "99 %"},
	"overview.version":            {"Version", "版本"},
	"overview.notice.not_ready":   {"The platform cannot store anything:", "平台当前无法存储："},
	"overview.notice.disk":        {"The disk is nearly full: until no message is taken, %s of %s are left.", "磁盘即将写满：在停止接收消息之前，还剩 %s（共 %s）。"},
	"overview.platform":           {"Platform", "平台"},
	"overview.state":              {"State", "状态"},
	"overview.ready":              {"ready", "就绪"},
	"overview.not_ready":          {"not ready", "未就绪"},
	"overview.uptime":             {"Runs for", "已运行"},
	"overview.days":               {"%d d %d h", "%d 天 %d 小时"},
	"overview.hours":              {"%d h %d min", "%d 小时 %d 分钟"},
	"overview.minutes":            {"%d min", "%d 分钟"},
	"overview.connections":        {"Channel connections", "通道连接数"},
	"overview.disk":               {"Disk", "磁盘"},
	"overview.disk_used":          {"%s of %s are free, of which %s is a reserve", "可用 %s，共 %s，其中保留 %s"},
}
