package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A direct way is JetStream without a platform: a work queue whose consumer
// acknowledges each message, in a server like the engine's, which is reached like
// the engine's. What is acknowledged is deleted, as it is there.
type direct struct {
	dir      string
	server   *server.Server
	producer *nats.Conn
	taker    *nats.Conn
	js       jetstream.JetStream
	queue    jetstream.Consumer
	stop     func()

	left atomic.Int64 // messages until all are acknowledged
	done chan error   // of the last acknowledgement
}

const directQueue = "q"

func openDirect() (*direct, error) {
	d := &direct{done: make(chan error, 1)}
	if err := d.open(); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *direct) open() (err error) {
	if d.dir, err = os.MkdirTemp("", "prism-bench-"); err != nil {
		return err
	}
	if d.server, err = embed(d.dir); err != nil {
		return err
	}
	if d.producer, err = nats.Connect("", nats.InProcessServer(d.server)); err != nil {
		return err
	}
	if d.taker, err = nats.Connect("", nats.InProcessServer(d.server)); err != nil {
		return err
	}
	if d.js, err = jetstream.New(d.producer); err != nil {
		return err
	}
	return d.consume()
}

// embed starts a server with the options that the engine gives its own.
func embed(dir string) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "direct", DontListen: true, NoSigs: true,
		JetStream: true, StoreDir: dir, SyncInterval: syncInterval, MaxPayload: 8 << 20,
	})
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		s.Shutdown()
		return nil, errors.New("the JetStream server does not start")
	}
	return s, nil
}

// consume makes the queue and acknowledges what is in it.
func (d *direct) consume() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	js, err := jetstream.New(d.taker)
	if err != nil {
		return err
	}
	stream, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: directQueue, Subjects: []string{directQueue}, Retention: jetstream.WorkQueuePolicy,
		Storage: jetstream.FileStorage, AllowDirect: true,
	})
	if err != nil {
		return err
	}
	d.queue, err = stream.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "c", AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		return err
	}
	taking, err := d.queue.Consume(d.ack)
	if err == nil {
		d.stop = taking.Stop
	}
	return err
}

// ack waits for the answer to the last one only: acknowledgements of one
// connection are processed in turn.
func (d *direct) ack(m jetstream.Msg) {
	if d.left.Add(-1) > 0 {
		_ = m.Ack()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	d.done <- m.DoubleAck(ctx)
}

// pass publishes n messages and returns when all are confirmed and the last one
// is acknowledged.
func (d *direct) pass(n int) error {
	d.left.Store(int64(n))
	wait := jetstream.WithStallWait(patience)
	for range n {
		if _, err := d.js.PublishAsync(directQueue, message.Body, wait); err != nil {
			return err
		}
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-d.js.PublishAsyncComplete():
	case <-timer.C:
		return fmt.Errorf("%w: %d messages are not confirmed", errStuck, d.js.PublishAsyncPending())
	}
	select {
	case err := <-d.done:
		return err
	case <-timer.C:
		return fmt.Errorf("%w: %d messages are left", errStuck, d.left.Load())
	}
}

func (d *direct) close() {
	if d.stop != nil {
		d.stop()
	}
	for _, c := range []*nats.Conn{d.producer, d.taker} {
		if c != nil {
			c.Close()
		}
	}
	if d.server != nil {
		d.server.Shutdown()
		d.server.WaitForShutdown()
	}
	os.RemoveAll(d.dir)
}
