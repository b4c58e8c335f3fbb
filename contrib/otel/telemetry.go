package otelprism

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/shopex/prism-go"
)

const scope = "github.com/shopex/prism-go/contrib/otel"

// Config says where telemetry goes. The zero value uses the global providers.
type Config struct {
	// TracerProvider and MeterProvider are those of the otel package if nil.
	TracerProvider trace.TracerProvider
	MeterProvider  metric.MeterProvider

	// Propagator puts the context of a span into the headers of its request. If nil, it
	// is propagation.TraceContext: baggage is not sent, as the platform and what is
	// behind it are mostly somebody else's.
	Propagator propagation.TextMapPropagator

	// Template returns url.template for a call, which must be one of few, as spans are
	// named and metrics are counted by it. If nil, it is the path with {id} for each
	// segment that begins with a digit.
	Template func(method, path string) string

	// InBody puts the W3C trace context into the body of each message that is
	// published, and takes it from that of each delivery. The body becomes the data
	// of a CloudEvents envelope in JSON, with the content type
	// application/cloudevents+json. A consumer with InBody hands the handler the
	// message as it was, and the span of the publisher is the parent of its own; every other
	// consumer has to open the envelope. Publishers that may reach the queue decide by it
	// what is sampled. If it grows beyond PublisherConfig.MaxBody, the message is
	// not published.
	InBody bool
}

// A Telemetry makes traces for any number of clients, publishers and consumers. Its
// methods may be called from any number of goroutines.
type Telemetry struct {
	cfg    Config
	tracer trace.Tracer
	instruments
}

// New makes the instruments of the metrics. Its error is that of the MeterProvider.
func New(cfg Config) (*Telemetry, error) {
	if cfg.TracerProvider == nil {
		cfg.TracerProvider = otel.GetTracerProvider()
	}
	if cfg.MeterProvider == nil {
		cfg.MeterProvider = otel.GetMeterProvider()
	}
	if cfg.Propagator == nil {
		cfg.Propagator = propagation.TraceContext{}
	}
	if cfg.Template == nil {
		cfg.Template = template
	}
	t := &Telemetry{cfg: cfg}
	t.tracer = cfg.TracerProvider.Tracer(scope, trace.WithInstrumentationVersion(prism.Version), trace.WithSchemaURL(semconv.SchemaURL))
	meter := cfg.MeterProvider.Meter(scope, metric.WithInstrumentationVersion(prism.Version), metric.WithSchemaURL(semconv.SchemaURL))
	if err := t.instruments.make(meter); err != nil {
		return nil, fmt.Errorf("otelprism: %w", err)
	}
	return t, nil
}

func template(_, path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if s != "" && '0' <= s[0] && s[0] <= '9' {
			segments[i] = "{id}"
		}
	}
	return strings.Join(segments, "/")
}

// place returns the attributes of a server.
func place(u *url.URL) []attribute.KeyValue {
	standard := map[string]string{"http": "80", "https": "443"}
	port, _ := strconv.Atoi(cmp.Or(u.Port(), standard[u.Scheme]))
	return []attribute.KeyValue{semconv.ServerAddress(u.Hostname()), semconv.ServerPort(port)}
}

// errorType returns error.type: the status of HTTP, or the kind of the error, of which
// there are few.
func errorType(err error) attribute.KeyValue {
	var failure *prism.Error
	switch {
	case errors.Is(err, context.Canceled):
		return semconv.ErrorTypeKey.String("canceled")
	case errors.Is(err, context.DeadlineExceeded):
		return semconv.ErrorTypeKey.String("timeout")
	case errors.As(err, &failure) && failure.Status >= 400:
		return semconv.ErrorTypeKey.String(strconv.Itoa(failure.Status))
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return semconv.ErrorTypeKey.String(fmt.Sprintf("%T", err))
}
