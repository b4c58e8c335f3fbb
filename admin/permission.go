package admin

import (
	"slices"
	"strings"
)

// A Permission says which routing keys an app may publish or listen to, by the patterns
// of which they must match one: it is [Everything], [Nothing] or [Matching] some patterns.
// The zero Permission is Nothing. An App that is returned has no Permission that is nil.
type Permission []string

// Everything is the permission for every routing key, which is Matching("#"). Not among
// them are those that begin with the word @system, which a pattern has to name.
func Everything() Permission { return Permission{"#"} }

// Nothing is the permission for no routing key.
func Nothing() Permission { return Permission{} }

// Matching is the permission for the routing keys that match one of the patterns;
// without any it is [Nothing]. In a pattern * stands for one word between dots and #
// for any number of them; neither stands for the word @system at the beginning. There
// may be 100 patterns of up to 256 bytes, with 4,096 bytes and 400 words together.
func Matching(patterns ...string) Permission { return append(Permission{}, patterns...) }

// permissionOf reads a permission of the platform's answer, in which nil is everything.
func permissionOf(patterns []string) Permission {
	if patterns == nil {
		return Everything()
	}
	return patterns
}

// String is for people.
func (p Permission) String() string {
	switch {
	case slices.Equal(p, Everything()):
		return "everything"
	case len(p) == 0:
		return "nothing"
	}
	return strings.Join(p, " ")
}
