package service

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/conns"
	"github.com/shopex/prism-go/cmd/prismctl/internal/engine"
	"github.com/shopex/prism-go/platform"
)

const (
	// countingTime is how long a scrape waits for the engine.
	countingTime = 5 * time.Second
	// shownQueues bounds the series of one scrape: the deepest queues are shown.
	shownQueues = 1000
)

// metrics counts for Prometheus what a platform does.
type metrics struct {
	registry *prometheus.Registry
	latency  *prometheus.HistogramVec
	engine   *engine.Engine
	platform atomic.Pointer[platform.Platform] // nil until it is served
	refused  atomic.Int64                      // messages
	draining atomic.Bool
	cert     *certificate // nil without TLS
	access   *accessLog   // nil without one
	logged   *logQueue    // of standard error; nil in tests
	conns    atomic.Pointer[conns.Listener]
}

func newMetrics(e *engine.Engine) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), engine: e}
	m.latency = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "prism_api_duration_seconds",
		Help:    "Time to answer a call, by API and HTTP status; for the channel, to accept it.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"api", "code"})
	m.registry.MustRegister(m.latency, m, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) watch(p *platform.Platform) { m.platform.Store(p) }

// handler leaves out what cannot be told, and tells the rest.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4})
}

// call is for [platform.Trace].
func (m *metrics) call(c platform.Call, o platform.Outcome) {
	m.latency.WithLabelValues(apiOf(c), strconv.Itoa(o.Status)).Observe(o.Duration.Seconds())
}

// publish is for [platform.Trace].
func (m *metrics) publish(e platform.PublishEvent) {
	if e.Err != nil {
		m.refused.Add(1)
	}
}

// otherAPI stands for what the platform does not have: anybody can call
// anything, and each name would be a series.
const otherAPI = "other"

// apiOf returns the API of a call without what a caller chose.
func apiOf(c platform.Call) string {
	api := c.API
	if _, page, ok := strings.Cut(c.Path, "/oauth/"); ok && api == "" {
		api = "oauth/" + page
	}
	for _, known := range []string{"platform/app/info", "platform/key/info"} {
		if strings.HasPrefix(api, known+"/") {
			return known
		}
	}
	if slices.Contains(knownAPIs, api) {
		return api
	}
	return otherAPI
}

var knownAPIs = []string{
	"notify", "platform/notify", "platform/notify/status", "platform/notify/read", "platform/notify/write", "platform/notify/purge",
	"platform/notify/queue/create", "platform/notify/queue/list", "platform/notify/queue/drop", "platform/notify/routing/set",
	"platform/notify/routing/unset", "platform/notify/routing/list",
	"platform/app/create", "platform/app/info", "platform/app/list", "platform/app/delete",
	"platform/key/create", "platform/key/info", "platform/key/list", "platform/key/delete", "platform/key/rotate",
	"platform/app/redirect/add", "platform/app/redirect/remove", "platform/app/redirect/list",
	"platform/user/list", "platform/user/disable", "platform/user/enable", "platform/user/delete", "platform/user/password", "platform/user/sessions",
	"platform/manageapp/list", "platform/manageapp/queue/publish", "platform/manageapp/queue/consume",
	"platform/oauth/session_check", "platform/oauth/user", "oauth/authorize", "oauth/token", "oauth/logout",
}

var (
	queueMessages  = prometheus.NewDesc("prism_queue_messages", "Messages of a queue; only of the 1,000 deepest.", []string{"key", "topic", "state"}, nil)
	queueFilled    = prometheus.NewDesc("prism_queue_filled_percent", "How much of its limit a queue has, in messages or bytes; of 1,000 queues that have 50 % or more.", []string{"key", "topic"}, nil)
	queueConsumers = prometheus.NewDesc("prism_queue_consumers", "Consumers of a queue that prism_queue_filled_percent shows.", []string{"key", "topic"}, nil)
	filledQueues   = prometheus.NewDesc("prism_queues_filled", "Queues that have so much of their limit, or more.", []string{"percent"}, nil)
	queues         = prometheus.NewDesc("prism_queues", "Queues of all keys.", nil, nil)
	messages       = prometheus.NewDesc("prism_messages", "Messages of all queues.", []string{"state"}, nil)
	messageBytes   = prometheus.NewDesc("prism_message_bytes", "Bytes of the messages of all queues.", nil, nil)
	engineUp       = prometheus.NewDesc("prism_engine_up", "1 when the engine can store, else 0.", nil, nil)
	connections    = prometheus.NewDesc("prism_connections", "Channel connections.", nil, nil)
	connected      = prometheus.NewDesc("prism_connections_total", "Channel connections since the start.", nil, nil)
	published      = prometheus.NewDesc("prism_messages_published_total", "Messages that were stored since the start.", nil, nil)
	delivered      = prometheus.NewDesc("prism_messages_delivered_total", "Deliveries since the start.", nil, nil)
	acked          = prometheus.NewDesc("prism_messages_acked_total", "Acknowledgements since the start.", nil, nil)
	expired        = prometheus.NewDesc("prism_messages_expired_total", "Messages that were removed as they had become older than max-age, since the start.", nil, nil)
	refused        = prometheus.NewDesc("prism_publish_refused_total", "Messages that were not stored, since the start.", nil, nil)
	consumers      = prometheus.NewDesc("prism_consumers", "Consumers of all queues.", nil, nil)
	build          = prometheus.NewDesc("prism_build_info", "1, with the version.", []string{"version"}, nil)
	draining       = prometheus.NewDesc("prism_draining", "1 from the signal to the end, before that 0.", nil, nil)
	expiry         = prometheus.NewDesc("prism_certificate_expiry_timestamp_seconds", "When the certificate in use expires.", nil, nil)
	accessLost     = prometheus.NewDesc("prism_access_log_lost_total", "Lines of the access log that could not be written, since the start.", nil, nil)
	logLost        = prometheus.NewDesc("prism_log_lost_total", "Lines of the log on standard error that could not be written, since the start.", nil, nil)
	connsRefused   = prometheus.NewDesc("prism_connections_refused_total", "Connections that found no place or lost it to another, since the start.", nil, nil)
	strayAcks      = prometheus.NewDesc("prism_stray_acks_total", "Acknowledgements of nothing that was outstanding, since the start.", nil, nil)
)

