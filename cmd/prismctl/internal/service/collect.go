package service

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/platform"
)

var (
	queueMessages  = prometheus.NewDesc("prism_queue_messages", "Messages of a queue; only of the 1,000 deepest.", []string{"key", "topic", "state"}, nil)
	queueFilled    = prometheus.NewDesc("prism_queue_filled_ratio", "How much of its limit a queue has, in messages or bytes, where 1 is full; of 1,000 queues that have half or more.", []string{"key", "topic"}, nil)
	queueDropped   = prometheus.NewDesc("prism_queue_dropped_total", "Messages that a full queue has dropped, ever; of the 1,000 queues that have dropped most.", []string{"key", "topic"}, nil)
	queueParked    = prometheus.NewDesc("prism_queue_parked", "Parked messages of a queue; of the 1,000 queues that have most.", []string{"key", "topic"}, nil)
	parkedDropped  = prometheus.NewDesc("prism_queue_parked_dropped_total", "Parked messages of a queue that made room for others, ever; of the 1,000 queues that have dropped most.", []string{"key", "topic"}, nil)
	queueConsumers = prometheus.NewDesc("prism_queue_consumers", "Consumers of a queue that prism_queue_filled_ratio shows.", []string{"key", "topic"}, nil)
	filledQueues   = prometheus.NewDesc("prism_queues_filled", "Queues that have so much of their limit, or more.", []string{"percent"}, nil)
	queues         = prometheus.NewDesc("prism_queues", "Queues of all keys.", nil, nil)
	messages       = prometheus.NewDesc("prism_messages", "Messages of all queues.", []string{"state"}, nil)
	messageBytes   = prometheus.NewDesc("prism_message_bytes", "Bytes of the messages of all queues.", nil, nil)
	parked         = prometheus.NewDesc("prism_parked_messages", "Parked messages of all queues; they are not among prism_messages.", nil, nil)
	parkedBytes    = prometheus.NewDesc("prism_parked_message_bytes", "Bytes of the parked messages of all queues.", nil, nil)
	engineUp       = prometheus.NewDesc("prism_engine_up", "1 when the engine can store, else 0.", nil, nil)
	connections    = prometheus.NewDesc("prism_connections", "Channel connections.", nil, nil)
	connected      = prometheus.NewDesc("prism_connections_total", "Channel connections since the start.", nil, nil)
	published      = prometheus.NewDesc("prism_messages_published_total", "Messages that were stored since the start.", nil, nil)
	routed         = prometheus.NewDesc("prism_messages_routed_total", "Copies of published messages that queues have got since the start: one for each queue.", nil, nil)
	unrouted       = prometheus.NewDesc("prism_messages_unrouted_total", "Published messages that went to no queue, since the start.", nil, nil)
	delivered      = prometheus.NewDesc("prism_messages_delivered_total", "Deliveries since the start.", nil, nil)
	acked          = prometheus.NewDesc("prism_messages_acked_total", "Acknowledgements since the start.", nil, nil)
	failed         = prometheus.NewDesc("prism_attempts_failed_total", "Attempts to handle a message that failed, since the start.", nil, nil)
	parkedEver     = prometheus.NewDesc("prism_messages_parked_total", "Messages that were parked since the start.", nil, nil)
	pushed         = prometheus.NewDesc("prism_pushed_total", "Messages that receivers have taken at push addresses, since the start.", nil, nil)
	pushFailed     = prometheus.NewDesc("prism_push_failed_total", "POSTs to push addresses that failed, since the start.", nil, nil)
	pushing        = prometheus.NewDesc("prism_push_keys", "Keys with a push address; in a cluster each process counts all of them.", nil, nil)
	pushWaiting    = prometheus.NewDesc("prism_push_keys_waiting", "Keys whose last POST by this process failed, so that messages wait.", nil, nil)
	expired        = prometheus.NewDesc("prism_messages_expired_total", "Messages that were removed as they had become older than max-age, since the start.", nil, nil)
	refused        = prometheus.NewDesc("prism_publish_refused_total", "Messages that were not stored, since the start.", nil, nil)
	consumers      = prometheus.NewDesc("prism_consumers", "Consumers of all queues.", nil, nil)
	build          = prometheus.NewDesc("prism_build_info", "1, with the version.", []string{"version"}, nil)
	draining       = prometheus.NewDesc("prism_draining", "1 from the signal to the end, before that 0.", nil, nil)
	expiry         = prometheus.NewDesc("prism_certificate_expiry_timestamp_seconds", "When the certificate in use expires.", nil, nil)
	accessLost     = prometheus.NewDesc("prism_access_log_lost_total", "Lines of the access log that could not be written, since the start.", nil, nil)
	logLost        = prometheus.NewDesc("prism_log_lost_total", "Lines of the log on standard error that could not be written, since the start.", nil, nil)
	connsRefused   = prometheus.NewDesc("prism_connections_refused_total", "Connections that found no place or lost it to another, since the start.", nil, nil)
	systemEvents   = prometheus.NewDesc("prism_system_events_total", "System events that were published to somebody, since the start.", nil, nil)
	eventsLost     = prometheus.NewDesc("prism_system_events_lost_total", "System events that could not be published, or were too many, since the start.", nil, nil)
	forwarded      = prometheus.NewDesc("prism_gateway_answered_total", "Calls that backends of services have answered, since the start.", nil, nil)
	forwardFailed  = prometheus.NewDesc("prism_gateway_failed_total", "Calls that backends of services were to answer and have not, since the start.", nil, nil)
	limited        = prometheus.NewDesc("prism_gateway_limited_total", "Calls to services that were over their limit, since the start.", nil, nil)
	uncounted      = prometheus.NewDesc("prism_gateway_uncounted_total", "Apps, keys and APIs of calls that no statistics of calls had room for.", nil, nil)
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
		collectFilling(out, depths)
		collectMost(out, queueDropped, prometheus.CounterValue, depths, func(d *platform.QueueDepth) uint64 { return d.Dropped })
		collectMost(out, queueParked, prometheus.GaugeValue, depths, func(d *platform.QueueDepth) uint64 { return uint64(d.Parked) })
		collectMost(out, parkedDropped, prometheus.CounterValue, depths, func(d *platform.QueueDepth) uint64 { return d.ParkedDropped })
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
	gauge(out, pushing, s.Pushing)
	gauge(out, pushWaiting, s.PushWaiting)
	for _, c := range []struct {
		desc  *prometheus.Desc
		value int64
	}{
		{connected, s.Connected}, {published, s.Published}, {routed, m.routed.Load()}, {unrouted, s.Unrouted}, {refused, m.refused.Load()}, {delivered, s.Delivered},
		{acked, s.Acked}, {strayAcks, s.StrayAcks}, {failed, s.Failed}, {parkedEver, s.Parked},
		{systemEvents, s.Events}, {eventsLost, s.EventsLost},
		{pushed, s.Pushed}, {pushFailed, s.PushFailed},
		{forwarded, s.Forwarded}, {forwardFailed, s.ForwardFailed}, {limited, s.Limited}, {uncounted, s.Uncounted},
	} {
		counter(out, c.desc, c.value)
	}
}

