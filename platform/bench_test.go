package platform_test

import (
	"testing"

	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform"
)

// One message published, over loopback TCP, with a pong at the end.
func BenchmarkPublish(b *testing.B) {
	e := newEnv(b, platform.Config{Queues: discard{}})
	p := e.dial()
	frame, _ := wire.AppendPublish(nil, "order.new", []byte(repeat("x", 200)), "text/plain")
	b.ReportAllocs()
	for b.Loop() {
		p.send(frame)
	}
	p.barrier()
}

// One message delivered and acknowledged, over loopback TCP.
func BenchmarkDeliver(b *testing.B) {
	e := newEnv(b, platform.Config{})
	body := repeat("x", 200)
	p := e.dial()
	p.ping("")
	p.consume("")
	var ack []byte
	stored := 0
	b.ReportAllocs()
	for b.Loop() {
		if stored == 0 {
			for range 1000 {
				e.write("", body)
			}
			stored = 1000
		}
		stored--
		_, frame, err := p.conn.Read(p.ctx)
		if err != nil {
			b.Fatal(err)
		}
		d, _ := wire.DecodeDelivery(frame)
		ack = wire.AppendAck(ack[:0], d.Tag)
		p.send(ack)
	}
}

func BenchmarkCall(b *testing.B) {
	e := newEnv(b, platform.Config{})
	req := e.request("GET", "platform/notify/status", nil)
	b.ReportAllocs()
	for b.Loop() {
		e.p.ServeHTTP(newRecorder(), req)
	}
}
