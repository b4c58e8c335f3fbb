package socket

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

const (
	readStep    = 64 << 10 // what is allocated for a large message before any of it has come
	keptMessage = 64 << 10
)

// inbox is the reading half. It belongs to the goroutine that holds the role.
type inbox struct {
	src      *source
	buf      *bufio.Reader
	op       Opcode      // of the message being joined, 0 if none
	message  []byte      // its fragments so far
	frames   int         // how many these are
	until    time.Time   // when the message that has begun must be complete
	stuck    *time.Timer // ends the connection then; made when it is first needed
	knowsTCP bool
	quick    func()          // if any, has what was read acknowledged at once
	more     func() bool     // if any, reports whether there is something to read
	alone    int             // control frames in a row
	counted  time.Time       // when these were last looked at
	err      error           // what every later Read returns
	watched  <-chan struct{} // Done of the context that watch is about
	watch    *watch          // the same as Conn.watch, to be read without mu
}

// Read returns the next message. It blocks until one is complete or the
// connection ends; payload is valid until the next call. On the way it answers
// pings, unless Options.OwnPongs is set, and writes nothing else.
//
// When ctx ends during the call the connection is closed, as half a frame
// cannot be given back, and the error matches ctx.Err(). A context that ends
// between two calls does no harm. After a [*CloseError] (the peer closed), a
// [*ProtocolError] (the peer broke the rules) and an error of OnWait the caller
// calls Close. With any other error the connection is closed already, and Err
// returns the same. A Read after one that failed fails in the same way.
func (c *Conn) Read(ctx context.Context) (Opcode, []byte, error) {
	if !c.role.acquire(reader) {
		return 0, nil, c.awaitReader(ctx)
	}
	defer c.role.release()
	defer c.unwatch()
	if c.in.err != nil {
		return 0, nil, c.in.err
	}
	if err := c.watchContext(ctx); err != nil {
		return 0, nil, c.readFailed(err)
	}
	op, payload, ok := c.whole()
	var err error
	if !ok {
		op, payload, err = c.nextMessage()
	}
	if err == nil && op == Text && c.opt.CheckUTF8 && !utf8.Valid(payload) {
		err = &ProtocolError{InvalidPayload, "the text message is not UTF-8"}
	}
	if err != nil {
		return 0, nil, c.readFailed(err)
	}
	return op, payload, nil
}

// whole returns the next frame if it is a complete and valid message and is in the
// buffer. Most frames are, and this is faster than the general way, which reads all
// others.
func (c *Conn) whole() (op Opcode, payload []byte, ok bool) {
	b, _ := c.in.buf.Peek(c.in.buf.Buffered())
	if c.in.op != 0 || len(b) < 8 || b[0] != finalBit|byte(Text) && b[0] != finalBit|byte(Binary) ||
		b[1] >= maskBit == c.client() {
		return 0, nil, false
	}
	start, n := 2, int(b[1]&^maskBit)
	if n == 126 {
		start, n = 4, int(binary.BigEndian.Uint16(b[2:]))
	}
	if !c.client() {
		start += 4
	}
	if n == 127 || len(b) < start+n || int64(n) > c.opt.MaxMessage {
		return 0, nil, false
	}
	c.in.alone = 0
	op, payload = Opcode(b[0]&^finalBit), b[start:start+n]
	c.in.buf.Discard(start + n)
	if !c.client() {
		ws.Cipher(payload, [4]byte(b[start-4:]), 0)
	}
	return op, payload, true
}

// readFailed returns the error of this and of every later Read.
func (c *Conn) readFailed(err error) error {
	var closed *CloseError
	var fault *ProtocolError
	var stop *stopError
	said := errors.As(err, &closed) || errors.As(err, &fault)
	if said && c.opt.OwnPongs { // after this there can be none
		if failed := c.aboutToWait(); failed != nil {
			err = failed
		}
	}
	if said || errors.As(err, &stop) {
		c.mu.Lock()
		c.farewell = err
		c.refuse(err)
		c.mu.Unlock()
	} else {
		c.end(err)
		err = c.Err() // why this side closed the socket meanwhile says more
	}
	c.in.err = err
	c.in.message = nil
	return err
}

// awaitReader waits, for a Read that was called while another goroutine reads.
func (c *Conn) awaitReader(ctx context.Context) error {
	if c.role.holder.Load() == reader {
		return errTwoReads
	}
	select {
	case <-c.done:
		return c.farewellOr(c.Err())
	case <-ctx.Done():
		return contextEnded(ctx.Err())
	}
}

// farewellOr returns the error with which reading has ended, if it has, or err.
func (c *Conn) farewellOr(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.farewell != nil {
		return c.farewell
	}
	return err
}

func (c *Conn) nextMessage() (Opcode, []byte, error) {
	c.in.resize(c.opt.ReadBuffer)
	for {
		c.in.beginFrame()
		h, err := c.nextHeader()
		if err != nil {
			return 0, nil, err
		}
		if h.OpCode.IsControl() {
			if err := c.control(h); err != nil {
				return 0, nil, err
			}
			continue
		}
		op, payload, err := c.data(h)
		if err != nil || h.Fin {
			return op, payload, err
		}
	}
}