// Describe says nothing, so that Collect may tell what there is.
func (m *metrics) Describe(chan<- *prometheus.Desc) {}

// Collect counts everything now.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), countingTime)
	defer cancel()
	m.collectProcess(out)
	m.collectStats(out)
	counter(out, expired, expiredOf(m.engine.Queues))
	if m.engine.Ready(ctx) != nil {
		gauge(out, engineUp, 0)
		return
	}
	gauge(out, engineUp, 1)
	if depths, err := depthsOf(ctx, m.engine.Queues); err == nil {
		collectDepths(out, depths)
		collectFilling(out, depths, m.engine.Queues)
	}
}

// collectProcess tells of this process what does not depend on the engine.
func (m *metrics) collectProcess(out chan<- prometheus.Metric) {
	gauge(out, build, 1, prism.Version)
	gauge(out, draining, count(m.draining.Load()))
	if m.cert != nil {
		gauge(out, expiry, m.cert.expires().Unix())
	}
	if conns := m.conns.Load(); conns != nil {
		counter(out, connsRefused, conns.Refused())
	}
	if m.logged != nil {
		counter(out, logLost, m.logged.lost.Load())
	}
	if m.access != nil {
		counter(out, accessLost, m.access.queue.lost.Load())
	}
}

func (m *metrics) collectStats(out chan<- prometheus.Metric) {
	p := m.platform.Load()
	if p == nil {
		return
	}
	s := p.Stats()
	gauge(out, connections, s.Connections)
	for _, c := range []struct {
		desc  *prometheus.Desc
		value int64
	}{
		{connected, s.Connected}, {published, s.Published}, {refused, m.refused.Load()}, {delivered, s.Delivered},
		{acked, s.Acked}, {strayAcks, s.StrayAcks},
	} {
		counter(out, c.desc, c.value)
	}
}

func collectDepths(out chan<- prometheus.Metric, depths []platform.QueueDepth) {
	var ready, unacknowledged, consuming, bytes int64
	for _, d := range depths {
		ready, unacknowledged = ready+int64(d.Ready), unacknowledged+int64(d.Unacknowledged)
		consuming, bytes = consuming+int64(d.Consumers), bytes+d.Bytes
	}
	gauge(out, queues, int64(len(depths)))
	gauge(out, consumers, consuming)
	gauge(out, messageBytes, bytes)
	gauge(out, messages, ready, "ready")
	gauge(out, messages, unacknowledged, "unacknowledged")
	slices.SortFunc(depths, func(a, b platform.QueueDepth) int {
		return cmp.Compare(b.Ready+b.Unacknowledged, a.Ready+a.Unacknowledged)
	})
	for _, d := range depths[:min(len(depths), shownQueues)] {
		key, topic := label(d.Owner), label(d.Topic)
		gauge(out, queueMessages, int64(d.Ready), key, topic, "ready")
		gauge(out, queueMessages, int64(d.Unacknowledged), key, topic, "unacknowledged")
	}
}

// collectFilling counts the queues that have passed a mark, and shows as many of
// them as there is room for.
func collectFilling(out chan<- prometheus.Metric, depths []platform.QueueDepth, q platform.Queues) {
	messages, bytes := q.Limits()
	passed := make(map[int]int64)
	shown := 0
	for _, d := range depths {
		percent := percentFull(d.QueueStatus, messages, bytes)
		for _, mark := range fillingMarks {
			passed[mark] += count(percent >= mark)
		}
		if markOf(percent) > 0 && shown < shownQueues {
			shown++
			gauge(out, queueFilled, int64(percent), label(d.Owner), label(d.Topic))
			gauge(out, queueConsumers, int64(d.Consumers), label(d.Owner), label(d.Topic))
		}
	}
	for _, mark := range fillingMarks {
		gauge(out, filledQueues, passed[mark], strconv.Itoa(mark))
	}
}

func gauge(out chan<- prometheus.Metric, desc *prometheus.Desc, value int64, labels ...string) {
	out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), labels...)
}

func counter(out chan<- prometheus.Metric, desc *prometheus.Desc, value int64) {
	out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value))
}

func count(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// label makes of a name what Prometheus takes.
func label(name string) string {
	if utf8.ValidString(name) {
		return name
	}
	return strconv.Quote(name)
}
