package sign

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

func paramHabits() []habit {
	return []habit{
		{
			cause: "unsorted", slot: slotSort, rank: common,
			what:     "does not sort the parameters",
			fix:      "Sort them by name in byte order.",
			variants: unsorted,
		},
		{
			cause: "sorted-ignoring-case", slot: slotSort, rank: common,
			what:     "sorts the parameters without regard to case",
			fix:      "Sort them by name in byte order: capitals come before small letters.",
			variants: some(ordered(lowerFirst), ordered(func(a, b item) int { return cmp.Compare(strings.ToUpper(a.name), strings.ToUpper(b.name)) })),
		},
		{
			cause: "sorted-by-locale", slot: slotSort, rank: common,
			what: "sorts the parameters by the rules of a language",
			fix:  "Sort them by name in byte order, with an ordinal comparison.",
			variants: some(ordered(func(a, b item) int { return byCulture(a.name, b.name) }), ordered(func(a, b item) int {
				return cmp.Or(lowerFirst(a, b), -cmp.Compare(a.name, b.name))
			}), ordered(func(a, b item) int { return slices.Compare(withoutSymbols(a.name), withoutSymbols(b.name)) })),
		},
		{
			cause: "sorted-by-pair", slot: slotSort, rank: common,
			what: "sorts whole name=value pairs",
			fix:  "Sort by name alone, in byte order.",
			variants: some(ordered(func(a, b item) int { return cmp.Compare(a.name+"="+a.value, b.name+"="+b.value) }),
				ordered(func(a, b item) int { return cmp.Compare(a.name+a.value, b.name+b.value) })),
		},
		{
			cause: "sorted-after-escaping", slot: slotSort, rank: common,
			what: "sorts the names after they are escaped",
			fix:  "Sort the decoded names in byte order, then escape.",
			variants: some(ordered(func(a, b item) int { return cmp.Compare(percent("-._~")(a.name), percent("-._~")(b.name)) }),
				ordered(func(a, b item) int {
					return cmp.Compare(percent("-._~")(a.name+"="+a.value), percent("-._~")(b.name+"="+b.value))
				})),
		},
		{
			cause: "sorted-descending", slot: slotSort, rank: seldom,
			what:     "sorts the parameters from z to a",
			fix:      "Sort them by name in byte order, from the lowest.",
			variants: some(ordered(func(a, b item) int { return cmp.Compare(b.name, a.name) }), func(p *plan) { p.sort = func(items []item) { byName(items); slices.Reverse(items) } }),
		},
		{
			cause: "sorted-otherwise", slot: slotSort, rank: seldom,
			what: "sorts the parameters by something else: numbers as numbers, values, lengths or UTF-16",
			fix:  "Sort them by name in byte order.",
			variants: some(ordered(func(a, b item) int { return byNumber(a.name, b.name) }), ordered(func(a, b item) int { return byUTF16(a.name, b.name) }),
				ordered(func(a, b item) int { return cmp.Compare(a.value, b.value) }), ordered(func(a, b item) int { return cmp.Compare(len(a.name), len(b.name)) }),
				ordered(natural)),
		},
		{
			cause: "repeated-parameter-once", slot: slotRepeats, rank: common,
			what:     "signs only one value of a parameter that is there more than once",
			fix:      "Sign a pair for each value, in their order.",
			variants: repeats(func(values []item) []item { return values[:1] }, func(values []item) []item { return values[len(values)-1:] }),
		},
		{
			cause: "repeated-parameter-joined", slot: slotRepeats, rank: common,
			what: "joins the values of a parameter that is there more than once",
			fix:  "Sign a pair for each value, in their order.",
			variants: repeats(joinedValues(","), joinedValues(""), joinedValues(";"), joinedValues("|"), joinedValues(" "), joinedValues(", "),
				jsonValues, asValue("Array"), asValue("[object Object]")),
		},
		{
			cause: "repeated-parameter-order", slot: slotRepeats, rank: common,
			what: "signs the values of a parameter that is there more than once in another order",
			fix:  "Sign a pair for each value, in the order of the values as sent.",
			variants: repeats(sortedValues(1), sortedValues(-1), func(values []item) []item {
				values = slices.Clone(values)
				slices.Reverse(values)
				return values
			}),
		},
		{
			cause: "array-names", slot: slotNames, rank: common,
			what: "signs other names for arrays, with or without brackets",
			fix:  "Sign the names that are sent, brackets and all.",
			variants: func(p *plan) []variant {
				bare := func(it item) item {
					name, _, _ := strings.Cut(it.name, "[")
					return item{name, it.value}
				}
				return append(plain(func(p *plan) { p.params(bare) }, func(p *plan) {
					p.params(func(it item) item { return item{strings.TrimSuffix(it.name, "[]"), it.value} })
				}), repeats(bracketed, numberedNames)(p)...)
			},
		},
		{
			cause: "names-lower-case", slot: slotNames, rank: seldom,
			what: "signs parameter names in another case",
			fix:  "Sign the names that are sent.",
			variants: some(func(p *plan) { p.params(func(it item) item { return item{strings.ToLower(it.name), it.value} }) },
				func(p *plan) { p.params(func(it item) item { return item{strings.ToUpper(it.name), it.value} }) }),
		},
		{
			cause: "no-separators", slot: slotJoin, rank: common,
			what: "joins names and values without = and &",
			fix:  "Join name=value pairs with & between, then escape.",
			variants: some(paramsJoined("", ""), paramsJoined("=", ""), paramsJoined("", "&"), func(p *plan) {
				p.join = func(items []item) string { return strings.Join(valueTexts(items), "") }
			}),
		},
		{
			cause: "other-separators", slot: slotJoin, rank: seldom,
			what: "joins the parameters by other characters than = and &",
			fix:  "Join name=value pairs with & between, then escape.",
			variants: some(paramsJoined("=", ","), paramsJoined("=", ";"), paramsJoined("=", "\n"), paramsJoined(":", "&"), paramsJoined(":", ","), paramsJoined(":", "\n"),
				paramsJoined("=", "|"), paramsJoined("=", " "), paramsJoined("=", "+"), paramsJoined(":", ";"), paramsJoined("=>", "&"), paramsJoined("=", "\r\n"), func(p *plan) { p.join = joinedBy("=", "&", true) },
				func(p *plan) { p.join = func(items []item) string { return "&" + join(items) } }),
		},
		{
			cause: "html-escaped-separators", slot: slotJoin, rank: seldom,
			what:     "joins the parameters by &amp;",
			fix:      "Join them by & alone: &amp; belongs into HTML only.",
			variants: some(paramsJoined("=", "&amp;")),
		},
		{
			cause: "question-mark-signed", slot: slotJoin, rank: common,
			what:     "signs the question mark with the query",
			fix:      "Sign what follows the question mark.",
			variants: one(func(p *plan) { p.join = func(items []item) string { return "?" + join(items) } }),
		},
		{
			cause: "params-as-json", slot: slotJoin, rank: seldom,
			what:     "signs the parameters as JSON",
			fix:      "Join them as name=value pairs with & between, then escape.",
			variants: one(func(p *plan) { p.join = jsonObject }),
		},
	}
}

