package topic

import (
	"github.com/shopex/prism-go/internal/patience"
	"strings"
	"testing"
	"time"
)

func matches(pattern, key string) bool { return MatchAny([]string{"no." + key, pattern}, key) }

// lets is the meaning of a pattern, as plainly as it can be written.
func lets(pattern, key []string) bool {
	return letsWords(pattern, key, len(key) > 1 && key[0] == "@system")
}

// letsWords is lets for the rest of a key. At the first word of a reserved key no
// wildcard stands for it.
func letsWords(pattern, key []string, reserved bool) bool {
	switch {
	case len(pattern) == 0:
		return len(key) == 0
	case pattern[0] == "#":
		return letsWords(pattern[1:], key, reserved) || len(key) > 0 && !reserved && letsWords(pattern, key[1:], false)
	case len(key) == 0:
		return false
	}
	return (pattern[0] == "*" && !reserved || pattern[0] == key[0]) && letsWords(pattern[1:], key[1:], false)
}

func FuzzMatchIsTheDefinitionAndCoversIsSound(f *testing.F) {
	f.Add("order.#", "order.*", "order.new")
	f.Add("#.*.b", "*.#.b", "a.b")
	f.Add("*.*", "*.#", "a")
	f.Add("#", "a.#.*", "a.#")
	f.Add("*", "#", "")
	f.Add("a.*", "a.#", "a.*")
	f.Add(".", "*.*", ".")
	f.Add("#", "@system.#", "@system.a")
	f.Add("*.a", "#.@system.*", "@system.a")
	f.Add("@system.#", "@system", "@system")
	f.Add("#.@system.#", "@system.*", "@system.@system.a")
	f.Fuzz(func(t *testing.T, allowed, pattern, key string) {
		if len(allowed) > 24 || len(pattern) > 24 || len(key) > 24 {
			t.Skip("the definition takes exponential time")
		}
		for _, p := range []string{allowed, pattern} {
			if got, want := matches(p, key), lets(Words(p), Words(key)); got != want {
				t.Errorf("match(%q, %q) = %v, want %v", p, key, got, want)
			}
			if got := new(Filters).Obtain([]string{"no." + key, p}).Match(key, 1); got != matches(p, key) {
				t.Errorf("%q matches %q through a filter: %v", p, key, got)
			}
			if !Covers(p, p) {
				t.Errorf("%q is not covered by itself", p)
			}
			if named := len(behindSystem(Words(p))) > 0; Covers("#", p) == named {
				t.Errorf("# covers %q: %v", p, !named)
			}
		}
		if Covers(allowed, pattern) && matches(pattern, key) && !matches(allowed, key) {
			t.Errorf("Covers(%q, %q), but only the second matches %q", allowed, pattern, key)
		}
	})
}

func TestWildcardsDoNotStandForTheReservedWord(t *testing.T) {
	for _, c := range []struct {
		pattern, key string
		want         bool
	}{
		{"#", "@system.new", false},
		{"*.new", "@system.new", false},
		{"#.new", "@system.new", false},
		{"*.#", "@system.", false},
		{"*.@system.new", "@system.@system.new", false},
		{"@system.#", "@system.new.x", true},
		{"@system.*", "@system.", true},
		{"#.@system.*", "@system.new", true},
		{"@system.new", "@system.new", true},
		{"#", "@system", true},
		{"*", "@system", true},
		{"@system.#", "@system", true},
		{"#", "@systems.new", true},
		{"#", "order.@system.new", true},
		{"#", "@System.new", true},
		{"", "@system.new", false},
	} {
		var routes Trie[int]
		routes.Add(c.pattern, 1)
		if got := MatchAny([]string{c.pattern}, c.key); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.key, got)
		}
		if got := len(routes.Match(c.key, nil)) > 0; got != c.want {
			t.Errorf("%q in a trie matches %q: %v", c.pattern, c.key, got)
		}
	}
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
		{"#", "@system", true},
		{"#", "@system.#", false},
		{"*.#", "@system.new", false},
		{"#", "#.@system.*", false},
		{"#", "order.@system.*", true},
		{"#", "*.@system.#", true},
		{"@system.#", "@system.new", true},
		{"@system.#", "@system", true},
		{"@system.*", "@system.#", false},
		{"@system.#", "#", false},
		{"#.@system.#", "@system.#", true},
		{"#.@system.#", "#.@system.new.#", true},
		{"@system.#", "#.@system.#", false},
		{"#.new", "@system.new", false},
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
	if matches(pattern, key+"a") || !matches(pattern, key+"b") || !Covers(pattern, key+"b") || Covers(pattern, key+"#") {
		t.Error("does not match what it should")
	}
	if took := time.Since(began); took > patience.Of(5*time.Second) {
		t.Errorf("took %v", took)
	}
}

func TestAWildcardBesideSomethingElseIsNone(t *testing.T) {
	for pattern, want := range map[string]string{"": "", "order.*.#": "", "order.new*": "new*", "##": "##", "*.a#b.c*": "a#b"} {
		if got := MixedWord(pattern); got != want {
			t.Errorf("MixedWord(%q) = %q, want %q", pattern, got, want)
		}
	}
}

func TestAWordBehindAHashWeighsMore(t *testing.T) {
	for pattern, want := range map[string]int{"": 0, "order.new": 2, "order.#": 2, "#": 1, "*.*": 2, "#.paid": 41, "order.#.*.paid": 82, "#.#": 41} {
		if got := Weight(pattern); got != want {
			t.Errorf("Weight(%q) = %d, want %d", pattern, got, want)
		}
	}
}
