package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync/atomic"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A direct way is JetStream without a platform: a work queue whose consumer
// acknowledges each message, in a server like the engine's, which is reached like
// the engine's. What is acknowledged is deleted, as it is there.
type direct struct {
	js    jetstream.JetStream // of the publisher
	queue jetstream.Consumer
	ends  []func() // in reverse

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

func (d *direct) open() error {
	dir, err := os.MkdirTemp("", "prism-bench-")
	if err != nil {
		return err
	}
	d.ends = append(d.ends, func() { os.RemoveAll(dir) })
	s, err := server.NewServer(&server.Options{ // the options that the engine gives its own
		ServerName: "direct", DontListen: true, NoSigs: true,
		JetStream: true, StoreDir: dir, SyncInterval: syncInterval, MaxPayload: 8 << 20,
	})
	if err != nil {
		return err
	}
	s.Start()
	d.ends = append(d.ends, func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(patience) {
		return errors.New("the JetStream server does not start")
	}
	if d.js, err = d.connect(s); err != nil {
		return err
	}
	taker, err := d.connect(s)
	if err != nil {
		return err
	}
	return d.consume(taker)
}

func (d *direct) connect(s *server.Server) (jetstream.JetStream, error) {
	c, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		return nil, err
	}
	d.ends = append(d.ends, c.Close)
	return jetstream.New(c)
}

// consume makes the queue and acknowledges what is in it.
func (d *direct) consume(js jetstream.JetStream) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
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
		d.ends = append(d.ends, taking.Stop)
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
	if _, err := receive(d.js.PublishAsyncComplete()); err != nil {
		return err
	}
	err, stuck := receive(d.done)
	return errors.Join(err, stuck)
}

func (d *direct) close() {
	for _, end := range slices.Backward(d.ends) {
		end()
	}
}
