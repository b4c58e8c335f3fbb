package jetstream

import (
	"fmt"
	"slices"

	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/platform"
)

// An owner has the queues of one key. The engine's mu guards it.
type owner struct {
	name     string
	declared uint64 // the number of the record that has its declaration; 0 if there is none
	exchange *exchange
	listen   platform.Permission
	filter   *topic.Filter // of listen, shared by all that have the same
	topics   map[string]*queue

	bindings, weight int                    // of all of its queues
	own              topic.Bindings[*queue] // those that bring only what the owner publishes

	used, drafted platform.Usage // of its queues; what the present draft would add

	touched, sealed uint64 // the numbers of the drafts that touched and sealed it; see draft
}

// isAs reports whether o is declared as that.
func (o *owner) isAs(as platform.Owner) bool {
	return o.exchange.name == as.Exchange && o.listen.Equal(as.Listen)
}

// find returns the queue of topic, or an error if there is none.
func (o *owner) find(topic string) (*queue, error) {
	q := o.topics[topic]
	if q == nil {
		return nil, fmt.Errorf("%w %q", platform.ErrUnknownTopic, topic)
	}
	return q, nil
}

// bind adds a binding of one of its queues.
func (o *owner) bind(pattern string, q *queue, own bool) {
	o.bindings++
	o.weight += topic.Weight(pattern)
	if own {
		o.own.Add(pattern, q)
		return
	}
	o.exchange.bindings.Add(pattern, q)
}

func (o *owner) unbind(pattern string, q *queue, own bool) {
	o.bindings--
	o.weight -= topic.Weight(pattern)
	if own {
		o.own.Remove(pattern, q)
		return
	}
	o.exchange.bindings.Remove(pattern, q)
}

// move takes the owner to another exchange, with its bindings.
func (o *owner) move(x *exchange) {
	for _, b := range o.shared() {
		q := o.topics[b.Topic]
		o.exchange.bindings.Remove(b.Pattern, q)
		x.bindings.Add(b.Pattern, q)
	}
	o.exchange.owners--
	x.owners++
	o.exchange = x
}

// shared are the bindings that bring what any owner of the exchange publishes.
func (o *owner) shared() (all []platform.Binding) {
	for name, q := range o.topics {
		for pattern, b := range q.patterns {
			if !b.own {
				all = append(all, platform.Binding{Pattern: pattern, Topic: name})
			}
		}
	}
	return all
}

func (o *owner) remove(q *queue) {
	for pattern, b := range q.patterns {
		o.unbind(pattern, q, b.own)
	}
	delete(o.topics, q.topic)
}

func (o *owner) list() []string {
	topics := make([]string, 0, len(o.topics))
	for topic := range o.topics {
		if topic != "" {
			topics = append(topics, topic)
		}
	}
	slices.Sort(topics)
	return topics
}
