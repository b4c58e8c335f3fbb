package oauth

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
)

// A sealer encrypts and authenticates texts that a browser carries. All processes
// with the same key and callback can open them.
type sealer struct{ aead cipher.AEAD }

func newSealer(key []byte) sealer {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // a derived key has a length that AES takes
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return sealer{aead}
}

func (s sealer) seal(p *pending) string {
	text, _ := json.Marshal(p) // cannot fail: it has texts and a time
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, text, nil))
}

// longestSealed bounds the texts that are decoded, in bytes: it is twice the length
// that the longest path leads to.
const longestSealed = 4 * longestReturn

// open returns nil for a text that seal has not made.
func (s sealer) open(sealed string) *pending {
	if len(sealed) > longestSealed {
		return nil
	}
	box, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || base64.RawURLEncoding.EncodeToString(box) != sealed {
		return nil // each state must have one text, by which it is marked as used
	}
	text, err := s.aead.Open(nil, nil, box, nil)
	if err != nil {
		return nil
	}
	var p pending
	if json.Unmarshal(text, &p) != nil {
		return nil
	}
	return &p
}
