package sign

import (
	"crypto/md5"
	"encoding/binary"
	"hash"
	"strings"

	"github.com/shopex/prism-go/internal/escape"
)

func layoutHabits() []habit {
	return []habit{
		{
			cause: "empty-parts-dropped", slot: slotEmpty, rank: common,
			what:     "leaves out the & of empty parts",
			fix:      "Join all seven parts by &, empty ones too.",
			variants: some(func(p *plan) { p.skipEmpty = true }),
		},
		{
			cause: "part-missing", slot: slotOrder, rank: common,
			what: "leaves out a part with its &",
			fix:  "Join all seven parts by &: secret, method, path, headers, query, form, secret.",
			variants: some(withoutPart(partHeaders), withoutPart(partForm), withoutPart(partQuery), func(p *plan) {
				withoutPart(partHeaders)(p)
				withoutPart(partForm)(p)
			}),
		},
		{
			cause: "newline-added", slot: slotFinish, rank: common,
			what:     "signs a line break at the end of the string to sign, as echo writes one",
			fix:      "Hash the string without it: printf %s, or echo -n.",
			variants: some(func(p *plan) { p.then(func(s string) string { return s + "\n" }) }, func(p *plan) { p.then(func(s string) string { return s + "\r\n" }) }),
		},
		{
			cause: "part-separator", slot: slotSeparator, rank: common,
			what: "joins the parts by another character than &",
			fix:  "Join all seven parts by &.",
			variants: some(separated(""), separated("\n"), separated(","), separated("|"), separated(";"), separated(" "), separated("+"), separated("\r\n"), separated("%26"), separated("&&"), separated("?"), separated(":"), separated("&amp;"), func(p *plan) {
				p.order = []int{partMethod, partPath, partHeaders, partQuery, partForm}
				p.noFirst, p.noLast = true, true
				p.then(func(s string) string { return p.secret + s + p.secret })
			}),
		},
		{
			cause: "byte-order-mark", slot: slotFinish, rank: seldom,
			what:     "signs a byte order mark before the string to sign",
			fix:      "Hash the string without it.",
			variants: some(func(p *plan) { p.then(func(s string) string { return "\ufeff" + s }) }),
		},
		{
			cause: "string-escaped", slot: slotFinish, rank: seldom,
			what:     "escapes the string to sign as a whole",
			fix:      "Escape the parts, and join them by & afterwards.",
			variants: some(func(p *plan) { p.then(func(s string) string { return string(escape.Append(nil, s)) }) }),
		},
		{
			cause: "string-case", slot: slotFinish, rank: seldom,
			what:     "changes the case of the string to sign",
			fix:      "Hash the string as it is.",
			variants: some(func(p *plan) { p.then(strings.ToLower) }, func(p *plan) { p.then(strings.ToUpper) }),
		},
		{
			cause: "part-order", slot: slotOrder, rank: seldom,
			what:     "signs the parts in another order",
			fix:      "Sign secret, method, path, headers, query, form, secret.",
			variants: swapped,
		},
		{
			cause: "part-order", slot: slotOrder, rank: rare,
			what: "signs the parts in another order",
			fix:  "Sign secret, method, path, headers, query, form, secret.",
			variants: func(*plan) []variant {
				return each(permutations(innerParts), func(p *plan, order []int) { p.order = order })
			},
		},
	}
}

func separated(by string) func(*plan) { return func(p *plan) { p.separator = by } }

// swapped are the orders in which two parts change places.
func swapped(*plan) []variant {
	var all []variant
	for i := range innerParts {
		for j := i + 1; j < innerParts; j++ {
			all = append(all, variant{do: func(p *plan) {
				p.order = []int{partMethod, partPath, partHeaders, partQuery, partForm}
				p.order[i], p.order[j] = p.order[j], p.order[i]
			}})
		}
	}
	return all
}

// digestHabits are those of hashes as long as MD5. read tells others by their length.
func digestHabits() []habit {
	by := func(d digester) func(*plan) { return func(p *plan) { p.digest = d } }
	return []habit{
		{
			cause: "hmac-md5", slot: slotDigest, rank: common,
			what: describe("hmac-md5"),
			fix:  plainFix,
			variants: some(by(hmacInner), by(hmacWhole), by(hmacSpaced), by(func(_ func() hash.Hash, p *plan) []byte { return keyed(md5.New, p.secret, p.secret+"&"+p.inner()) }),
				by(func(_ func() hash.Hash, p *plan) []byte { return keyed(md5.New, p.secret+"&", p.inner()) })),
		},
		{
			cause: "hashed-twice", slot: slotDigest, rank: common,
			what:     "hashes the hash once more",
			fix:      plainFix,
			variants: some(by(twice(strings.ToUpper)), by(twice(asText)), by(func(new func() hash.Hash, p *plan) []byte { return sum(new, string(sum(new, p.text()))) })),
		},
		{
			cause: "charset-utf-16", slot: slotDigest, rank: common,
			what: "hashes the string to sign in UTF-16, which .NET calls Unicode",
			fix:  "Hash the bytes of UTF-8: Encoding.UTF8.",
			variants: some(by(utf16Digest(binary.LittleEndian, false)), by(utf16Digest(binary.BigEndian, false)),
				by(utf16Digest(binary.LittleEndian, true)), by(utf16Digest(binary.BigEndian, true))),
		},
		{
			cause: "other-scheme", slot: slotDigest, rank: common,
			what:     "signs by another scheme: ecos, shopex, or that of Taobao",
			fix:      "Sign by the rule of this platform: secret, method, path, headers, query, form, secret.",
			variants: some(by(ecosDigest), by(shopexDigest), by(flatDigest), by(paramsOnly)),
		},
	}
}

// paramsOnly hashes nothing but the parameters and the secret.
func paramsOnly(new func() hash.Hash, p *plan) []byte {
	items := together(p.query, p.form)
	p.sort(items)
	return sum(new, join(items)+p.secret)
}

const plainFix = "Use the MD5 of the string to sign, as 32 hex digits in upper case."

// describe says what a hash is that is not MD5.
func describe(cause string) string {
	if name, ok := strings.CutPrefix(cause, "hmac-"); ok {
		return "uses HMAC with " + name + " instead of MD5 of a text that has the secret at both ends"
	}
	return "uses " + cause + " instead of MD5"
}
