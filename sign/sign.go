package sign

import (
	"cmp"
	"crypto/md5"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/shopex/prism-go/internal/escape"
)

// A Request holds the parts of an HTTP request that a signature covers. The
// functions of this package read it and never change it.
type Request struct {
	// Method is the HTTP method in capitals, as it stands in the request line.
	Method string

	// Path is the decoded path of the URL with the base path in front,
	// such as "/api/platform/notify/status".
	Path string

	// RawPath is the path as it stood in the request line, escapes and all.
	// Only [Verify] and [Explain] read it, because some published SDKs sign
	// that form; empty means that there is only Path.
	RawPath string

	// Header may hold any headers under names of any case. The ones that
	// count are Authorization and those whose names start with X-Api-.
	Header http.Header

	// Query and Form are the decoded parameters of the URL and of the body.
	// A parameter named sign is left out, so both may be given as received.
	Query, Form url.Values
}

// StringToSign returns the text whose MD5 is the signature of r. It contains
// the secret: use [Mask] before anyone reads it.
func StringToSign(secret string, r Request) string {
	var text [textBuffer]byte
	return string(appendText(text[:0], secret, &r))
}

// Sign returns the signature of r: 32 hex digits, letters in capitals. It is
// the value of the parameter sign.
func Sign(secret string, r Request) string {
	digits := digest(secret, &r)
	return string(digits[:])
}

// Append appends the signature of r, see [Sign], to dst.
func Append(dst []byte, secret string, r Request) []byte {
	digits := digest(secret, &r)
	return append(dst, digits[:]...)
}

// Size is the length of a signature in bytes.
const Size = 2 * md5.Size

// Buffers of these sizes are on the stack, and fit the usual request. A pool would be
// no faster, and would keep secrets and the largest request in memory.
const (
	textBuffer = 768 // bytes
	few        = 16  // parameters
)

// A pair is a parameter or a header with all its values.
type pair struct {
	name   string
	values []string
}

func digest(secret string, r *Request) [2 * md5.Size]byte {
	var text [textBuffer]byte
	return hexMD5(appendText(text[:0], secret, r))
}

func hexMD5(text []byte) (digits [2 * md5.Size]byte) {
	for i, b := range md5.Sum(text) {
		digits[2*i], digits[2*i+1] = escape.HexDigits[b>>4], escape.HexDigits[b&15]
	}
	return digits
}

func appendText(dst []byte, secret string, r *Request) []byte {
	dst = append(dst, secret...)
	dst = append(dst, '&')
	dst = append(dst, r.Method...)
	dst = append(dst, '&')
	dst = escape.Append(dst, r.Path)
	dst = append(dst, '&')
	dst = appendHeaders(dst, r.Header)
	dst = append(dst, '&')
	dst = appendParams(dst, r.Query)
	dst = append(dst, '&')
	dst = appendParams(dst, r.Form)
	dst = append(dst, '&')
	return append(dst, secret...)
}

func appendHeaders(dst []byte, header http.Header) []byte {
	var buffer [4]pair
	pairs := buffer[:0]
	for key, values := range header {
		if signedHeader(key) {
			pairs = append(pairs, pair{key, values})
		}
	}
	if len(pairs) > 1 {
		slices.SortFunc(pairs, byCanonicalName)
	}
	start := len(dst)
	for _, p := range pairs {
		dst = appendPair(dst, start, http.CanonicalHeaderKey(p.name), p.values)
	}
	return dst
}

// byCanonicalName compares names that differ only in case as they are. A map can
// hold x-api-a beside X-Api-A, though no HTTP library makes it; both are then signed
// in the same order each time.
func byCanonicalName(a, b pair) int {
	return cmp.Or(
		strings.Compare(http.CanonicalHeaderKey(a.name), http.CanonicalHeaderKey(b.name)),
		strings.Compare(a.name, b.name),
	)
}

func appendParams(dst []byte, params url.Values) []byte {
	if len(params) == 0 {
		return dst
	}
	var buffer [few]pair
	pairs := buffer[:0]
	for name, values := range params {
		if name != "sign" {
			pairs = append(pairs, pair{name, values})
		}
	}
	var indexes [few]int
	start := len(dst)
	for _, i := range inOrder(indexes[:0], pairs) {
		dst = appendPair(dst, start, pairs[i].name, pairs[i].values)
	}
	return dst
}

// inOrder appends the indexes of pairs to order, sorted by name in byte order. A
// request has few pairs, for which insertion sort is much faster than SortFunc.
func inOrder(order []int, pairs []pair) []int {
	for i := range pairs {
		order = append(order, i)
	}
	if len(pairs) > few {
		slices.SortFunc(order, func(a, b int) int { return strings.Compare(pairs[a].name, pairs[b].name) })
		return order
	}
	for i := range pairs {
		at := i
		for ; at > 0 && pairs[i].name < pairs[order[at-1]].name; at-- {
			order[at] = order[at-1]
		}
		order[at] = i
	}
	return order
}

// appendPair appends name=value for each value to the part that begins at
// start, escaped like all of the part.
func appendPair(dst []byte, start int, name string, values []string) []byte {
	for _, value := range values {
		if len(dst) > start {
			dst = append(dst, "%26"...)
		}
		n := len(dst)
		dst = slices.Grow(dst, 3*(len(name)+1+len(value)))
		dst = dst[:cap(dst)]
		n = escape.To(dst, n, name)
		n += copy(dst[n:], "%3D")
		dst = dst[:escape.To(dst, n, value)]
	}
	return dst
}

const (
	authorization = "Authorization"
	apiPrefix     = "X-Api-"
)

func signedHeader(name string) bool {
	if len(name) < len(apiPrefix) {
		return false
	}
	switch name[0] {
	case 'A', 'a':
		return strings.EqualFold(name, authorization)
	case 'X', 'x':
		return strings.EqualFold(name[:len(apiPrefix)], apiPrefix)
	}
	return false
}
