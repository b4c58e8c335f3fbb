package platform

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/shopex/prism-go/internal/socket"
)

// Whether a peer still lives. A peer that pings is pinged, and only its pongs prove that
// it receives our frames: its own frames may arrive while ours do not. A peer that never
// pinged is not pinged either, as published SDKs take a ping for a message or for the
// end. Whether it lives, the unanswered probes of the kernel and its acks show.

// slowLine multiplies the time for a pong while the peer acknowledges deliveries: on a
// slow line its pong may come behind a whole window of them.
const slowLine = 4

// proofTime is how long a peer has to prove that it lives when another connection
// consumes the same queue. Until it has, it gets no further delivery.
const proofTime = 5 * time.Second

// life is what a channel knows about whether its peer lives. The channel's mu guards it.
type life struct {
	ponged  uint64    // the newest ping of ours that was answered
	excused time.Time // when the peer last said that it does not read for now

	doubted bool // the peer has to prove that it lives
	since   time.Time
	ping    uint64      // the ping that it has to answer; 0 if it takes none
	acks    int         // that had come at the last look
	checks  int         // since
	timer   *time.Timer // for the next look
	trial   bool        // one delivery at a time, until something comes from the peer

	fetches int             // calls of Fetch under way
	trusted context.Context // ends when the next doubt begins; nil if no Fetch uses it
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

// A pinger pings a peer at intervals. It has a timer and no goroutine, as a platform may
// hold many thousand silent connections. The channel's mu guards it.
type pinger struct {
	timer  *time.Timer
	ping   uint64    // the one that has to be answered, 0 between two
	began  time.Time // when it was asked for
	acks   int       // that had come at the last look
	checks int       // since then
}

func (v *pinger) stop() {
	if v.timer != nil {
		v.timer.Stop()
	}
}

// keepAlive begins to ping the peer. The caller holds mu.
func (c *channel) keepAlive() {
	c.pinger.timer = time.AfterFunc(c.p.cfg.PingInterval, func() { c.guarded(c.pingOrEnd) })
}

// pingOrEnd pings the peer, or ends the channel if the last ping was not answered in time.
func (c *channel) pingOrEnd() {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, patience := &c.pinger, c.p.cfg.PongTimeout
	if c.ended {
		return
	}
	if v.ping == 0 {
		v.began, v.ping, v.acks, v.checks = time.Now(), c.sendPing(), c.acked, 0
		v.timer.Reset(patience)
		return
	}
	v.checks++
	switch acked := c.acked; {
	case c.proved(v.began, v.ping):
		v.ping = 0
		v.timer.Reset(max(0, c.p.cfg.PingInterval-patience))
	case acked > v.acks && v.checks < slowLine:
		v.acks = acked
		v.timer.Reset(patience)
	default:
		c.end(silent(patience))
	}
}

func silent(patience time.Duration) ending {
	return ending{code: socket.Abnormal, reason: fmt.Sprintf("lost: no answer to a ping within %v", patience), cut: true, tried: true}
}

// sendPing makes the socket send a ping behind what it writes next, and returns the
// number of the ping.
func (c *channel) sendPing() uint64 {
	n := c.asked.Add(1)
	c.conn.PingBehind()
	return n
}

func (c *channel) pingPayload(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, c.nonce)
	return binary.BigEndian.AppendUint64(dst, c.asked.Load())
}

// onPong is called for each pong. Some peers send pongs unasked.
func (c *channel) onPong(payload []byte) {
	if len(payload) != 16 || binary.BigEndian.Uint64(payload) != c.nonce {
		return
	}
	if n := binary.BigEndian.Uint64(payload[8:]); n <= c.asked.Load() {
		c.noteAlive(func() { c.life.ponged = max(c.life.ponged, n) })
	}
}

// proved reports whether the peer has answered ping, or said since then that it
// does not read. The caller holds mu.
func (c *channel) proved(since time.Time, ping uint64) bool {
	return c.life.ponged >= ping || !c.life.excused.Before(since)
}

// noteAlive calls note, which notes a sign of life, and ends a doubt if the peer has
// proved that it lives.
func (c *channel) noteAlive(note func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	note()
	if l := &c.life; l.doubted && l.ping > 0 && c.proved(l.since, l.ping) {
		c.endDoubt(false)
	}
}

// heard is called when something was read from the peer. It ends the doubt about a peer
// that takes no pings, for which any frame is a sign of life.
func (c *channel) heard() {
	if !c.unsure.Load() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.ping == 0 && !c.conn.LastRead().Before(c.life.since) {
		c.endDoubt(false)
	}
}

// endDoubt ends a doubt. With trial the peer gets one delivery at a time. The caller
// holds mu.
func (c *channel) endDoubt(trial bool) {
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

// doubt makes the peer prove that it lives if it consumes topic. It is called when
// another connection is about to consume topic too, perhaps because this one is dead.
// When it returns, this channel does not compete for messages until the proof.
func (c *channel) doubt(topic string) {
	c.startDoubt(topic)
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.life.doubted && c.life.fetches > 0 && !c.ended {
		c.changed.Wait()
	}
}

// startDoubt is doubt without waiting.
func (c *channel) startDoubt(topic string) {
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
		l.timer = time.AfterFunc(proofTime, func() { c.guarded(c.checkAnswer) })
		l.ping = c.sendPing()
		return
	}
	c.conn.Probe(true)
	l.timer = time.AfterFunc(proofTime/2, func() { c.guarded(c.checkConnection) })
}

// checkAnswer decides about a peer that takes pings and has not answered.
func (c *channel) checkAnswer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &c.life
	if !l.doubted || c.ended {
		return
	}
	l.checks++
	if acked := c.acked; acked > l.acks && l.checks < slowLine {
		l.acks = acked
		l.timer.Reset(proofTime)
		return
	}
	c.end(silent(proofTime))
}

// checkConnection decides about a peer that takes no pings. It ends the channel if the
// kernel's probes and retransmissions were not answered. If a proxy may have answered
// them, or the system does not report them, the peer gets one delivery at a time until
// something comes from it.
func (c *channel) checkConnection() {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &c.life
	if !l.doubted || c.ended {
		return
	}
	l.checks++
	switch unanswered := c.conn.Unanswered(); {
	case unanswered > 0 && l.checks == 1:
		l.timer.Reset(proofTime / 2)
	case unanswered > 1:
		c.end(ending{code: socket.Abnormal, reason: fmt.Sprintf("lost: the peer's machine answers nothing within %v", proofTime), cut: true, tried: true})
	default:
		c.endDoubt(true)
	}
}
