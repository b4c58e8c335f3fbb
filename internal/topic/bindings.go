package topic

// Bindings are the patterns that values are bound to, and how many they are. The
// zero Bindings are ready to use, by one goroutine at a time, also for Match.
type Bindings[V comparable] struct {
	routes       Trie[V]
	count, words int
	found        []V // scratch of Match
}

// Add binds v, which is not bound to this pattern yet.
func (b *Bindings[V]) Add(pattern string, v V) {
	b.count++
	b.words += len(Words(pattern))
	b.routes.Add(pattern, v)
}

// Remove undoes Add.
func (b *Bindings[V]) Remove(pattern string, v V) {
	b.count--
	b.words -= len(Words(pattern))
	b.routes.Remove(pattern, v)
	b.found = nil // it may name v
}

// Match returns the values that key goes to, each once and in no order. The slice
// is valid until the next Match.
func (b *Bindings[V]) Match(key string) []V {
	b.found = b.routes.Match(key, b.found[:0])
	return b.found
}

// Size returns how many bindings there are, and the words of all their patterns.
func (b *Bindings[V]) Size() (count, words int) { return b.count, b.words }
