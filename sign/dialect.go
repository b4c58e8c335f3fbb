package sign

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A dialect is the rule by which a published SDK signs, as observed (protocol
// chapter 6).
type dialect struct {
	name string

	// escape is applied to the joined text of each part; escapePath, unless
	// nil, to the path in its place.
	escape, escapePath func(string) string

	// headers and params join the items of a part, given in byte order of
	// their names, to the text to be escaped. They return several texts where
	// the request does not show which of them the SDK signed.
	headers, params func([]item) []string

	// forgetsQuery says that a query written into the path is not signed.
	forgetsQuery bool
}

// dialects lists them in the order of their names.
func dialects() []dialect {
	signed := sorted(byBytes, signedHeader)
	return []dialect{
		{name: "csharp", escape: escapeASCII, headers: signed, params: mergedParams},
		{name: "go", escape: percent("-._~"), headers: sorted(byBytes, looseHeader), params: sorted(byBytes, notSign)},
		{name: "java", escape: escapeForm, headers: signed, params: gappedParams},
		{name: "js", escape: percent("-._~!'()*"), headers: perhapsHeaders, params: sorted(byUTF16, anyName)},
		{name: "php", escape: percent("-._~"), headers: signed, params: sorted(byNumber, anyName)},
		{name: "python", escape: percent("-._~"), escapePath: escapeSlashes, headers: unsortedHeaders, params: sorted(byBytes, namedParam), forgetsQuery: true},
	}
}

func anyName(string) bool         { return true }
func notSign(name string) bool    { return name != "sign" }
func namedParam(name string) bool { return name != "sign" && name != "" }
func looseHeader(name string) bool {
	return name == "Authorization" || strings.Contains(name, "X-Api-")
}

// An item is a parameter or a header with one value.
type item struct{ name, value string }

func headerItems(header http.Header) []item {
	var items []item
	for _, key := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[key] {
			items = append(items, item{http.CanonicalHeaderKey(key), value})
		}
	}
	byName(items)
	return items
}

// paramItems leaves out the signature itself. Another parameter named sign is
// the caller's own, which some SDKs have signed.
func paramItems(params url.Values, signature string) []item {
	var items []item
	for _, name := range slices.Sorted(maps.Keys(params)) {
		for _, value := range params[name] {
			if name != "sign" || value != signature {
				items = append(items, item{name, value})
			}
		}
	}
	return items
}

// sorted joins the items that pass keep, in the given order of their names.
func sorted(order func(a, b string) int, keep func(name string) bool) func([]item) []string {
	return func(items []item) []string {
		items = kept(items, keep)
		slices.SortStableFunc(items, func(a, b item) int { return order(a.name, b.name) })
		return []string{join(items)}
	}
}

// perhapsHeaders is for JavaScript: its function signs every header that it is given,
// and its client gives it none.
func perhapsHeaders(items []item) []string {
	return append(sorted(byUTF16, anyName)(items), "")
}

// unsortedHeaders is for Python: headers in the order of its dictionary.
func unsortedHeaders(items []item) []string {
	var texts []string
	shuffle(kept(items, signedHeader), func(items []item) {
		texts = append(texts, join(items))
	})
	return texts
}

// gappedParams is for Java, which leaves out sign and blank names but not the "&"
// that follows them. The signature may have taken the place of a sign that was
// there before, so a gap for it is tried as well.
func gappedParams(items []item) []string {
	return []string{joinGapped(items), joinGapped(append(items, item{name: "sign"}))}
}

func joinGapped(items []item) string {
	slices.SortStableFunc(items, func(a, b item) int { return byUTF16(a.name, b.name) })
	pairs := make([]string, len(items))
	for i, it := range items {
		if it.name != "sign" && strings.TrimSpace(it.name) != "" {
			pairs[i] = it.name + "=" + it.value
		}
	}
	return strings.Join(pairs, "&")
}

// mergedParams is for C#: names that differ only in case are one name, in the
// spelling that came first, with its values joined by commas. The request does not
// show which came first.
func mergedParams(items []item) []string {
	items = kept(items, notSign)
	count := make(map[string]int)
	for _, it := range items {
		count[strings.ToLower(it.name)]++
	}
	alone := kept(items, func(name string) bool { return count[strings.ToLower(name)] == 1 })
	clashing := kept(items, func(name string) bool { return count[strings.ToLower(name)] > 1 })
	var texts []string
	shuffle(clashing, func(clashing []item) {
		merged := append(slices.Clone(alone), merge(clashing)...)
		slices.SortFunc(merged, func(a, b item) int { return byCulture(a.name, b.name) })
		texts = append(texts, join(merged))
	})
	return texts
}

func merge(items []item) []item {
	var merged []item
	places := make(map[string]int)
	for _, it := range items {
		folded := strings.ToLower(it.name)
		if place, ok := places[folded]; ok {
			merged[place].value += "," + it.value
			continue
		}
		places[folded] = len(merged)
		merged = append(merged, it)
	}
	return merged
}

func kept(items []item, keep func(name string) bool) []item {
	var some []item
	for _, it := range items {
		if keep(it.name) {
			some = append(some, it)
		}
	}
	return some
}

func join(items []item) string { return joinPairs(items, "=", "&") }

func joinPairs(items []item, equals, between string) string {
	pairs := make([]string, len(items))
	for i, it := range items {
		pairs[i] = it.name + equals + it.value
	}
	return strings.Join(pairs, between)
}

// shuffle calls visit with each order of up to four items, and with the given
// order alone of more, because their number grows with the factorial.
func shuffle(items []item, visit func([]item)) {
	if len(items) > 4 {
		visit(items)
		return
	}
	shuffleFrom(items, 0, visit)
}

func shuffleFrom(items []item, fixed int, visit func([]item)) {
	if fixed >= len(items)-1 {
		visit(items)
		return
	}
	for i := fixed; i < len(items); i++ {
		items[fixed], items[i] = items[i], items[fixed]
		shuffleFrom(items, fixed+1, visit)
		items[fixed], items[i] = items[i], items[fixed]
	}
}
