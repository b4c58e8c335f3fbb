package console_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// answers makes the platform answer calls of an API with a result or, if that is empty, as
// an engine does that cannot.
func answers(of map[string]string) func(*platform.Config) {
	return func(cfg *platform.Config) {
		cfg.Override = func(c platform.Call) http.Handler {
			result, ok := of[c.API]
			if !ok {
				return nil
			}
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if w.Header().Set("Content-Type", "application/json"); result == "" {
					w.WriteHeader(http.StatusNotFound)
					fmt.Fprint(w, `{"result":null,"error":{"code":"unsupported","message":"cannot"}}`)
					return
				}
				fmt.Fprintf(w, `{"result":%s,"error":null}`, result)
			})
		}
	}
}

func TestAQueueHasCurvesWhereItsEngineCounts(t *testing.T) {
	start := time.Now().Add(-10 * time.Minute).Truncate(time.Minute).Unix()
	points := fmt.Sprintf(`{"key":"shop-key","topic":"","step_seconds":60,"other":false,"points":[{"start":%d,"ready":1204,"unacknowledged":2,"parked":3,"published":77,"removed":5,"dropped":9}]}`, start)
	of := map[string]string{"platform/queues/stats": points}
	b := newSite(t, answers(of)).operator()
	page := b.get("/queues/shop-key?past=hour")
	for _, want := range []string{"How the queue did", "ready: 1,204, at most 1,204.", "published: 77", "<td>1,204<td>2<td>3<td>77<td>5<td>9", "?past=month"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q: %s", want, page)
		}
	}
	var doc struct {
		History struct {
			Step   int `json:"step_seconds"`
			Points []struct{ Start, Ready, Dropped int64 }
		}
	}
	for _, path := range []string{"/queues/shop-key", "/"} {
		if b.json(path, &doc); doc.History.Step != 60 || len(doc.History.Points) != 1 || doc.History.Points[0].Ready != 1204 || doc.History.Points[0].Start != start {
			t.Errorf("%s as JSON: %+v", path, doc)
		}
	}
	if page := b.get("/"); !strings.Contains(page, "Messages in and out") {
		t.Errorf("the overview has no curve of messages: %s", page)
	}

	of["platform/queues/stats"] = `{"step_seconds":60,"other":true,"points":[]}`
	if page := b.get("/queues/shop-key"); !strings.Contains(page, "not among the 200 busiest") || strings.Contains(page, `class="plot`) {
		t.Errorf("of a queue that is not counted: %s", page)
	}
	of["platform/queues/stats"] = ""
	for _, path := range []string{"/queues/shop-key", "/"} {
		if page := b.get(path); strings.Contains(page, "How the queue did") || strings.Contains(page, "in and out") {
			t.Errorf("of an engine that does not count, %s has curves: %s", path, page)
		}
	}
}

func TestTheOverviewSaysSinceWhenAndHowMuchWasLost(t *testing.T) {
	at := time.Date(2020, 1, 2, 10, 42, 0, 0, time.UTC).Unix()
	list := fmt.Sprintf(`{"total":3,"messages":5000,"attention":3,"queues":[
{"key":"erp","topic":"orders","messages":5000,"attention":["full","dropped"],"since":%d,"dropped":9,"dropped_recently":1204,"published_per_second":1234.5,"removed_per_second":0},
{"key":"erp","topic":"bills","messages":7,"attention":["no_consumer"],"since":0}]}`, at)
	b := newSite(t, answers(map[string]string{"platform/queues/list": list, "platform/status": `{"ready":false}`})).operator()
	page := b.get("/")
	for _, want := range []string{"erp/orders</code></a> is full since 2020-01-02 10:42 UTC and has dropped 1,204 messages.", "erp/bills</code></a> has no consumer. Messages that wait: 7.", ">Queues that need attention, too: 1<"} {
		if !strings.Contains(page, want) {
			t.Errorf("the overview lacks %q: %s", want, page)
		}
	}
	if page := b.get("/queues"); !strings.Contains(page, "1,235 / 0") || !strings.Contains(page, "since 2020-01-02 10:42 UTC") || !strings.Contains(page, ">–<") {
		t.Errorf("the list has no rates: %s", page)
	}
	b.lang = "zh"
	if page := b.get("/"); !strings.Contains(page, "自 2020-01-02 10:42 UTC 起已满，并已丢弃 1,204 条消息。") {
		t.Errorf("in Chinese: %s", page)
	}
}
