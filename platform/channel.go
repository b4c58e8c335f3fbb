package platform

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/internal/activity"
	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/internal/wire"
)

// A channel is one WebSocket connection of the message channel (protocol
// chapter 3). One goroutine reads its commands, one for each consumed topic
// delivers, one pings a peer that has pinged; run waits for all of them.
//
// The order at the end matters: unacknowledged messages go back to their queues
// first, and only then does the peer learn that the connection has ended. So a peer
// that reconnects at once finds its messages.
type channel struct {
	p        *Platform
	keyState *keyState
	info     Conn
	name     consumerName
	// existing is set if the consumer says that it has consumed its topic before: then
	// a queue that was dropped while it was disconnected is not made again.
	existing bool
	secret   string // the secret of the key that the peer has proved to know
	count    *keyCount

	counted     bool            // guarded by connections.mu
	predecessor <-chan struct{} // if there was one, closed when its messages are back in their queues
	returned    chan struct{}   // closed when those of this channel, and of all predecessors, are back
	enforced    bool            // guarded by keyStates.mu

	limits wire.Limits
	ctx    context.Context // ends all tasks of the channel, but not the reading of its socket
	cancel context.CancelFunc
	over   chan ending // the first ending counts
	conn   *socket.Conn
	tasks  sync.WaitGroup // delivery and ping

	// Only the reading goroutine uses these. Most are about commands that were read and
	// are not stored yet.
	decoder      wire.CommandDecoder
	acks         []ack
	messages     []*Message
	messageBytes int
	batch        *batch     // nil, or what the engine stores meanwhile
	spare        []*Message // its memory, for the next one
	pings        []ping
	seen         bool      // a ping, ever
	ids          []uint64  // scratch of storeAcks
	came         time.Time // when the first of what was read since the last store

	unsure atomic.Bool // life needs to know when something comes from the peer

	nonce uint64        // the first half of the payload of pings
	asked atomic.Uint64 // the second half: the number of the newest ping

	sending sync.Mutex // held while deliveries are written, so that tags count up on the wire

	mu         sync.Mutex // guards what follows
	changed    sync.Cond  // the window has room, or the channel has ended
	ended      bool
	window     int
	pinged     bool // the peer takes the full window
	lastTag    uint64
	held       map[uint64]held // deliveries without an ack, by tag
	heldBytes  int
	heldFrames int                // bytes of the frames of what is held
	wanted     int                // bytes of the frame for which there was no room
	consumers  map[string]*source // by topic
	acked      int                // acks that named a delivery
	life       life
	pinger     pinger
}

// A source is a consumer of the engine's, which need not be comparable.
type source struct {
	Consumer
	topic, name string
	settled     uint64 // the newest tag that was acknowledged or failed; guarded by the channel's mu
}

// held is a delivery that waits for its ack.
type held struct {
	queue   *source
	id      uint64
	message MessageID
	routing string // the message's routing key
	attempt int
	size    int // of the message
	frame   int
}

// An ending is why a channel has ended, and the close frame that its peer gets.
type ending struct {
	code   socket.Code
	reason string
	cut    bool // the peer cannot be reached, so no close frame is sent
	tried  bool // the peer may have ended because of a message, so what it handled counts as tried

	refused string // the code of what was refused; "" if nothing was
}

func shuttingDown() ending {
	return ending{code: socket.GoingAway, reason: "the platform is shutting down"}
}

// serveChannel accepts a connection and returns when it has ended.
func (p *Platform) serveChannel(w *answer, r *http.Request, c *call) error {
	if err := socket.CheckHandshake(r); err != nil {
		return handshakeFailure(err)
	}
	if c.person != nil {
		return badRequest(code.InvalidHandshake, "a message channel is for keys")
	}
	id, err := optional(c.params(), "consumer_id", consumerIDBytes)
	if err != nil {
		return err
	}
	ch := p.newChannel(r, c)
	ch.name = consumerName{key: c.key.ID, id: id}
	ch.existing = c.params().Get("existing") == "1"
	defer ch.cancel()
	if err := p.conns.join(ch); err != nil {
		return err
	}
	defer p.conns.leave(ch)
	if err := p.keyStates.enter(r.Context(), ch); err != nil {
		ch.handOver()
		return err
	}
	defer p.keyStates.leave(ch)
	if err := p.declare(r.Context(), ch.keyState.holder.Load()); err != nil {
		ch.handOver()
		return err
	}
	ch.count = p.owners.countOf(c.key.ID)
	if err := ch.accept(w, r); err != nil {
		ch.handOver()
		var refused *socket.HandshakeError
		if !errors.As(err, &refused) { // the connection broke, so no answer can be sent
			w.status, w.code = statusCanceled, code.Canceled
			return nil
		}
		return handshakeFailure(err)
	}
	w.status = http.StatusSwitchingProtocols
	ch.guarded(func() { p.observe(r, c, w.status, "") })
	ch.run(r.Context())
	return nil
}

