package topic

import "slices"

// Bindings are the patterns that values are bound to, and how many values each pattern
// has. The zero Bindings are ready to use, by one goroutine at a time, also for Match.
type Bindings[V comparable] struct {
	Trie[V]
	wild  int // values that are bound to patterns with wildcards
	found []V // scratch of Match
}

// Add binds v, which is not bound to this pattern yet.
func (b *Bindings[V]) Add(pattern string, v V) {
	b.Trie.Add(pattern, v)
	if HasWildcard(pattern) {
		if b.bound[v].wild++; b.bound[v].wild == 1 {
			b.wild++
		}
	}
}

// Remove undoes Add.
func (b *Bindings[V]) Remove(pattern string, v V) {
	if HasWildcard(pattern) {
		if b.bound[v].wild--; b.bound[v].wild == 0 {
			b.wild--
		}
	}
	b.Trie.Remove(pattern, v)
	b.found = nil // it may name v
}

// Match returns the values that key goes to, each once and in no order. The slice
// is valid until the next Match.
func (b *Bindings[V]) Match(key string) []V {
	b.found = b.Trie.Match(key, b.found[:0])
	return b.found
}

// IsEmpty reports whether nothing is bound.
func (b *Bindings[V]) IsEmpty() bool { return len(b.bound) == 0 }

// Bound returns how many values are bound to pattern or, if it has wildcards, to any
// pattern that has.
func (b *Bindings[V]) Bound(pattern string) int {
	if HasWildcard(pattern) {
		return b.wild
	}
	return len(b.at(pattern))
}

// IsBound reports whether v is one of the values that Bound counts for pattern.
func (b *Bindings[V]) IsBound(pattern string, v V) bool {
	one := b.bound[v]
	if one == nil || HasWildcard(pattern) {
		return one != nil && one.wild > 0
	}
	return slices.Contains(b.at(pattern), one)
}
