package otelprism

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/shopex/prism-go"
)

// An operation is what has begun and has a span: a request, a message or a delivery.
type operation struct {
	began      time.Time
	attributes []attribute.KeyValue // of its metrics
}

type operationKey struct{}

func begin(ctx context.Context, attributes []attribute.KeyValue) context.Context {
	return context.WithValue(ctx, operationKey{}, &operation{time.Now(), attributes})
}

// end ends the span of ctx with err, and returns how long it took, and the attributes of
// its metrics with more.
func end(ctx context.Context, err error, more ...attribute.KeyValue) (seconds float64, attributes metric.MeasurementOption) {
	o, _ := ctx.Value(operationKey{}).(*operation)
	if o == nil {
		o = &operation{began: time.Now()}
	}
	span := trace.SpanFromContext(ctx)
	if err != nil {
		more = append(more, errorType(err))
		span.SetStatus(codes.Error, printable(err.Error()))
	}
	span.SetAttributes(more...)
	span.End()
	return time.Since(o.began).Seconds(), metric.WithAttributes(slices.Concat(o.attributes, more)...)
}

// Trace is for Config.Trace of a client: it makes a span and a measurement of each
// request.
func (t *Telemetry) Trace() *prism.Trace {
	return &prism.Trace{TryStart: t.startRequest, TryDone: t.endRequest, Repeat: addRepetition}
}

func (t *Telemetry) startRequest(ctx context.Context, info prism.TryStartInfo) context.Context {
	path := printable(t.cfg.Template(info.Method, info.Path))
	server, err := url.Parse(info.Server)
	if err != nil {
		server = new(url.URL) // prism.New has parsed it
	}
	attributes := append(place(server),
		semconv.HTTPRequestMethodKey.String(info.Method), semconv.URLScheme(server.Scheme), semconv.URLTemplate(path))
	ctx, span := t.tracer.Start(ctx, info.Method+" "+path, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	if info.Number > 1 {
		span.SetAttributes(semconv.HTTPRequestResendCount(info.Number - 1))
	}
	t.cfg.Propagator.Inject(ctx, propagation.HeaderCarrier(info.Header))
	return begin(ctx, attributes)
}

func (t *Telemetry) endRequest(ctx context.Context, info prism.TryDoneInfo) {
	var more []attribute.KeyValue
	if info.Status != 0 {
		version := strings.TrimSuffix(strings.TrimPrefix(info.Proto, "HTTP/"), ".0")
		more = append(more, semconv.HTTPResponseStatusCode(info.Status), semconv.NetworkProtocolVersion(version))
	}
	if info.RequestID != "" {
		trace.SpanFromContext(ctx).SetAttributes(semconv.HTTPResponseHeader("x-request-id", printable(info.RequestID)))
	}
	seconds, attributes := end(ctx, info.Err, more...)
	t.requests.Float64Histogram.Record(ctx, seconds, attributes)
}

func addRepetition(ctx context.Context, info prism.RepeatInfo) {
	trace.SpanFromContext(ctx).AddEvent("prism.repeat", trace.WithAttributes(
		attribute.Int("prism.try", info.Number), attribute.Float64("prism.wait", info.Wait.Seconds()), errorType(info.Err)))
}
