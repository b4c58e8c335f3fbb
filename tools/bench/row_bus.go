package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
)

// openOther compares the way to the queue of another key with the way to the
// publisher's own.
func openOther(engine func() (*engine, error)) (*contest, error) {
	return compareWays(
		func() (*way, error) { return openWayTo(otherKey, engine, 0, accept) },
		func() (*way, error) { return openWay(engine, 0, accept) },
	)
}

func compareWays(openOurs, openFloor func() (*way, error)) (*contest, error) {
	ours, err := openOurs()
	if err != nil {
		return nil, err
	}
	floor, err := openFloor()
	if err != nil {
		ours.close()
		return nil, err
	}
	return &contest{ours: ours.pass, floor: floor.pass, close: func() { ours.close(); floor.close() }}, nil
}

// A crowded way is one beside many bindings of other queues that match nothing.
type crowded struct {
	bindings int
	engine   func() (*engine, error)
}

// contest compares it with a way beside 100. Each has a platform of its own, as it
// takes long to bind so many.
func (c *crowded) contest() (*contest, error) {
	beside := func(n int) func() (*way, error) {
		return func() (*way, error) {
			w, err := openWay(c.engine, 0, accept)
			if err == nil {
				if err = w.bindMany(n); err != nil {
					w.close()
				}
			}
			return w, err
		}
	}
	return compareWays(beside(c.bindings), beside(100))
}

// bindMany binds a hundred patterns to each queue, at once, as each waits for the disk.
func (w *way) bindMany(n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	defer cancel()
	return together((n+99)/100, n, func(n int) error {
		topic := topicName(int(w.topics.Add(1)))
		for i := range n {
			if err := w.engine.queues.Bind(ctx, otherKey, topic, fmt.Sprintf("order.%s.%d.*", topic, i)); err != nil {
				return err
			}
		}
		return nil
	})
}

const (
	blockMessages = 64 // that the floor of openSynced syncs together
	largeBody     = 10 << 10
)

// openSynced compares publishing of bodies of 10 KiB, each on the disk before it is
// confirmed, with writing and syncing a file in blocks of 64 of them.
func openSynced() (*contest, error) {
	s, err := openStation(func() (*engine, error) { return openJetStream(0) }, 1)
	if err != nil {
		return nil, err
	}
	queues := s.engine.queues
	publisher, stop, err := startPublisher(s.url())
	if err != nil {
		s.close()
		return nil, err
	}
	file, err := os.Create(filepath.Join(s.engine.dir, "floor"))
	if err != nil {
		stop()
		s.close()
		return nil, err
	}
	large := notify.Message{Key: message.Key, Body: bytes.Repeat([]byte("x"), largeBody)}
	ready := func(bool) error { // neither side fills the disk
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, seek := file.Seek(0, 0)
		return errors.Join(queues.Purge(ctx, benchKey, ""), file.Truncate(0), seek)
	}
	ours := func(n int) error { return publishAll(publisher, large, n) }
	floor := func(n int) error { return writeSynced(file, n) }
	return &contest{ours: ours, floor: floor, ready: ready, close: func() { stop(); file.Close(); s.close() }}, nil
}

func writeSynced(file *os.File, n int) error {
	block := bytes.Repeat([]byte("x"), blockMessages*largeBody)
	for range (n + blockMessages - 1) / blockMessages {
		if _, err := file.Write(block); err != nil {
			return err
		}
		if err := file.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// fanned returns a key of its own for each queue of a fan-out.
func fanned(i int) string { return fmt.Sprintf("fan%05d", i) }

// fan declares so many keys whose default queues get everything.
func (e *engine) fan(ctx context.Context, n int) error {
	return together(min(n, 100), n, func(n int) error {
		for range n {
			o := platform.Owner{Exchange: exchange, Bindings: []platform.Binding{{Pattern: "#"}}}
			if err := e.queues.Declare(ctx, fanned(int(e.fans.Add(1))), o); err != nil {
				return err
			}
		}
		return nil
	})
}