func lowerFirst(a, b item) int { return cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name)) }

func withoutSymbols(s string) []rune {
	return []rune(strings.ToLower(strings.NewReplacer("_", "", "-", "", ".", "").Replace(s)))
}

// natural puts a2 before a10.
func natural(a, b item) int {
	x, y := a.name, b.name
	for x != "" && y != "" {
		if n, m := digitsAt(x), digitsAt(y); n > 0 && m > 0 {
			i, j := strings.TrimLeft(x[:n], "0"), strings.TrimLeft(y[:m], "0")
			if order := cmp.Or(cmp.Compare(len(i), len(j)), cmp.Compare(i, j)); order != 0 {
				return order
			}
			x, y = x[n:], y[m:]
			continue
		}
		if x[0] != y[0] {
			return cmp.Compare(x[0], y[0])
		}
		x, y = x[1:], y[1:]
	}
	return cmp.Compare(len(x), len(y))
}

func digitsAt(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }

func ordered(order func(a, b item) int) func(*plan) {
	return func(p *plan) { p.sort = func(items []item) { slices.SortStableFunc(items, order) } }
}

func asItIs([]item) {}

// unsorted is the order in which the parameters were sent; then that of a program which
// adds those of the platform before or after its own.
func unsorted(*plan) []variant {
	return plain(
		func(p *plan) { p.sort = asItIs },
		ordered(func(a, b item) int { return cmp.Compare(firstOf(b.name), firstOf(a.name)) }),
		ordered(func(a, b item) int { return cmp.Compare(firstOf(a.name), firstOf(b.name)) }),
		ordered(func(a, b item) int {
			return cmp.Or(cmp.Compare(firstOf(b.name), firstOf(a.name)), cmp.Compare(a.name, b.name))
		}),
		ordered(func(a, b item) int {
			return cmp.Or(cmp.Compare(firstOf(a.name), firstOf(b.name)), cmp.Compare(a.name, b.name))
		}),
		func(p *plan) { p.sort = slices.Reverse[[]item] },
	)
}

