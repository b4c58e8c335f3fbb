package service

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/engine"
	"github.com/shopex/prism-go/platform"
)

func TestMetricsCountCallsByServiceAndAPI(t *testing.T) {
	m := newMetrics(&engine.Engine{Queues: brokenQueues{}})
	call := func(service, api string, status int) {
		m.call(platform.Call{Service: service, MethodID: api, API: service + "/a/path"}, platform.Outcome{Status: status, Duration: 3 * time.Millisecond})
	}
	call("商店", "order.get", 200)
	call("商店", "order.get", 200)
	call("商店", "order.get", 429)
	call("商店", "*", 799)
	call("", "", 404)
	text := m.text()
	for series, want := range map[string]string{
		`prism_gateway_calls_total{api="order.get",code="200",service="商店"}`:      "2",
		`prism_gateway_calls_total{api="order.get",code="429",service="商店"}`:      "1",
		`prism_gateway_calls_total{api="*",code="7xx",service="商店"}`:              "1",
		`prism_gateway_duration_seconds_count{api="order.get",service="商店"}`:      "3",
		`prism_gateway_duration_seconds_bucket{api="*",service="商店",le="0.0025"}`: "0",
		`prism_gateway_duration_seconds_bucket{api="*",service="商店",le="0.005"}`:  "1",
		`prism_gateway_calls_total{api="",code="404",service=""}`:                 "",
	} {
		if got := metric(text, series); got != want {
			t.Errorf("%s is %q, want %q", series, got, want)
		}
	}
	if strings.Contains(text, "a/path") {
		t.Error("a path is a label")
	}
}

func TestMetricsOfCallsAreBounded(t *testing.T) {
	m := newMetrics(&engine.Engine{Queues: brokenQueues{}})
	for i := range shownAPIs + 100 {
		m.call(platform.Call{Service: "s", MethodID: fmt.Sprint(i)}, platform.Outcome{Status: 200 + i%800})
	}
	text := m.text()
	if got := strings.Count(text, "\nprism_gateway_duration_seconds_count{"); got != shownAPIs+1 {
		t.Errorf("%d series, want %d", got, shownAPIs+1)
	}
	if got := metric(text, `prism_gateway_duration_seconds_count{api="other",service="other"}`); got != "100" {
		t.Errorf("%s calls of others, want 100", got)
	}
	codes := make(map[string]bool)
	for status := range 1000 {
		codes[statusLabel(status)] = true
	}
	if len(codes) > 80 {
		t.Errorf("%d labels of statuses", len(codes))
	}
}
