package topic

import (
	"github.com/shopex/prism-go/internal/patience"
	"slices"
	"strings"
	"testing"
	"time"
)

// The patterns are separated by spaces; every second one goes to the value of
// its neighbour, so that a value has several.
func FuzzTrieMatchesAsTheDefinitionSays(f *testing.F) {
	f.Add("order.new order.* order.# # *", "order.new")
	f.Add("#.a.#.a.# *.#.* #.# a..b .", "a.a.b")
	f.Add("  . .. *. .* # #", "")
	f.Add("a.* a.# a.b", "a.*")
	f.Add("# *.a @system.# #.@system.* @system * @system.a", "@system.a")
	f.Add("# *.#.@system @system.#", "@system.b.@system")
	f.Fuzz(func(t *testing.T, list, key string) {
		if len(key) > 24 || len(list) > 64 {
			t.Skip("the definition takes exponential time")
		}
		routes, patterns := bindPairs(strings.Split(list, " "))
		compare(t, routes, patterns, key)
		compare(t, routes, patterns, key) // leaves nothing behind
		for v := range patterns {
			if v%2 == 0 {
				unbind(routes, patterns, v)
			}
		}
		compare(t, routes, patterns, key)
		for v := range patterns {
			unbind(routes, patterns, v)
		}
		if n := routes.root; len(n.words) > 0 || n.star != nil || n.hash != nil || len(n.values) > 0 || len(routes.bound) > 0 {
			t.Errorf("%q left nodes behind", list)
		}
	})
}

// bindPairs returns the patterns of each value.
func bindPairs(list []string) (*Trie[int], [][]string) {
	routes, patterns := new(Trie[int]), make([][]string, (len(list)+1)/2)
	for i, pattern := range list {
		v := i / 2
		if !slices.Contains(patterns[v], pattern) {
			patterns[v] = append(patterns[v], pattern)
			routes.Add(pattern, v)
		}
	}
	return routes, patterns
}

func unbind(routes *Trie[int], patterns [][]string, v int) {
	for _, pattern := range patterns[v] {
		routes.Remove(pattern, v)
	}
	patterns[v] = nil
}

func compare(t *testing.T, routes *Trie[int], patterns [][]string, key string) {
	t.Helper()
	var want []int
	for v, own := range patterns {
		if slices.ContainsFunc(own, func(pattern string) bool { return lets(Words(pattern), Words(key)) }) {
			want = append(want, v)
		}
	}
	got := routes.Match(key, nil)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%q went to %v, want %v", key, got, want)
	}
}

// A trie that tries every way to share the words out among the # needs years
// for this.
func TestManyHashesInATrieDoNotTakeLong(t *testing.T) {
	var routes Trie[string]
	routes.Add(strings.Repeat("#.a.", 60)+"b", "queue")
	began := time.Now()
	if found := routes.Match(strings.Repeat("a.", 127)+"a", nil); len(found) > 0 {
		t.Error("matched without the last word")
	}
	if found := routes.Match(strings.Repeat("a.", 127)+"b", nil); !slices.Equal(found, []string{"queue"}) {
		t.Error("did not match")
	}
	if took := time.Since(began); took > patience.Of(5*time.Second) {
		t.Errorf("took %v", took)
	}
}
