package memory

import (
	"slices"
	"strings"
)

// A trie finds the queues whose patterns match a routing key. It reads the
// key word by word and keeps the set of nodes that the words so far lead to,
// each node once: patterns with many # cost no more than their nodes.
type trie struct {
	root      node
	round     uint64  // counts sets, so that a node or queue knows if it is in this one
	now, next []*node // scratch of match
}

type node struct {
	words      map[string]*node // below an ordinary word
	star, hash *node            // below * and #
	many       bool             // the node is below #: it stays for any word
	queues     []*queue         // whose pattern ends here
	round      uint64           // the last set it was in
}

// split returns the words of a key or pattern.
func split(key string) []string {
	if key == "" {
		return nil
	}
	return strings.Split(key, ".")
}

// add binds q, which is not bound to this pattern yet.
func (t *trie) add(pattern string, q *queue) {
	n := &t.root
	for _, word := range split(pattern) {
		below := n.below(word)
		if below == nil {
			below = &node{many: word == "#"}
			n.setBelow(word, below)
		}
		n = below
	}
	n.queues = append(n.queues, q)
}

// remove undoes add.
func (t *trie) remove(pattern string, q *queue) {
	t.root.remove(split(pattern), q)
	t.now, t.next = nil, nil // they may name what was removed
}

// remove reports whether n has become useless.
func (n *node) remove(words []string, q *queue) bool {
	if len(words) == 0 {
		n.queues = slices.DeleteFunc(n.queues, func(bound *queue) bool { return bound == q })
	} else if below := n.below(words[0]); below != nil && below.remove(words[1:], q) {
		n.setBelow(words[0], nil)
	}
	return len(n.queues) == 0 && len(n.words) == 0 && n.star == nil && n.hash == nil
}

func (n *node) below(word string) *node {
	switch word {
	case "*":
		return n.star
	case "#":
		return n.hash
	}
	return n.words[word]
}

func (n *node) setBelow(word string, below *node) {
	switch {
	case word == "*":
		n.star = below
	case word == "#":
		n.hash = below
	case below == nil:
		delete(n.words, word)
	case n.words == nil:
		n.words = map[string]*node{word: below}
	default:
		n.words[word] = below
	}
}

// match appends the queues that key goes to, each once.
func (t *trie) match(key string, found []*queue) []*queue {
	t.round++
	t.now = t.reach(t.now[:0], &t.root)
	for more := key != ""; more; {
		var word string
		word, key, more = strings.Cut(key, ".")
		t.advance(word)
	}
	for _, n := range t.now {
		for _, q := range n.queues {
			if q.round != t.round {
				q.round = t.round
				found = append(found, q)
			}
		}
	}
	return found
}

// advance replaces the set by the one that word leads to.
func (t *trie) advance(word string) {
	t.round++
	next := t.next[:0]
	for _, n := range t.now {
		if n.many {
			next = t.reach(next, n)
		}
		next = t.reach(next, n.star)
		next = t.reach(next, n.words[word])
	}
	t.now, t.next = next, t.now
}

// reach adds n to set, and with it the # below, as # may stand for no word.
func (t *trie) reach(set []*node, n *node) []*node {
	for ; n != nil && n.round != t.round; n = n.hash {
		n.round = t.round
		set = append(set, n)
	}
	return set
}
