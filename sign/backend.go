package sign

import (
	"net/url"
	"slices"
	"strings"
)

// ECOS returns the signature of the scheme "ecos", which older backends verify: the MD5
// of the MD5 of all names and values, and the token. Digits are upper case. params are all
// parameters of the call, those of the query and those of the form together; one named
// sign is left out.
//
// It is no strong signature: a=1&b=2 has the same one as a=1b2, and neither the method nor
// the path nor the time are part of it.
func ECOS(token string, params url.Values) string {
	digits := digestECOS(token, params)
	return string(digits[:])
}

// VerifyECOS reports whether signature is what [ECOS] returns. How long it takes does not
// depend on how much of the signature is right.
func VerifyECOS(token string, params url.Values, signature string) bool {
	return matches(digestECOS(token, params), signature) == 1
}

// ShopEx returns the signature of the scheme "shopex": the MD5 of all values, in the order
// of their names, and the token. Digits are lower case, because some backends take no
// other. params are all parameters of the call, those of the query and those of the form
// together; one named ac, which usually carries the signature, is left out.
//
// Names that are numbers are in the order of numbers, as in PHP, which all known backends
// are written in. It is an even weaker signature than [ECOS]: a value may be given to
// another name.
func ShopEx(token string, params url.Values) string {
	digits := digestShopEx(token, params)
	return string(digits[:])
}

// VerifyShopEx reports whether signature is what [ShopEx] returns, or the same in upper
// case, which gateways send as well. How long it takes does not depend on how much of the
// signature is right.
func VerifyShopEx(token string, params url.Values, signature string) bool {
	if len(signature) != Size {
		return false
	}
	lower := lowerHex([Size]byte([]byte(signature)))
	return matches(digestShopEx(token, params), string(lower[:])) == 1
}

func digestECOS(token string, params url.Values) [Size]byte {
	var buffer [textBuffer]byte
	text := buffer[:0]
	for _, p := range sortedPairs(params, "sign", new([few]pair)) {
		for _, value := range p.values {
			text = append(text, p.name...)
			text = append(text, value...)
		}
	}
	inner := hexMD5(text)
	return hexMD5(append(append(text[:0], inner[:]...), token...))
}

func digestShopEx(token string, params url.Values) [Size]byte {
	pairs := sortedPairs(params, "ac", new([few]pair))
	if slices.ContainsFunc(pairs, numbered) {
		slices.SortStableFunc(pairs, func(a, b pair) int { return byNumber(a.name, b.name) })
	}
	var buffer [textBuffer]byte
	text := buffer[:0]
	for _, p := range pairs {
		for _, value := range p.values {
			text = append(text, value...)
		}
	}
	return lowerHex(hexMD5(append(text, token...)))
}

func numbered(p pair) bool {
	return strings.ContainsAny(p.name, "0123456789")
}

// sortedPairs returns the parameters but one, sorted by name in byte order. They are in the
// buffer, if they fit.
func sortedPairs(params url.Values, without string, buffer *[few]pair) []pair {
	pairs := buffer[:0]
	for name, values := range params {
		if name != without {
			pairs = append(pairs, pair{name, values})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	return pairs
}

func lowerHex(digits [Size]byte) [Size]byte {
	for i, c := range digits {
		if 'A' <= c && c <= 'F' {
			digits[i] = c + 'a' - 'A'
		}
	}
	return digits
}
