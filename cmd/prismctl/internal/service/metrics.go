package service

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

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

// durations are the buckets of histograms, in seconds.
var durations = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// metrics counts for Prometheus what a platform does.
type metrics struct {
	registry *prometheus.Registry
	latency  *prometheus.HistogramVec
	gateway  *gatewayMetrics
	engine   *engine.Engine
	platform atomic.Pointer[platform.Platform] // nil until it is served
	refused  atomic.Int64                      // messages
	routed   atomic.Int64                      // copies of messages
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
		Buckets: durations,
	}, []string{"api", "code"})
	m.gateway = newGatewayMetrics()
	m.registry.MustRegister(m.latency, m.gateway.calls, m.gateway.latency, m, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
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
	m.gateway.call(c, o)
}

// publish is for [platform.Trace].
func (m *metrics) publish(e platform.PublishEvent) {
	switch {
	case e.Err != nil:
		m.refused.Add(1)
	default:
		m.routed.Add(int64(e.Queues))
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
	"platform/notify/peek", "platform/notify/queue/limit", "platform/notify/routing/test", "platform/notify/queue/create", "platform/notify/queue/list", "platform/notify/queue/drop", "platform/notify/routing/set",
	"platform/notify/queue/park", "platform/notify/queue/parked", "platform/notify/queue/unpark", "platform/notify/queue/discard",
	"platform/notify/routing/unset", "platform/notify/routing/list",
	"platform/app/create", "platform/app/info", "platform/app/list", "platform/app/delete", "platform/app/disable", "platform/app/enable",
	"platform/key/create", "platform/key/info", "platform/key/list", "platform/key/delete", "platform/key/expire", "platform/key/rotate",
	"platform/key/push", "platform/key/push/rotate", "platform/key/push/stop",
	"platform/app/redirect/add", "platform/app/redirect/remove", "platform/app/redirect/list",
	"platform/user/role/list", "platform/user/role/set", "platform/user/role/remove",
	"platform/user/list", "platform/user/create", "platform/user/disable", "platform/user/enable", "platform/user/delete", "platform/user/password", "platform/user/sessions",
	"platform/manageapp/list", "platform/manageapp/queue/publish", "platform/manageapp/queue/consume",
	"platform/manageapp/bind", "platform/manageapp/unbind", "platform/manageapp/bindlist",
	"platform/manageapi/list", "platform/manageapi/online", "platform/manageapi/offline", "platform/manageapi/backend",
	"platform/manageapi/modify/remoteurl", "platform/manageapi/node/add", "platform/manageapi/node/remove",
	"platform/manageoauth/config/get", "platform/manageoauth/config/set",
	"platform/manageuser/create", "platform/manageuser/info", "platform/manageuser/active", "platform/manageuser/disable", "platform/manageuser/apiprovider",
	"platform/service/import", "platform/service/refresh", "platform/service/restore", "platform/service/list", "platform/service/info",
	"platform/service/file", "platform/service/apis", "platform/service/api", "platform/service/delete", "platform/service/config/get", "platform/service/config/set",
	"platform/calls/list", "platform/calls/show", "platform/calls/stats", "platform/status",
	"platform/oauth/session_check", "platform/oauth/user", "oauth/authorize", "oauth/token", "oauth/logout",
}
