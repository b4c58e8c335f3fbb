package console

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// The live page shows what happens, as it happens: the records of platform/activity/tail.

func (c *Console) liveRoutes() {
	c.page("/live", "live", (*request).live)
	c.mux.HandleFunc("GET "+c.base+"/live/events", c.within((*request).liveEvents))
}

// liveRate is how many records a second a browser gets; what is more is counted. Each row
// that comes makes the oldest one go, so that a page changes less than 50 times a second.
const liveRate = 24

// A livePage has the filter that its records agree with.
type livePage struct {
	Client     string `json:"client"`
	RoutingKey string `json:"routing_key"`
	API        string `json:"api"`
	Failed     bool   `json:"failed"`
	NeedsKey   bool   `json:"needs_key"` // members see what keys of their own apps do
}

func (r *request) live() (any, error) { return r.livePage(), nil }

func (r *request) livePage() livePage {
	q := r.URL.Query()
	return livePage{Client: q.Get("client"), RoutingKey: q.Get("routing_key"), API: q.Get("api"), Failed: q.Get("failed") == "1",
		NeedsKey: r.isMember() && q.Get("client") == ""}
}

// Query returns the query of the address of the events.
func (p livePage) Query() string { return p.params("client").Encode() }

// params returns the filter as parameters. The one for the key is called differently in the
// console and in the platform's call.
func (p livePage) params(key string) url.Values {
	q := url.Values{}
	for name, value := range map[string]string{key: p.Client, "routing_key": p.RoutingKey, "api": p.API} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if p.Failed {
		q.Set("failed", "1")
	}
	return q
}

// sessionCheck is how often it is looked whether the person may still see what happens.
const sessionCheck = 5 * time.Second

// liveEvents answers with server-sent events, one for each record, until the browser has
// gone or the session is over.
func (r *request) liveEvents() error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stop := r.whenOver(cancel)
	defer stop()
	params := r.livePage().params("of")
	params.Set("rate", strconv.Itoa(liveRate))
	r.serve(ctx, &eventWriter{ResponseWriter: r.w}, http.MethodGet, "platform/activity/tail", params)
	return nil
}

// whenOver calls end when the session is over, or allows something else. stop must be called
// in the end. While the Store cannot tell, what goes on goes on.
func (r *request) whenOver(end func()) (stop func()) {
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(sessionCheck)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				s, err := r.c.knownSession(r.Request)
				if errors.Is(err, errNoSession) || err == nil && s.person() != r.person {
					end()
					return
				}
			}
		}
	}()
	return func() { close(done); <-gone }
}

// An eventWriter makes server-sent events of lines of JSON.
type eventWriter struct {
	http.ResponseWriter
	failed bool
}

// Unwrap is for http.ResponseController.
func (w *eventWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader sends the header of events, or of a refusal.
func (w *eventWriter) WriteHeader(status int) {
	if w.failed = status != http.StatusOK; !w.failed {
		w.Header().Set("Content-Type", "text/event-stream")
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write gets whole lines. An empty one shows that the stream goes on.
func (w *eventWriter) Write(lines []byte) (int, error) {
	if w.failed {
		return w.ResponseWriter.Write(lines)
	}
	var events bytes.Buffer
	for line := range bytes.Lines(lines) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			events.WriteString(":\n\n")
		} else {
			events.WriteString("data: ")
			events.Write(line)
			events.WriteString("\n\n")
		}
	}
	_, err := w.ResponseWriter.Write(events.Bytes())
	return len(lines), err
}

var livePhrases = map[string]phrase{
	"live.title":       {"Live", "实时"},
	"live.text":        {"What happens on the platform, as it happens.", "平台上正在发生的事件。"},
	"live.client":      {"Key", "Key"},
	"live.routing_key": {"Routing key (pattern)", "路由键（模式）"},
	"live.api":         {"API", "API"},
	"live.failed":      {"Failures only", "仅失败"},
	"live.filter":      {"Filter", "筛选"},
	"live.find":        {"Find in these lines", "在以下记录中查找"},
	"live.pause":       {"Pause", "暂停"},
	"live.resume":      {"Go on", "继续"},
	"live.connected":   {"Connected", "已连接"},
	"live.lost":        {"The platform does not answer. Trying again …", "平台无响应，正在重试……"},
	"live.over":        {"This has ended: your session is over, or may not see it any more.", "连接已结束：会话已过期，或不再有权查看。"},
	"live.refused":     {"The platform refuses this filter: there is no such key of yours, or no such pattern.", "平台拒绝此筛选条件：没有此 Key，或路由键模式有误。"},
	"live.again":       {"Load the page anew", "重新加载页面"},
	"live.needs_key":   {"Name a key of one of your apps to see what it does.", "请填写您某个应用的 Key，以查看其活动。"},
	"live.more":        {"%s more", "另有 %s 条"},
	"live.event":       {"Event", "事件"},
	"live.who":         {"Key", "Key"},
	"live.what":        {"What", "内容"},
	"live.result":      {"Result", "结果"},
	"live.needs_js":    {"This page needs scripts, which your browser has switched off.", "此页面需要启用脚本。"},
	"live.waiting":     {"Nothing yet.", "暂无事件。"},
}
