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

// MatchAny reports whether one of the patterns matches key. It takes time in
// proportion to the words of all patterns times the words of key.
func MatchAny(patterns []string, key string) bool {
	words := Words(key)
	return slices.ContainsFunc(patterns, func(pattern string) bool { return follow(Words(pattern), words, exactly) })
}

// Covers reports whether allowed matches every key that pattern matches. Where it
// says so, it is so; a few pairs that would be covered, as *.# for #.a, are
// refused. It takes time in proportion to the words of one times the words of
// the other.
func Covers(allowed, pattern string) bool {
	return follow(tidy(Words(allowed)), tidy(Words(pattern)), wildly)
}

// follow reads words and keeps the places of pattern that they can lead to.
func follow(pattern, words []string, takes func(one, word string) bool) bool {
	at := make([]bool, len(pattern)+1)
	at[0] = true
	pass(at, pattern)
	for _, word := range words {
		for i := len(pattern); i >= 0; i-- { // from the end: place i follows from i-1 as it was
			stays := i < len(pattern) && at[i] && pattern[i] == "#"
			at[i] = stays || i > 0 && at[i-1] && takes(pattern[i-1], word)
		}
		pass(at, pattern)
	}
	return at[len(pattern)]
}

// pass goes on behind each #, as it may stand for no word.
func pass(at []bool, pattern []string) {
	for i, one := range pattern {
		if at[i] && one == "#" {
			at[i+1] = true
		}
	}
}

// exactly takes the words of a key.
func exactly(one, word string) bool {
	return one == "*" || one != "#" && one == word
}

// wildly takes the words of a pattern: * cannot stand for its #.
func wildly(one, word string) bool {
	return word != "#" && exactly(one, word)
}

// tidy writes each run of wildcards in one way: first every *, then one #. It
// matches the same keys, and Covers has fewer of them to miss.
func tidy(words []string) []string {
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
