package topic

import (
	"slices"
	"strings"
)

// Words returns the words of a key or pattern; the empty one has none.
func Words(key string) []string {
	if key == "" {
		return nil
	}
	return strings.Split(key, ".")
}

// system is the first word of reserved keys.
const system = "@system"

// Reserved reports whether key is reserved: its first word is @system, and it has more.
func Reserved(key string) bool { return strings.HasPrefix(key, system+".") }

// HasWildcard reports whether a word of pattern is * or #.
func HasWildcard(pattern string) bool {
	for word := range strings.SplitSeq(pattern, ".") {
		if word == "*" || word == "#" {
			return true
		}
	}
	return false
}

// MixedWord returns a word of pattern in which * or # is beside something else, so that
// it is no wildcard, or "" if there is none.
func MixedWord(pattern string) string {
	for word := range strings.SplitSeq(pattern, ".") {
		if len(word) > 1 && strings.ContainsAny(word, "*#") {
			return word
		}
	}
	return ""
}

// behindHash is how much a word behind a # weighs: with any further word of a key it
// may match again, where any other word is looked at once.
const behindHash = 40

// Weight returns what a pattern costs at most where it is bound: its words, of which
// those behind a # count 40 times.
func Weight(pattern string) int {
	words := Words(pattern)
	weight := len(words)
	if i := slices.Index(words, "#"); i >= 0 {
		weight += (behindHash - 1) * (len(words) - i - 1)
	}
	return weight
}

// MatchAny reports whether one of the patterns matches key. It takes time in
// proportion to the words of all patterns times the words of key.
func MatchAny(patterns []string, key string) bool {
	words := Words(key)
	return slices.ContainsFunc(patterns, func(pattern string) bool { return match(Words(pattern), words) })
}

// match reports whether pattern matches the key with these words.
func match(pattern, words []string) bool {
	if len(words) > 1 && words[0] == system {
		pattern, words = behindSystem(pattern), words[1:]
		if pattern == nil {
			return false
		}
	}
	for i, one := range pattern { // up to the first # there is one way only
		if one == "#" {
			return i+1 == len(pattern) || follow(pattern[i:], words[i:], exactly)
		}
		if i == len(words) || !exactly(one, words[i]) {
			return false
		}
	}
	return len(pattern) == len(words)
}

// behindSystem returns what is left of pattern for the words of a reserved key behind
// the first, or nil if it does not name that.
func behindSystem(pattern []string) []string {
	for i, one := range pattern {
		if one == system {
			return pattern[i+1:]
		}
		if one != "#" { // which may stand for no word
			break
		}
	}
	return nil
}

// Covers reports whether allowed matches every key that pattern matches. It returns
// false for a few pairs that are covered, such as *.# and #.a, and never true for one
// that is not. It takes time in proportion to the words of one times the words of
// the other.
func Covers(allowed, pattern string) bool {
	a, p := Words(allowed), Words(pattern)
	if reserved := behindSystem(p); len(reserved) > 0 {
		allows := behindSystem(a)
		if allows == nil || !covers(allows, reserved) {
			return false
		}
	}
	return covers(a, p)
}

// covers is Covers without regard to reserved keys.
func covers(allowed, pattern []string) bool {
	return follow(normalize(allowed), normalize(pattern), wildly)
}

// follow reports whether pattern matches words. It reads word by word, and keeps the
// set of places in pattern that the words so far can lead to.
func follow(pattern, words []string, matches func(one, word string) bool) bool {
	var few [32]bool
	at := few[:]
	if len(pattern) >= len(few) {
		at = make([]bool, len(pattern)+1)
	}
	at[0] = true
	pass(at, pattern)
	for _, word := range words {
		for i := len(pattern); i >= 0; i-- { // from the end: place i follows from i-1 as it was
			stays := i < len(pattern) && at[i] && pattern[i] == "#"
			at[i] = stays || i > 0 && at[i-1] && matches(pattern[i-1], word)
		}
		pass(at, pattern)
	}
	return at[len(pattern)]
}

// pass adds the place behind each #, as # may stand for no word.
func pass(at []bool, pattern []string) {
	for i, one := range pattern {
		if at[i] && one == "#" {
			at[i+1] = true
		}
	}
}

// exactly reports whether one matches a word of a key.
func exactly(one, word string) bool {
	return one == "*" || one != "#" && one == word
}

// wildly reports whether one covers a word of a pattern: * does not cover #.
func wildly(one, word string) bool {
	return word != "#" && exactly(one, word)
}

// normalize writes each run of wildcards in one way: first every *, then one #. The
// pattern matches the same keys, and Covers misses fewer pairs.
func normalize(words []string) []string {
	tidied := make([]string, 0, len(words))
	many := false
	for _, word := range words {
		if many && word != "*" && word != "#" {
			tidied, many = append(tidied, "#"), false
		}
		if word == "#" {
			many = true
		} else {
			tidied = append(tidied, word)
		}
	}
	if many {
		tidied = append(tidied, "#")
	}
	return tidied
}
