package platform_test

import (
	"fmt"
	"net"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// A caller that asks and does not read its answer makes the platform hold it.
func TestAnswersThatNobodyReadsAreBounded(t *testing.T) {
	const path = "/api/platform/notify/read"
	key := platform.Key{ID: testKey, Secret: testSecret}
	queues := newQueues(memory.Config{})
	// All answers together have four times the 4 MiB that one may have.
	limits := platform.Limits{FormsInFlight: 8 << 20, RequestBody: 4 << 20}
	bubble(t, platform.Config{Queues: queues, Limits: limits}, func(t *testing.T, p *platform.Platform, dial func() net.Conn) {
		const all, size = 80, 1 << 20
		for range all {
			if err := queues.Write(t.Context(), testKey, "", &platform.Message{Body: make([]byte, size/6)}); err != nil {
				t.Fatal(err) // each zero byte takes seven in the answer
			}
		}
		query := url.Values{"num": {"4"}}
		signedBy(testKey, testSecret, time.Now(), "GET", path, nil, query, nil)
		for range 30 {
			conn := dial()
			defer conn.Close()
			go fmt.Fprintf(conn, "GET %s?%s HTTP/1.1\r\nHost: x\r\n\r\n", path, query.Encode())
		}
		synctest.Wait()
		ask(t, p, key, "GET", "platform/notify/read", "num", "4").want(t, 503, "overloaded")
		if s, err := queues.Status(t.Context(), testKey, ""); err != nil || s.Ready < all-16 {
			t.Errorf("%d of %d messages are left, %v", s.Ready, all, err)
		}
		time.Sleep(31 * time.Second) // those that read nothing are cut off after 30
		synctest.Wait()
		ask(t, p, key, "GET", "platform/notify/read", "num", "4").want(t, 200, "")
	})
}
