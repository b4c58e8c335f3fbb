package load

import (
	"encoding/base64"
	"encoding/binary"
)

// A marking is what the body of a message of bench begins with. It is text, as
// most bodies are: the platform sends what is none in another way.
type marking struct {
	run  uint64 // random: whose message this is
	id   uint64 // see slots
	sent int64  // nanoseconds of the run's clock
}

const markingBytes = 3 * 8

// minSize is the smallest body in bytes.
var minSize = base64.RawURLEncoding.EncodedLen(markingBytes)

// put writes the marking over the begin of body.
func (s marking) put(body []byte) {
	var raw [markingBytes]byte
	binary.BigEndian.PutUint64(raw[0:], s.run)
	binary.BigEndian.PutUint64(raw[8:], s.id)
	binary.BigEndian.PutUint64(raw[16:], uint64(s.sent))
	base64.RawURLEncoding.Encode(body, raw[:])
}

// markingOf reads the marking of a body, if it has one.
func markingOf(body []byte) (s marking, ok bool) {
	var raw [markingBytes]byte
	if len(body) < minSize {
		return s, false
	}
	if _, err := base64.RawURLEncoding.Decode(raw[:], body[:minSize]); err != nil {
		return s, false
	}
	s.run = binary.BigEndian.Uint64(raw[0:])
	s.id = binary.BigEndian.Uint64(raw[8:])
	s.sent = int64(binary.BigEndian.Uint64(raw[16:]))
	return s, true
}
