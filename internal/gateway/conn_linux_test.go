package gateway

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// A deafConn does not learn by reading that the other side has closed it.
type deafConn struct {
	*net.TCPConn
	ended chan struct{}
}

func (c *deafConn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	if err == io.EOF {
		<-c.ended
	}
	return n, err
}

func (c *deafConn) Close() error {
	select {
	case <-c.ended:
	default:
		close(c.ended)
	}
	return c.TCPConn.Close()
}

// A backend may close a connection that is idle. No call fails for that, and none is sent
// twice.
func TestAConnectionThatWasClosedWhileIdleIsReplaced(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bodies, closed, ended := make(chan string, 16), make(chan struct{}, 16), make(chan struct{}) // room for all
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r, err := http.ReadRequest(bufio.NewReader(conn))
			if err != nil {
				t.Error(err)
				return
			}
			body, _ := io.ReadAll(r.Body)
			bodies <- string(body)
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			conn.Close()
			closed <- struct{}{}
		}
	}()
	defer func() {
		l.Close()
		<-ended
	}()
	g := before(t, Config{}, 0, "http://"+l.Addr().String())
	g.f.trusted.DialContext = dialed(func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &deafConn{conn.(*net.TCPConn), make(chan struct{})}, nil
	})
	for _, row := range []struct{ method, media, body string }{
		{"GET", "", ""}, {"GET", "", ""}, {"HEAD", "", ""}, {"DELETE", "", ""}, {"POST", "", ""},
		{"POST", "application/x-www-form-urlencoded", "a=1"}, {"POST", "application/x-www-form-urlencoded", "a=2"},
		{"POST", "multipart/form-data; boundary=b", formOf(field("a", "1"))},
	} {
		req, _ := http.NewRequest(row.method, g.url+"/api/b2b/x", strings.NewReader(row.body))
		req.Header.Set("Content-Type", row.media)
		req.Header.Set("Idempotency-Key", "1")
		answer := g.do(t, req)
		if answer.StatusCode != 200 {
			t.Fatalf("%s %q: answer %d %s", row.method, row.body, answer.StatusCode, answer.Header.Get("X-Phase"))
		}
		if got := <-bodies; got != row.body {
			t.Errorf("%s: the backend got %q", row.method, got)
		}
		<-closed
	}
	req, _ := http.NewRequest("POST", g.url+"/api/b2b/x", strings.NewReader("a stream, of which some may have been read"))
	if answer := g.do(t, req); answer.StatusCode != 502 {
		t.Errorf("a stream: answer %d", answer.StatusCode)
	}
}