func handshakeFailure(err error) error {
	var refused *socket.HandshakeError
	if !errors.As(err, &refused) {
		return err
	}
	name := code.InvalidHandshake
	if refused.Status == http.StatusUpgradeRequired {
		name = code.UpgradeRequired
	}
	return &failure{status: refused.Status, code: name, message: refused.Reason, header: refused.Header}
}

func (p *Platform) newChannel(r *http.Request, c *call) *channel {
	l := p.cfg.Limits
	ch := &channel{
		p: p,
		info: Conn{
			Key:        c.key.ID,
			App:        c.key.App,
			RequestID:  c.id,
			RemoteAddr: c.caller.remote,
			UserAgent:  r.UserAgent(),
			Since:      p.cfg.Now(),
		},
		secret:    c.secret,
		limits:    wire.Limits{Key: l.RoutingKey, Body: l.MaxBody, ContentType: l.ContentType, Topic: l.Topic},
		over:      make(chan ending, 1),
		returned:  make(chan struct{}),
		nonce:     rand.Uint64(),
		window:    l.SmallWindow,
		held:      make(map[uint64]held),
		consumers: make(map[string]*source),
	}
	ch.changed.L = &ch.mu
	ch.ctx, ch.cancel = context.WithCancel(context.WithoutCancel(r.Context()))
	return ch
}

