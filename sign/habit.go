package sign

import "slices"

// A slot is what a habit decides. Two habits of the same slot do not go together. Habits
// are applied in the order of their slots.
type slot uint32

const (
	slotSecret slot = 1 << iota
	slotMethod
	slotPath
	slotHeaders
	slotHeaderNames
	slotHeaderValues
	slotPlace
	slotKeep
	slotTime
	slotNames
	slotRepeats
	slotValues
	slotCharset
	slotSortHeaders
	slotSort
	slotJoinHeaders
	slotJoin
	slotEscape
	slotEscapePath
	slotHex
	slotOrder
	slotEmpty
	slotSeparator
	slotFinish
	slotDigest
)

// How common a habit is. It decides what is tried, and which of two explanations is
// the better one.
const (
	common = 1 + iota
	seldom
	rare
)

// A habit is a way to sign that is not the rule.
type habit struct {
	cause string
	slot  slot
	rank  int
	what  string // the client does; a clause that goes on "the client ..."
	fix   string // a sentence that begins with a verb
	wide  bool   // brings in what other habits then act upon

	// variants returns the ways to have the habit that r allows.
	variants func(p *plan) []variant
}

// A variant is one way to have a habit. note says more, or is empty.
type variant struct {
	do   func(*plan)
	note string
}

// one is a habit with a single variant.
func one(do func(*plan)) func(*plan) []variant {
	return func(*plan) []variant { return []variant{{do: do}} }
}

// some is a habit with a fixed list of variants.
func some(all ...func(*plan)) func(*plan) []variant {
	return func(*plan) []variant { return plain(all...) }
}

// someOf is a habit with a variant for each of some things.
func someOf[T any](things []T, do func(p *plan, thing T)) func(*plan) []variant {
	return func(*plan) []variant { return each(things, do) }
}

func each[T any](things []T, do func(p *plan, thing T)) []variant {
	all := make([]variant, len(things))
	for i, thing := range things {
		all[i].do = func(p *plan) { do(p, thing) }
	}
	return all
}

// others makes a variant with each text that is not the right one.
func others(right string, with func(string) variant, changes []func(string) string) (all []variant) {
	for _, change := range changes {
		if text := change(right); text != right {
			all = append(all, with(text))
		}
	}
	return all
}

func plain(all ...func(*plan)) []variant {
	variants := make([]variant, len(all))
	for i, do := range all {
		variants[i].do = do
	}
	return variants
}

// habits lists all, more likely ones first among those of a rank.
func habits() []habit {
	return slices.Concat(
		paramHabits(), escapeHabits(), pathHabits(), placeHabits(), timeHabits(), secretHabits(), headerHabits(),
		keepHabits(), methodHabits(), valueHabits(), layoutHabits(), digestHabits(), dialectHabits(), permutationHabits(),
	)
}

// dialectHabits are the rules of published SDKs.
func dialectHabits() []habit {
	var all []habit
	for _, d := range dialects() {
		all = append(all, habit{
			cause: "sdk-" + d.name, rank: common,
			slot:     slotEscape | slotEscapePath | slotSort | slotJoin | slotSortHeaders | slotJoinHeaders | slotHeaders | slotKeep | slotHex,
			what:     "signs as the published SDK for " + d.language() + " does",
			fix:      "Sign by the rule of the protocol, or use an SDK that does.",
			variants: d.variants,
		})
	}
	return all
}

func (d *dialect) language() string {
	return map[string]string{"csharp": "C#", "go": "Go", "java": "Java", "js": "JavaScript", "php": "PHP", "python": "Python"}[d.name]
}

func (d *dialect) variants(base *plan) []variant {
	var all []variant
	headers := len(d.headers(slices.Clone(base.headerAll)))
	params := max(len(d.params(paramItems(base.own.Query, base.signature))), len(d.params(paramItems(base.own.Form, base.signature))))
	for h := range headers {
		for i := range params {
			for _, forgets := range []bool{false, true} {
				if !forgets || d.forgetsQuery {
					all = append(all, variant{do: func(p *plan) { d.apply(p, h, i, forgets) }})
				}
			}
		}
	}
	return all
}

// apply makes the i-th text of parameters and the h-th of headers the one that is signed.
func (d *dialect) apply(p *plan, h, i int, forgets bool) {
	p.escape, p.escapePath = d.escape, d.escapePath
	p.header = p.headerAll
	p.joinHeader = func(items []item) string { return nth(d.headers(items), h) }
	p.join = func(items []item) string { return nth(d.params(items), i) }
	p.query, p.form = withOwnSign(p.query, p.query0, p.signature), withOwnSign(p.form, p.form0, p.signature)
	if forgets {
		p.query = nil
	}
}

// withOwnSign adds the parameters named sign that are not the signature itself.
func withOwnSign(items, sent []item, signature string) []item {
	for _, it := range sent {
		if it.name == "sign" && it.value != signature {
			items = append(slices.Clip(items), it)
		}
	}
	return items
}

func nth(texts []string, i int) string { return texts[min(i, len(texts)-1)] }
