package service

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shopex/prism-go/platform"
)

// shownAPIs bounds the series of calls through the gateway: the APIs that were called first
// have series of their own, all others one together.
const shownAPIs = 1000

// gatewayMetrics counts the calls through the gateway.
type gatewayMetrics struct {
	calls   *prometheus.CounterVec
	latency *prometheus.HistogramVec
	mu      sync.Mutex
	shown   map[serviceAPI]bool
}

type serviceAPI struct{ service, api string }

func newGatewayMetrics() *gatewayMetrics {
	return &gatewayMetrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "prism_gateway_calls_total",
			Help: "Calls to services, whatever became of them, by service, API and HTTP status; 1,000 APIs have series of their own.",
		}, []string{"service", "api", "code"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "prism_gateway_duration_seconds",
			Help:    "Time to answer a call to a service, by service and API.",
			Buckets: durations,
		}, []string{"service", "api"}),
		shown: make(map[serviceAPI]bool),
	}
}

func (m *gatewayMetrics) call(c platform.Call, o platform.Outcome) {
	if c.Service == "" {
		return
	}
	label := m.label(serviceAPI{c.Service, c.MethodID})
	m.calls.WithLabelValues(label.service, label.api, statusLabel(o.Status)).Inc()
	m.latency.WithLabelValues(label.service, label.api).Observe(o.Duration.Seconds())
}

func (m *gatewayMetrics) label(of serviceAPI) serviceAPI {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.shown[of] && len(m.shown) >= shownAPIs {
		return serviceAPI{otherAPI, otherAPI}
	}
	m.shown[of] = true
	return of
}

// statusLabel is a status, or its class: a backend can answer any number.
func statusLabel(status int) string {
	if http.StatusText(status) == "" {
		return strconv.Itoa(status/100) + "xx"
	}
	return strconv.Itoa(status)
}
