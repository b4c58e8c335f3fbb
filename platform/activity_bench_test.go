package platform_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform"
)

// A message published, delivered and acknowledged, over loopback TCP, while nobody watches,
// without and with a history, while somebody does, and while somebody wants as many lines as
// there can be.
func BenchmarkWatched(b *testing.B) {
	for _, row := range []struct {
		name, rate string
		history    int
	}{{"by nobody, without a history", "", -1}, {"by nobody", "", 0}, {"by one", "1000", 0}, {"by one that wants 10000 a second", "10000", 0}} {
		b.Run(row.name, func(b *testing.B) {
			e := newEnv(b, platform.Config{KeepHistory: row.history})
			if row.rate != "" {
				defer watchBusily(b, e, row.rate)()
			}
			p := e.dial()
			p.ping("")
			p.consume("")
			frame, _ := wire.AppendPublish(nil, "order.new", []byte(repeat("x", 200)), "text/plain")
			var ack []byte
			b.ReportAllocs()
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

// A thousand messages published, delivered and acknowledged as fast as they can be, in turn
// by a platform without a history and by one with it; ratio is the median of how much longer
// the latter takes.
func BenchmarkHistory(b *testing.B) {
	const messages = 1000
	frame, _ := wire.AppendPublish(nil, "order.new", []byte(repeat("x", 200)), "text/plain")
	started := func(history int) *peer {
		p := newEnv(b, platform.Config{KeepHistory: history}).dial()
		p.ping("")
		p.consume("")
		return p
	}
	run := func(p *peer) time.Duration {
		began := time.Now()
		go func() {
			for range messages {
				if p.conn.Write(p.ctx, socket.Text, frame) != nil {
					return
				}
			}
		}()
		var ack []byte
		for range messages {
			_, delivery, err := p.conn.Read(p.ctx)
			if err != nil {
				b.Fatal(err)
			}
			d, _ := wire.DecodeDelivery(delivery)
			ack = wire.AppendAck(ack[:0], d.Tag)
			p.send(ack)
		}
		return time.Since(began)
	}
	without, with := started(-1), started(0)
	var ratios []float64
	for b.Loop() {
		first := run(without)
		ratios = append(ratios, float64(run(with))/float64(first))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(2*messages*b.N), "ns/message")
}
