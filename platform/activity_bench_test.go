package platform_test

import (
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform"
)

// A message published, delivered and acknowledged, over loopback TCP, while nobody watches,
// while somebody does, and while somebody wants as many lines as there can be.
func BenchmarkWatched(b *testing.B) {
	for _, row := range []struct{ name, rate string }{{"by nobody", ""}, {"by one", "1000"}, {"by one that wants 10000 a second", "10000"}} {
		b.Run(row.name, func(b *testing.B) {
			e := newEnv(b, platform.Config{})
			if row.rate != "" {
				defer watchBusily(b, e, row.rate)()
			}
			p := e.dial()
			p.ping("")
			p.consume("")
			frame, _ := wire.AppendPublish(nil, "order.new", []byte(repeat("x", 200)), "text/plain")
			var ack []byte
			for b.Loop() {
				p.send(frame)
				_, delivery, err := p.conn.Read(p.ctx)
				if err != nil {
					b.Fatal(err)
				}
				d, _ := wire.DecodeDelivery(delivery)
				ack = wire.AppendAck(ack[:0], d.Tag)
				p.send(ack)
			}
		})
	}
}

// watchBusily watches and reads all lines until end is called.
func watchBusily(b *testing.B, e *env, rate string) (end func()) {
	query := url.Values{"rate": {rate}}
	signedBy(testKey, testSecret, time.Now(), "GET", "/api/platform/activity/tail", nil, query, nil)
	resp, err := e.client.Get(e.url + "/api/platform/activity/tail?" + query.Encode())
	if err != nil || resp.StatusCode != http.StatusOK {
		b.Fatal(resp, err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		io.Copy(io.Discard, resp.Body)
	}()
	return func() { resp.Body.Close(); <-read }
}
