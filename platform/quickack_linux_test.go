package platform_test

import (
	"context"
	"net"
	"testing"
	"time"

	busy "github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform"
)

// PHP, Python and Java acknowledge one by one, and by Nagle's algorithm their
// kernels send no ack before ours has acknowledged the last. Ours would wait 40 ms
// for data to go with that: these messages took four seconds, and take 10 ms.
func TestAcksOfAPeerThatNeverPingedDoNotWaitForOurs(t *testing.T) {
	e := newEnv(t, platform.Config{})
	raw, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	raw.(*net.TCPConn).SetNoDelay(false)
	peer := dialOver(t, raw, notifyTarget(testKey, testSecret, "/api/platform/notify"))
	const n = 500
	for i := range n {
		m := &platform.Message{Body: []byte(repeat("x", i*37%9000))}
		if err := e.queues.Write(context.Background(), testKey, "", m); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	peer.consume("")
	for tag := range uint64(n) {
		peer.next()
		if _, err := raw.Write(rawFrame(0x82, 7, wire.AppendAck(nil, tag+1))); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took > busy.Of(3*time.Second) {
		t.Errorf("%d messages took %v", n, took)
	}
}
