package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// The curves of pages: of the last hour by minutes, or of 30 days by hours, as the
// parameter past of their address says.

// A span is the time that curves show.
type span struct {
	Past   string // hour or month
	from   time.Time
	step   time.Duration
	points int
}

// spans are those that there are.
var spans = []string{"hour", "month"}

// span returns the span that is asked for. Its last step is the one that is not over.
func (r *request) span() span {
	s := span{Past: "hour", step: time.Minute, points: 60}
	if r.URL.Query().Get("past") == "month" {
		s = span{Past: "month", step: time.Hour, points: mostPoints}
	}
	s.from = r.c.cfg.Now().UTC().Truncate(s.step).Add(-time.Duration(s.points-1) * s.step)
	return s
}

// Bucket is what platform/calls/stats and platform/queues/stats call the steps.
func (s span) Bucket() string {
	if s.step == time.Hour {
		return "hour"
	}
	return "minute"
}

// Every is how often a page asks for newer numbers.
func (s span) Every() string {
	if s.step == time.Hour {
		return "60s"
	}
	return "10s"
}

// Spans are all of them.
func (s span) Spans() []string { return spans }

// Past returns the address at which this page shows another span.
func (v *view) Past(past string) string {
	at, err := url.Parse(v.Path)
	if err != nil {
		return ""
	}
	q := at.Query()
	q.Del("done")
	q.Set("past", past)
	return at.EscapedPath() + "?" + q.Encode()
}

// curves are the charts of a page, which show the same time.
type curves struct {
	span
	Charts []*chart
}

// Rows are the numbers of all charts as a table.
func (c *curves) Rows() []row { return rows(c.Charts...) }

// A callPoint is what was counted in a step, as platform/calls/stats answers. Steps without
// a call are not there.
type callPoint struct {
	Time    int64   `json:"time"`
	Calls   int64   `json:"calls"`
	Refused int64   `json:"refused"`
	Limited int64   `json:"limited"`
	Failed  int64   `json:"failed"`
	P50MS   float64 `json:"p50_ms"`
	P99MS   float64 `json:"p99_ms"`
}

// callCounts are the calls of a span, in JSON and as curves.
type callCounts struct {
	Past      string      `json:"past"`
	Step      int64       `json:"step_seconds"`
	Calls     int64       `json:"calls"`
	Refused   int64       `json:"refused"` // those over a limit, too
	Failed    int64       `json:"failed"`
	PerSecond float64     `json:"per_second"` // in the last step that is over
	Points    []callPoint `json:"points"`
	Span      span        `json:"-"`
}

// callCounts reads the calls of an API, or of all by "".
func (r *request) callCounts(api string) (*callCounts, error) {
	s := r.span()
	c := &callCounts{Past: s.Past, Step: int64(s.step / time.Second), Points: []callPoint{}, Span: s}
	params := url.Values{"by": {"all"}, "bucket": {s.Bucket()}, "from": {strconv.FormatInt(s.from.Unix(), 10)}}
	if api != "" {
		params.Set("by", "api")
		params.Set("name", api)
	}
	var series []struct{ Points []callPoint }
	if err := r.get("platform/calls/stats", params, &series); err != nil {
		return nil, err
	}
	for _, one := range series {
		c.Points = append(c.Points, one.Points...)
	}
	last := s.from.Add(time.Duration(s.points-2) * s.step).Unix()
	for i := range c.Points {
		p := &c.Points[i]
		c.Calls, c.Refused, c.Failed = c.Calls+p.Calls, c.Refused+p.Refused+p.Limited, c.Failed+p.Failed
		if p.Time == last {
			c.PerSecond = perSecond(p.Calls, s.step)
		}
	}
	return c, nil
}

// ErrorShare is how many of a hundred calls have failed.
func (c *callCounts) ErrorShare() float64 { return percent(c.Failed, c.Calls) }

// Curves are those of the calls, and of how long they took.
func (c *callCounts) Curves() *curves {
	counts := newChart("calls", c.Span, counted, "calls", "refused", "failed")
	counts.zero()
	took := newChart("took", c.Span, duration, "p50", "p99")
	for _, p := range c.Points {
		counts.set(p.Time, float64(p.Calls), float64(p.Refused+p.Limited), float64(p.Failed))
		took.set(p.Time, p.P50MS, p.P99MS)
	}
	counts.rise()
	return &curves{c.Span, []*chart{counts, took}}
}

