package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/engine"
	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// metric returns the value of a series, or "".
func metric(text, series string) string {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// A clogged log cannot be written.
type clogged struct{}

func (clogged) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestMetricsCountTheLinesThatAreLost(t *testing.T) {
	access := newAccessLog(clogged{}, slog.New(slog.DiscardHandler))
	for range 3 {
		access.call(platform.Call{}, platform.Outcome{})
	}
	access.queue.close()
	m := newMetrics(&engine.Engine{Queues: brokenQueues{}})
	m.access = access
	m.draining.Store(true)
	text := m.text()
	if metric(text, "prism_access_log_lost_total") != "3" || metric(text, "prism_draining") != "1" {
		t.Errorf("the metrics are\n%s", text)
	}
}

func scrape(e *engine.Engine) string { return newMetrics(e).text() }

func (m *metrics) text() string {
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

func TestMetricsShowTheDeepestQueuesOnly(t *testing.T) {
	q := memory.New(memory.Config{MaxTopics: -1})
	ctx := context.Background()
	for i := range shownQueues + 1 {
		for range 1 + min(i, 1) { // the first has one message, each other has two
			if err := q.Write(ctx, "k", fmt.Sprintf("t%d\xff", i), &platform.Message{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	text := scrape(&engine.Engine{Queues: q})
	if got := strings.Count(text, "\nprism_queue_messages{"); got != 2*shownQueues {
		t.Errorf("%d series of queues, want %d", got, 2*shownQueues)
	}
	if got, want := metric(text, `prism_messages{state="ready"}`), fmt.Sprint(2*shownQueues+1); got != want {
		t.Errorf("%s messages, want %s", got, want)
	}
	if strings.Contains(text, `topic="\"t0\\xff\""`) || !strings.Contains(text, `topic="\"t1\\xff\""`) {
		t.Errorf("the deepest queues are not shown by their names")
	}
}

// countedQueues are what Depths says.
type countedQueues struct {
	platform.Queues
	depths []platform.QueueDepth
}

func (q countedQueues) Depths(context.Context) ([]platform.QueueDepth, error) { return q.depths, nil }

func TestMetricsShowTheQueuesThatHaveDroppedOrParkedMost(t *testing.T) {
	var q countedQueues
	for i := range shownQueues + 2 { // the first has nothing, the second least
		q.depths = append(q.depths, platform.QueueDepth{Owner: "k", Topic: fmt.Sprint(i), QueueStatus: platform.QueueStatus{
			Limits: platform.QueueLimits{MaxMessages: 10, MaxBytes: 10}, Dropped: uint64(i), Parked: i, ParkedBytes: 3, ParkedDropped: uint64(i),
		}})
	}
	text := scrape(&engine.Engine{Queues: q})
	for _, name := range []string{"prism_queue_dropped_total", "prism_queue_parked", "prism_queue_parked_dropped_total"} {
		if got := strings.Count(text, "\n"+name+"{"); got != shownQueues {
			t.Errorf("%d series of %s, want %d", got, name, shownQueues)
		}
		for topic, want := range map[string]string{"0": "", "1": "", "2": "2", "1001": "1001"} {
			if got := metric(text, name+`{key="k",topic="`+topic+`"}`); got != want {
				t.Errorf("%s of the queue %s is %q, want %q", name, topic, got, want)
			}
		}
	}
	for name, want := range map[string]string{"prism_parked_messages": "501501", "prism_parked_message_bytes": "3006", `prism_messages{state="ready"}`: "0"} {
		if got := metric(text, name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// What is parked takes no room of its queue.
func TestAQueueIsNotFilledByWhatIsParked(t *testing.T) {
	q := countedQueues{depths: []platform.QueueDepth{{Owner: "k", QueueStatus: platform.QueueStatus{
		Limits: platform.QueueLimits{MaxMessages: 10, MaxBytes: 10}, Parked: 10_000, ParkedBytes: 64 << 20,
	}}}}
	if text := scrape(&engine.Engine{Queues: q}); metric(text, `prism_queues_filled{percent="50"}`) != "0" || metric(text, "prism_queue_parked{key=\"k\",topic=\"\"}") != "10000" {
		t.Errorf("the metrics are\n%s", text)
	}
}

// brokenQueues cannot count.
type brokenQueues struct{ platform.Queues }

func (brokenQueues) Depths(context.Context) ([]platform.QueueDepth, error) {
	return nil, errors.New("broken")
}

func TestMetricsTellWhatTheyCan(t *testing.T) {
	text := scrape(&engine.Engine{Queues: brokenQueues{}})
	if metric(text, "prism_engine_up") != "1" || metric(text, "go_goroutines") == "" || strings.Contains(text, "prism_messages{") {
		t.Errorf("the metrics are\n%s", text)
	}
}

func TestAnAPIIsALabelOnlyWhenThePlatformHasIt(t *testing.T) {
	for _, c := range []struct{ path, api, want string }{
		{"/api/platform/notify/status", "platform/notify/status", "platform/notify/status"},
		{"/api/platform/key/info/abc", "platform/key/info/abc", "platform/key/info"},
		{"/oauth/authorize", "", "oauth/authorize"},
		{"/oauth/x1", "", "other"},
		{"/api/x1", "x1", "other"},
		{"/x1", "", "other"},
	} {
		if got := apiOf(platform.Call{Path: c.path, API: c.api}); got != c.want {
			t.Errorf("%s is counted as %s", c.path, got)
		}
	}
}

// What says how many lines are lost is no line of a caller.
func TestALostLineAboutLostLinesIsNotCounted(t *testing.T) {
	q := newLogQueue(clogged{}, lostLine, nil)
	for n := range int64(3) {
		q.Write([]byte("line\n"))
		for late := time.Now().Add(patience.Of(5 * time.Second)); q.lost.Load() < n+1 && time.Now().Before(late); {
			time.Sleep(time.Millisecond)
		}
	}
	q.close()
	if got := q.lost.Load(); got != 3 || q.untold != 3 {
		t.Errorf("%d lines are lost, and %d are to be told, want 3", got, q.untold)
	}
}
