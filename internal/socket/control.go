package socket

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/gobwas/ws"
)

// ErrMessage is returned by ReadControl when there is something for Read.
var ErrMessage = errors.New("socket: a message has come")

// errInterrupted is that the context of ReadControl has ended, which does the
// connection no harm.
var errInterrupted = errors.New("socket: interrupted")

// Interruptible reports whether ReadControl can be ended. What a transport says of its
// deadlines is not believed: the first call interrupts a read, which goes on, and
// when that was seen to work this is true.
func (c *Conn) Interruptible() bool {
	c.interrupting.Lock()
	defer c.interrupting.Unlock()
	if !c.interruptible && !c.interrupted {
		c.interruptLocked()
	}
	return c.interruptible
}

// ReadControl is for who waits for what a control frame brings, a pong mostly, and
// spares the connection's reader to wake him, a switch between threads: it handles
// control frames as Read does, until enough is true, which is asked before each of
// them. It takes the place of a Read: there must be none meanwhile.
//
// When ctx ends first, which takes an Interruptible connection, the error matches
// ctx.Err() and the connection is unharmed. The error is [ErrMessage] when a Read must
// come next. All other errors are those of Read.
func (c *Conn) ReadControl(ctx context.Context, enough func() bool) error {
	if !c.role.take(reader) {
		return c.awaitReader(ctx)
	}
	defer c.role.leave()
	if c.in.err != nil {
		return c.in.err
	}
	c.in.brief = ctx
	defer func() { c.in.brief = nil }()
	defer c.unheed()
	if err := c.heed(ctx); err != nil {
		if c.Err() == nil {
			return err
		}
		return c.readFailed(err)
	}
	for !enough() {
		err := c.controlFrame()
		switch {
		case err == ErrMessage:
			return err
		case err == errInterrupted:
			return contextEnded(ctx.Err())
		case err != nil:
			return c.readFailed(err)
		}
	}
	return nil
}

// controlFrame handles one control frame. It consumes nothing before that is here
// as a whole, or can be seen to be wrong, so waiting for it can be given up.
func (c *Conn) controlFrame() error {
	c.in.anew()
	for {
		head, _ := c.in.buf.Peek(c.in.buf.Buffered())
		if len(head) >= 2 {
			if head[0]&15 < 8 {
				return ErrMessage
			}
			if len(head) >= c.controlSize(head) {
				break
			}
		}
		if _, err := c.in.buf.Peek(len(head) + 1); err != nil {
			return readError(err)
		}
	}
	h, err := c.nextHeader()
	if err != nil {
		return err
	}
	return c.control(h)
}

// controlSize is the size of the control frame that begins with head, as far as
// that tells. One that is wrong is refused by its header alone.
func (c *Conn) controlSize(head []byte) int {
	size, n := 2, uint64(head[1]&^maskBit)
	if head[0]&^15 != finalBit || head[0]&15 > byte(ws.OpPong) || head[1] >= maskBit == c.client() {
		return size
	}
	if n > 125 {
		size += 2
		if n == 127 {
			size += 6
		}
		if len(head) < size {
			return size
		}
		n = 0
		for _, b := range head[2:size] {
			n = n<<8 | uint64(b)
		}
	}
	if head[1] >= maskBit {
		size += 4
	}
	if n > ws.MaxControlFramePayloadSize {
		return size
	}
	return size + int(n)
}

// interrupt makes a read of the transport return: the active one or, when that has
// just ended, the next, which goes on; see resume.
func (c *Conn) interrupt() {
	c.interrupting.Lock()
	defer c.interrupting.Unlock()
	c.interruptLocked()
}

// interruptLocked is interrupt for who holds interrupting.
func (c *Conn) interruptLocked() {
	if c.deadline != nil {
		c.interrupted = true
		c.deadline.SetReadDeadline(longAgo)
	}
}

var longAgo = time.Unix(1, 0)

// resume tells what a read is to return that has failed with err: nil if it was
// interrupted, and shall go on if its own context has not ended. A transport may
// also have a time of its own; of one that covers ours up, a single timeout of its
// own is taken for an interrupt.
func (c *Conn) resume(err error) error {
	c.interrupting.Lock()
	defer c.interrupting.Unlock()
	if !c.interrupted || !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	c.interrupted, c.interruptible = false, true
	c.deadline.SetReadDeadline(time.Time{})
	return nil
}
