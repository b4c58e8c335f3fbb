package platform

import (
	"slices"

	"github.com/shopex/prism-go/internal/topic"
)

// A Permission says which routing keys an app may publish, or which messages are
// routed to the queues of its keys: it is [Everything], [Nothing] or [Matching]
// some patterns. The zero Permission is Everything. The reserved routing keys, which
// begin with "@system.", are allowed only by a pattern that begins with that word.
type Permission []string

// Everything is the permission for every routing key that is not reserved.
func Everything() Permission { return nil }

// Nothing is the permission for no routing key.
func Nothing() Permission { return Permission{} }

// Matching is the permission for the routing keys that match one of the patterns,
// which are those of a binding; without any it is [Nothing].
func Matching(patterns ...string) Permission { return append(Permission{}, patterns...) }

// Allows reports whether p is for a routing key.
func (p Permission) Allows(key string) bool {
	if p == nil {
		return !topic.Reserved(key)
	}
	return topic.MatchAny(p, key)
}

// Equal reports whether p and other are the same patterns in the same order. Nothing is
// not Everything.
func (p Permission) Equal(other Permission) bool {
	return (p == nil) == (other == nil) && slices.Equal(p, other)
}
