// Package notify is the message channel of the Prism open platform: publish,
// consume and acknowledge over WebSocket, and the queue calls over HTTP. Chapter 3
// of docs/protocol.md has what goes over the wire, and docs/delivery.md what is
// guaranteed.
//
// # Publishing
//
//	pub, err := notify.NewPublisher(client, notify.PublisherConfig{})
//	...
//	defer pub.Close(ctx)
//	err = pub.Publish(ctx, "order.new", []byte("hello world")) // nil: the platform has read it
//
// # Consuming
//
//	consumer, err := notify.NewConsumer(client, notify.ConsumerConfig{Topic: "messages", Workers: 8})
//	...
//	err = consumer.Run(ctx, func(ctx context.Context, d *notify.Delivery) error {
//		return handle(d) // nil acknowledges
//	})
//
// # Guarantees
//
// Both ways it is at-least-once. Publish returns nil only when the platform
// has read the message, and sends it again when a connection was lost before;
// a delivery is acknowledged only after its handler returned nil, and comes
// again otherwise. So a message may come twice, and handlers must tolerate that.
//
// A connection that is lost is replaced with backoff, with a new signature and
// the topic consumed again; one whose peer falls silent is noticed by pings.
// Neither side holds more than it is configured to: at a bound, publishing
// waits with its context, and consuming stops to read.
package notify
