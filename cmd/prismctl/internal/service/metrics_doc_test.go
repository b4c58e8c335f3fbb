package service

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/shopex/prism-go/cmd/prismctl/internal/conns"
	"github.com/shopex/prism-go/cmd/prismctl/internal/engine"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// allMetrics is a scrape of a platform that has something of everything.
func allMetrics(t *testing.T) string {
	t.Helper()
	queues := countedQueues{depths: []platform.QueueDepth{{Owner: "k", QueueStatus: platform.QueueStatus{
		Limits: platform.QueueLimits{MaxMessages: 2, MaxBytes: 2}, Ready: 2, Dropped: 1, Parked: 1, ParkedDropped: 1,
	}}}}
	m := newMetrics(&engine.Engine{Queues: queues})
	m.cert = &certificate{current: &tls.Certificate{Leaf: new(x509.Certificate)}}
	m.access = newAccessLog(io.Discard, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { m.access.queue.close() })
	m.logged = m.access.queue
	m.conns.Store(new(conns.Listener))
	m.call(platform.Call{Service: "shop", MethodID: "order.get"}, platform.Outcome{Status: 200})
	p, err := platform.New(platform.Config{Store: new(memory.Store), Queues: memory.New(memory.Config{})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Shutdown(context.Background()) })
	m.watch(p)
	return m.text()
}

// shownMetrics returns the names of the metrics in a scrape, with the names of their labels.
func shownMetrics(text string) map[string]string {
	all := make(map[string]string)
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (prism_\w+) `).FindAllStringSubmatch(text, -1) {
		series := regexp.MustCompile(`(?m)^` + m[1] + `(?:_count)?(?:\{(.*)\})? `).FindStringSubmatch(text)
		var labels []string
		for _, label := range regexp.MustCompile(`(\w+)="[^"]*"`).FindAllStringSubmatch(series[1], -1) {
			labels = append(labels, label[1])
		}
		slices.Sort(labels)
		all[m[1]] = strings.Join(labels, ", ")
	}
	return all
}

func TestTheManualHasEachMetricWithItsLabels(t *testing.T) {
	manual, err := os.ReadFile(filepath.FromSlash("../../../../docs/operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	told := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| `(prism_\\w+)` \\|([^|]*)\\|").FindAllStringSubmatch(string(manual), -1) {
		labels := strings.Split(strings.NewReplacer("`", "", " ", "").Replace(row[2]), ",")
		slices.Sort(labels)
		told[row[1]] = strings.Join(labels, ", ")
	}
	shown := shownMetrics(allMetrics(t))
	for name, labels := range shown {
		if got, ok := told[name]; !ok || got != labels {
			t.Errorf("docs/operations.md has no row | `%s` | %s | but one with the labels %q", name, labels, got)
		}
	}
	for name := range told {
		if _, ok := shown[name]; !ok {
			t.Errorf("docs/operations.md has a row of %s, which is no metric", name)
		}
	}
	for _, name := range metricsInTheCode(t) {
		if _, ok := shown[name]; !ok {
			t.Errorf("%s is not in the scrape of this test", name)
		}
	}
}

// metricsInTheCode returns the names that the files of this package give to metrics.
func metricsInTheCode(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`(?:NewDesc\(|Name: +)"(prism_\w+)"`).FindAllStringSubmatch(string(text), -1) {
			names = append(names, m[1])
		}
	}
	if len(names) < 40 {
		t.Fatalf("only %d metrics are found: %q", len(names), names)
	}
	return names
}

func TestMetricsAreNamedAsPrometheusAdvises(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(allMetrics(t))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "prism_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}
