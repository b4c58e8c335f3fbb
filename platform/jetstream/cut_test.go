package jetstream

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// A wire passes connections on to a server until they are cut.
type wire struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	conns []net.Conn
}

func newWire(t *testing.T, to string) *wire {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, to: to}
	var group sync.WaitGroup
	group.Go(func() { w.serve(&group) })
	t.Cleanup(func() {
		l.Close()
		w.cut()
		group.Wait()
	})
	return w
}

func (w *wire) serve(group *sync.WaitGroup) {
	for {
		in, err := w.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", w.to)
		if err != nil {
			in.Close()
			continue
		}
		w.mu.Lock()
		w.conns = append(w.conns, in, out)
		w.mu.Unlock()
		for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
			group.Go(func() {
				io.Copy(pair[0], pair[1])
				in.Close()
				out.Close()
			})
		}
	}
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

// Whatever was on its way when the connection broke is stored once.
func TestABrokenConnectionNeitherLosesNorDoubles(t *testing.T) {
	s := startExternal(t, serverOptions(t))
	w := newWire(t, strings.TrimPrefix(s.ClientURL(), "nats://"))
	e := open(t, Config{URL: "nats://" + w.listener.Addr().String(), Patience: time.Minute})
	const writers, each = 4, 200
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() {
			for i := range each {
				m := &platform.Message{Body: fmt.Appendf(nil, "%d %d", writer, i)}
				if err := e.Write(t.Context(), shop, "", m); err != nil {
					t.Error(err)
				}
				if writer == 0 && i%50 == 25 {
					w.cut()
				}
			}
		})
	}
	c := consume(t, e, "")
	var next [writers]int
	for range writers * each {
		leases, texts := fetchN(t, c, 1)
		var writer, i int
		fmt.Sscan(texts[0], &writer, &i)
		if i != next[writer] {
			t.Fatalf("number %d of writer %d came instead of %d", i, writer, next[writer])
		}
		next[writer]++
		if err := c.Ack(t.Context(), ids(leases)...); err != nil {
			t.Fatal(err)
		}
	}
	group.Wait()
	if s, err := e.counts(t.Context(), shop, ""); err != nil || s != (platform.QueueStatus{Consumers: 1}) {
		t.Errorf("%+v, %v", s, err)
	}
}
