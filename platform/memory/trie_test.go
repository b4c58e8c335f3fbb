package memory

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// lets is the meaning of a pattern, as plainly as it can be written.
func lets(pattern, key []string) bool {
	switch {
	case len(pattern) == 0:
		return len(key) == 0
	case pattern[0] == "#":
		return lets(pattern[1:], key) || len(key) > 0 && lets(pattern, key[1:])
	case len(key) == 0:
		return false
	}
	return (pattern[0] == "*" || pattern[0] == key[0]) && lets(pattern[1:], key[1:])
}

// The patterns are separated by spaces; every second one goes to the queue of
// its neighbour, so that a queue has several.
func FuzzTrieMatchesAsTheDefinitionSays(f *testing.F) {
	f.Add("order.new order.* order.# # *", "order.new")
	f.Add("#.a.#.a.# *.#.* #.# a..b .", "a.a.b")
	f.Add("  . .. *. .* # #", "")
	f.Add("a.* a.# a.b", "a.*")
	f.Fuzz(func(t *testing.T, list, key string) {
		patterns := strings.Split(list, " ")
		if len(key) > 24 || len(list) > 64 {
			t.Skip("the definition takes exponential time")
		}
		queues, routes := bindPairs(patterns)
		compare(t, routes, queues, key)
		compare(t, routes, queues, key) // leaves nothing behind
		for i, q := range queues {
			if i%2 == 0 {
				unbind(routes, q)
			}
		}
		compare(t, routes, queues, key)
		for _, q := range queues {
			unbind(routes, q)
		}
		if n := routes.root; len(n.words) > 0 || n.star != nil || n.hash != nil || len(n.queues) > 0 {
			t.Errorf("%q left nodes behind", patterns)
		}
	})
}

func bindPairs(patterns []string) ([]*queue, *trie) {
	var queues []*queue
	routes := new(trie)
	for i, pattern := range patterns {
		if i%2 == 0 {
			queues = append(queues, newQueue(fmt.Sprint(i)))
		}
		q := queues[len(queues)-1]
		if !q.patterns[pattern] {
			q.patterns[pattern] = true
			routes.add(pattern, q)
		}
	}
	return queues, routes
}

func unbind(routes *trie, q *queue) {
	for pattern := range q.patterns {
		routes.remove(pattern, q)
	}
	clear(q.patterns)
}

func compare(t *testing.T, routes *trie, queues []*queue, key string) {
	t.Helper()
	got := routes.match(key, nil)
	for _, q := range queues {
		want := 0
		for pattern := range q.patterns {
			if lets(split(pattern), split(key)) {
				want = 1
			}
		}
		if n := count(got, q); n != want {
			t.Errorf("%q went %d times to the queue of %v, want %d", key, n, q.patterns, want)
		}
	}
}

func count(queues []*queue, one *queue) (n int) {
	for _, q := range queues {
		if q == one {
			n++
		}
	}
	return n
}

// A matcher that tries every way to share the words out among the # needs
// years for this.
func TestManyHashesDoNotTakeLong(t *testing.T) {
	var routes trie
	q := newQueue("")
	routes.add(strings.Repeat("#.a.", 60)+"b", q)
	began := time.Now()
	if found := routes.match(strings.Repeat("a.", 127)+"a", nil); len(found) > 0 {
		t.Error("matched without the last word")
	}
	if found := routes.match(strings.Repeat("a.", 127)+"b", nil); !slices.Equal(found, []*queue{q}) {
		t.Error("did not match")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}
