package platform_test

import (
	"context"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	busy "github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
)

// A caller that asks and does not read its answer makes the platform hold it.
func TestAnswersThatNobodyReadsAreBounded(t *testing.T) {
	const size = 1 << 20
	e := newEnv(t, platform.Config{WriteTimeout: busy.Of(3 * time.Second), Limits: platform.Limits{FormsInFlight: 8 << 20, RequestBody: 4 << 20}})
	const all = 80
	for range all {
		if _, err := e.queues.Publish(context.Background(), testKey, &platform.Message{Body: make([]byte, size/6)}); err != nil {
			t.Fatal(err) // each zero byte takes six in JSON
		}
	}
	var waiting sync.WaitGroup
	for range 30 {
		conn, err := net.Dial("tcp", e.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.(*net.TCPConn).SetReadBuffer(4096)
		waiting.Go(func() { e.request("GET", "platform/notify/read", url.Values{"num": {"4"}}).Write(conn) })
	}
	waiting.Wait()
	for deadline := time.Now().Add(busy.Of(patience)); ; time.Sleep(time.Millisecond) {
		r := e.call("GET", "platform/notify/read", nil)
		if r.status == 503 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the platform goes on to hold answers")
		}
	}
	if s, err := e.queues.Status(context.Background(), testKey, ""); err != nil || s.Ready < all/2 {
		t.Errorf("%d of %d messages are left, %v", s.Ready, all, err)
	}
	for deadline := time.Now().Add(busy.Of(patience)); e.call("GET", "platform/notify/read", nil).status != 200; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("those that read nothing are not cut off")
		}
	}
}
