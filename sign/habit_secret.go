package sign

import (
	"net/http"
	"slices"
	"strings"

	"github.com/shopex/prism-go/internal/escape"
)

func secretHabits() []habit {
	return []habit{
		{
			cause: "secret-untrimmed", slot: slotSecret, rank: common,
			what: "signs with a blank or a line break at the secret, as when it was read from a file",
			fix:  "Trim the secret when it is read.",
			variants: func(p *plan) []variant {
				var all []variant
				for _, blank := range []string{"\n", "\r\n", " ", "\r", "\t"} {
					all = append(all, withSecret(p.secret+blank), withSecret(blank+p.secret), withSecret(blank+p.secret+blank))
				}
				return append(all, withSecret("\ufeff"+p.secret), withSecret("\ufeff"+p.secret+"\n"), withSecret("\ufeff"+p.secret+"\r\n"))
			},
		},
		{
			cause: "secret-trimmed", slot: slotSecret, rank: common,
			what:     "trims blanks that belong to the secret",
			fix:      "Sign with the secret as it is.",
			variants: otherSecret(strings.TrimSpace, func(s string) string { return strings.TrimRight(s, " \t\r\n") }, func(s string) string { return strings.TrimLeft(s, " \t\r\n") }),
		},
		{
			cause: "secret-missing-at-the-end", slot: slotSecret, rank: common,
			what:     "does not sign the secret at the end",
			fix:      "Put the secret at both ends of the string to sign.",
			variants: some(func(p *plan) { p.noLast = true }, func(p *plan) { p.then(func(s string) string { return strings.TrimSuffix(s, p.secret) }) }),
		},
		{
			cause: "secret-missing-at-the-start", slot: slotSecret, rank: common,
			what:     "does not sign the secret at the start",
			fix:      "Put the secret at both ends of the string to sign.",
			variants: some(func(p *plan) { p.noFirst = true }, func(p *plan) { p.then(func(s string) string { return strings.TrimPrefix(s, p.secret) }) }),
		},
		{
			cause: "secret-missing", slot: slotSecret, rank: common,
			what:     "signs without the secret",
			fix:      "Put the secret at both ends of the string to sign.",
			variants: some(func(p *plan) { p.noFirst, p.noLast = true, true }, func(p *plan) { p.secret = "" }),
		},
		{
			cause: "key-as-secret", slot: slotSecret, rank: common,
			what: "signs with the key (client_id) where the secret belongs",
			fix:  "Put the secret at both ends of the string to sign; client_id is only a parameter.",
			variants: func(p *plan) []variant {
				key, right := p.own.value("client_id"), p.secret
				if key == "" {
					return nil
				}
				ends := func(first, last string) variant {
					return variant{do: func(p *plan) {
						p.noFirst, p.noLast = true, true
						p.then(func(s string) string { return first + "&" + s + "&" + last })
					}}
				}
				return []variant{withSecret(key), ends(key, right), ends(right, key)}
			},
		},
		{
			cause: "secret-case", slot: slotSecret, rank: seldom,
			what:     "changes the case of the secret",
			fix:      "Sign with the secret as it is.",
			variants: otherSecret(strings.ToUpper, strings.ToLower),
		},
		{
			cause: "secret-quoted", slot: slotSecret, rank: seldom,
			what:     "signs with quotes around the secret",
			fix:      "Take the quotes away where the secret is read.",
			variants: otherSecret(func(s string) string { return `"` + s + `"` }, func(s string) string { return "'" + s + "'" }),
		},
		{
			cause: "secret-escaped", slot: slotSecret, rank: seldom,
			what:     "escapes the secret",
			fix:      "Sign with the secret as it is: only the five parts between are escaped.",
			variants: otherSecret(func(s string) string { return string(escape.Append(nil, s)) }, escapeForm),
		},
		{
			cause: "secret-hashed", slot: slotSecret, rank: rare,
			what:     "signs with a hash of the secret",
			fix:      "Sign with the secret as it is.",
			variants: otherSecret(upperMD5, func(s string) string { return strings.ToLower(upperMD5(s)) }),
		},
		{
			cause: "example-secret", slot: slotSecret, rank: seldom,
			what:     "signs with the secret of an example",
			fix:      "Set the secret of your own key.",
			variants: otherSecret(constant("ucr72ygfutspqeuu6s36"), constant("123456"), constant("secret"), constant("your_secret"), constant("undefined"), constant("null")),
		},
	}
}

func withSecret(s string) variant { return variant{do: func(p *plan) { p.secret = s }} }

func constant(s string) func(string) string { return func(string) string { return s } }

func upperMD5(s string) string {
	digits := hexMD5([]byte(s))
	return string(digits[:])
}

// otherSecret is for those that make another secret of the right one.
func otherSecret(changes ...func(string) string) func(*plan) []variant {
	return func(p *plan) []variant { return others(p.secret, withSecret, changes) }
}

func methodHabits() []habit {
	return []habit{
		{
			cause: "method-lower-case", slot: slotMethod, rank: common,
			what: "signs the method in lower case",
			fix:  "Sign it in capitals.",
			variants: func(p *plan) []variant {
				lower := strings.ToLower(p.method)
				return plain(method(lower), method(p.method[:min(1, len(p.method))]+lower[min(1, len(lower)):]))
			},
		},
		{
			cause: "method-missing", slot: slotMethod | slotOrder, rank: common,
			what:     "does not sign the method",
			fix:      "Sign the method in capitals, between the secret and the path.",
			variants: some(method(""), withoutPart(partMethod)),
		},
		{
			cause: "method-other", slot: slotMethod, rank: common,
			what: "signs another method than the one that was sent, or the request was redirected",
			fix:  "Sign the method of the request line.",
			variants: func(p *plan) []variant {
				var all []variant
				for _, name := range []string{http.MethodPost, http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodHead, http.MethodPatch, http.MethodOptions} {
					if name != p.method {
						all = append(all, variant{do: method(name)})
					}
				}
				return all
			},
		},
	}
}

func method(name string) func(*plan) { return func(p *plan) { p.method = name } }

func withoutPart(part int) func(*plan) {
	return func(p *plan) {
		p.order = slices.DeleteFunc(slices.Clone(p.order), func(i int) bool { return i == part })
	}
}
