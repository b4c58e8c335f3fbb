package otelprism

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
)

var system = semconv.MessagingSystemKey.String("prism")

// messages returns the attributes of all messages of a client.
func messages(client *prism.Client, name string, kind attribute.KeyValue) []attribute.KeyValue {
	return append(place(client.Server()), system, semconv.MessagingOperationName(name), kind)
}

// PublisherTrace is for PublisherConfig.Trace of a publisher of client: it makes a span
// of each message and counts them.
func (t *Telemetry) PublisherTrace(client *prism.Client) *notify.Trace {
	attributes := messages(client, "publish", semconv.MessagingOperationTypeSend)
	own := metric.WithAttributes(attributes...)
	trace := t.connectionTrace(own)
	trace.PublishStart = func(ctx context.Context, m *notify.Message) context.Context {
		return t.startMessage(ctx, m, client.Key(), attributes)
	}
	trace.PublishDone = func(ctx context.Context, _ notify.Message, err error) {
		seconds, attributes := end(ctx, err)
		t.operations.Float64Histogram.Record(ctx, seconds, attributes)
		t.sent.Int64Counter.Add(ctx, 1, attributes)
	}
	trace.Resend = func(n int) { t.resent.Add(context.Background(), int64(n), own) }
	return trace
}

func (t *Telemetry) startMessage(ctx context.Context, m *notify.Message, key string, attributes []attribute.KeyValue) context.Context {
	to := printable(m.Key)
	ctx, span := t.tracer.Start(ctx, "publish "+to, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(attributes...), trace.WithAttributes(
		semconv.MessagingDestinationName(to), semconv.MessagingClientID(key), semconv.MessagingMessageBodySize(len(m.Body))))
	if t.cfg.InBody {
		seal(ctx, m, key)
		span.SetAttributes(semconv.MessagingMessageEnvelopeSize(len(m.Body)))
	}
	return begin(ctx, attributes)
}

// ConsumerTrace is for ConsumerConfig.Trace of a consumer of client and topic: it makes a
// span of each delivery that is handled and counts them.
func (t *Telemetry) ConsumerTrace(client *prism.Client, topic string) *notify.Trace {
	topic = printable(topic)
	attributes := append(messages(client, "process", semconv.MessagingOperationTypeProcess), semconv.MessagingDestinationSubscriptionName(topic))
	own := metric.WithAttributes(attributes...)
	trace := t.connectionTrace(own)
	trace.Received = func(*notify.Delivery) { t.consumed.Int64Counter.Add(context.Background(), 1, own) }
	trace.HandleStart = func(ctx context.Context, d *notify.Delivery) context.Context {
		return t.startDelivery(ctx, d, topic, attributes)
	}
	trace.AttemptDone = addAttempt
	trace.HandleDone = func(ctx context.Context, _ *notify.Delivery, info notify.HandleDoneInfo) {
		seconds, attributes := end(ctx, info.Err)
		t.processing.Float64Histogram.Record(ctx, seconds, attributes)
	}
	trace.Acked = func(_ *notify.Delivery, err error) { t.countAck(own, err) }
	trace.Returned = func(uint64, string) { t.returned.Add(context.Background(), 1, own) }
	return trace
}

func (t *Telemetry) startDelivery(ctx context.Context, d *notify.Delivery, topic string, attributes []attribute.KeyValue) context.Context {
	size := len(d.Body)
	if t.cfg.InBody {
		ctx = open(ctx, d)
	}
	name := strings.TrimSuffix("process "+topic, " ")
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(attributes...), trace.WithAttributes(
		semconv.MessagingDestinationName(printable(d.Key)), semconv.MessagingMessageBodySize(len(d.Body)), semconv.MessagingMessageEnvelopeSize(size),
		attribute.Int("prism.delivery.attempt", d.Attempt)))
	if d.ID != "" {
		span.SetAttributes(semconv.MessagingMessageID(printable(d.ID)))
	}
	return begin(ctx, attributes)
}

// addAttempt adds an attempt that failed to the span of its delivery.
func addAttempt(ctx context.Context, _ *notify.Delivery, info notify.AttemptDoneInfo) {
	if info.Err != nil {
		trace.SpanFromContext(ctx).AddEvent("prism.attempt.failed", trace.WithAttributes(attribute.Int("prism.attempt", info.Attempt), errorType(info.Err)))
	}
}

func (t *Telemetry) countAck(own metric.AddOption, err error) {
	options := []metric.AddOption{own}
	if err != nil {
		options = append(options, metric.WithAttributes(errorType(err)))
	}
	t.acks.Add(context.Background(), 1, options...)
}

// connectionTrace counts connections.
func (t *Telemetry) connectionTrace(own metric.MeasurementOption) *notify.Trace {
	return &notify.Trace{
		Connected:    func() { t.connections.Add(context.Background(), 1, own) },
		Disconnected: func(error) { t.connections.Add(context.Background(), -1, own) },
		Reconnect:    func(notify.ReconnectInfo) { t.reconnects.Add(context.Background(), 1, own) },
	}
}

// printable returns text as an attribute may have it: OTLP refuses what is not UTF-8.
func printable(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
