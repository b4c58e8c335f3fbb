package topic

import (
	"slices"
	"testing"
)

func TestBindingsKnowHowManyAreBoundLikeThat(t *testing.T) {
	var b Bindings[string]
	check := func(literal, wild int, to ...string) {
		t.Helper()
		if l, w := b.Bound("order.new"), b.Bound("#.paid"); l != literal || w != wild {
			t.Errorf("%d are bound to order.new and %d to wildcards, want %d and %d", l, w, literal, wild)
		}
		if got := slices.Sorted(slices.Values(b.Match("order.new"))); !slices.Equal(got, to) {
			t.Errorf("order.new goes to %q, want %q", got, to)
		}
		if b.IsEmpty() != (len(to) == 0) {
			t.Errorf("is empty: %v", b.IsEmpty())
		}
	}
	check(0, 0)
	b.Add("order.*", "one")
	b.Add("#", "one")
	b.Add("order.new", "two")
	b.Add("order.new", "three")
	check(2, 1, "one", "three", "two")
	for v, want := range map[string][2]bool{"one": {false, true}, "two": {true, false}, "none": {}} {
		if got := [2]bool{b.IsBound("order.new", v), b.IsBound("*", v)}; got != want {
			t.Errorf("%s is bound to order.new and to wildcards: %v, want %v", v, got, want)
		}
	}
	if b.Bound("order") != 0 || b.Bound("order.new.x") != 0 {
		t.Error("something is bound to a part of order.new, or to more")
	}
	b.Remove("order.*", "one")
	b.Remove("order.new", "three")
	check(1, 1, "one", "two")
	b.Remove("#", "one")
	b.Remove("order.new", "two")
	check(0, 0)
}
