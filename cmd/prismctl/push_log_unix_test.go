//go:build unix

package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/internal/patience"
)

// A receiver that sends more than an answer does not write that into the log.
func TestAReceiverWritesNothingIntoTheLog(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			answerTwice(conn)
		}
	}()
	p, env := serveProcess(t, "127.0.0.1:0")
	c := clientOf(t, env)
	key := strings.TrimPrefix(env[1], "PRISM_KEY=")
	if _, err := admin.New(c).SetPush(t.Context(), key, "http://"+l.Addr().String(), 1); err != nil {
		t.Fatal(err)
	}
	write(t, c, 0, 3)
	awaitPushes(t, c, 3, patience.Of(takeover))
	p.signal(syscall.SIGTERM)
	p.wants(exitDone)
	_ = l.Close()
	<-ended
	if said := p.err.String(); strings.Contains(said, "s3cret") {
		t.Errorf("the log is\n%s", said)
	}
}

// answerTwice answers the first request of a connection with two answers.
func answerTwice(conn net.Conn) {
	defer conn.Close()
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 s3cret\r\n\r\n")
	_, _ = io.Copy(io.Discard, conn)
}
