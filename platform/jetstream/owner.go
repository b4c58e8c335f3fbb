package jetstream

import (
	"fmt"
	"slices"

	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/platform"
)

// An owner has the queues and bindings of one key. The engine's mu guards it.
type owner struct {
	name     string
	topics   map[string]*queue
	bindings topic.Bindings[*queue]

	used, drafted platform.Usage // of its queues; what the present draft would add

	touched, sealed uint64 // the numbers of the drafts that touched and sealed it; see draft
}

// find returns the queue of topic, or an error if there is none.
func (o *owner) find(topic string) (*queue, error) {
	q := o.topics[topic]
	if q == nil {
		return nil, fmt.Errorf("%w %q", platform.ErrUnknownTopic, topic)
	}
	return q, nil
}

func (o *owner) remove(q *queue) {
	for pattern := range q.patterns {
		o.bindings.Remove(pattern, q)
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