func firstOf(name string) int {
	if system(name) {
		return 1
	}
	return 0
}

// repeats changes the values of each name that is there more than once.
func repeats(changes ...func([]item) []item) func(*plan) []variant {
	return func(p *plan) []variant {
		if !repeated(p.query) && !repeated(p.form) {
			return nil
		}
		return each(changes, func(p *plan, change func([]item) []item) {
			p.query, p.form = merged(p.query, change), merged(p.form, change)
		})
	}
}

func repeated(items []item) bool {
	seen := make(map[string]bool)
	for _, it := range items {
		if seen[it.name] {
			return true
		}
		seen[it.name] = true
	}
	return false
}

// merged puts what change makes of the values of a name where the first of them is.
func merged(items []item, change func([]item) []item) []item {
	groups := make(map[string][]item)
	for _, it := range items {
		groups[it.name] = append(groups[it.name], it)
	}
	var all []item
	for _, it := range items {
		group := groups[it.name]
		if len(group) > 1 {
			group = change(group)
		}
		all = append(all, group...)
		groups[it.name] = nil
	}
	return all
}

func joinedValues(between string) func([]item) []item {
	return func(values []item) []item {
		return []item{{values[0].name, strings.Join(valueTexts(values), between)}}
	}
}

func jsonValues(values []item) []item {
	text, _ := json.Marshal(valueTexts(values))
	return []item{{values[0].name, string(text)}}
}

func valueTexts(items []item) []string {
	texts := make([]string, len(items))
	for i, it := range items {
		texts[i] = it.value
	}
	return texts
}

func asValue(value string) func([]item) []item {
	return func(values []item) []item { return []item{{values[0].name, value}} }
}

func sortedValues(sign int) func([]item) []item {
	return func(values []item) []item {
		values = slices.Clone(values)
		slices.SortStableFunc(values, func(a, b item) int { return sign * cmp.Compare(a.value, b.value) })
		return values
	}
}

func bracketed(values []item) []item {
	return replaced(values, func(it item) item { return item{it.name + "[]", it.value} })
}

func numberedNames(values []item) []item {
	i := -1
	return replaced(values, func(it item) item {
		i++
		return item{it.name + "[" + string(rune('0'+i%10)) + "]", it.value}
	})
}

func paramsJoined(equals, between string) func(*plan) {
	return func(p *plan) { p.join = joinedBy(equals, between, false) }
}

func jsonObject(items []item) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, it := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		name, _ := json.Marshal(it.name)
		value, _ := json.Marshal(it.value)
		b.Write(append(append(name, ':'), value...))
	}
	return b.String() + "}"
}

// permutationHabits are the orders that nothing suggests.
func permutationHabits() []habit {
	const most = 5
	return []habit{{
		cause: "unsorted", slot: slotSort, rank: rare,
		what: "does not sort the parameters",
		fix:  "Sort them by name in byte order.",
		variants: func(p *plan) []variant {
			n := max(len(p.query), len(p.form))
			if n > most {
				return nil
			}
			return each(permutations(n), func(p *plan, order []int) { p.sort = inOrderOf(order) })
		},
	}}
}

// permutations returns the orders of n things.
func permutations(n int) [][]int {
	var all [][]int
	var next func(order []int, used int)
	next = func(order []int, used int) {
		if len(order) == n {
			all = append(all, order)
			return
		}
		for i := range n {
			if used&(1<<i) == 0 {
				next(append(slices.Clip(order), i), used|1<<i)
			}
		}
	}
	next(nil, 0)
	return all
}

func inOrderOf(order []int) func([]item) {
	return func(items []item) {
		byName(items)
		if len(items) != len(order) {
			return
		}
		given := slices.Clone(items)
		for i, at := range order {
			items[i] = given[at]
		}
	}
}
