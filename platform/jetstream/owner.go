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
	bindings int
	words    int // of the patterns of all bindings
	routes   topic.Trie[*queue]
	matched  []*queue // scratch of match

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

// match returns the queues that key goes to. The slice is valid until the next
// match.
func (o *owner) match(key string) []*queue {
	o.matched = o.routes.Match(key, o.matched[:0])
	return o.matched
}

func (o *owner) connect(q *queue, pattern string) {
	o.bindings++
	o.words += wordsOf(pattern)
	o.routes.Add(pattern, q)
}

func (o *owner) disconnect(q *queue, pattern string) {
	o.bindings--
	o.words -= wordsOf(pattern)
	o.routes.Remove(pattern, q)
	o.matched = nil // it may name the queue
}

func (o *owner) remove(q *queue) {
	for pattern := range q.patterns {
		o.disconnect(q, pattern)
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

// wordsOf returns how many words a pattern has.
func wordsOf(pattern string) int { return len(topic.Words(pattern)) }
