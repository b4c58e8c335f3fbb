// Package otelprism makes OpenTelemetry spans and metrics of what the packages prism and
// notify do, by the semantic conventions for HTTP clients and for messaging.
//
//	telemetry, err := otelprism.New(otelprism.Config{})
//	...
//	client, err := prism.New(prism.Config{..., Trace: telemetry.Trace()})
//	publisher, err := notify.NewPublisher(client, notify.PublisherConfig{Trace: telemetry.PublisherTrace(client)})
//	consumer, err := notify.NewConsumer(client, notify.ConsumerConfig{Topic: "orders", Trace: telemetry.ConsumerTrace(client, "orders")})
//
// # Spans
//
// Each request has a span of kind client: each try of a call, and each handshake of a
// channel. It is named by the method and the template of the path, such as "GET
// platform/notify/status". Each message that is published has a span of kind producer, until
// the platform has confirmed it, and each delivery that is handled one of kind consumer, over all
// attempts at it. What failed has the status error. A repetition that waits is an
// event of the span of the caller.
//
// # Metrics
//
// These are http.client.request.duration, messaging.client.operation.duration,
// messaging.client.sent.messages, messaging.client.consumed.messages and
// messaging.process.duration of the conventions, and of our own
// prism.client.connections, prism.client.reconnects, prism.client.resent.messages,
// prism.client.acks and prism.client.returned.messages. Routing keys are in no metric, as there may be
// any number of them.
//
// # Trace context
//
// Requests carry the W3C trace context in their headers. Messages of Prism have no
// headers, so it travels in the body of a message and only if Config.InBody is set, as
// all who get such a message get another body.
//
// # Secrets
//
// No span and no metric has a URL, a parameter, the body of a message, the secret, a signature or a
// token. The texts of errors are those of prism and notify, which show none either, and of handlers.
//
// Of otelhttp, use NewTransport for the WrapTransport of a prism.Config, and not for its
// HTTPClient, where it would record each signature. With this package it is not needed.
package otelprism
