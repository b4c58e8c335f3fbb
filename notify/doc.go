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
// # Who gets a message
//
// An application that publishes does not say to whom. Each key has queues, and binds them
// to patterns of routing keys by [QueueClient.Bind]; a message goes to every queue of the
// domain that is bound to a pattern which its routing key matches, whichever key the queue
// belongs to. Each of these queues has its own copy, and the consumers of one queue share
// what is in it. A queue that is full refuses what its own key publishes, and drops its
// oldest message for one of another key, unless [QueueClient.SetLimits] says otherwise.
// [QueueClient.Peek] shows what is in a queue.
//
// # Guarantees
//
// Both ways it is at-least-once. Publish returns nil only when the platform
// has read the message, and sends it again when a connection was lost before;
// a delivery is acknowledged only after its handler returned nil, and comes
// again otherwise. So a message may come twice, and handlers must tolerate that: one that
// was delivered twice has the same [Delivery].ID.
//
// A connection that is lost is replaced with backoff, with a new signature and
// the topic consumed again; one whose peer falls silent is noticed by pings.
// Neither side holds more than it is configured to: at a bound, publishing
// waits with its context, and consuming stops to read.
package notify
