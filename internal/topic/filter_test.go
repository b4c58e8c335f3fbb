package topic

import (
	"slices"
	"testing"
)

func TestFiltersAreSharedUntilNobodyUsesThem(t *testing.T) {
	var all Filters
	one := all.Obtain([]string{"order.#", "stock.*"})
	if again := all.Obtain([]string{"stock.*", "order.#", "order.#"}); again != one {
		t.Error("the same patterns are two filters")
	}
	if other := all.Obtain([]string{"order.#stock.*"}); other == one {
		t.Error("other patterns are the same filter")
	} else {
		all.Release(other)
	}
	all.Release(one)
	round := uint64(0)
	for key, want := range map[string]bool{"order.new": true, "stock.x": true, "stock": false} {
		round++
		if got := one.Match(key, round); got != want || one.Match(key, round) != want {
			t.Errorf("%q is let through: %v", key, got)
		}
	}
	if all.Release(one); len(all.byText) > 0 {
		t.Errorf("%d filters are left", len(all.byText))
	}
	if none := all.Obtain([]string{}); none.Match("order.new", 1) {
		t.Error("no pattern matches a key")
	}
}

// The owner of a filter must not see it change with the slice.
func TestAFilterCopiesItsPatterns(t *testing.T) {
	patterns := []string{"b", "a"}
	var all Filters
	one := all.Obtain(patterns)
	if !slices.Equal(patterns, []string{"b", "a"}) {
		t.Errorf("the patterns were sorted in place: %q", patterns)
	}
	patterns[0] = "c"
	if !one.Match("b", 1) || one.Match("c", 2) {
		t.Error("the filter has changed with the slice")
	}
}
