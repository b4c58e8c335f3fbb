package socket

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

const (
	closeWait = 5 * time.Second // for the whole of Close
	linger    = time.Second     // for a peer that has nothing more to say to end the connection
	comeback  = 100 * time.Millisecond
	maxReason = ws.MaxControlFramePayloadSize - 2
)

// Close shakes hands to end the connection: it sends what is queued and a close
// frame with code and reason, waits for the peer's close frame, closes the
// socket and waits for the connection's goroutine. A server also ends its half
// of the TCP connection right after the frame, for peers that wait for that
// (protocol chapter 6). All of it takes at most 5 seconds and ends early with
// ctx; the socket is closed in any case.
//
// Close may be called while a Read is active. That Read, and those of the loop
// around it, return the messages that are still on their way and the peer's close
// frame. Without an active Read such messages are dropped. From the call on, writes
// fail with [ErrClosed]. After Read returned a [*CloseError], Close echoes that code
// in place of its own; after a [*ProtocolError] it does not wait for an answer.
//
// With a code that must not be sent, such as NoStatus, the close frame has neither
// code nor reason. The reason is cut to 123 bytes.
//
// The error is nil if the peer answered or merely ended the connection. The first
// of several calls closes, the others wait for it or for their ctx. On a connection
// that has failed before, Close returns the reason.
func (c *Conn) Close(ctx context.Context, code Code, reason string) error {
	if !c.beginClose(code, reason) {
		return c.awaitClosed(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, closeWait)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		c.end(fmt.Errorf("socket: the closing handshake was cut short: %w", ctx.Err()))
	})
	defer stop()
	if err := c.shakeHands(ctx); err != nil {
		c.end(err)
	}
	c.CloseNow()
	return c.verdict()
}

// CloseNow closes the socket without a close frame and waits for the connection's
// goroutine. What is queued is lost. It always returns nil.
func (c *Conn) CloseNow() error {
	c.end(ErrClosed)
	<-c.gone
	return nil
}

// beginClose queues the close frame, behind which nothing may follow, unless
// another Close has done so or the connection has ended.
func (c *Conn) beginClose(code Code, reason string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || c.err != nil {
		return false
	}
	c.closing = true
	if peer, ok := c.out.refused.(*CloseError); ok {
		code, reason = peer.Code, ""
	}
	c.out.queueOwed()
	c.out.put(ws.OpClose, closePayload(code, reason))
	c.wakeWriter()
	c.refuse(ErrClosed)
	return true
}

// awaitClosed waits for the Close that another goroutine has begun.
func (c *Conn) awaitClosed(ctx context.Context) error {
	select {
	case <-c.gone:
		return c.verdict()
	case <-ctx.Done():
		return fmt.Errorf("socket: close: %w", ctx.Err())
	}
}

// verdict returns the result of Close.
func (c *Conn) verdict() error {
	if err := c.Err(); err != ErrClosed {
		return err
	}
	return nil
}

func (c *Conn) shakeHands(ctx context.Context) error {
	if err := c.Flush(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	c.closeSent = true
	c.mu.Unlock()
	halved := c.endWriting()
	if !c.acquireReading() {
		return nil // the connection has ended
	}
	defer c.role.release()
	c.in.detach()
	c.awaitPeer()
	if _, answered := c.in.err.(*CloseError); halved || !answered {
		c.drain()
	}
	return nil
}

// endWriting lets the peer of a server see the end at once, while its answer
// can still come. Closing the whole socket now could make the kernel answer
// late bytes with a reset, which may destroy the close frame on its way.
func (c *Conn) endWriting() bool {
	half, ok := c.rwc.(interface{ CloseWrite() error })
	return ok && !c.client() && half.CloseWrite() == nil
}

// acquireReading waits until no Read is active, and gives a loop around Read the
// time to call it again, so that messages on their way are not dropped. It returns
// false when the connection has ended.
func (c *Conn) acquireReading() bool {
	c.role.wanted.Store(true)
	for !c.role.acquire(closer) {
		select {
		case <-c.role.left:
		case <-c.done:
			return false
		}
		if c.farewellOr(nil) != nil {
			continue // no need to come back
		}
		select {
		case <-time.After(comeback):
		case <-c.done:
			return false
		}
	}
	return true
}

// awaitPeer skips all frames up to the peer's close frame, unless that has been
// read or cannot be found.
func (c *Conn) awaitPeer() {
	for c.in.err == nil {
		h, err := c.nextHeader()
		if err == nil {
			err = c.skip(h)
		}
		if err != nil {
			c.readFailed(err)
		}
	}
}

func (c *Conn) skip(h ws.Header) error {
	if h.OpCode == ws.OpClose {
		return c.control(h)
	}
	if h.OpCode.IsData() {
		c.in.op = 0
		if !h.Fin {
			c.in.op = Binary // any: its fragments are skipped, too
		}
	}
	if _, err := io.CopyN(io.Discard, c.in.buf, h.Length); err != nil {
		return readError(err)
	}
	return nil
}

// drain waits a moment for the peer to end the connection first.
func (c *Conn) drain() {
	timer := time.AfterFunc(linger, func() { c.end(ErrClosed) })
	defer timer.Stop()
	io.Copy(io.Discard, c.in.buf)
}

// parseClose returns what a close frame says, or what is wrong with it, as an
// error in both cases.
func parseClose(payload []byte) error {
	if len(payload) == 0 {
		return &CloseError{Code: NoStatus}
	}
	if len(payload) == 1 {
		return &ProtocolError{ProtocolFault, "a close frame's payload has one byte"}
	}
	code, reason := Code(binary.BigEndian.Uint16(payload)), payload[2:]
	switch {
	case !sendable(code):
		return &ProtocolError{ProtocolFault, fmt.Sprintf("a close frame must not have code %d", code)}
	case !utf8.Valid(reason):
		return &ProtocolError{InvalidPayload, "a close frame's reason is not UTF-8"}
	}
	return &CloseError{Code: code, Reason: string(reason)}
}

// sendable reports whether a close frame may have the code: it is one of RFC 6455 or
// of the IANA registry, or in the ranges for libraries and applications.
func sendable(code Code) bool {
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014, code >= 3000 && code <= 4999:
		return true
	}
	return false
}

func closePayload(code Code, reason string) []byte {
	if !sendable(code) {
		return nil
	}
	reason = strings.ToValidUTF8(reason, "\uFFFD")
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "") // drops half a rune at the end
	}
	return ws.NewCloseFrameBody(ws.StatusCode(code), reason)
}
