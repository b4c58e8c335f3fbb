package sign

import (
	"crypto/hkdf"
	"crypto/sha256"
)

// DeriveKey returns 32 bytes that only the holders of secret can compute, different
// ones for each label (HKDF with SHA-256, RFC 5869). Neither secret nor the bytes of
// another label can be computed from them.
func DeriveKey(secret, label string) []byte {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, label, sha256.Size)
	if err != nil {
		panic(err) // 32 bytes is a length that HKDF has
	}
	return key
}
