package otelprism

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/contrib/instrumentation/net/http/httptrace/otelhttptrace"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/leak"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// A collector has all that was recorded.
type collector struct {
	*Telemetry
	spans   *tracetest.InMemoryExporter
	tracers *trace.TracerProvider
	metrics *sdkmetric.ManualReader
	meters  *sdkmetric.MeterProvider
}

func collect(t *testing.T, cfg Config) *collector {
	t.Helper()
	c := &collector{spans: tracetest.NewInMemoryExporter(), metrics: sdkmetric.NewManualReader()}
	c.tracers = trace.NewTracerProvider(trace.WithSyncer(c.spans))
	c.meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(c.metrics))
	cfg.TracerProvider, cfg.MeterProvider = c.tracers, c.meters
	var err error
	if c.Telemetry, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	return c
}

// span returns the spans of that name, of which there are n.
func (c *collector) named(t *testing.T, name string, n int) []tracetest.SpanStub {
	t.Helper()
	var names []string
	var found []tracetest.SpanStub
	for _, s := range c.spans.GetSpans() {
		names = append(names, s.Name)
		if s.Name == name {
			found = append(found, s)
		}
	}
	if len(found) != n {
		t.Fatalf("%d spans are named %q, want %d; there are %q", len(found), name, n, names)
	}
	return found
}

// points returns what was measured, as the name of each instrument with the number of its measurements.
func (c *collector) points(t *testing.T) (metricdata.ResourceMetrics, map[string]int64) {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := c.metrics.Collect(context.Background(), &all); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int64{}
	for _, s := range all.ScopeMetrics {
		for _, m := range s.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					counts[m.Name] += int64(p.Count)
				}
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					counts[m.Name] += p.Value
				}
			}
		}
	}
	return all, counts
}

func wantAttributes(t *testing.T, s tracetest.SpanStub, want map[string]any) {
	t.Helper()
	got := map[string]any{}
	for _, a := range s.Attributes {
		got[string(a.Key)] = a.Value.AsInterface()
	}
	for name, value := range want {
		if fmt.Sprint(got[name]) != fmt.Sprint(value) {
			t.Errorf("span %q: %s is %v, want %v", s.Name, name, got[name], value)
		}
	}
}

