package topic

import (
	"slices"
	"strconv"
)

// Filters keep each list of patterns once for all that use it. The zero Filters are
// ready to use, by one goroutine at a time, together with each [Filter] of them.
type Filters struct{ byText map[string]*Filter }

// A Filter is a list of patterns that was prepared for many keys. The nil Filter is for
// all keys that are not [Reserved].
type Filter struct {
	patterns Trie[struct{}]
	text     string
	users    int

	round uint64 // that of the last Match
	found []struct{}
}

// Obtain returns the filter of a list of patterns, which is nil for nil. Its user must
// Release it.
func (f *Filters) Obtain(patterns []string) *Filter {
	if patterns == nil {
		return nil
	}
	patterns = slices.Compact(slices.Sorted(slices.Values(patterns)))
	var text []byte
	for _, pattern := range patterns {
		text = strconv.AppendInt(text, int64(len(pattern)), 10)
		text = append(append(text, ':'), pattern...)
	}
	one := f.byText[string(text)]
	if one == nil {
		one = &Filter{text: string(text)}
		for _, pattern := range patterns {
			one.patterns.Add(pattern, struct{}{})
		}
		if f.byText == nil {
			f.byText = make(map[string]*Filter)
		}
		f.byText[one.text] = one
	}
	one.users++
	return one
}

// Release undoes Obtain. The filter must not be used any more.
func (f *Filters) Release(one *Filter) {
	if one == nil {
		return
	}
	if one.users--; one.users == 0 {
		delete(f.byText, one.text)
	}
}

// Match reports whether one of the patterns matches key. In a round, which is a number
// other than 0, it looks at the key only once: all of the round must be for the same.
func (f *Filter) Match(key string, round uint64) bool {
	if f == nil {
		return !Reserved(key)
	}
	if f.round != round {
		f.round, f.found = round, f.patterns.Match(key, f.found[:0])
	}
	return len(f.found) > 0
}
