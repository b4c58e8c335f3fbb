// Package prismwatermill is the channel of Prism as a Pub/Sub of Watermill.
//
//	publisher, err := prismwatermill.NewPublisher(client, prismwatermill.PublisherConfig{})
//	subscriber, err := prismwatermill.NewSubscriber(client, prismwatermill.SubscriberConfig{Group: "billing"})
//
// # Topics, queues and groups
//
// A topic of Watermill is a routing key of Prism. Subscribe makes a queue of the key of the
// client for the topic and the Group, and binds it to the topic, which may be a pattern such as
// order.#. Subscribers of one group share the messages; each group gets all of them, from its
// first Subscribe or SubscribeInitialize on. Each Subscribe has a connection of its own.
//
// # Guarantees
//
// It is at-least-once both ways: Publish returns nil when the platform has read the
// messages, and a message that is not acknowledged comes again. Messages come in
// order to one subscriber whose ConsumerConfig has one worker, as long as none
// fails. One that is nacked is handed out again, as often as ConsumerConfig.Attempts says;
// then the platform counts the attempt, and delivers it later or parks it.
//
// # Metadata
//
// Messages of Prism have no headers. JSONMarshaler, the default, puts UUID, metadata and
// payload into the body as JSON, which other consumers have to open. For those that
// must get the payload alone there is PlainMarshaler, which loses both.
package prismwatermill
