package notify

import (
	"context"
	"errors"
	"runtime"

	"github.com/shopex/prism-go/internal/socket"
)

// A stream is one connection of a publisher: batches of frames go out, each with a
// ping behind it, and pongs come in, which confirm what is before their ping.
type stream struct {
	conn *connection
	more <-chan struct{} // gets a value when next may have something
	// next appends what to send now, and returns the number of the last.
	next   func(frames [][]byte) ([][]byte, uint64)
	frames [][]byte // reused
}

// run sends and reads until the connection ends, and returns why. When ctx ends
// before, it shakes hands within that of parting, and returns nil. Nothing that it
// started is running then.
func (s *stream) run(ctx context.Context, parting func() context.Context) error {
	readEnd := make(chan error, 1)
	go s.read(readEnd)
	for {
		select {
		case <-s.more:
			runtime.Gosched() // so that messages that are published at this moment join the batch
			if s.send(ctx) != nil && ctx.Err() == nil {
				return <-readEnd // the reader may still find a close frame, with the reason
			}
		case err := <-readEnd:
			return err
		case <-ctx.Done():
			s.conn.goodbye(parting())
			<-readEnd
			return nil
		}
	}
}

// send writes all that is to be sent. The ping behind a batch leaves with it, in one
// system call if nothing is on its way.
func (s *stream) send(ctx context.Context) error {
	for {
		var last uint64
		clear(s.frames)
		if s.frames, last = s.next(s.frames[:0]); len(s.frames) == 0 {
			return nil
		}
		for _, frame := range s.frames {
			if err := s.conn.Write(ctx, socket.Binary, frame); err != nil {
				return err
			}
		}
		s.conn.barrier.Store(last)
		s.conn.PingBehind()
	}
}

// read reads until the connection ends. The connection's hook handles pongs. A publisher
// expects no messages, and ignores any that come.
func (s *stream) read(end chan<- error) {
	err := errors.New("notify: a done function has ended the goroutine that called it")
	defer func() { end <- err }()
	for {
		_, _, failed := s.conn.Read(context.Background())
		if failed != nil {
			err = s.conn.reason(failed)
			return
		}
		s.conn.heard.Add(1)
	}
}
