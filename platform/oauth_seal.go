package platform

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"

	"github.com/shopex/prism-go/sign"
)

// An app gets the ID of its user's session with each token, so the platform needs it
// when the app exchanges a code or a refresh token. In the records it is encrypted with
// that code or token, of which they hold a digest only.

func sessionSealer(secret string) cipher.AEAD {
	block, err := aes.NewCipher(sign.DeriveKey(secret, "prism session"))
	if err != nil {
		panic(err) // a derived key has a length that AES takes
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
}

func sealSession(secret, id string) []byte {
	return sessionSealer(secret).Seal(nil, nil, []byte(id), nil)
}

func openSession(secret string, sealed []byte) (id string, err error) {
	text, err := sessionSealer(secret).Open(nil, nil, sealed, nil)
	if err != nil {
		return "", errors.New("platform: the record of a code or grant is damaged: the ID of its session cannot be decrypted")
	}
	return string(text), nil
}
