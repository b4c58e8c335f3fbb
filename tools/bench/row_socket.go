package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
)

// socketRows compare internal/socket with other libraries, so they have no
// target.
var socketRows = slices.Concat(
	against("socket read", 50_000, ours, reading(deliveries), []library{coder, coderWhole, gorilla, gorillaWhole, gwsLib}),
	against("socket read 64 KiB", 500, ours, reading(largeMessages), []library{coder, gorilla, gwsLib}),
	against("socket write", 8_000, ours, writing, []library{coder, gorilla, gwsLib, gwsAsync}),
	against("socket write+flush", 4_000, oursFlushed, writing, []library{coder, gorilla, gwsLib}),
	against("socket echo", 1_000, ours, echoing(1), []library{coder, gorilla, gwsLib}),
	against("socket echo, 64 at once", 4_000, ours, echoing(64), []library{coder, gorilla, gwsLib}),
)

// against makes a row for each rival.
func against(work string, ops int, ours library, t task, rivals []library) []row {
	var all []row
	for _, rival := range rivals {
		all = append(all, row{
			name: work + ", " + rival.name, floor: rival.module, ops: ops,
			open: func() (*contest, error) { return duel(ours, rival, t) },
		})
	}
	return all
}

// A task connects an end of a library and returns what does n operations with
// it.
type task func(library) (run func(n int) error, stop func(), err error)

// duel makes a contest of two libraries that have the same task.
func duel(ours, rival library, t task) (*contest, error) {
	one, stopOne, err := t(ours)
	if err != nil {
		return nil, err
	}
	other, stopOther, err := t(rival)
	if err != nil {
		stopOne()
		return nil, err
	}
	return &contest{ours: one, floor: other, close: func() { stopOne(); stopOther() }}, nil
}

// reading is the task of a client to read frames, which the raw server
// sends, until it has seen the last.
func reading(blocks func() block) task {
	return func(lib library) (func(int) error, func(), error) {
		b := blocks()
		seen := newCountdown()
		p, _, stop, err := dialRaw(lib, func(_ end, payload []byte) {
			if len(payload) == b.payload {
				seen.one()
			}
		})
		run := func(n int) error {
			seen.start(n)
			if err := p.send(b, n); err != nil {
				return err
			}
			return seen.await()
		}
		return run, stop, err
	}
}

// writing is the task of a client to write messages until the raw server has
// counted the last.
func writing(lib library) (func(int) error, func(), error) {
	p, e, stop, err := dialRaw(lib, func(end, []byte) {})
	run := func(n int) error {
		target := p.frames.now() + n
		if err := repeat(n, func() error { return e.write(message.Body) }); err != nil {
			return err
		}
		return p.frames.await(target)
	}
	return run, stop, err
}

// dialRaw connects a client to a raw server, of which p is the end.
func dialRaw(lib library, got receiver) (p *peer, client end, stop func(), err error) {
	s, err := listen()
	if err != nil {
		return nil, nil, nil, err
	}
	client, err = lib.dial(s.address(), got)
	if err != nil {
		s.close()
		return nil, nil, nil, err
	}
	var readers sync.WaitGroup
	readers.Go(client.read)
	stop = func() { client.close(); readers.Wait(); s.close() }
	if p, err = s.next(); err != nil {
		stop()
	}
	return p, client, stop, err
}

// echoing is the task to send messages there and back between two ends of a
// library, with so many on their way. The goroutine that reads sends the next.
func echoing(inFlight int) task {
	return func(lib library) (func(int) error, func(), error) {
		s := serveEcho(lib)
		back := newCountdown()
		client, err := lib.dial(s.http.Listener.Addr().String(), func(e end, payload []byte) {
			if back.one() >= inFlight {
				_ = e.write(payload)
			}
		})
		if err != nil {
			s.close()
			return nil, nil, err
		}
		s.readers.Go(client.read)
		run := func(n int) error {
			back.start(n)
			if err := repeat(min(n, inFlight), func() error { return client.write(message.Body) }); err != nil {
				return err
			}
			return back.await()
		}
		return run, func() { client.close(); s.close() }, nil
	}
}

// An endpoint is a server of net/http that accepts connections of a library.
type endpoint struct {
	http    *httptest.Server
	readers sync.WaitGroup

	mu   sync.Mutex
	ends []end
}

func serveEcho(lib library) *endpoint {
	return serveSockets(lib, func(from end, payload []byte) { _ = from.write(payload) })
}

// serveSockets reads each connection in a goroutine of its own, so that what
// the request has taken can go.
func serveSockets(lib library, got receiver) *endpoint {
	s := &endpoint{}
	accept := lib.accepting(got)
	s.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e, err := accept(w, r)
		if err != nil {
			return // the client learns it
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ends = append(s.ends, e)
		s.readers.Go(e.read)
	}))
	return s
}

// close ends all connections and waits for what read from them.
func (s *endpoint) close() {
	s.http.Close()
	s.mu.Lock()
	for _, e := range s.ends {
		e.close()
	}
	s.mu.Unlock()
	s.readers.Wait()
}