// borrow reads through lent, if that has the right size: net/http keeps its own
// as long as the connection lasts, and a second one would be a tenth of what an
// idle connection takes.
func (in *inbox) borrow(lent *bufio.Reader, size int) {
	if lent != nil {
		in.src.early = unread(lent)
	}
	if lent == nil || lent.Size() != size {
		in.buf = bufio.NewReaderSize(in.src, size)
		return
	}
	lent.Reset(in.src)
	in.buf = lent
}

// beginFrame is called before a frame. A frame that does not continue a message has
// MessageTimeout for itself.
func (in *inbox) beginFrame() {
	if in.op == 0 {
		in.until = time.Time{}
	}
}

// resize gives up the buffer of a large message, and gives a busy connection
// its whole read buffer.
func (in *inbox) resize(size int) {
	if cap(in.message) > keptMessage {
		in.message = nil
	}
	if in.src.full && in.buf.Size() < size {
		in.src.early = unread(in.buf)
		in.buf = bufio.NewReaderSize(in.src, size)
	}
}

// detach gives up the buffer: a caller may still use what the last Read returned,
// and Close must not overwrite it.
func (in *inbox) detach() {
	in.src.early = append(unread(in.buf), in.src.early...)
	in.buf = bufio.NewReaderSize(in.src, firstReadBuffer)
}

// data reads one data frame. If it ends a message, it returns that.
func (c *Conn) data(h ws.Header) (Opcode, []byte, error) {
	c.in.alone = 0
	if h.Fin && h.OpCode != ws.OpContinuation && h.Length <= int64(c.in.buf.Size()) {
		payload, err := c.small(h)
		return Opcode(h.OpCode), payload, err
	}
	if h.OpCode != ws.OpContinuation {
		c.in.op, c.in.message, c.in.frames = Opcode(h.OpCode), c.in.message[:0], 0
	}
	if c.in.frames++; c.in.frames > freeFrames+len(c.in.message)/leastFragment {
		return 0, nil, &ProtocolError{PolicyViolation, "the message has too many fragments for its size"}
	}
	if err := c.gather(h); err != nil || !h.Fin {
		return 0, nil, err
	}
	op := c.in.op
	c.in.op = 0
	return op, c.in.message, nil
}

// small returns a payload that fits into the buffer, from within it.
func (c *Conn) small(h ws.Header) ([]byte, error) {
	payload, err := c.in.buf.Peek(int(h.Length))
	if err != nil {
		return nil, readError(err)
	}
	c.in.buf.Discard(len(payload))
	if h.Masked {
		ws.Cipher(payload, h.Mask, 0)
	}
	return payload, nil
}

// gather appends a payload to the message. It allocates as bytes arrive, so a
// declared length alone costs nothing.
func (c *Conn) gather(h ws.Header) error {
	for done := int64(0); done < h.Length; {
		have := len(c.in.message)
		step := int(min(h.Length-done, int64(max(have, readStep))))
		c.in.message = slices.Grow(c.in.message, step)[:have+step]
		piece := c.in.message[have:]
		if _, err := io.ReadFull(c.in.buf, piece); err != nil {
			return readError(err)
		}
		if h.Masked {
			ws.Cipher(piece, h.Mask, int(done&3))
		}
		done += int64(step)
	}
	return nil
}

// nextHeader reads and checks a frame header.
func (c *Conn) nextHeader() (ws.Header, error) {
	head, err := c.in.buf.Peek(2)
	if err != nil {
		return ws.Header{}, readError(err)
	}
	h := ws.Header{
		Fin:    head[0]&finalBit != 0,
		Rsv:    head[0] >> 4 & 7,
		OpCode: ws.OpCode(head[0] & 15),
		Masked: head[1]&maskBit != 0,
		Length: int64(head[1] &^ maskBit),
	}
	if err := c.restOfHeader(&h); err != nil {
		return h, err
	}
	return h, c.check(h)
}

