package socket

import (
	"bufio"
	crand "crypto/rand"
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
)

// Opcode is the type of a message.
type Opcode byte

// The types of messages.
const (
	Text   Opcode = 1
	Binary Opcode = 2
)

// Options are the bounds of a connection. The zero value is useful.
type Options struct {
	// MaxMessage bounds one message in bytes after its fragments are joined;
	// 0 means 32 MiB. A frame that declares more is refused with
	// MessageTooBig before anything is allocated for it.
	MaxMessage int64
	// ReadBuffer is the size in bytes of the buffer that the kernel fills; 0
	// means 16 KiB. A connection begins with 4 KiB and gets the rest when it is
	// busy. A frame that fits into the buffer is not copied.
	ReadBuffer int
	// WriteBuffer bounds the bytes that wait for the peer; 0 means 256 KiB.
	// One half is for what is queued, one for what is being written, and a Write
	// beyond it waits. A frame larger than a half is queued when no other is.
	WriteBuffer int
	// WriteTimeout is the time the peer has to take one batch, at most
	// WriteBuffer bytes; 0 means 30 seconds. Then the connection is closed.
	WriteTimeout time.Duration
	// MessageTimeout is the time that a frame, or a message of several, has from
	// its first byte to its last, and a second more for each 4 KiB of it; 0 means
	// 30 seconds. Then the connection is closed. Between messages a peer may be
	// silent for as long as it likes.
	MessageTimeout time.Duration
	// CheckUTF8 refuses text messages that are not UTF-8 with InvalidPayload.
	// It is off by default, as published SDKs of Prism send binary payloads as
	// text (protocol chapter 3).
	CheckUTF8 bool
	// OnPing and OnPong, if set, are called with control frames by the goroutine
	// that reads, and not while Close reads. They must neither block nor call Read
	// or Close; payload is valid during the call.
	OnPing, OnPong func(payload []byte)
	// OwnPongs leaves it to OnPing, or to a later call, to answer pings by
	// [Conn.Pong], where a pong confirms what came before the ping. OnWait is then
	// also called before Read fails because the peer has closed or broken the
	// rules, as no pong can be sent after that.
	OwnPongs bool
	// PingPayload makes the payload of a ping that PingBehind asked for, at most
	// 125 bytes. It is called with the connection locked.
	PingPayload func(dst []byte) []byte
	// OnWait, if set, is called by the goroutine that reads before it waits for
	// bytes of the peer, or may have to, for work that is done once for several messages. It may
	// block, and must not call Read or Close. If it returns an error, this and every
	// later Read returns that, no further pong is sent, and the caller calls Close.
	OnWait func() error
}

const (
	minReadBuffer   = 256 // a header and the largest control frame fit
	firstReadBuffer = 4 << 10
)

func (o Options) withDefaults() Options {
	if o.MaxMessage <= 0 {
		o.MaxMessage = 32 << 20
	}
	if o.ReadBuffer <= 0 {
		o.ReadBuffer = 16 << 10
	}
	if o.MessageTimeout <= 0 {
		o.MessageTimeout = 30 * time.Second
	}
	o.ReadBuffer = max(o.ReadBuffer, minReadBuffer)
	if o.WriteBuffer <= 0 {
		o.WriteBuffer = 256 << 10
	}
	if o.WriteTimeout <= 0 {
		o.WriteTimeout = 30 * time.Second
	}
	return o
}

// A Conn is one side of a WebSocket connection. The caller must keep calling Read,
// or pings are not answered and the peer's close is not noticed.
//
// Read is for one goroutine at a time; every other method may be called by any
// goroutine at any time. Each Conn has one goroutine of its own, which ends with
// the connection: call Close or CloseNow when done.
type Conn struct {
	rwc     io.ReadWriteCloser
	side    ws.State // StateClientSide or StateServerSide
	opt     Options
	in      inbox                 // belongs to the goroutine that holds role
	role    role                  // held by the Read or Close that reads
	reading atomic.Pointer[watch] // the watch of the Read that is active
	out     outbox                // guarded by mu

	mu        sync.Mutex
	watch     *watch // the context that may end a Read
	closing   bool   // the close frame is queued
	closeSent bool   // the close frame is written
	err       error  // why the connection ended

	farewell error // the CloseError, ProtocolError or stopError that ended the reading

	done  chan struct{} // closed when the socket is being closed
	wake  chan struct{} // wakes the writer when there is something to write
	late  *time.Timer   // ends the connection when a batch cannot be written in time
	gone  chan struct{} // closed when the writer has returned
	born  time.Time
	heard atomic.Int64 // when bytes last arrived, since born
	came  atomic.Int64 // how many
}

