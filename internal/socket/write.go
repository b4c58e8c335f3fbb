package socket

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/gobwas/ws"
)

// lastWords bounds the time in which Read may find the close frame behind a broken pipe.
const lastWords = time.Second

// Write queues one message as one frame. It copies payload, so the caller may
// use it again at once, and returns nil when the message is queued: an error
// of the network shows in a later call and in Err. Frames leave in the order of
// the calls.
//
// It waits only while the queue is full, see Options.WriteBuffer. If ctx ends
// while it waits, nothing was queued and the connection is unharmed. Once Read
// has seen the peer close, Write returns the same [*CloseError].
func (c *Conn) Write(ctx context.Context, op Opcode, payload []byte) error {
	if op != Text && op != Binary {
		return fmt.Errorf("socket: a message must be Text or Binary, not %d", op)
	}
	return c.enqueue(ctx, ws.OpCode(op), payload)
}

// Ping queues a ping with at most 125 bytes of payload behind the messages
// already queued. It waits like Write, not for the pong: see Options.OnPong. A
// peer that is behind may answer only the newest of several pings.
func (c *Conn) Ping(ctx context.Context, payload []byte) error {
	if len(payload) > ws.MaxControlFramePayloadSize {
		return fmt.Errorf("socket: a ping may carry at most %d bytes, not %d", ws.MaxControlFramePayloadSize, len(payload))
	}
	return c.enqueue(ctx, ws.OpPing, payload)
}

// Flush waits until all that was queued before the call has been handed to the
// kernel, or ctx or the connection ends.
func (c *Conn) Flush(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for target := c.out.queued; c.out.written < target; {
		if c.out.broken != nil {
			return c.out.broken
		}
		if err := c.awaitChange(ctx); err != nil {
			return fmt.Errorf("socket: flush: %w", err)
		}
	}
	return nil
}

func (c *Conn) enqueue(ctx context.Context, op ws.OpCode, payload []byte) error {
	c.mu.Lock()
	if err := c.out.refused; err != nil {
		c.mu.Unlock()
		return err
	}
	if c.out.waiting == 0 && c.out.fits(len(payload), c.opt.WriteBuffer) {
		c.out.put(op, payload)
		c.wakeWriter()
		c.mu.Unlock()
		return nil
	}
	if c.out.turn == nil {
		c.out.turn = make(chan struct{}, 1)
	}
	c.out.waiting++
	turn := c.out.turn
	c.mu.Unlock()
	return c.enqueueInTurn(ctx, turn, op, payload)
}

// enqueueInTurn waits until the frame fits, behind earlier callers, so that small
// frames do not overtake a large one for ever.
func (c *Conn) enqueueInTurn(ctx context.Context, turn chan struct{}, op ws.OpCode, payload []byte) error {
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() { c.out.waiting-- }()
	err := ctx.Err()
	for err == nil && c.out.refused == nil && !c.out.fits(len(payload), c.opt.WriteBuffer) {
		err = c.awaitChange(ctx)
	}
	switch {
	case c.out.refused != nil:
		return c.out.refused
	case err != nil:
		return fmt.Errorf("socket: write: %w", err)
	}
	c.out.put(op, payload)
	c.wakeWriter()
	return nil
}

// awaitChange waits for the outbox to change, with mu unlocked meanwhile.
func (c *Conn) awaitChange(ctx context.Context) error {
	if c.out.progress == nil {
		c.out.progress = make(chan struct{})
	}
	progress := c.out.progress
	c.mu.Unlock()
	defer c.mu.Lock()
	select {
	case <-progress:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// PingBehind queues a ping with Options.PingPayload behind everything that leaves
// in the next system call, which may be more than what is queued now.
func (c *Conn) PingBehind() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out.refused == nil {
		c.out.behind = c.opt.PingPayload
		c.wakeWriter()
	}
}

// Pong queues the answer to a ping, also when the queue is full. It does nothing if
// the connection is ending. A peer that pings faster than it reads gets
// an answer to the newest ping only, as RFC 6455 allows. See Options.OwnPongs.
func (c *Conn) Pong(payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out.refused == nil {
		c.out.putPong(payload)
		c.wakeWriter()
	}
}

// refuse makes every later and every waiting Write fail with err. The caller
// holds mu.
func (c *Conn) refuse(err error) {
	if c.out.refused == nil {
		c.out.refused = err
	}
	c.out.notifyChange()
}

// breakOff makes every wait for the outbox fail with err. The caller holds mu.
func (c *Conn) breakOff(err error) {
	if c.out.broken == nil {
		c.out.broken = err
	}
	c.refuse(err)
}

// wakeWriter wakes the write loop, as there is something to write. The caller holds mu.
func (c *Conn) wakeWriter() {
	if c.out.idle {
		c.out.idle = false
		c.wake <- struct{}{} // does not block: the loop received the last one before it became idle
	}
}

// writeLoop is the connection's own goroutine.
func (c *Conn) writeLoop() {
	defer close(c.gone)
	for {
		batch, until := c.nextBatch()
		if batch == nil {
			select {
			case <-c.wake:
				runtime.Gosched() // goroutines that are about to write share the system call
				continue
			case <-c.done:
				return
			}
		}
		if err := c.writeBatch(batch.bytes); err != nil {
			c.writeFailed(fmt.Errorf("socket: write: %w", err))
			return
		}
		batch.release()
		c.batchWritten(until)
	}
}

// nextBatch empties the queue, and returns what was in it, or nil.
func (c *Conn) nextBatch() (batch *buffer, until uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	batch = c.out.takeAll()
	c.out.idle = batch == nil
	c.out.notifyChange()
	return batch, c.out.queued
}

// writeBatch makes one system call, except that a frame larger than the buffer
// is cut, so that the timeout distinguishes a slow peer from a large frame.
func (c *Conn) writeBatch(batch []byte) error {
	for piece := range slices.Chunk(batch, c.opt.WriteBuffer+maxPongs+maxControl) {
		c.late.Reset(c.opt.WriteTimeout)
		_, err := c.rwc.Write(piece)
		c.late.Stop()
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *Conn) batchWritten(until uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.written = until
	c.out.notifyChange()
}

// writeFailed lets an active Read find the peer's close frame, which says more than
// the broken pipe, before the socket is closed.
func (c *Conn) writeFailed(err error) {
	c.mu.Lock()
	c.breakOff(err)
	c.mu.Unlock()
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.done:
	}
	c.end(err)
}
