package notify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/internal/wire"
)

const endpoint = "platform/notify"

// lifecycle has the settings of connections, which consumers and publishers share.
type lifecycle struct {
	client       *prism.Client
	query        string // of the handshake
	maxMessage   int    // bytes, 0 is the socket's default
	log          *slog.Logger
	retry        Reconnect
	pingInterval time.Duration
	pongTimeout  time.Duration
	patience     time.Duration // with the next handshake; 0 is pongTimeout
	worked       atomic.Bool   // a connection has, ever
	onConnect    func()
	onDisconnect func(error)
	onError      func(error)
	trace        *Trace // or nil
}

// check fills in the defaults.
func (l *lifecycle) check() error {
	switch {
	case l.client == nil:
		return errors.New("notify: the client is nil, make one with prism.New")
	case l.retry.MaxFailures < 0 || l.retry.Delay < 0:
		return errors.New("notify: Reconnect.MaxFailures and Reconnect.Delay must not be negative")
	case l.pingInterval < 0 || l.pongTimeout < 0:
		return errors.New("notify: PingInterval and PongTimeout must not be negative")
	}
	l.log = l.client.Logger()
	l.pingInterval = cmp.Or(l.pingInterval, 30*time.Second)
	l.pongTimeout = cmp.Or(l.pongTimeout, 10*time.Second)
	if l.onConnect == nil {
		l.onConnect = func() {}
	}
	if l.onDisconnect == nil {
		l.onDisconnect = func(error) {}
	}
	if l.onError == nil {
		l.onError = func(error) {}
	}
	return nil
}

// connection is one socket, and a goroutine that watches it. It is never reconnected:
// tags, acks and barriers are valid for one connection only.
type connection struct {
	*socket.Conn
	heard    atomic.Uint64 // frames that came
	pongs    atomic.Uint64 // those that answer a ping of ours
	paused   atomic.Bool   // no goroutine reads, so silence proves nothing
	pauses   atomic.Uint64 // how often that began
	silent   atomic.Bool   // the watch has ended it
	nonce    uint64        // the first half of the payload of pings, so that an unasked pong is recognised
	barrier  atomic.Uint64 // the second half: the number of the last frame that was queued
	watching chan struct{} // closed when the watch has ended
}

// answered reports whether anything has come from the platform.
func (c *connection) answered() bool { return c.heard.Load() > 0 }

// hooks are a connection's functions for its user; the reading goroutine calls them.
type hooks struct {
	existing bool                 // the queue was consumed before, so it must not be made again
	onPong   func(barrier uint64) // with what the answered ping carried
	onWait   func() error         // before it waits for the platform
}

// connect dials once and starts to watch.
func (l *lifecycle) connect(ctx context.Context, h hooks) (*connection, error) {
	handshake, path := socket.NewHandshake(), endpoint+l.query
	if h.existing {
		path += "&existing=1"
	}
	resp, err := l.upgrade(ctx, path, handshake.Header())
	if err != nil {
		return nil, err
	}
	c := &connection{nonce: rand.Uint64(), watching: make(chan struct{})}
	c.Conn, err = handshake.Finish(resp, socket.Options{
		MaxMessage: int64(l.maxMessage),
		ReadBuffer: 64 << 10,
		OnPing:     func([]byte) { c.heard.Add(1) },
		OnPong: func(payload []byte) {
			c.heard.Add(1)
			if barrier, ok := c.answers(payload); ok {
				c.pongs.Add(1)
				if !l.worked.Load() {
					l.worked.Store(true)
				}
				if h.onPong != nil {
					h.onPong(barrier)
				}
			}
		},
		PingPayload: c.appendPayload,
		OnWait:      h.onWait,
	})
	if err != nil {
		return nil, err
	}
	l.log.Info("connected", "path", endpoint)
	// Before anything else: the platform gives the full window to a peer that has
	// pinged.
	_ = c.Ping(ctx, c.appendPayload(nil))
	go l.watch(c, snapshot{at: time.Now(), pauses: 1}) // while OnConnect runs, no goroutine reads
	return c, nil
}

// upgrade bounds the time of a handshake, from dialling on: one that gets no answer is
// better begun anew. After each handshake that took too long the next one has more time,
// for a platform that is always slow.
func (l *lifecycle) upgrade(ctx context.Context, path string, header http.Header) (*http.Response, error) {
	patience := cmp.Or(l.patience, l.pongTimeout)
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	resp, err := l.client.Upgrade(limited, path, header)
	l.patience = 0
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		l.patience = min(2*patience, mostPatience)
		return nil, fmt.Errorf("notify: not connected within %v: %w", patience, err)
	}
	return resp, err
}