// newConn starts a connection over rwc. If lent is not nil, what it has buffered of
// rwc comes first.
func newConn(rwc io.ReadWriteCloser, lent *bufio.Reader, side ws.State, o Options) *Conn {
	c := &Conn{
		rwc:  rwc,
		side: side,
		opt:  o.withDefaults(),
		done: make(chan struct{}),
		wake: make(chan struct{}, 1),
		gone: make(chan struct{}),
		born: time.Now(),
	}
	c.late = time.AfterFunc(c.opt.WriteTimeout, func() { c.end(errSlowPeer) })
	c.late.Stop()
	c.role.left = make(chan struct{}, 1)
	c.in.src = &source{conn: c}
	c.in.borrow(lent, min(c.opt.ReadBuffer, firstReadBuffer))
	if c.client() {
		c.out.keys = newKeys()
	}
	go c.writeLoop()
	return c
}

// below returns the network connection under rwc, or nil.
func below(rwc io.ReadWriteCloser) net.Conn {
	switch c := rwc.(type) {
	case net.Conn:
		return c
	case interface{ NetConn() net.Conn }:
		return c.NetConn()
	}
	return nil
}

// newKeys returns a source of masking keys that no peer can predict.
func newKeys() *rand.ChaCha8 {
	var seed [32]byte
	crand.Read(seed[:]) // never fails
	return rand.NewChaCha8(seed)
}

func (c *Conn) client() bool { return c.side.ClientSide() }

// Done is closed when the connection can no longer be used: after CloseNow, at
// the end of Close, or when it failed. A close frame of the peer alone does not
// close it: Read returns that, and the caller answers with Close.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err returns why the connection ended, and nil as long as Done is open. It
// matches [ErrClosed] if this side closed it.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// LastRead returns when bytes of the peer last arrived, of whatever kind. Before
// the first it is the time of the handshake.
func (c *Conn) LastRead() time.Time {
	return c.born.Add(time.Duration(c.heard.Load()))
}

// BytesRead returns how many bytes of the peer have arrived.
func (c *Conn) BytesRead() int64 { return c.came.Load() }

// end closes the socket and makes every wait return. The first err is kept.
func (c *Conn) end(err error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	if c.closeSent && err == errNoCloseFrame {
		err = ErrClosed // the peer closed in answer to our close frame
	}
	c.err = err
	c.breakOff(err)
	if c.watch != nil {
		c.watch.stop()
	}
	close(c.done)
	c.mu.Unlock()
	c.closeSocket()
}

// closeSocket closes the connection below TLS. The Close of TLS may wait seconds for
// a peer that does not read, to send an alert that the close frame makes needless.
func (c *Conn) closeSocket() {
	if t, ok := below(c.rwc).(*tls.Conn); ok {
		t.NetConn().Close()
		return
	}
	c.rwc.Close()
}

// readSome reads from the socket. It ends the connection when the rest of a message
// does not come in time.
func (c *Conn) readSome(p []byte) (int, error) {
	if c.in.op == 0 && c.in.buf.Buffered() == 0 {
		c.in.until = time.Time{}
		return c.rwc.Read(p)
	}
	now := time.Now()
	if c.in.until.IsZero() {
		c.in.until = now.Add(c.opt.MessageTimeout)
	}
	if left := max(0, c.in.until.Sub(now)); c.in.stuck == nil {
		c.in.stuck = time.AfterFunc(left, func() { c.end(errSlowMessage) })
	} else {
		c.in.stuck.Reset(left)
	}
	n, err := c.rwc.Read(p)
	c.in.stuck.Stop()
	c.in.until = c.in.until.Add(time.Duration(n) * time.Second / leastRate)
	return n, err
}

const leastRate = 4 << 10 // bytes of a message in each second, after its timeout

// source reads from the socket and notes the time.
type source struct {
	conn  *Conn
	early []byte // comes first
	full  bool   // there was more than the last Read had asked for
}

// hasMore reports whether a Read does not wait. It asks the kernel only if the last Read
// got all that it asked for, as a peer that sends little has nothing more then.
func (s *source) hasMore() bool {
	if !s.full || s.conn.opt.OnWait == nil {
		return false
	}
	s.conn.learnTCP()
	more := s.conn.in.more
	return more != nil && more()
}

func (s *source) Read(p []byte) (int, error) {
	if len(s.early) > 0 {
		n := copy(p, s.early)
		s.early = s.early[n:]
		return n, nil
	}
	if !s.hasMore() {
		if err := s.conn.aboutToWait(); err != nil {
			return 0, err
		}
	}
	n, err := s.conn.readSome(p)
	s.full = n == len(p)
	if n > 0 {
		s.conn.heard.Store(int64(time.Since(s.conn.born)))
		s.conn.came.Add(int64(n))
	}
	return n, err
}
