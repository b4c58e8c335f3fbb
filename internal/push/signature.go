package push

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of a message.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

const (
	secretPrefix   = "whsec_"
	newSecretBytes = 32
	leastSecret    = 24
	mostSecret     = 64
	version        = "v1,"
)

// Tolerance is how far the timestamp of a message may be from the receiver's clock.
const Tolerance = 5 * time.Minute

// A Secret signs messages. Its text is "whsec_" and the base64 of 24 to 64 bytes. The
// zero Secret signs nothing.
type Secret struct{ key []byte }

// NewSecret returns the text of a new secret.
func NewSecret() string {
	key := make([]byte, newSecretBytes)
	rand.Read(key)
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// ParseSecret reads the text of a secret. The error does not show it.
func ParseSecret(text string) (Secret, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, secretPrefix))
	if err != nil || !strings.HasPrefix(text, secretPrefix) || len(key) < leastSecret || len(key) > mostSecret {
		return Secret{}, fmt.Errorf("the secret is not of the form %s and the base64 of %d to %d bytes", secretPrefix, leastSecret, mostSecret)
	}
	return Secret{key}, nil
}

// String shows nothing, so that no log has the secret.
func (s Secret) String() string { return secretPrefix + "..." }

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// Sign sets the three headers of a message: its ID, the time, and a signature by each of
// the secrets, any of which is enough for a receiver. Without a secret there is no
// signature.
func Sign(h http.Header, id string, at time.Time, body []byte, secrets ...Secret) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	h[HeaderID] = []string{id}
	h[HeaderTimestamp] = []string{timestamp}
	var signatures []byte
	for _, s := range secrets {
		if len(signatures) > 0 {
			signatures = append(signatures, ' ')
		}
		signatures = append(signatures, version...)
		signatures = base64.StdEncoding.AppendEncode(signatures, s.sum(id, timestamp, body))
	}
	if len(signatures) > 0 {
		h[HeaderSignature] = []string{string(signatures)}
	}
}

func (s Secret) sum(id, timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

// Verify is what a receiver does: it returns nil if one of the signatures is by the
// secret and the timestamp is within [Tolerance] of now.
func Verify(h http.Header, body []byte, now time.Time, secret Secret) error {
	timestamp := h.Get(HeaderTimestamp)
	at, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return errors.New("push: the message has no valid " + HeaderTimestamp)
	}
	if d := now.Sub(time.Unix(at, 0)); d > Tolerance || d < -Tolerance {
		return fmt.Errorf("push: the message was signed at %s, which is more than %v from now", timestamp, Tolerance)
	}
	if len(secret.key) == 0 {
		return errors.New("push: there is no secret to verify the message with")
	}
	want := secret.sum(h.Get(HeaderID), timestamp, body)
	for one := range strings.FieldsSeq(h.Get(HeaderSignature)) {
		text, ok := strings.CutPrefix(one, version)
		got, err := base64.StdEncoding.DecodeString(text)
		if ok && err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return errors.New("push: no signature of the message is by this secret")
}
