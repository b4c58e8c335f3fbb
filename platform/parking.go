package platform

import (
	"strings"
	"time"
)

// Parked is a message that was taken out of the way of the others of its queue, as
// nobody could handle it. It keeps its ID and everything else.
type Parked struct {
	Message  *Message
	Attempts int       // how often it was tried in this queue
	Reason   string    // why it was parked, see [ParkReason]
	By       string    // the name of the consumer that had it last
	Since    time.Time // to the second
}

// MaxReason is how many bytes of a reason for parking are kept.
const MaxReason = 1024

// ParkReason returns a reason as an engine keeps it: as UTF-8, and at most [MaxReason]
// bytes of it.
func ParkReason(reason string) string {
	return shorten(strings.ToValidUTF8(reason, "\uFFFD"), MaxReason)
}

// Size returns the bytes that a parked message counts against bounds.
func (p *Parked) Size() int64 { return p.Message.Size() + int64(len(p.Reason)+len(p.By)) }

// MaxAttemptsCounted is where the count of the attempts of a message ends.
const MaxAttemptsCounted = 65_535

// Parks reports whether a message that was tried so often in a queue with these limits
// is parked. What was put back has as many attempts again.
func (l QueueLimits) Parks(attempts int) bool {
	return l.MaxAttempts > 0 && (attempts%l.MaxAttempts == 0 || attempts >= MaxAttemptsCounted)
}
