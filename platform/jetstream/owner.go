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
	filter   *topic.Filter // of listen, shared by all that have the same; nil for everything
	topics   map[string]*queue

	bindings, weight int                    // of all of its queues
	own              topic.Bindings[*queue] // those that bring only what the owner publishes
	ownBindings      int

	used, drafted platform.Usage // of its queues; what the present draft would add

	touched, sealed uint64 // the numbers of the drafts that touched and sealed it; see draft
}

// gets reports whether messages with this key are routed to the owner's queues. round
// is another one for each message.
func (o *owner) gets(key string, round uint64) bool {
	if o.filter == nil {
		return !topic.Reserved(key)
	}
	return o.filter.Match(key, round)
}

// isAs reports whether o is declared as that.
func (o *owner) isAs(as platform.Owner) bool {
	return o.exchange.name == as.Exchange && o.mayListen(as.Listen)
}

// mayListen reports whether p is what o may listen to.
func (o *owner) mayListen(p platform.Permission) bool {
	return (o.listen == nil) == (p == nil) && slices.Equal(o.listen, p)
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
		o.ownBindings++
		o.own.Add(pattern, q)
		return
	}
	o.exchange.add(pattern, q)
}

func (o *owner) unbind(pattern string, q *queue, own bool) {
	o.bindings--
	o.weight -= topic.Weight(pattern)
	if own {
		o.ownBindings--
		o.own.Remove(pattern, q)
		return
	}
	o.exchange.remove(pattern, q)
}

// move takes the owner to another exchange, with its bindings.
func (o *owner) move(x *exchange) {
	bindings := o.shared()
	for _, b := range bindings { // all, before q.wild counts those in x
		o.exchange.remove(b.Pattern, o.topics[b.Topic])
	}
	for _, b := range bindings {
		x.add(b.Pattern, o.topics[b.Topic])
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
