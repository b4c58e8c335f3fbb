package platform_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// halfForm sends a form without its end, and returns when the platform has
// read it or given it up.
func (e *env) halfForm(t *testing.T, bytes int) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST /api/platform/notify/write HTTP/1.1\r\nHost: x\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n", bytes+1)
	io.WriteString(conn, repeat("x", bytes))
	return conn
}

// waitForms waits until the forms that are being read have so many bytes.
func (e *env) waitForms(t *testing.T, bytes int64) {
	t.Helper()
	for deadline := time.Now().Add(patience); e.p.HeldByForms() < bytes; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("the platform has read %d of %d bytes of forms", e.p.HeldByForms(), bytes)
		}
	}
}

func TestHalfSentFormsKeepNoOtherFormOut(t *testing.T) {
	e := newEnv(t, platform.Config{Limits: platform.Limits{RequestBody: 200_000, FormsInFlight: 1_600_000}})
	for range 20 {
		e.halfForm(t, 150_000)
	}
	for range 20 {
		e.call("POST", "platform/notify/write", url.Values{"data": {repeat("x", 150_000)}}).wantResult(t, "true")
	}
}

func TestTheFormThatHeldMostForLongestMakesRoom(t *testing.T) {
	e := newEnv(t, platform.Config{Limits: platform.Limits{RequestBody: 200_000, FormsInFlight: 200_000}})
	first := e.halfForm(t, 150_000)
	first.SetReadDeadline(time.Now().Add(patience))
	e.waitForms(t, 150_000)
	for range 3 {
		e.call("POST", "platform/notify/write", url.Values{"data": {repeat("x", 150_000)}}).wantResult(t, "true")
	}
	answer := make([]byte, 12)
	if _, err := io.ReadFull(first, answer); err != nil || string(answer) != "HTTP/1.1 503" {
		t.Errorf("it was answered %q, %v", answer, err)
	}
}

func TestAFormOfAnUnknownKeyIsNotRead(t *testing.T) {
	e := newEnv(t, platform.Config{})
	for query, code := range map[string]string{
		"client_id=nobody":                      "unknown_key",
		"client_id=" + testKey + "&sign_time=1": "sign_time_expired",
	} {
		e.raw(t, "POST /api/platform/notify/write?"+query+" HTTP/1.1\r\nHost: x\r\n"+
			"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000000\r\n\r\n").want(t, http.StatusUnauthorized, code)
	}
}
