package prism

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func newQuietLog() *log.Logger { return log.New(io.Discard, "", 0) }

// forgetful is a server that answers the first request of a connection, reads
// the second, and closes. That is where net/http sends a GET once more.
type forgetful struct {
	listener net.Listener
	wg       sync.WaitGroup
	mu       sync.Mutex // guards raw
	raw      []string
}

func newForgetful(t *testing.T) *forgetful {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return forgetfulOn(t, l)
}

func forgetfulOn(t *testing.T, l net.Listener) *forgetful {
	f := &forgetful{listener: l}
	f.accept(t)
	return f
}

func (f *forgetful) accept(t *testing.T) {
	f.wg.Go(func() {
		for {
			conn, err := f.listener.Accept()
			if err != nil {
				return
			}
			f.wg.Go(func() { f.serve(conn) })
		}
	})
	t.Cleanup(func() { f.listener.Close(); f.wg.Wait() })
}

func (f *forgetful) serve(conn net.Conn) {
	defer conn.Close()
	br := bufio.NewReader(conn)
	for number := range 2 {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		head, err := httputil.DumpRequest(r, false)
		if err != nil {
			return
		}
		io.Copy(io.Discard, r.Body)
		f.mu.Lock()
		f.raw = append(f.raw, string(head))
		f.mu.Unlock()
		if number == 0 {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		}
	}
}

func (f *forgetful) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.raw...)
}

func TestNothingIsReplayedOnAReusedConnection(t *testing.T) {
	for _, call := range []Call{
		{Method: "GET", Path: "platform/notify/read"},
		{Method: "DELETE", Path: "x"},
		{Method: "POST", Path: "x"},
		{Method: "PUT", Path: "x"},
		{Method: "GET", Path: "x", Header: http.Header{"Idempotency-Key": {"1"}}},
		{Method: "DELETE", Path: "x", Header: http.Header{"Idempotency-Key": {"1"}}},
		{Method: "POST", Path: "x", Header: http.Header{"X-Idempotency-Key": {"1"}}},
	} {
		f := newForgetful(t)
		c := newClient(t, "http://"+f.listener.Addr().String())
		if _, err := c.Get(background, "first", nil); err != nil {
			t.Fatal(err)
		}
		if res, err := c.Do(background, call); err == nil || res != nil {
			t.Errorf("%+v: got %v, %v, want an error", call, res, err)
		} else if strings.Contains(err.Error(), "sign") {
			t.Errorf("%+v: the error shows the signature: %v", call, err)
		}
		if n := len(f.seen()); n != 2 {
			t.Errorf("%+v: the server saw it %d times", call, n-1)
		}
	}
}

// Until its first answer a client takes a server with TLS for one that speaks
// HTTP/2. The connection may be there already, for another client.
func TestNothingIsReplayedOnAConnectionOfAnotherClient(t *testing.T) {
	certificate := httptest.NewTLSServer(nil)
	defer certificate.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certificate.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	f := forgetfulOn(t, l)
	shared := certificate.Client()
	for range 2 {
		c := newClient(t, "https://"+l.Addr().String(), func(c *Config) { c.HTTPClient = shared })
		if _, err := c.Get(background, "x", nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(f.seen()); n != 2 {
		t.Errorf("the server saw two calls %d times", n)
	}
	c := newClient(t, "https://"+l.Addr().String(), func(c *Config) { c.HTTPClient = shared })
	for range 2 { // the second is the last on its connection
		c.Get(background, "x", nil)
	}
	if n := len(f.seen()); n != 4 {
		t.Errorf("the server saw four calls %d times", n)
	}
}

func TestRepeatableCallSurvivesALostConnection(t *testing.T) {
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		f := newForgetful(t)
		c := newClient(t, "http://"+f.listener.Addr().String(), func(c *Config) { c.Retry.Max = time.Millisecond })
		if _, err := c.Get(background, "first", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Do(background, Call{Method: method, Path: "x", Repeatable: true}); err != nil || len(f.seen()) != 3 {
			t.Errorf("%s: got %v, the server saw it %d times, want twice", method, err, len(f.seen())-1)
		}
	}
}

// breaking is a connection that can be made to refuse to write.
type breaking struct {
	net.Conn
	broken *atomic.Bool
}

func (c breaking) Write(p []byte) (int, error) {
	if c.broken.CompareAndSwap(true, false) {
		return 0, io.ErrClosedPipe
	}
	return c.Conn.Write(p)
}

func TestRequestThatDidNotLeaveIsRepeated(t *testing.T) {
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		s := newServer(t, ok)
		var broken atomic.Bool
		transport := &http.Transport{DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
			conn, err := net.Dial(network, address)
			return breaking{conn, &broken}, err
		}}
		c := newClient(t, s.URL, func(c *Config) {
			c.HTTPClient, c.Retry.Max = &http.Client{Transport: transport}, time.Millisecond
		})
		if _, err := c.Get(background, "first", nil); err != nil {
			t.Fatal(err)
		}
		broken.Store(true)
		if _, err := c.Do(background, Call{Method: method, Path: "x"}); err != nil || len(s.requests()) != 2 {
			t.Errorf("%s: got %v, the server saw %d requests, want 2", method, err, len(s.requests()))
		}
	}
}

// A RoundTripper of another make may not read the body or report connections,
// which proves nothing.
func TestForeignTransportProvesNothing(t *testing.T) {
	tries := 0
	c := newClient(t, "http://prism.test", over(func(*http.Request) (*http.Response, error) {
		tries++
		return nil, io.ErrUnexpectedEOF
	}))
	if _, err := c.Get(background, "x", nil); err == nil || tries != 1 {
		t.Errorf("got %v after %d tries", err, tries)
	}
}

// The body that prevents the replay must not show on the wire.
func TestBodylessRequestsLookAsUsual(t *testing.T) {
	for _, call := range []Call{
		{Method: "GET", Path: "x"},
		{Method: "DELETE", Path: "x"},
		{Method: "DELETE", Path: "x", Header: http.Header{"Idempotency-Key": {"1"}}},
	} {
		wire := captured(t, call)
		head, rest, _ := strings.Cut(wire, "\r\n\r\n")
		if rest != "" || strings.Contains(head, "Content-Length") || strings.Contains(head, "Transfer-Encoding") ||
			!strings.Contains(head, "Accept-Encoding: gzip") {
			t.Errorf("%s:\n%s", call.Method, wire)
		}
	}
	if wire := captured(t, Call{Method: "POST", Path: "x"}); !strings.Contains(wire, "\r\nContent-Length: ") || strings.Contains(wire, "Transfer-Encoding") {
		t.Errorf("POST:\n%s", wire)
	}
}

// captured returns the bytes of a call and counts that they come in one write.
func captured(t *testing.T, call Call) string {
	ours, theirs := net.Pipe()
	var all strings.Builder
	writes := 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 8192)
		n, _ := theirs.Read(buf) // one Read sees one Write of a pipe
		all.Write(buf[:n])
		writes++
		io.WriteString(theirs, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
		for {
			n, err := theirs.Read(buf)
			if err != nil {
				return
			}
			all.Write(buf[:n])
			writes++
		}
	}()
	c := newClient(t, "http://prism.test", func(c *Config) {
		c.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return ours, nil }}}
	})
	if _, err := c.Do(background, call); err != nil {
		t.Fatal(err)
	}
	<-done
	if writes != 1 {
		t.Errorf("%s: %d writes, want 1", call.Method, writes)
	}
	return all.String()
}
