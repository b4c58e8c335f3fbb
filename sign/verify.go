package sign

import (
	"crypto/md5"
	"crypto/subtle"
)

// Verify reports whether signature is what [Sign] returns for r, or for r with
// RawPath in the place of Path. Hex digits in lower case are refused.
//
// The time it takes depends on r and on the length of signature, but not on
// how much of the signature is right.
func Verify(secret string, r Request, signature string) bool {
	ok := matches(digest(secret, &r), signature)
	if r.RawPath != "" && r.RawPath != r.Path {
		r.Path = r.RawPath
		ok |= matches(digest(secret, &r), signature)
	}
	return ok == 1
}

func matches(digits [2 * md5.Size]byte, signature string) int {
	return subtle.ConstantTimeCompare(digits[:], []byte(signature))
}
