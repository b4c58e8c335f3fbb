package socket

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/gobwas/ws"
)

const (
	finalBit   = 0x80
	maskBit    = 0x80
	maxHeader  = 14
	maxControl = maxHeader + ws.MaxControlFramePayloadSize
	maxPongs   = 4 << 10   // bytes of pongs that pass the bound
	keptBuffer = 256 << 10 // larger ones are left to the garbage collector
)

// outbox has the frames that wait to be written. A Conn's mu guards it.
type outbox struct {
	keys  *rand.ChaCha8 // masking keys, nil on the server
	next  *buffer       // frames to be written, nil if there are none
	pongs int           // bytes of pongs among them
	owed  bool          // one more pong is to be sent ...
	late  []byte        // ... with this payload

	behind  func(dst []byte) []byte // if any, makes the payload of a ping that goes behind them
	payload []byte                  // of the last such ping, reused

	// Bytes that were ever queued, and ever written to the kernel.
	queued, written uint64

	refused  error         // why nothing more may be queued
	broken   error         // why what is queued will not be written
	waiting  int           // how many writers wait as their frames do not fit
	turn     chan struct{} // held by the writer whose turn is next
	progress chan struct{} // if any, closed at the next change
	idle     bool          // the write loop waits to be woken
}

// A buffer is lent to a connection while it has something to write, so that an
// idle connection holds none.
type buffer struct{ bytes []byte }

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 4<<10)} }}

func (b *buffer) release() {
	if cap(b.bytes) <= keptBuffer {
		b.bytes = b.bytes[:0]
		buffers.Put(b)
	}
}

// fits reports whether a frame may be queued. As many bytes again may be on their
// way to the kernel, so the queue has half of the bound.
func (o *outbox) fits(payload, bound int) bool {
	return o.next == nil || len(o.next.bytes)+maxHeader+payload <= bound/2
}

// put appends a frame.
func (o *outbox) put(op ws.OpCode, payload []byte) {
	if o.next == nil {
		o.next = buffers.Get().(*buffer)
	}
	before := len(o.next.bytes)
	o.next.bytes = o.appendFrame(o.next.bytes, op, payload)
	o.queued += uint64(len(o.next.bytes) - before)
}

// putPong queues the answer to a ping. When the peer pings faster than it
// reads, only the newest ping is answered, as RFC 6455 allows, so a flood of
// pings costs no memory.
func (o *outbox) putPong(payload []byte) {
	if o.pongs+maxControl > maxPongs {
		o.owed, o.late = true, append(o.late[:0], payload...)
		return
	}
	o.pongs += maxHeader + len(payload)
	o.put(ws.OpPong, payload)
}

// queueOwed queues the pong that is owed and the ping that goes behind everything.
func (o *outbox) queueOwed() {
	if o.owed {
		o.owed = false
		o.put(ws.OpPong, o.late)
	}
	if o.behind != nil {
		o.payload = o.behind(o.payload[:0])
		o.put(ws.OpPing, o.payload)
		o.behind = nil
	}
}

// takeAll empties the outbox and returns what was queued, or nil.
func (o *outbox) takeAll() *buffer {
	o.queueOwed()
	batch := o.next
	o.next, o.pongs = nil, 0
	return batch
}

// notifyChange wakes every goroutine that waits for a change.
func (o *outbox) notifyChange() {
	if o.progress != nil {
		close(o.progress)
		o.progress = nil
	}
}

// appendFrame adds a final frame to dst, masked if this is the client.
func (o *outbox) appendFrame(dst []byte, op ws.OpCode, payload []byte) []byte {
	dst = slices.Grow(dst, maxHeader+len(payload))
	start := len(dst)
	dst = appendLength(append(dst, finalBit|byte(op)), len(payload))
	if o.keys == nil {
		return append(dst, payload...)
	}
	var key [4]byte
	binary.LittleEndian.PutUint32(key[:], uint32(o.keys.Uint64()))
	dst[start+1] |= maskBit
	dst = append(append(dst, key[:]...), payload...)
	ws.Cipher(dst[len(dst)-len(payload):], key, 0)
	return dst
}

func appendLength(dst []byte, n int) []byte {
	switch {
	case n <= 125:
		return append(dst, byte(n))
	case n <= 0xffff:
		return binary.BigEndian.AppendUint16(append(dst, 126), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, 127), uint64(n))
	}
}
