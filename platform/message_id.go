package platform

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A MessageID names a message. Its text, as in deliveries, is eight hexadecimal
// digits, a dash and more of them: 9b4d1e00-1a2b3c. The zero MessageID names none.
type MessageID struct {
	Log    uint32 // the log or engine that the message is in
	Number uint64 // counts up in each queue
}

// maxMessageID is how many bytes the text of an ID has at most.
const maxMessageID = 8 + 1 + 16

// IsZero reports whether id names no message.
func (id MessageID) IsZero() bool { return id == MessageID{} }

// before returns the greatest ID that is less than id. The zero one has none.
func (id MessageID) before() MessageID {
	if id.Number > 0 {
		return MessageID{Log: id.Log, Number: id.Number - 1}
	}
	return MessageID{Log: id.Log - 1, Number: math.MaxUint64}
}

// String returns the text of id, empty for the zero MessageID.
func (id MessageID) String() string { return string(id.Append(nil)) }

// Append appends the text of id to b.
func (id MessageID) Append(b []byte) []byte {
	if id.IsZero() {
		return b
	}
	const digits = "0123456789abcdef"
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, digits[id.Log>>shift&15])
	}
	return strconv.AppendUint(append(b, '-'), id.Number, 16)
}

// ParseMessageID reads the text of an ID.
func ParseMessageID(text string) (MessageID, error) {
	log, number, ok := strings.Cut(text, "-")
	l, err := strconv.ParseUint(log, 16, 32)
	n, err2 := strconv.ParseUint(number, 16, 64)
	id := MessageID{Log: uint32(l), Number: n}
	if !ok || err != nil || err2 != nil || id.String() != text {
		return MessageID{}, fmt.Errorf("platform: %q is not the ID of a message", shorten(text, 48))
	}
	return id, nil
}
