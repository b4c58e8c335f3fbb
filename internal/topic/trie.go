package topic

import (
	"slices"
	"strings"
)

// A Trie finds the values whose patterns match a routing key. It reads the key word
// by word, and keeps the set of nodes that the words so far lead to. Each node is in
// the set once, so patterns with many # cost no more than their nodes. The zero Trie
// is ready to use, by one goroutine at a time, also for Match.
type Trie[V comparable] struct {
	root      node[V]
	bound     map[V]*bound[V]
	round     uint64     // counts sets; a node or value with the same number is in this one
	now, next []*node[V] // scratch of Match
}

type node[V comparable] struct {
	words      map[string]*node[V] // below an ordinary word
	star, hash *node[V]            // below * and #
	many       bool                // the node is below #: it stays for any word
	values     []*bound[V]         // whose pattern ends here
	round      uint64              // the last set it was in
}

// A bound is a value that has patterns.
type bound[V comparable] struct {
	value    V
	patterns int
	wild     int    // of Bindings: how many of the patterns have wildcards
	round    uint64 // the last set it was in
}

// Add binds v, which is not bound to this pattern yet.
func (t *Trie[V]) Add(pattern string, v V) {
	n := &t.root
	for _, word := range Words(pattern) {
		below := n.below(word)
		if below == nil {
			below = &node[V]{many: word == "#"}
			n.setBelow(word, below)
		}
		n = below
	}
	b := t.obtain(v)
	b.patterns++
	n.values = append(n.values, b)
}

// obtain returns the bound of v, and makes one if there is none.
func (t *Trie[V]) obtain(v V) *bound[V] {
	b := t.bound[v]
	if b == nil {
		b = &bound[V]{value: v}
		if t.bound == nil {
			t.bound = make(map[V]*bound[V])
		}
		t.bound[v] = b
	}
	return b
}

// Remove undoes Add. It does nothing if v was not added.
func (t *Trie[V]) Remove(pattern string, v V) {
	b := t.bound[v]
	if b == nil {
		return
	}
	t.root.remove(Words(pattern), b)
	if b.patterns == 0 {
		delete(t.bound, v)
	}
	t.now, t.next = nil, nil // they may still point to what was removed
}

// at returns the values that are bound to pattern, which must not be changed.
func (t *Trie[V]) at(pattern string) []*bound[V] {
	n := &t.root
	for _, word := range Words(pattern) {
		if n = n.below(word); n == nil {
			return nil
		}
	}
	return n.values
}

// remove removes b below n at words, and reports whether n is empty then.
func (n *node[V]) remove(words []string, b *bound[V]) bool {
	if len(words) == 0 {
		if i := slices.Index(n.values, b); i >= 0 {
			n.values = slices.Delete(n.values, i, i+1)
			b.patterns--
		}
	} else if below := n.below(words[0]); below != nil && below.remove(words[1:], b) {
		n.setBelow(words[0], nil)
	}
	return len(n.values) == 0 && len(n.words) == 0 && n.star == nil && n.hash == nil
}

func (n *node[V]) below(word string) *node[V] {
	switch word {
	case "*":
		return n.star
	case "#":
		return n.hash
	}
	return n.words[word]
}

func (n *node[V]) setBelow(word string, below *node[V]) {
	switch {
	case word == "*":
		n.star = below
	case word == "#":
		n.hash = below
	case below == nil:
		delete(n.words, word)
	case n.words == nil:
		n.words = map[string]*node[V]{word: below}
	default:
		n.words[word] = below
	}
}

// Match appends the values that key goes to, each once and in no order.
func (t *Trie[V]) Match(key string, found []V) []V {
	t.round++
	t.now = t.reach(t.now[:0], &t.root)
	wildcards := !Reserved(key) // in a reserved key they do not stand for the first word
	for more := key != ""; more; wildcards = true {
		var word string
		word, key, more = strings.Cut(key, ".")
		t.advance(word, wildcards)
	}
	for _, n := range t.now {
		for _, b := range n.values {
			if b.round != t.round {
				b.round = t.round
				found = append(found, b.value)
			}
		}
	}
	return found
}

// advance replaces the set by the one that word leads to, through wildcards or only
// through the word itself.
func (t *Trie[V]) advance(word string, wildcards bool) {
	t.round++
	next := t.next[:0]
	for _, n := range t.now {
		if n.many && wildcards {
			next = t.reach(next, n)
		}
		if wildcards {
			next = t.reach(next, n.star)
		}
		next = t.reach(next, n.words[word])
	}
	t.now, t.next = next, t.now
}

// reach adds n to set, and with it the # below, as # may stand for no word.
func (t *Trie[V]) reach(set []*node[V], n *node[V]) []*node[V] {
	for ; n != nil && n.round != t.round; n = n.hash {
		n.round = t.round
		set = append(set, n)
	}
	return set
}