func (c *channel) accept(w *answer, r *http.Request) error {
	l := c.limits
	conn, err := socket.Accept(w.ResponseWriter, r, socket.Options{
		// The longest publish: a byte, three lengths and their parts.
		MaxMessage:   int64(1 + 2 + l.Key + 4 + l.Body + 2 + l.ContentType),
		WriteTimeout: c.p.cfg.WriteTimeout,
		// What one read brings is stored at once, so a large buffer saves an engine
		// many syncs. A connection that was never busy has a buffer of 4 KiB.
		ReadBuffer:  64 << 10,
		OnPing:      c.onPing,
		OnPong:      c.onPong,
		OwnPongs:    true,
		PingPayload: c.pingPayload,
		OnWait:      c.store,
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.conn = conn
	c.mu.Unlock()
	c.info.ID = uint64(c.p.count.connected.Add(1))
	return nil
}

// run serves the connection until it ends, and cleans up. When serving ends
// (the context of the HTTP server), so does the connection.
func (c *channel) run(serving context.Context) {
	c.guarded(c.reportStart)
	var reading sync.WaitGroup
	reading.Go(func() { c.guarded(c.read) })
	var e ending
	select {
	case e = <-c.over:
	case <-serving.Done():
		e = shuttingDown()
	}
	c.retire(e)
	c.handOver()
	c.guarded(func() { c.reportEnd(e) })
	if e.cut {
		c.conn.CloseNow()
	} else {
		c.conn.Close(context.Background(), e.code, shorten(e.reason, 123))
	}
	reading.Wait()
}

// reportStart and reportEnd write the log records of the connection, and call the hooks.
func (c *channel) reportStart() {
	c.p.count.connections.Add(1)
	c.noteConn(activity.Connect, ending{})
	c.p.cfg.Logger.Info("connected", c.logAttrs()...)
	if c.p.cfg.Trace.Connect != nil {
		c.p.cfg.Trace.Connect(c.info)
	}
}

func (c *channel) reportEnd(e ending) {
	c.p.count.connections.Add(-1)
	c.noteConn(activity.Close, e)
	attrs := append(c.logAttrs(), slog.Int("code", int(e.code)), slog.String("reason", e.reason))
	if e.refused != "" {
		attrs = append(attrs, slog.String("refused", e.refused))
	}
	c.p.cfg.Logger.Info("disconnected", attrs...)
	if c.p.cfg.Trace.Disconnect != nil {
		c.p.cfg.Trace.Disconnect(c.info, e.reason)
	}
}

func (c *channel) logAttrs() []any {
	return []any{
		slog.Uint64("conn", c.info.ID),
		slog.String("key", c.info.Key),
		slog.String("user_agent", shorten(c.info.UserAgent, loggedBytes)),
		slog.String("remote", c.info.RemoteAddr),
		slog.String("request_id", c.info.RequestID),
	}
}

// end asks run to finish; only the first ending of a channel counts.
func (c *channel) end(e ending) {
	select {
	case c.over <- e:
	default:
	}
}

// cut closes the socket at once, whatever run is doing.
func (c *channel) cut() {
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	if conn != nil {
		conn.CloseNow()
	}
}

// retire counts what was tried, returns unacknowledged messages to their queues, and
// waits for all tasks.
func (c *channel) retire(e ending) {
	c.mu.Lock()
	c.ended = true
	c.life.stop()
	c.pinger.stop()
	consumers := c.consumers
	var tried []attempts
	if e.tried {
		tried = c.tried("the connection ended: " + e.reason)
	}
	c.changed.Broadcast()
	c.mu.Unlock()
	c.cancel()
	c.guarded(func() { c.countTried(tried) })
	for topic, queue := range consumers {
		c.guarded(func() {
			if err := queue.Close(); err != nil {
				c.p.cfg.Logger.Error("returning messages failed", append(c.logAttrs(), slog.String("topic", topic), slog.Any("error", err))...)
			}
		})
	}
	c.tasks.Wait()
}

// spawn runs task in a goroutine that retire waits for. After the end it does
// nothing.
func (c *channel) spawn(task func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.tasks.Go(func() { c.guarded(task) })
	}
}

// guarded runs task. A panic in it, of an engine or a hook, ends only this connection.
func (c *channel) guarded(task func()) {
	defer func() {
		if v := recover(); v != nil {
			c.p.cfg.Logger.Error("panic", append(c.logAttrs(), slog.Any("value", v), slog.String("stack", string(debug.Stack())))...)
			c.end(ending{code: socket.InternalError, reason: "the platform failed; its operator finds the cause under request id " + c.info.RequestID})
		}
	}()
	task()
}

// read executes commands until one fails. It reads no further frame then.
func (c *channel) read() {
	defer func() { _ = c.endStoring() }()
	for {
		_, frame, err := c.conn.Read(context.Background())
		if err != nil {
			_ = c.store()
			c.end(endingOf(err))
			return
		}
		if c.ctx.Err() != nil {
			return // nothing is stored any more, so no pong may be sent
		}
		if err := c.execute(frame); err != nil {
			_ = c.store() // what came before it
			c.failed(err)
			return
		}
	}
}

// failed ends the channel, unless err is a consequence of its end.
func (c *channel) failed(err error) {
	if c.ctx.Err() == nil {
		c.end(c.refusal(err))
	}
}

func endingOf(err error) ending {
	var closed *socket.CloseError
	var broken *socket.ProtocolError
	switch {
	case errors.As(err, &closed):
		return ending{code: closed.Code, reason: strings.TrimRight(fmt.Sprintf("closed by the peer with code %d %s", closed.Code, shorten(closed.Reason, 123)), " "), tried: true}
	case errors.As(err, &broken):
		return ending{code: broken.Code, reason: broken.Reason, tried: true, refused: code.InvalidRequest}
	}
	return ending{code: socket.Abnormal, reason: "lost: " + err.Error(), cut: true, tried: true}
}

func (c *channel) execute(frame []byte) error {
	cmd, err := c.decoder.Decode(frame, c.limits)
	if err != nil {
		return err
	}
	if c.came.IsZero() { // once for many commands, as asking for the time is slow
		c.came = c.p.cfg.Now()
	}
	if refused := c.keyState.refusal(c.secret, c.came); refused != nil {
		return refused // otherwise the queues of a deleted key would be made again
	}
	switch cmd.Op {
	case wire.OpPublish:
		return c.publish(cmd)
	case wire.OpConsume:
		if err := c.store(); err != nil { // first, as consume may take long
			return err
		}
		return c.consume(cmd.Topic)
	case wire.OpFail:
		return c.note(ack{tag: cmd.Tag, hasTag: true, failed: true, reason: cmd.Reason})
	default:
		return c.note(ack{tag: cmd.Tag, hasTag: cmd.HasTag})
	}
}

// refusal returns the ending for a command that was refused.
func (c *channel) refusal(err error) ending {
	e := c.endingFor(err)
	e.refused = codeOf(err)
	return e
}

// endingFor returns the close frame of a refusal. Only what the peer has sent can be because
// of a message: the rest is about the platform, the key or a queue.
func (c *channel) endingFor(err error) ending {
	var bad *wire.Error
	var forbidden *failure
	switch {
	case errors.As(err, &bad):
		return ending{code: socket.Code(bad.CloseCode()), reason: wireWords(bad), tried: true}
	case errors.As(err, &forbidden):
		return ending{code: socket.PolicyViolation, reason: forbidden.message, tried: forbidden.code == code.ForbiddenRoutingKey}
	case errors.Is(err, ErrUnavailable):
		c.p.cfg.Logger.Warn("engine not available", append(c.logAttrs(), slog.Any("error", err))...)
		return ending{code: socket.TryAgainLater, reason: unavailable().message}
	case errors.Is(err, ErrQueueFull):
		return ending{code: socket.TryAgainLater, reason: engineWords(err)}
	case errors.Is(err, ErrTooManyTopics), errors.Is(err, ErrFanOut), errors.Is(err, errTooManyConsumes):
		return ending{code: socket.PolicyViolation, reason: engineWords(err)}
	case errors.Is(err, ErrUnknownTopic):
		return ending{code: socket.QueueGone, reason: engineWords(err)}
	}
	c.p.cfg.Logger.Error("engine failed", append(c.logAttrs(), slog.Any("error", err))...)
	return ending{code: socket.InternalError, reason: "the platform failed; its operator finds the cause under request id " + c.info.RequestID}
}

func wireWords(e *wire.Error) string {
	if e.Dialect == "" {
		return fmt.Sprintf("%s: %s", e.Op, e.Reason)
	}
	return fmt.Sprintf("%s as the %s SDK writes it: %s", e.Op, e.Dialect, e.Reason)
}
