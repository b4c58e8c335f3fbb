package sign

import (
	"net/http"
	"slices"
	"strings"
)

func headerHabits() []habit {
	return []habit{
		{
			cause: "headers-not-signed", slot: slotHeaders, rank: common,
			what:     "does not sign the headers",
			fix:      "Sign Authorization and all headers that begin with X-Api-.",
			variants: one(func(p *plan) { p.header = nil }),
		},
		{
			cause: "authorization-not-signed", slot: slotHeaders, rank: common,
			what:     "does not sign the header Authorization",
			fix:      "Set Authorization before you sign, and sign it.",
			variants: one(func(p *plan) { p.header = kept(p.header, func(name string) bool { return name != authorization }) }),
		},
		{
			cause: "x-api-headers-not-signed", slot: slotHeaders, rank: common,
			what:     "does not sign the headers that begin with X-Api-",
			fix:      "Set them before you sign, and sign all of them.",
			variants: one(func(p *plan) { p.header = kept(p.header, func(name string) bool { return name == authorization }) }),
		},
		{
			cause: "header-not-signed", slot: slotHeaders, rank: common,
			what:     "does not sign one of the headers, or a proxy has added it",
			fix:      "Sign Authorization and all headers that begin with X-Api-, with the values that arrive.",
			variants: withoutOneHeader,
		},
		{
			cause: "other-headers-signed", slot: slotHeaders, rank: common,
			what:     "signs headers that do not count",
			fix:      "Sign only Authorization and headers that begin with X-Api-.",
			wide:     true,
			variants: moreHeaders,
		},
		{
			cause: "header-names-lower-case", slot: slotHeaderNames, rank: common,
			what:     "signs header names in lower case",
			fix:      "Sign them in canonical form, such as X-Api-Foo.",
			variants: headerNames(strings.ToLower),
		},
		{
			cause: "header-names-upper-case", slot: slotHeaderNames, rank: common,
			what: "signs header names in upper case",
			fix:  "Sign them in canonical form, such as X-Api-Foo.",
			variants: headerNames(strings.ToUpper, func(s string) string { return strings.ReplaceAll(s, "X-Api-", "X-API-") },
				func(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "-", "_")) },
				func(s string) string { return "HTTP_" + strings.ToUpper(strings.ReplaceAll(s, "-", "_")) }),
		},
		{
			cause: "header-names-as-written", slot: slotHeaderNames | slotHeaders, rank: common,
			what:     "signs header names as its program spells them",
			fix:      "Sign them in canonical form, such as X-Api-Foo: HTTP names have no case.",
			variants: headersAsWritten,
		},
		{
			cause: "header-names-cut", slot: slotHeaderNames, rank: seldom,
			what: "signs header names without the beginning X-Api-, or with _ for -",
			fix:  "Sign them in canonical form, such as X-Api-Foo.",
			variants: headerNames(func(s string) string { return strings.TrimPrefix(s, apiPrefix) }, func(s string) string { return strings.ReplaceAll(s, "-", "_") },
				func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "_")) }),
		},
		{
			cause: "authorization-scheme", slot: slotHeaderValues, rank: common,
			what: "signs Authorization with another value: with or without Bearer",
			fix:  "Sign the value that is sent.",
			variants: headerValues(authorization, func(s string) string { return strings.TrimPrefix(s, "Bearer ") },
				func(s string) string { return "Bearer " + s }, func(s string) string { return strings.Replace(s, "Bearer ", "bearer ", 1) },
				func(s string) string { return strings.Replace(s, "bearer ", "Bearer ", 1) }, constant("")),
		},
		{
			cause: "header-values-changed", slot: slotHeaderValues, rank: seldom,
			what: "signs header values otherwise than they arrive: blanks at the ends, another case, or escaped",
			fix:  "Sign the values that are sent, without blanks at their ends.",
			variants: headerValues("", strings.TrimSpace, strings.ToLower, func(s string) string { return s + " " }, func(s string) string { return " " + s },
				func(s string) string { return percent("-._~")(s) }, constant("")),
		},
		{
			cause: "headers-unsorted", slot: slotSortHeaders, rank: common,
			what:     "signs the headers in another order",
			fix:      "Sort them by name in byte order.",
			variants: headerOrders,
		},
		{
			cause: "header-separators", slot: slotJoinHeaders, rank: seldom,
			what:     "joins the headers by other characters than = and &",
			fix:      "Join them as name=value pairs with & between, then escape.",
			variants: headerJoins,
		},
	}
}

