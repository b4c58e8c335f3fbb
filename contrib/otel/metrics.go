package otelprism

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/semconv/v1.43.0/httpconv"
	"go.opentelemetry.io/otel/semconv/v1.43.0/messagingconv"
)

// instruments are those of the metrics.
type instruments struct {
	requests    httpconv.ClientRequestDuration
	operations  messagingconv.ClientOperationDuration
	sent        messagingconv.ClientSentMessages
	consumed    messagingconv.ClientConsumedMessages
	processing  messagingconv.ProcessDuration
	connections metric.Int64UpDownCounter
	reconnects  metric.Int64Counter
	resent      metric.Int64Counter
	acks        metric.Int64Counter
	returned    metric.Int64Counter
}

func (i *instruments) make(m metric.Meter) error {
	errs := make([]error, 10)
	i.requests, errs[0] = httpconv.NewClientRequestDuration(m)
	i.operations, errs[1] = messagingconv.NewClientOperationDuration(m)
	i.sent, errs[2] = messagingconv.NewClientSentMessages(m)
	i.consumed, errs[3] = messagingconv.NewClientConsumedMessages(m)
	i.processing, errs[4] = messagingconv.NewProcessDuration(m)
	i.connections, errs[5] = m.Int64UpDownCounter("prism.client.connections", metric.WithUnit("{connection}"), metric.WithDescription("Channel connections that are open."))
	i.reconnects, errs[6] = m.Int64Counter("prism.client.reconnects", metric.WithUnit("{reconnect}"), metric.WithDescription("Waits for another channel connection."))
	i.resent, errs[7] = m.Int64Counter("prism.client.resent.messages", metric.WithUnit("{message}"), metric.WithDescription("Messages that were sent again over a new connection."))
	i.acks, errs[8] = m.Int64Counter("prism.client.acks", metric.WithUnit("{ack}"), metric.WithDescription("Acknowledgements, also those that came too late."))
	i.returned, errs[9] = m.Int64Counter("prism.client.returned.messages", metric.WithUnit("{message}"), metric.WithDescription("Attempts at messages of which the platform was told that they failed."))
	return errors.Join(errs...)
}