// mostPatience bounds the time of a handshake; prism.Config.Timeout may be shorter.
const mostPatience = time.Minute

// answer sends a close frame to a peer that has closed or broken the protocol.
func (c *connection) answer(err error) {
	var fault *socket.ProtocolError
	var closed *socket.CloseError
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	switch {
	case errors.As(err, &fault):
		_ = c.Close(ctx, fault.Code, fault.Reason)
	case errors.As(err, &closed):
		_ = c.Close(ctx, closed.Code, "") // echoes
	}
}

// hangUp closes the socket, if it is not closed, and waits for the watch.
func (c *connection) hangUp() {
	_ = c.CloseNow()
	<-c.watching
}

// reason returns why the connection ended, given the error of reading.
func (c *connection) reason(err error) error {
	if c.silent.Load() {
		return ErrNoPong
	}
	return err
}

// pause is called before a time in which no goroutine reads, and resume after it.
func (c *connection) pause() {
	c.pauses.Add(1)
	c.paused.Store(true)
}

func (c *connection) resume() { c.paused.Store(false) }

// A snapshot has the counters of a connection at one moment.
type snapshot struct {
	at            time.Time
	pongs, pauses uint64
	bytes         int64 // that came
}

func (c *connection) snapshot() snapshot {
	return snapshot{time.Now(), c.pongs.Load(), c.pauses.Load(), c.BytesRead()}
}

// watch pings, and ends the connection when a ping is not answered within
// pongTimeout: no other frame proves that the platform receives ours. While this side
// does not read, it pings more often and says in the payload that it does not read, as
// the platform waits for pongs, too. The first ping has been sent; asked is the snapshot
// of that moment.
func (l *lifecycle) watch(c *connection, asked snapshot) {
	defer close(c.watching)
	last, late := asked, 0
	for elapse(min(l.pongTimeout/2, l.pingInterval, mostPause), c.Done()) {
		now := c.snapshot()
		since := now.at.Sub(asked.at)
		answered := now.pongs != asked.pongs
		switch {
		case c.paused.Load(), since >= l.pingInterval && answered, since >= l.pongTimeout && now.pauses != asked.pauses:
			asked, last, late = now, now, 0 // after a pause the pong may still lie unread
			c.PingBehind()
		case answered || now.at.Sub(last.at) < l.pongTimeout:
		case now.bytes-last.bytes >= streamBytes && late < lateTimes:
			last, late = now, late+1
		default:
			c.silent.Store(true)
			_ = c.CloseNow()
			return
		}
	}
}

const (
	// mostPause is the longest time between two pings of a consumer that does not
	// read: the platform may want to know within five seconds that it lives.
	mostPause = 2 * time.Second
	// A pong lies behind the deliveries that were on their way. While so many bytes
	// come in a pongTimeout, a slow line has that as many times more.
	streamBytes = 64 << 10
	lateTimes   = 3
)

// appendPayload makes the payload of a ping when the ping leaves. The payload has the
// newest barrier, as a peer needs to answer only the last ping that it got.
func (c *connection) appendPayload(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, c.nonce)
	dst = binary.BigEndian.AppendUint64(dst, c.barrier.Load())
	if c.paused.Load() {
		dst = append(dst, wire.NotReading...)
	}
	return dst
}

// answers reports whether a pong answers a ping of ours, and returns the barrier of that
// ping. Some peers send pongs unasked, with any payload.
func (c *connection) answers(pong []byte) (barrier uint64, ok bool) {
	pong = bytes.TrimSuffix(pong, wire.NotReading)
	if len(pong) != 16 || binary.BigEndian.Uint64(pong) != c.nonce {
		return 0, false
	}
	barrier = binary.BigEndian.Uint64(pong[8:])
	return barrier, barrier <= c.barrier.Load()
}

func (c *connection) alive() bool {
	select {
	case <-c.Done():
		return false
	default:
		return true
	}
}

// goodbye flushes, shakes hands with 1000 and hangs up. It takes as long as
// the platform needs, at most farewell, and ends with ctx.
func (c *connection) goodbye(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	_ = c.Close(ctx, socket.NormalClosure, "")
	c.hangUp()
}

// farewell is short, because Run promises to return within a second.
const farewell = 700 * time.Millisecond

// fail logs a failure and calls OnError.
func (l *lifecycle) fail(level slog.Level, what string, err error) {
	l.log.Log(context.Background(), level, what, "error", err)
	l.onError(err)
}
