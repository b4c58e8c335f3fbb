package apijson

import (
	"net/url"
	"strings"
)

// routes are the methods and the shapes of paths that APIs have, by what is equal where two
// cannot be told apart. The value is the first API and where its path is.
type routes map[string]route

type route struct {
	id string
	at int
}

// route notes that a and an API before it get the same calls.
func (p *parser) route(at int, a *API, taken routes) {
	all := a.Methods
	if len(all) == 0 {
		all = methods
	}
	shape := shape(a.Route())
	for _, method := range all {
		key := method + " " + shape
		first, found := taken[key]
		if !found {
			taken[key] = route{a.ID, at}
			continue
		}
		p.faults.add(at, "%s %s has the API %q already (line %d): write another path or method", method, clipped(a.Route()), clipped(first.id), p.line(first.at))
		return // once for all methods
	}
}

// Route returns the path of an API below the prefix of its service, in mode Path.
func (a *API) Route() string {
	if a.Path != "" {
		return a.Path
	}
	return a.ID
}

// shape returns a path with equal names in braces. Escapes are undone, as they are when a
// call is matched.
func shape(path string) string {
	elements := strings.Split(path, "/")
	for i, e := range elements {
		if strings.HasPrefix(e, "{") {
			elements[i] = "{}"
		} else if plain, err := url.PathUnescape(e); err == nil {
			elements[i] = url.PathEscape(plain)
		}
	}
	return strings.Join(elements, "/")
}

// path notes what is wrong in the path of an API, and reports whether nothing is.
func (p *parser) path(at int, a *API, mode Mode) bool {
	if a.Path == "" && mode == Param {
		return true
	}
	wrong := pathFault(a.Route())
	if wrong == "" {
		return true
	}
	if a.Path == "" {
		wrong = "is the method ID, as the API has no path, and " + wrong
	}
	p.faults.add(at, "the path %q %s", clipped(a.Route()), wrong)
	return false
}

// pathFault says what is wrong with a path, or "".
func pathFault(path string) string {
	names := map[string]bool{}
	if len(path) > maxText {
		return "is too long: it may have 256 bytes"
	}
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		return "has " + path[i:i+1] + ": leave out what is behind it, parameters are in params"
	}
	if strings.ContainsFunc(path, unprintable) || strings.ContainsAny(path, ` \`) {
		return "has white space, a backslash or what cannot be printed: write it as %XX"
	}
	if dotted(path) {
		return "has a dot segment (. or ..): write the plain path"
	}
	elements := strings.Split(path, "/")
	for i, e := range elements {
		if e == "" && i < len(elements)-1 {
			return "has an empty element: write one slash between two elements"
		}
		if wrong := elementFault(e, names); wrong != "" {
			return wrong
		}
	}
	return ""
}

// elementFault says what is wrong with an element of a path, or "". names are those in
// braces before it.
func elementFault(e string, names map[string]bool) string {
	if !strings.ContainsAny(e, "{}") {
		if _, err := url.PathUnescape(e); err != nil {
			return "has a wrong escape: write % as %25"
		}
		return ""
	}
	inner, open := strings.CutPrefix(e, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	switch {
	case strings.Count(e, "{") > strings.Count(e, "}"):
		return "has a brace that is not closed: write {name}"
	case strings.Count(e, "{") < strings.Count(e, "}"):
		return "has a brace that is not opened: write {name}"
	case !open || !closed || strings.ContainsAny(inner, "{}"):
		return "has braces within an element: write {name} as a whole element, between slashes"
	case inner == "":
		return "has {} without a name: write {name}"
	case names[inner]:
		return "has {" + inner + "} twice: write another name"
	}
	names[inner] = true
	return ""
}

// dotted reports whether a path has an element that is . or .., escaped or not.
func dotted(path string) bool {
	for e := range strings.SplitSeq(path, "/") {
		plain, err := url.PathUnescape(e)
		if err == nil && (plain == "." || plain == "..") {
			return true
		}
	}
	return false
}
