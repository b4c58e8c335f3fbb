package platform

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/shopex/prism-go/internal/socket"
)

// Whether a peer is still there. One that pings answers pings of ours, and nothing
// else proves that it hears us: its own frames may arrive while ours do not. One
// that never pinged is not pinged either, as published SDKs take a ping for a
// message or for the end; of it the kernel knows something, and its acks say the
// rest.

// slowLine is how many times its patience a peer has that acknowledges but whose
// pong does not come: that may lie behind a window of deliveries on a slow line.
const slowLine = 4

// proofTime is how long a peer has to show that it lives when another connection
// consumes the same queue. Until then it is given nothing more.
const proofTime = 5 * time.Second

// life is what a channel knows of its peer. Its mu guards it.
type life struct {
	ponged  uint64    // the newest ping of ours that was answered
	excused time.Time // when the peer last said that it does not read for now

	doubted bool // it has to prove that it lives
	since   time.Time
	ping    uint64      // the one that it has to answer, 0 if it takes none
	acks    int         // that had come at the last look
	looks   int         // since
	timer   *time.Timer // for the next look
	trial   bool        // one delivery at a time, until something comes

	fetches int             // that are under way
	trusted context.Context // ends with the next doubt; nil if nothing needs it
	suspect context.CancelFunc
}

func (l *life) stop() {
	if l.timer != nil {
		l.timer.Stop()
	}
}

// beginFetch returns a context that ends when the peer becomes doubtful.
func (c *channel) beginFetch() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &c.life
	l.fetches++
	if l.trusted == nil {
		l.trusted, l.suspect = context.WithCancel(c.ctx)
		if l.doubted {
			l.suspect()
		}
	}
	return l.trusted
}

func (c *channel) endFetch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.fetches--; c.life.doubted {
		c.changed.Broadcast()
	}
}

// A vigil is the pinging of a peer. While it waits it has a timer and no goroutine:
// a platform may hold many thousand silent connections. The channel's mu guards it.
type vigil struct {
	timer *time.Timer
	ping  uint64    // the one that has to be answered, 0 between two
	began time.Time // when it was asked for
	acks  int       // that had come at the last look
	looks int       // since then
}

func (v *vigil) stop() {
	if v.timer != nil {
		v.timer.Stop()
	}
}

// keepAlive begins to ping the peer. The caller holds mu.
func (c *channel) keepAlive() {
	c.vigil.timer = time.AfterFunc(c.p.cfg.PingInterval, func() { c.guarded(c.watch) })
}

// watch pings the peer, or ends the channel when it has to be taken for dead.
func (c *channel) watch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, patience := &c.vigil, c.p.cfg.PongTimeout
	if c.ended {
		return
	}
	if v.ping == 0 {
		v.began, v.ping, v.acks, v.looks = time.Now(), c.ask(), c.acked, 0
		v.timer.Reset(patience)
		return
	}
	v.looks++
	switch acked := c.acked; {
	case c.proved(v.began, v.ping):
		v.ping = 0
		v.timer.Reset(max(0, c.p.cfg.PingInterval-patience))
	case acked > v.acks && v.looks < slowLine:
		v.acks = acked
		v.timer.Reset(patience)
	default:
		c.end(silent(patience))
	}
}

func silent(patience time.Duration) ending {
	return ending{code: socket.Abnormal, reason: fmt.Sprintf("lost: no answer to a ping within %v", patience), cut: true}
}

// ask has a ping leave behind what is written next, and returns its number.
func (c *channel) ask() uint64 {
	n := c.asked.Add(1)
	c.conn.PingBehind()
	return n
}

func (c *channel) pingPayload(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, c.nonce)
	return binary.BigEndian.AppendUint64(dst, c.asked.Load())
}

// onPong is told of each pong. Some peers send them unasked.
func (c *channel) onPong(payload []byte) {
	if len(payload) != 16 || binary.BigEndian.Uint64(payload) != c.nonce {
		return
	}
	if n := binary.BigEndian.Uint64(payload[8:]); n <= c.asked.Load() {
		c.lives(func() { c.life.ponged = max(c.life.ponged, n) })
	}
}

// proved reports whether the peer has answered ping, or said since then that it
// does not read. The caller holds mu.
func (c *channel) proved(since time.Time, ping uint64) bool {
	return c.life.ponged >= ping || !c.life.excused.Before(since)
}

// lives notes a sign of life.
func (c *channel) lives(note func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	note()
	if l := &c.life; l.doubted && l.ping > 0 && c.proved(l.since, l.ping) {
		c.trust(false)
	}
}

// heard is called when what came was read. Of a peer that takes no pings, anything
// is a sign of life.
func (c *channel) heard() {
	if !c.unsure.Load() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.ping == 0 && !c.conn.LastRead().Before(c.life.since) {
		c.trust(false)
	}
}

// trust ends a doubt. The caller holds mu.
func (c *channel) trust(trial bool) {
	if c.life.doubted {
		c.life.trusted = nil
	}
	c.life.doubted, c.life.trial = false, trial
	c.unsure.Store(trial)
	c.life.stop()
	if c.life.ping == 0 {
		c.conn.Probe(false)
	}
	c.changed.Broadcast()
}

// doubt has the peer prove that it lives if it consumes topic, which somebody
// else is about to consume, too: perhaps because this connection is dead. When it
// returns, the peer is in nobody's way.
func (c *channel) doubt(topic string) {
	c.doubtSoon(topic)
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.life.doubted && c.life.fetches > 0 && !c.ended {
		c.changed.Wait()
	}
}

// doubtSoon is doubt for who must not wait.
func (c *channel) doubtSoon(topic string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, consumes := c.consumers[topic]; consumes && !c.ended && !c.life.doubted {
		c.beginDoubt()
	}
}

// beginDoubt is called with mu held.
func (c *channel) beginDoubt() {
	l := &c.life
	l.stop()
	if l.suspect != nil {
		l.suspect()
	}
	*l = life{ponged: l.ponged, excused: l.excused, doubted: true, since: time.Now(), acks: c.acked, fetches: l.fetches, trusted: l.trusted, suspect: l.suspect}
	c.unsure.Store(true)
	if c.pinged {
		l.timer = time.AfterFunc(proofTime, func() { c.guarded(c.look) })
		l.ping = c.ask()
		return
	}
	c.conn.Probe(true)
	l.timer = time.AfterFunc(proofTime/2, func() { c.guarded(c.lookBelow) })
}

// look decides about a peer that takes pings and has not answered.
func (c *channel) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &c.life
	if !l.doubted || c.ended {
		return
	}
	l.looks++
	if acked := c.acked; acked > l.acks && l.looks < slowLine {
		l.acks = acked
		l.timer.Reset(proofTime)
		return
	}
	c.end(silent(proofTime))
}

// lookBelow decides about a peer that takes no pings. It is gone when it leaves
// the kernel's probes and retransmissions unanswered; but where a proxy answers
// those, or nobody can say, it gets one delivery at a time until an ack comes.
func (c *channel) lookBelow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &c.life
	if !l.doubted || c.ended {
		return
	}
	l.looks++
	switch unanswered := c.conn.Unanswered(); {
	case unanswered > 0 && l.looks == 1:
		l.timer.Reset(proofTime / 2)
	case unanswered > 1:
		c.end(ending{code: socket.Abnormal, reason: fmt.Sprintf("lost: the peer's machine answers nothing within %v", proofTime), cut: true})
	default:
		c.trust(true)
	}
}
