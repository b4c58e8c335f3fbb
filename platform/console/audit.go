package console

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/shopex/prism-go/platform"
)

// The page of the audit log, for operators, and for admins that of their domain.

func (c *Console) auditRoutes() {
	c.page("/audit", "audit", (*request).auditPage)
}

// rowsOfPage is how many rows a page of a list has.
const rowsOfPage = 100

// A changesPage is a part of the audit log, the newest entry first.
type changesPage struct {
	Filter  changesFilter `json:"filter"`
	Entries []auditEntry  `json:"entries"`
	Older   string        `json:"older,omitempty"` // the query of the page with the next ones
}

// A changesFilter says which entries are shown; "" stands for all.
type changesFilter struct {
	Who    string `json:"who,omitempty"`
	Text   string `json:"q,omitempty"` // in what was done
	Domain string `json:"domain,omitempty"`
	Failed bool   `json:"failed,omitempty"`
	Before string `json:"before,omitempty"`
}

func (f changesFilter) query(before string) string {
	q := url.Values{}
	for name, value := range map[string]string{"who": f.Who, "q": f.Text, "domain": f.Domain, "before": before} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Failed {
		q.Set("failed", "1")
	}
	return q.Encode()
}

// NewestQuery returns the query of the page with the newest entries.
func (p changesPage) NewestQuery() string { return p.Filter.query("") }

func (f *changesFilter) matches(e *auditEntry) bool {
	return (f.Domain == "" || e.Domain == f.Domain) && (!f.Failed || e.Result != done) &&
		strings.Contains(strings.ToLower(e.Who), strings.ToLower(f.Who)) && e.has(strings.ToLower(f.Text))
}

// has reports whether text, in lower case, is in what was done.
func (e *auditEntry) has(text string) bool {
	if text == "" {
		return true
	}
	in := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	return in(e.Path) || in(string(e.Before)) || in(string(e.After)) || in(e.Result) || in(e.From) ||
		slices.ContainsFunc(slices.Collect(maps.Values(e.Fields)), in)
}

func (r *request) auditPage() (any, error) {
	if r.person.Role != platform.OperatorRole && r.person.Role != platform.AdminRole {
		return nil, &callError{Status: http.StatusForbidden, Code: "forbidden", Message: "the audit log is for operators and for the admins of a domain"}
	}
	q := r.URL.Query()
	f := changesFilter{Who: q.Get("who"), Text: q.Get("q"), Domain: q.Get("domain"), Failed: q.Get("failed") == "1", Before: q.Get("before")}
	page := changesPage{Filter: f, Entries: []auditEntry{}}
	if r.person.Role == platform.AdminRole {
		f.Domain = domainOf(r.person)
		page.Filter.Domain = ""
	}
	err := r.c.changes.each(r.Context(), f.Before, func(e *auditEntry) bool {
		if !f.matches(e) {
			return true
		}
		if len(page.Entries) == rowsOfPage {
			page.Older = page.Filter.query(page.Entries[rowsOfPage-1].ID)
			return false
		}
		page.Entries = append(page.Entries, *e)
		return true
	})
	return page, err
}

// What returns the phrase of what was done, or the path for what has none.
func (e auditEntry) What() string {
	if id := "did." + e.Action; phrases[id] != (phrase{}) {
		return id
	}
	return e.Action
}

// Names returns the fields as text.
func (e auditEntry) Names() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(name + "=" + e.Fields[name])
	}
	return cut(b.String(), auditFieldBytes)
}

// Failed reports whether the change was not made.
func (e auditEntry) Failed() bool { return e.Result != done }

// Was and Is return the values before and after as text for people: the beginning, and a
// JSON text without its quotes.
func (e auditEntry) Was() string { return plain(e.Before) }

// Is is Was for after.
func (e auditEntry) Is() string { return plain(e.After) }

func plain(value []byte) string {
	text := string(value)
	if len(text) > 1 && text[0] == '"' && !strings.Contains(text, `\`) {
		text = text[1 : len(text)-1]
	}
	return cut(text, auditFieldBytes)
}

var auditPhrases = map[string]phrase{
	"audit.title":  {"Audit log", "审计日志"},
	"audit.text":   {"Who changed what with the console, or tried to: the newest first. The log keeps the last 2 MiB, some thousands of changes.", "谁通过控制台修改或尝试修改了什么，最新的在前。日志保留最近 2 MiB，约数千条记录。"},
	"audit.who":    {"Who", "操作人"},
	"audit.from":   {"From", "来源"},
	"audit.what":   {"What", "操作"},
	"audit.before": {"Before", "修改前"},
	"audit.after":  {"After", "修改后"},
	"audit.result": {"Result", "结果"},
	"audit.done":   {"done", "成功"},
	"audit.failed": {"Refused only", "仅被拒绝的"},
	"audit.filter": {"Filter", "筛选"},
	"audit.link":   {"by a link", "通过链接"},
	"audit.older":  {"Older", "更早"},
	"audit.newest": {"Newest", "最新"},
	"audit.none":   {"No change agrees with this filter.", "没有符合筛选条件的记录。"},
	"did./login":   {"signed in", "登录"},
	"did./logout":  {"signed out", "退出登录"},

	"did./apis/import":                {"imported or previewed a service", "导入或预览服务"},
	"did./apis/{service}/delete":      {"deleted a service", "删除服务"},
	"did./apis/{service}/online":      {"brought a service on line", "上线服务"},
	"did./apis/{service}/offline":     {"took a service off line", "下线服务"},
	"did./apis/{service}/backend":     {"changed the addresses of a service", "修改服务的后端地址"},
	"did./apis/{service}/config":      {"changed the config of a service", "修改服务的配置"},
	"did./apis/{service}/node":        {"set a node of a service", "设置服务的节点"},
	"did./apis/{service}/node/remove": {"removed a node of a service", "移除服务的节点"},
	"did./apis/{service}/bind":        {"let an app call a service", "授权应用调用服务"},
	"did./apis/{service}/unbind":      {"took a service away from an app", "取消应用的服务授权"},
	"did./apis/{service}/restore":     {"brought an earlier file of a service back", "恢复服务的旧版文件"},
	"did./apis/{service}/api":         {"tried an API", "试调 API"},
	"did./calls/{id}/replay":          {"replayed a call", "重放调用"},
	"did./queues/bind":                {"bound a queue", "绑定队列"},
	"did./queues/unbind":              {"removed a binding", "移除绑定"},
	"did./queues/limit":               {"changed the limits of a queue", "修改队列上限"},
	"did./queues/purge":               {"purged a queue", "清空队列"},
	"did./queues/write":               {"published a message", "发布消息"},
	"did./parked/unpark":              {"put parked messages back", "放回搁置的消息"},
	"did./parked/move":                {"moved parked messages", "移动搁置的消息"},
	"did./parked/discard":             {"discarded parked messages", "丢弃搁置的消息"},
}
