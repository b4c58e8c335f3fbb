package console

import (
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
	return &curves{c.Span, []*chart{counts, took}}
}

var curvesPhrases = map[string]phrase{
	"past.in.hour":         {"In the last hour", "最近一小时"},
	"past.in.month":        {"In 30 days", "最近 30 天"},
	"past.last.hour":       {"In the last whole minute", "上一分钟"},
	"past.last.month":      {"In the last whole hour", "上一小时"},
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
	"chart.messages.title": {"Messages", "消息"},
}
