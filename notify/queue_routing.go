package notify

import (
	"context"
	"errors"

	"github.com/shopex/prism-go"
)

// Bind brings the messages of all keys of the domain whose routing key matches pattern
// into the queue of a topic, as far as the app of the queue may listen to them; a pattern
// beyond that is [prism.ErrForbidden]. In a pattern * stands for one word and # for any
// number of them. Neither stands for the word @system at the beginning, with which the
// platform's own messages begin: name it, as in @system.#.
func (q *QueueClient) Bind(ctx context.Context, topic, pattern string) error {
	params := prism.Params{"topic": topic, "routing_key": pattern}
	return q.call(ctx, prism.Call{Method: "POST", Path: "platform/notify/routing/set", Params: params, Repeatable: true}, nil)
}

// Unbind undoes [QueueClient.Bind], or a binding that the queue began with; what the
// queue holds stays. A pattern that the queue is not bound to is [prism.ErrNotFound].
// Unbind needs this project's platform.
func (q *QueueClient) Unbind(ctx context.Context, topic, pattern string) error {
	params := prism.Params{"topic": topic, "routing_key": pattern}
	return q.call(ctx, prism.Call{Method: "POST", Path: "platform/notify/routing/unset", Params: params}, nil)
}

// A Binding is a pattern that a queue is bound to.
type Binding struct {
	Pattern string
	// Own is set for a binding that an earlier version of the platform made: it brings
	// only what the queue's own key publishes, until the pattern is bound anew.
	Own bool
}

// Bindings returns the bindings of a queue, sorted by pattern; an unknown topic is
// [prism.ErrNotFound]. It needs this project's platform.
func (q *QueueClient) Bindings(ctx context.Context, topic string) ([]Binding, error) {
	var list []struct {
		RoutingKey string `json:"routing_key"`
		Own        bool   `json:"own"`
	}
	err := q.call(ctx, prism.Call{Method: "GET", Path: "platform/notify/routing/list", Params: topicParam(topic), Repeatable: true}, &list)
	bindings := make([]Binding, len(list))
	for i, b := range list {
		bindings[i] = Binding{Pattern: b.RoutingKey, Own: b.Own}
	}
	return bindings, err
}

// RoutedTo returns to how many queues a message with this routing key would go if the
// key of the client published it now; nothing is published. A routing key that it may not
// publish is [prism.ErrForbidden]. RoutedTo needs this project's platform.
func (q *QueueClient) RoutedTo(ctx context.Context, key string) (int, error) {
	res, err := q.send(ctx, prism.Call{
		Method: "GET", Path: "platform/notify/routing/test", Params: prism.Params{"routing_key": key}, Repeatable: true,
	})
	if err != nil {
		return 0, err
	}
	var doc struct{ Queues *int }
	if err := res.Result(&doc); err != nil {
		return 0, err
	}
	if doc.Queues == nil {
		return 0, errors.New("notify: the answer of platform/notify/routing/test has no member queues")
	}
	return *doc.Queues, nil
}