func collectDepths(out chan<- prometheus.Metric, depths []platform.QueueDepth) {
	var ready, unacknowledged, consuming, bytes, isParked, bytesParked int64
	for _, d := range depths {
		ready, unacknowledged = ready+int64(d.Ready), unacknowledged+int64(d.Unacknowledged)
		consuming, bytes = consuming+int64(d.Consumers), bytes+d.Bytes
		isParked, bytesParked = isParked+int64(d.Parked), bytesParked+d.ParkedBytes
	}
	gauge(out, queues, int64(len(depths)))
	gauge(out, consumers, consuming)
	gauge(out, messageBytes, bytes)
	gauge(out, parked, isParked)
	gauge(out, parkedBytes, bytesParked)
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
func collectFilling(out chan<- prometheus.Metric, depths []platform.QueueDepth) {
	passed := make(map[int]int64)
	shown := 0
	for _, d := range depths {
		percent := percentFull(d.QueueStatus)
		for _, mark := range fillingMarks {
			passed[mark] += count(percent >= mark)
		}
		if markOf(percent) > 0 && shown < shownQueues {
			shown++
			out <- prometheus.MustNewConstMetric(queueFilled, prometheus.GaugeValue, float64(percent)/100, label(d.Owner), label(d.Topic))
			gauge(out, queueConsumers, int64(d.Consumers), label(d.Owner), label(d.Topic))
		}
	}
	for _, mark := range fillingMarks {
		gauge(out, filledQueues, passed[mark], strconv.Itoa(mark))
	}
}

// collectMost shows a number of the queues that have most of it. Those that have none are
// not shown.
func collectMost(out chan<- prometheus.Metric, desc *prometheus.Desc, kind prometheus.ValueType, depths []platform.QueueDepth, of func(*platform.QueueDepth) uint64) {
	most := slices.DeleteFunc(slices.Clone(depths), func(d platform.QueueDepth) bool { return of(&d) == 0 })
	slices.SortFunc(most, func(a, b platform.QueueDepth) int { return cmp.Compare(of(&b), of(&a)) })
	for _, d := range most[:min(len(most), shownQueues)] {
		out <- prometheus.MustNewConstMetric(desc, kind, float64(of(&d)), label(d.Owner), label(d.Topic))
	}
}

func gauge(out chan<- prometheus.Metric, desc *prometheus.Desc, value int64, labels ...string) {
	out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), labels...)
}

func counter(out chan<- prometheus.Metric, desc *prometheus.Desc, value int64, labels ...string) {
	out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), labels...)
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
