package platform

import (
	"crypto/rand"
	"strings"
)

// The lengths of the names that the platform gives; those of keys and secrets
// are Prism's (protocol chapter 1).
const (
	appIDLength  = 7
	keyIDLength  = 8
	secretLength = 20
)

// NewKey returns a random key for the app with this ID: 8 and 20 lower-case
// characters of base32, where the secret has 100 random bits. It is in no
// store yet; [Registry.SaveKey] puts it there.
func NewKey(app string) Key {
	return Key{ID: randomText(keyIDLength), Secret: randomText(secretLength), App: app}
}

// randomText returns n lower-case characters of base32, at most 26.
func randomText(n int) string {
	return strings.ToLower(rand.Text()[:n])
}
