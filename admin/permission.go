package admin

import "strings"

// A Permission says which routing keys an app may publish or listen to: it is
// [Everything], [Nothing] or [Matching] some patterns. The zero Permission is
// Everything.
type Permission []string

// Everything is the permission for every routing key but those that begin with the word
// @system, which a pattern has to name.
func Everything() Permission { return nil }

// Nothing is the permission for no routing key.
func Nothing() Permission { return Permission{} }

// Matching is the permission for the routing keys that match one of the patterns;
// without any it is [Nothing]. In a pattern * stands for one word between dots and #
// for any number of them; neither stands for the word @system at the beginning. There may be 100 patterns of up to 256 bytes, with 4,096
// bytes and 400 words together.
func Matching(patterns ...string) Permission { return append(Permission{}, patterns...) }

// String is for people.
func (p Permission) String() string {
	switch {
	case p == nil:
		return "everything"
	case len(p) == 0:
		return "nothing"
	}
	return strings.Join(p, " ")
}