func withoutOneHeader(p *plan) []variant {
	var all []variant
	for i, it := range p.header {
		all = append(all, variant{note: named("header", it.name), do: func(p *plan) { p.header = slices.Delete(slices.Clone(p.header), i, i+1) }})
	}
	return all
}

// moreHeaders adds all headers, or single ones, or the host, which net/http keeps apart.
func moreHeaders(p *plan) []variant {
	headers := slices.Clone(p.headerAll)
	if host := p.own.Host; host != "" && headerValue(p.own.Header, "Host") == "" {
		headers = append(headers, item{"Host", host})
	}
	byName(headers)
	add := func(note string, pick func(name string) bool) variant {
		picked := kept(headers, func(name string) bool { return signedHeader(name) || pick(name) })
		return variant{note: note, do: func(p *plan) { p.header = picked }}
	}
	all := []variant{
		add("", func(name string) bool { return name != "Host" }),
		add("", func(string) bool { return true }),
		add("", func(name string) bool { return name != "Host" && name != "Content-Length" }),
		add("", func(name string) bool { return strings.HasPrefix(name, "X-") }),
		add("", func(name string) bool { return name == "Host" || name == "Content-Type" }),
		add("", func(name string) bool { return strings.HasPrefix(name, "Content-") }),
	}
	for _, it := range headers {
		if !signedHeader(it.name) && len(all) < 40 {
			all = append(all, add(named("header", it.name), func(name string) bool { return name == it.name }))
		}
	}
	return all
}

func headerNames(changes ...func(string) string) func(*plan) []variant {
	return someOf(changes, func(p *plan, change func(string) string) {
		p.header = replaced(p.header, func(it item) item { return item{change(it.name), it.value} })
	})
}

func headersAsWritten(p *plan) []variant {
	var items []item
	changed := false
	for name, values := range p.own.Header {
		if signedHeader(name) {
			changed = changed || name != http.CanonicalHeaderKey(name)
			for _, value := range values {
				items = append(items, item{name, value})
			}
		}
	}
	if !changed {
		return nil
	}
	byName(items)
	return plain(func(p *plan) { p.header = items })
}

// headerValues changes the values of one header, or of all.
func headerValues(name string, changes ...func(string) string) func(*plan) []variant {
	return someOf(changes, func(p *plan, change func(string) string) {
		p.header = replaced(p.header, func(it item) item {
			if name == "" || it.name == name {
				it.value = change(it.value)
			}
			return it
		})
	})
}

func headerOrders(p *plan) []variant {
	if len(p.header) < 2 {
		return nil
	}
	all := plain(func(p *plan) { p.sortHeader = slices.Reverse[[]item] })
	if len(p.header) <= 4 {
		all = append(all, each(permutations(len(p.header)), func(p *plan, order []int) { p.sortHeader = inOrderOf(order) })...)
	}
	return all
}

func headerJoins(p *plan) []variant {
	if len(p.header) == 0 {
		return nil
	}
	var all []variant
	for _, s := range [][2]string{{":", "\n"}, {": ", "\n"}, {":", "&"}, {":", ","}, {":", ";"}, {":", ""}, {"", ""}, {"=", "\n"}, {"=", ","}, {"=", ""}, {": ", "&"}, {": ", ","}, {": ", "\r\n"}} {
		all = append(all, variant{do: func(p *plan) {
			p.joinHeader = joinedBy(s[0], s[1], false)
		}}, variant{do: func(p *plan) { p.joinHeader = joinedBy(s[0], s[1], true) }})
	}
	return all
}

// joinedBy joins pairs; last says that the separator comes after the last one, too.
func joinedBy(equals, between string, last bool) func([]item) string {
	return func(items []item) string {
		text := joinPairs(items, equals, between)
		if last && len(items) > 0 {
			text += between
		}
		return text
	}
}

// named is a note on a header or parameter. A long name is left out: it may be a secret
// in the wrong place, and secrets have at least 16 characters.
func named(kind, name string) string {
	const short = 15
	if name == "" || len(name) > short && !publicHeader(name) {
		return ""
	}
	return "the " + kind + " " + name
}

// publicHeader reports whether a header has a name that everybody knows.
func publicHeader(name string) bool {
	switch name {
	case "Accept-Encoding", "Accept-Language", "Authorization", "X-Forwarded-For", "X-Forwarded-Proto", "Sec-Websocket-Key":
		return true
	}
	return false
}