// A queuePoint is how a queue did in a step, as platform/queues/stats answers. Steps of which
// nothing is known are not there.
type queuePoint struct {
	Start          int64 `json:"start"`
	Ready          int64 `json:"ready"` // in the end, as what is up to Bytes
	Unacknowledged int64 `json:"unacknowledged"`
	Parked         int64 `json:"parked"`
	Consumers      int64 `json:"consumers"`
	Bytes          int64 `json:"bytes"`
	Most           int64 `json:"most"`
	Published      int64 `json:"published"`
	Removed        int64 `json:"removed"`
	Dropped        int64 `json:"dropped"`
}

// queueHistory is how a queue did in a span, or all queues of the domain.
type queueHistory struct {
	Past   string       `json:"past"`
	Step   int64        `json:"step_seconds"`
	Other  bool         `json:"other"` // Points are of others: of the busiest queues, and the first domains
	Points []queuePoint `json:"points"`
	Span   span         `json:"-"`
}

// queueHistory reads how a queue did, or all by no params. It returns nil if the engine does
// not count.
func (r *request) queueHistory(params url.Values) (*queueHistory, error) {
	s := r.span()
	h := &queueHistory{Past: s.Past, Points: []queuePoint{}, Span: s}
	params.Set("bucket", s.Bucket())
	params.Set("from", strconv.FormatInt(s.from.Unix(), 10))
	err := r.get("platform/queues/stats", params, h)
	var refused *callError
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		return nil, nil
	}
	return h, err
}

// Flow is the chart of what came and went, and Depth that of what was there.
func (h *queueHistory) Flow() *chart {
	c := newChart("flow", h.Span, counted, "published", "removed", "dropped")
	for _, p := range h.Points {
		c.set(p.Start, float64(p.Published), float64(p.Removed), float64(p.Dropped))
	}
	c.rise()
	return c
}

// Depth is the chart of the messages that were there.
func (h *queueHistory) Depth() *chart {
	c := newChart("depth", h.Span, level, "ready", "unacknowledged", "parked")
	for _, p := range h.Points {
		c.set(p.Start, float64(p.Ready), float64(p.Unacknowledged), float64(p.Parked))
	}
	return c
}

// Curves are both.
func (h *queueHistory) Curves() *curves { return &curves{h.Span, []*chart{h.Depth(), h.Flow()}} }

var curvesPhrases = map[string]phrase{
	"past.in.hour":         {"Last hour", "最近一小时"},
	"past.in.month":        {"30 days", "最近 30 天"},
	"past.last.hour":       {"Last minute", "上一分钟"},
	"past.last.month":      {"Last whole hour", "上一小时"},
	"past.calls":           {"calls", "次调用"},
	"past.per_second":      {"calls a second", "次调用 / 秒"},
	"past.failed":          {"failed: %s", "失败 %s 次"},
	"past.refused":         {"refused", "次被拒绝"},
	"past.label":           {"Time shown", "时间范围"},
	"past.hour":            {"Last hour", "最近一小时"},
	"past.month":           {"30 days", "最近 30 天"},
	"chart.by.minute":      {"per minute, UTC", "每分钟，UTC"},
	"chart.by.hour":        {"per hour, UTC", "每小时，UTC"},
	"chart.text":           {"From %s to %s.", "从 %s 到 %s。"},
	"chart.of":             {"%s: %s, at most %s.", "%s：%s，最高 %s。"},
	"chart.unknown":        {"Nothing is known of this time.", "该时段没有数据。"},
	"chart.numbers":        {"The same as numbers", "查看数据"},
	"chart.quiet":          {"Nothing happened in this time.", "该时段没有任何记录。"},
	"chart.calls.title":    {"Calls", "调用次数"},
	"chart.calls":          {"calls", "调用"},
	"chart.refused":        {"refused", "被拒绝"},
	"chart.failed":         {"failed", "失败"},
	"chart.took.title":     {"Time to answer", "响应时间"},
	"chart.p50":            {"median", "中位数"},
	"chart.p99":            {"99 %", "99 %"},
	"chart.depth.title":    {"Messages that wait", "等待中的消息"},
	"chart.ready":          {"ready", "待投递"},
	"chart.unacknowledged": {"unacknowledged", "未确认"},
	"chart.parked":         {"parked", "搁置"},
	"chart.flow.title":     {"Messages in and out", "消息流入与流出"},
	"chart.published":      {"published", "流入"},
	"chart.removed":        {"removed", "流出"},
	"chart.dropped":        {"dropped", "丢弃"},
}
