package topic

import (
	"strings"
	"testing"
	"time"
)

func match(pattern, key string) bool { return MatchAny([]string{"no." + key, pattern}, key) }

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

func FuzzMatchIsTheDefinitionAndCoversIsSound(f *testing.F) {
	f.Add("order.#", "order.*", "order.new")
	f.Add("#.*.b", "*.#.b", "a.b")
	f.Add("*.*", "*.#", "a")
	f.Add("#", "a.#.*", "a.#")
	f.Add("*", "#", "")
	f.Add("a.*", "a.#", "a.*")
	f.Add(".", "*.*", ".")
	f.Fuzz(func(t *testing.T, allowed, pattern, key string) {
		if len(allowed) > 24 || len(pattern) > 24 || len(key) > 24 {
			t.Skip("the definition takes exponential time")
		}
		for _, p := range []string{allowed, pattern} {
			if got, want := match(p, key), lets(Words(p), Words(key)); got != want {
				t.Errorf("match(%q, %q) = %v, want %v", p, key, got, want)
			}
			if !Covers(p, p) || !Covers("#", p) {
				t.Errorf("%q is not covered by itself and by #", p)
			}
		}
		if Covers(allowed, pattern) && match(pattern, key) && !match(allowed, key) {
			t.Errorf("Covers(%q, %q), but only the second matches %q", allowed, pattern, key)
		}
	})
}

func TestCoversWhatPeopleAllow(t *testing.T) {
	for _, c := range []struct {
		allowed, pattern string
		want             bool
	}{
		{"order.*", "order.new", true},
		{"order.*", "order.*", true},
		{"order.*", "order.#", false},
		{"order.*", "*.new", false},
		{"order.*", "order", false},
		{"order.#", "order", true},
		{"order.#", "order.*.paid.#", true},
		{"order.#", "#", false},
		{"#.paid", "order.#.paid", true},
		{"#.paid", "#", false},
		{"#.*", "*.#", true},
		{"*.#", "#.*.#", true},
		{"*.*.#", "*.#", false},
		{"a.#.b", "a.b", true},
		{"a.#.b", "a.#.c.#.b", true},
		{"", "", true},
		{"", "#", false},
		{"*", "", false},
	} {
		if got := Covers(c.allowed, c.pattern); got != c.want {
			t.Errorf("Covers(%q, %q) = %v", c.allowed, c.pattern, got)
		}
	}
}

// A matcher that tries every way to share the words out among the # needs
// years for this.
func TestManyHashesDoNotTakeLong(t *testing.T) {
	pattern, key := strings.Repeat("#.a.", 60)+"b", strings.Repeat("a.", 127)
	began := time.Now()
	if match(pattern, key+"a") || !match(pattern, key+"b") || !Covers(pattern, key+"b") || Covers(pattern, key+"#") {
		t.Error("does not match what it should")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}
