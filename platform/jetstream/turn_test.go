package jetstream

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	busy "github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
)

// distant returns a proxy to a server that delays each direction.
func distant(t *testing.T, url string, delay time.Duration) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", strings.TrimPrefix(url, "nats://"))
			if err != nil {
				near.Close()
				continue
			}
			group.Go(func() { late(near, far, delay) })
			group.Go(func() { late(far, near, delay) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		group.Wait()
	})
	return "nats://" + l.Addr().String()
}

// late copies from one connection to the other with a delay.
func late(to, from net.Conn, delay time.Duration) {
	type piece struct {
		due   time.Time
		bytes []byte
	}
	pieces := make(chan piece, 1<<14)
	var writing sync.WaitGroup
	writing.Go(func() {
		for p := range pieces {
			time.Sleep(time.Until(p.due)) // the delay itself
			if _, err := to.Write(p.bytes); err != nil {
				from.Close()
			}
		}
		to.Close()
	})
	for {
		b := make([]byte, 16<<10)
		n, err := from.Read(b)
		if err != nil {
			break
		}
		pieces <- piece{time.Now().Add(delay), b[:n]}
	}
	close(pieces)
	writing.Wait()
}

// The engine next to the servers would win each race for the next record.
func TestAnEngineThatIsFarAwayGetsItsTurn(t *testing.T) {
	url := external(t)
	near := open(t, Config{URL: url, QueueBounds: platform.QueueBounds{MaxMessages: -1}})
	far := open(t, Config{URL: distant(t, url, 3*time.Millisecond), Patience: busy.Of(20 * time.Second), QueueBounds: platform.QueueBounds{MaxMessages: -1}})
	write(t, near, "", "x")
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		for ctx.Err() == nil {
			_ = near.Write(ctx, shop, "", &platform.Message{Body: []byte("near")})
		}
	})
	began := time.Now()
	for range 20 {
		write(t, far, "", "far")
	}
	if took := time.Since(began); took > busy.Of(10*time.Second) {
		t.Errorf("20 messages took %v", took)
	}
	stop()
	group.Wait()
	if err := far.Close(); err != nil {
		t.Error(err)
	}
}
