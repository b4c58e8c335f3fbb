package topic

import (
	"slices"
	"testing"
)

func TestBindingsKnowHowMuchIsInThem(t *testing.T) {
	var b Bindings[string]
	check := func(count, words int, to ...string) {
		t.Helper()
		if c, w := b.Size(); c != count || w != words {
			t.Errorf("%d bindings of %d words, want %d of %d", c, w, count, words)
		}
		if got := slices.Sorted(slices.Values(b.Match("order.new"))); !slices.Equal(got, to) {
			t.Errorf("order.new goes to %q, want %q", got, to)
		}
	}
	b.Add("order.*", "one")
	b.Add("#", "one")
	b.Add("order.new", "two")
	check(3, 5, "one", "two")
	b.Remove("order.*", "one")
	check(2, 3, "one", "two")
	b.Remove("#", "one")
	b.Remove("order.new", "two")
	check(0, 0)
}