// restOfHeader reads the longer forms of the length, which need not be the
// shortest possible, and the mask.
func (c *Conn) restOfHeader(h *ws.Header) error {
	size, length := 2, h.Length
	switch length {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	lengthEnd := size
	if h.Masked {
		size += 4
	}
	head, err := c.in.buf.Peek(size)
	if err != nil {
		return readError(err)
	}
	switch length {
	case 126:
		h.Length = int64(binary.BigEndian.Uint16(head[2:]))
	case 127:
		h.Length = int64(binary.BigEndian.Uint64(head[2:]))
	}
	copy(h.Mask[:], head[lengthEnd:])
	c.in.buf.Discard(size)
	return nil
}

// check applies the rules of RFC 6455 and the bound of a message.
func (c *Conn) check(h ws.Header) error {
	state := c.side
	if c.in.op != 0 {
		state = state.Set(ws.StateFragmented)
	}
	if err := ws.CheckHeader(h, state); err != nil {
		return &ProtocolError{ProtocolFault, err.Error()}
	}
	if h.Length < 0 {
		return &ProtocolError{ProtocolFault, "the frame's length has its top bit set"}
	}
	rest := c.opt.MaxMessage
	if h.OpCode == ws.OpContinuation {
		rest -= int64(len(c.in.message))
	}
	if h.OpCode.IsData() && h.Length > rest {
		return &ProtocolError{MessageTooBig, fmt.Sprintf("a message may have at most %d bytes", c.opt.MaxMessage)}
	}
	return nil
}

// A published SDK sends fragments of 128 bytes. Without a bound, empty ones cost a
// processor for as long as they come.
const (
	freeFrames    = 1024
	leastFragment = 64 // bytes in each of the others, on average
)

// There is at most one ping for each message. More control frames in a row, and
// faster, only keep this side busy. A client that publishes receives nothing but
// pongs.
const (
	mostAlone = 4096
	aloneFor  = 4 * time.Second
)

// flooded reports whether control frames come in a row faster than they may.
func (c *Conn) flooded(op ws.OpCode) bool {
	if op == ws.OpPong && c.client() {
		return false
	}
	if c.in.alone++; c.in.alone < mostAlone {
		return false
	}
	before := c.in.counted
	c.in.alone, c.in.counted = 0, time.Now()
	return c.in.counted.Sub(before) < aloneFor
}

// control handles a control frame. A close frame comes back as an error.
func (c *Conn) control(h ws.Header) error {
	payload, err := c.small(h)
	if err != nil {
		return err
	}
	if c.flooded(h.OpCode) {
		return &ProtocolError{PolicyViolation, "too many control frames in a row"}
	}
	switch h.OpCode {
	case ws.OpClose:
		return parseClose(payload)
	case ws.OpPing:
		if c.opt.OnPing != nil {
			c.opt.OnPing(payload)
		}
		if !c.opt.OwnPongs {
			c.Pong(payload)
		}
	case ws.OpPong:
		if c.opt.OnPong != nil {
			c.opt.OnPong(payload)
		}
	}
	return nil
}

// aboutToWait calls OnWait, but not while Close reads, as the connection is then no
// longer served.
func (c *Conn) aboutToWait() error {
	if c.opt.OnWait == nil || c.role.holder.Load() != reader {
		return nil
	}
	if err := c.opt.OnWait(); err != nil {
		return &stopError{err}
	}
	return nil
}

// A stopError is an error of OnWait.
type stopError struct{ error }

func (e *stopError) Unwrap() error { return e.error }

func readError(err error) error {
	var stop *stopError
	if errors.As(err, &stop) {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errNoCloseFrame
	}
	return fmt.Errorf("socket: read: %w", err)
}

// watch closes the connection when its context ends while a Read is active.
type watch struct {
	conn *Conn
	ctx  context.Context
	stop func() bool
}

// watchContext lets the end of ctx end this Read. It is cheap as long as the
// context is the same.
func (c *Conn) watchContext(ctx context.Context) error {
	select {
	case <-c.done:
		return c.Err()
	default:
	}
	if ctx.Done() != c.in.watched {
		c.in.watched = ctx.Done()
		c.in.watch = c.rewatch(ctx)
	}
	// Read names its watch before it looks at ctx, and fire looks for its
	// name after ctx has ended: one of the two sees the other, and the end of
	// an earlier Read's context finds another name.
	if c.in.watch != nil {
		c.reading.Store(c.in.watch)
	}
	if err := ctx.Err(); err != nil {
		return contextEnded(err)
	}
	return nil
}

// unwatch is called when a Read is over.
func (c *Conn) unwatch() {
	if c.in.watch != nil {
		c.reading.Store(nil)
	}
}

func (c *Conn) rewatch(ctx context.Context) *watch {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watch != nil {
		c.watch.stop()
		c.watch = nil
	}
	if c.err == nil && ctx.Done() != nil {
		c.watch = &watch{conn: c, ctx: ctx}
		c.watch.stop = context.AfterFunc(ctx, c.watch.fire)
	}
	return c.watch
}

func (w *watch) fire() {
	if w.conn.reading.Load() == w {
		w.conn.end(contextEnded(w.ctx.Err()))
	}
}

func contextEnded(err error) error { return fmt.Errorf("socket: read: %w", err) }

// A role says what reads: a Read, the closing handshake, or nothing.
type role struct {
	holder atomic.Uint32
	wanted atomic.Bool   // Close waits for the role
	left   chan struct{} // gets a value when it has become free
}

const (
	nobody uint32 = iota
	reader
	closer
)

func (r *role) acquire(holder uint32) bool { return r.holder.CompareAndSwap(nobody, holder) }

func (r *role) release() {
	r.holder.Store(nobody)
	if r.wanted.Load() {
		select {
		case r.left <- struct{}{}:
		default:
		}
	}
}