func clientOf(t *testing.T, srv *prismtest.Server, change func(*prism.Config)) *prism.Client {
	t.Helper()
	cfg := srv.ClientConfig()
	change(&cfg)
	client, err := prism.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func TestEachTryOfACallHasASpan(t *testing.T) {
	c := collect(t, Config{})
	srv := prismtest.NewServer(t)
	var came []string
	answers := []http.HandlerFunc{prismtest.Fail(429, "busy", "try later"), prismtest.Answer("done")}
	srv.Handle("orders/17", func(w http.ResponseWriter, r *http.Request) {
		answers[len(came)](w, r)
		came = append(came, r.Header.Get("Traceparent"))
	})
	client := clientOf(t, srv, func(cfg *prism.Config) { cfg.Trace, cfg.Retry.Min, cfg.Retry.Max = c.Trace(), 1, 1 })
	ctx, above := c.tracers.Tracer("test").Start(t.Context(), "above")
	if _, err := client.Get(ctx, "orders/17", prism.Params{"status": "paid"}); err != nil {
		t.Fatal(err)
	}
	above.End()
	tries := c.named(t, "GET orders/{id}", 2)
	wantAttributes(t, tries[0], map[string]any{"http.request.method": "GET", "url.template": "orders/{id}", "server.address": "127.0.0.1",
		"http.response.status_code": 429, "error.type": "429", "network.protocol.version": "1.1", "url.scheme": "http"})
	wantAttributes(t, tries[1], map[string]any{"http.response.status_code": 200, "http.request.resend_count": 1})
	if tries[0].Status.Code != codes.Error || tries[1].Status.Code != codes.Unset {
		t.Errorf("the states are %v and %v", tries[0].Status, tries[1].Status)
	}
	parent := c.named(t, "above", 1)[0]
	if len(parent.Events) != 1 || parent.Events[0].Name != "prism.repeat" {
		t.Errorf("the events of the caller's span are %v", parent.Events)
	}
	for i, got := range came {
		want := fmt.Sprintf("00-%s-%s-01", parent.SpanContext.TraceID(), tries[i].SpanContext.SpanID())
		if got != want || tries[i].Parent.SpanID() != parent.SpanContext.SpanID() {
			t.Errorf("try %d came with traceparent %q, want %q", i+1, got, want)
		}
	}
	if _, counts := c.points(t); counts["http.client.request.duration"] != 2 {
		t.Errorf("measured: %v", counts)
	}
}

// follow publishes and consumes with the telemetry of c, and returns what the handler got.
func follow(t *testing.T, c *collector, srv *prismtest.Server, m notify.Message) (got *notify.Delivery) {
	t.Helper()
	client := clientOf(t, srv, func(cfg *prism.Config) { cfg.Trace = c.Trace() })
	publisher, err := notify.NewPublisher(client, notify.PublisherConfig{Trace: c.PublisherTrace(client)})
	if err != nil {
		t.Fatal(err)
	}
	if err := publisher.PublishMessage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := publisher.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	consumer, err := notify.NewConsumer(client, notify.ConsumerConfig{AttemptDelay: 1, Trace: c.ConsumerTrace(client, "")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_ = consumer.Run(ctx, func(ctx context.Context, d *notify.Delivery) error {
		if got == nil {
			got = d
			return fmt.Errorf("out of stock")
		}
		_, inner := c.tracers.Tracer("test").Start(ctx, "inside")
		inner.End()
		cancel()
		return nil
	})
	return got
}

func TestAMessageHasSpansAndIsCounted(t *testing.T) {
	c := collect(t, Config{})
	d := follow(t, c, prismtest.NewServer(t), notify.Message{Key: "order.new", Body: []byte("hello")})
	if string(d.Body) != "hello" || d.ContentType != "text/plain" {
		t.Errorf("unasked, the message was changed to %q of %s", d.Body, d.ContentType)
	}
	published, processed := c.named(t, "publish order.new", 1)[0], c.named(t, "process", 1)[0]
	wantAttributes(t, published, map[string]any{"messaging.system": "prism", "messaging.operation.type": "send", "messaging.destination.name": "order.new", "messaging.message.body.size": 5})
	wantAttributes(t, processed, map[string]any{"messaging.operation.type": "process", "messaging.destination.name": "order.new", "messaging.message.id": d.ID, "prism.delivery.attempt": 1})
	if len(processed.Events) != 1 || processed.Events[0].Name != "prism.attempt.failed" || processed.Status.Code != codes.Unset {
		t.Errorf("the attempts are %v, and the state %v", processed.Events, processed.Status)
	}
	if processed.Parent.IsValid() {
		t.Error("a message that carries no context has the span of its publisher above it")
	}
	c.named(t, "GET platform/notify", 2)
	_, counts := c.points(t)
	for name, want := range map[string]int64{"messaging.client.sent.messages": 1, "messaging.client.consumed.messages": 1, "messaging.process.duration": 1,
		"messaging.client.operation.duration": 1, "prism.client.acks": 1, "prism.client.connections": 0} {
		if counts[name] != want {
			t.Errorf("%s is %d, want %d", name, counts[name], want)
		}
	}
}

func TestATraceGoesOnThroughTheBodyIfAsked(t *testing.T) {
	c := collect(t, Config{InBody: true})
	srv := prismtest.NewServer(t)
	d := follow(t, c, srv, notify.Message{Key: "order.new", Body: []byte(`{"id": 7}`), ContentType: "application/json"})
	if string(d.Body) != `{"id": 7}` || d.ContentType != "application/json" {
		t.Errorf("the handler got %q of %s", d.Body, d.ContentType)
	}
	published, processed, inside := c.named(t, "publish order.new", 1)[0], c.named(t, "process", 1)[0], c.named(t, "inside", 1)[0]
	if processed.Parent.SpanID() != published.SpanContext.SpanID() || inside.SpanContext.TraceID() != published.SpanContext.TraceID() {
		t.Error("the span of the delivery is not below that of the message")
	}
	var event map[string]any
	if err := json.Unmarshal(srv.Published()[0].Message.Body, &event); err != nil {
		t.Fatal(err)
	}
	if event["specversion"] != "1.0" || event["type"] != "order.new" || event["traceparent"] == nil || event["data"].(map[string]any)["id"] != 7.0 {
		t.Errorf("the envelope is %v", event)
	}
}

// What a collector gets of all that can be told shows nothing that could be used.
func TestTelemetryShowsNoSecret(t *testing.T) {
	c := collect(t, Config{InBody: true})
	srv := prismtest.NewServer(t)
	srv.AddUser(platform.User{ID: "7", Login: "lin"}, "the-password-of-lin")
	token := srv.AccessToken("lin")
	var secrets []string
	srv.Handle("echo", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		secrets = append(secrets, r.Form.Get("sign"))
		w.Header().Set("X-Request-Id", srv.Secret())
		w.WriteHeader(500)
		fmt.Fprintf(w, `{"result":null,"error":{"code":"E","message":%q}}`, r.Form.Encode()+" "+r.Header.Get("Authorization"))
	})
	watch := func(cfg *prism.Config) {
		cfg.Trace, cfg.Token = c.Trace(), token
		cfg.WrapTransport = func(rt http.RoundTripper) http.RoundTripper {
			return otelhttp.NewTransport(rt, otelhttp.WithTracerProvider(c.tracers), otelhttp.WithMeterProvider(c.meters),
				otelhttp.WithClientTrace(func(ctx context.Context) *httptrace.ClientTrace {
					return otelhttptrace.NewClientTrace(ctx, otelhttptrace.WithTracerProvider(c.tracers))
				}))
		}
	}
	for _, client := range []*prism.Client{clientOf(t, srv, watch), clientOf(t, srv, func(cfg *prism.Config) { watch(cfg); cfg.SecretMode = true })} {
		for _, method := range []string{"GET", "POST"} {
			_, err := client.Do(t.Context(), prism.Call{Method: method, Path: "echo?code=the-code-of-a-grant", Params: prism.Params{
				"grant_type": "authorization_code", "refresh_token": "the-refresh-token", "access_token": "the-access-token", "session_id": "the-session"}})
			if err == nil {
				t.Fatal("no error")
			}
		}
	}
	follow(t, c, srv, notify.Message{Key: "order.new", Body: []byte("the body of a message")})
	client := clientOf(t, srv, watch)
	consumer, err := notify.NewConsumer(client, notify.ConsumerConfig{Trace: c.ConsumerTrace(client, "")})
	if err != nil {
		t.Fatal(err)
	}
	srv.Publish("order.new", "another")
	ctx, cancel := context.WithCancel(t.Context())
	_ = consumer.Run(ctx, func(context.Context, *notify.Delivery) error { cancel(); return nil })

	all, _ := c.points(t)
	text, err := json.Marshal(map[string]any{"spans": c.spans.GetSpans().Snapshots(), "stubs": fmt.Sprintf("%+v", c.spans.GetSpans()), "metrics": fmt.Sprintf("%+v", all)})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "/api/echo") || !strings.Contains(string(text), "/api/platform/notify") {
		t.Fatal("the requests are not among what was told")
	}
	secrets = slices.DeleteFunc(append(secrets, srv.Secret(), token, "the-password-of-lin", "the-code-of-a-grant", "the-refresh-token", "the-access-token", "the-session",
		"the body of a message", "sign=", "sign_time=", "client_secret="), func(s string) bool { return s == "" })
	for _, secret := range secrets {
		if at := strings.Index(string(text), secret); at >= 0 {
			t.Errorf("%q was told: %s", secret, text[max(0, at-200):min(len(text), at+50)])
		}
	}
}

// Over HTTP/2 net/http tells a trace of the path with its query.
func TestTelemetryOfHTTP2ShowsNoSignature(t *testing.T) {
	c := collect(t, Config{})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"result":true,"error":null}`) }))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	client, err := prism.New(prism.Config{Server: srv.URL, Key: "key", Secret: "secret-of-the-key", HTTPClient: srv.Client(), Trace: c.Trace(),
		WrapTransport: func(rt http.RoundTripper) http.RoundTripper {
			return otelhttp.NewTransport(rt, otelhttp.WithTracerProvider(c.tracers), otelhttp.WithClientTrace(func(ctx context.Context) *httptrace.ClientTrace {
				return otelhttptrace.NewClientTrace(ctx, otelhttptrace.WithTracerProvider(c.tracers), otelhttptrace.WithoutSubSpans())
			}))
		}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Get(t.Context(), "shop", prism.Params{"id": 7}); err != nil {
		t.Fatal(err)
	}
	wantAttributes(t, c.named(t, "GET shop", 1)[0], map[string]any{"network.protocol.version": "2"})
	if text := fmt.Sprintf("%+v", c.spans.GetSpans()); strings.Contains(text, "sign") || !strings.Contains(text, "/shop") {
		t.Errorf("it was told %s", text)
	}
}

// OTLP refuses all that it is given with one text that is not UTF-8.
func TestWhatIsNotUTF8IsReplaced(t *testing.T) {
	c := collect(t, Config{})
	srv := prismtest.NewServer(t)
	srv.Handle("\xff", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "\xff")
		prismtest.Answer("done")(w, nil)
	})
	client := clientOf(t, srv, func(cfg *prism.Config) { cfg.Trace = c.Trace() })
	if _, err := client.Get(t.Context(), "\xff", nil); err != nil {
		t.Fatal(err)
	}
	span := c.named(t, "GET \uFFFD", 1)[0]
	wantAttributes(t, span, map[string]any{"url.template": "\uFFFD", "http.response.header.x-request-id": []string{"\uFFFD"}})
}

func TestATransportThatRecordsSignaturesIsRefused(t *testing.T) {
	srv := prismtest.NewServer(t)
	cfg := srv.ClientConfig()
	cfg.HTTPClient = &http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}
	if _, err := prism.New(cfg); err == nil || !strings.Contains(err.Error(), "give otelhttp.NewTransport to Config.WrapTransport") {
		t.Errorf("prism.New: %v", err)
	}
}

func TestTemplatesOfPathsAreFew(t *testing.T) {
	for path, want := range map[string]string{"orders/17/items/3": "orders/{id}/items/{id}", "v2/orders": "v2/orders", "": "", "platform/notify/status": "platform/notify/status"} {
		if got := template("GET", path); got != want {
			t.Errorf("template(%q) is %q, want %q", path, got, want)
		}
	}
}

func TestErrorsHaveFewTypes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("of %w", context.Canceled), "canceled"},
		{fmt.Errorf("of %w", context.DeadlineExceeded), "timeout"},
		{&prism.Error{Status: 503}, "503"},
		{&prism.Error{Status: 200, Code: "whatever a backend says"}, "*prism.Error"},
		{fmt.Errorf("of %w", &notify.SizeError{}), "*notify.SizeError"},
	} {
		if got := errorType(c.err); got.Value.AsString() != c.want || got.Key != attribute.Key("error.type") {
			t.Errorf("%v has the type %v, want %s", c.err, got, c.want)
		}
	}
}
