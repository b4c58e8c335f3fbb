package socket

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

// echo is a server that sends every message back until the client closes. It
// answers refused handshakes itself.
func echo(o Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := Accept(w, r, o)
		var refused *HandshakeError
		if errors.As(err, &refused) {
			for name, value := range refused.Header {
				w.Header()[name] = value
			}
			http.Error(w, refused.Reason, refused.Status)
			return
		}
		if err != nil {
			return
		}
		defer c.CloseNow()
		for {
			op, payload, err := c.Read(context.Background())
			if err != nil {
				c.Close(context.Background(), InternalError, "")
				return
			}
			c.Write(context.Background(), op, payload)
		}
	})
}

func dial(t *testing.T, s *httptest.Server, o Options) (*Conn, error) {
	t.Helper()
	h := NewHandshake()
	req, err := http.NewRequest("GET", s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = h.Header()
	resp, err := s.Client().Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	return h.Finish(resp, o)
}

func TestClientAndServerTalk(t *testing.T) {
	for name, start := range map[string]func(http.Handler) *httptest.Server{
		"plain": httptest.NewServer,
		"TLS":   httptest.NewTLSServer,
	} {
		t.Run(name, func(t *testing.T) {
			s := start(echo(Options{}))
			defer s.Close()
			pongs := make(chan string, 1)
			c, err := dial(t, s, Options{OnPong: func(p []byte) { pongs <- string(p) }})
			if err != nil {
				t.Fatal(err)
			}
			for _, size := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
				want := strings.Repeat("x", size)
				c.Write(soon(t), Text, []byte(want))
				if op, got, err := c.Read(soon(t)); op != Text || string(got) != want || err != nil {
					t.Fatalf("%d bytes came back as %d bytes of %d, %v", size, len(got), op, err)
				}
			}
			c.Ping(soon(t), []byte("p"))
			c.Write(soon(t), Binary, nil)
			c.Read(soon(t))
			if got := <-pongs; got != "p" {
				t.Errorf("pong %q", got)
			}
			if err := c.Close(soon(t), NormalClosure, "bye"); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

func TestCloseNowOfAServerOverTLSDoesNotWait(t *testing.T) {
	accepted := make(chan *Conn)
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := Accept(w, r, Options{})
		accepted <- c
	}))
	defer s.Close()
	errs := make(chan error)
	go func() {
		c, err := dial(t, s, Options{})
		if err == nil {
			_, _, err = c.Read(soon(t))
		}
		errs <- err
	}()
	(<-accepted).CloseNow()
	if err := <-errs; !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Read: %v", err)
	}
}

// A published SDK reads exactly three lines after the status line.
func TestAnswerHasThreeLinesAndNoMore(t *testing.T) {
	s := httptest.NewServer(echo(Options{}))
	defer s.Close()
	conn, answer := shake(t, s, "GET / HTTP/1.1", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: chat", "Origin: nonsense")
	defer conn.Close()
	want := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n" // the example of RFC 6455
	if answer != want {
		t.Errorf("answer\n%q, want\n%q", answer, want)
	}
}

// shake speaks the handshake by hand and returns the bytes of the answer.
func shake(t *testing.T, s *httptest.Server, line, key string, more ...string) (net.Conn, string) {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fields := append([]string{line, "Host: x", "Connection: keep-alive, Upgrade", "Upgrade: WebSocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + key}, more...)
	io.WriteString(conn, strings.Join(fields, "\r\n")+"\r\n\r\n")
	var answer strings.Builder
	for r := bufio.NewReaderSize(conn, 16); !strings.HasSuffix(answer.String(), "\r\n\r\n"); {
		b, err := r.ReadByte()
		if err != nil {
			t.Fatalf("%v after %q", err, answer.String())
		}
		answer.WriteByte(b)
	}
	return conn, answer.String()
}

func TestAcceptIsLenientWithPublishedSDKs(t *testing.T) {
	s := httptest.NewServer(echo(Options{}))
	defer s.Close()
	for name, test := range map[string]struct{ line, key string }{
		"key of 10 bytes (PHP)":         {"GET / HTTP/1.1", "MTIzNDU2Nzg5MA=="},
		"key that is no base64":         {"GET / HTTP/1.1", "not base64!"},
		"absolute-form target (Python)": {"GET http://example.test:8080/api?a=b HTTP/1.1", "MTIzNDU2Nzg5MDEyMzQ1Ng=="},
		"raw UTF-8 in the target":       {"GET /api?a=\u00e4 HTTP/1.1", "MTIzNDU2Nzg5MDEyMzQ1Ng=="},
	} {
		conn, answer := shake(t, s, test.line, test.key)
		conn.Close()
		if !strings.HasPrefix(answer, "HTTP/1.1 101 ") {
			t.Errorf("%s: %q", name, answer)
		}
	}
}

func TestFramesSentWithTheHandshakeAreRead(t *testing.T) {
	s := httptest.NewServer(echo(Options{}))
	defer s.Close()
	conn, _ := net.Dial("tcp", s.Listener.Addr().String())
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	request := "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a\r\n\r\n"
	large := strings.Repeat("x", 10_000)
	io.WriteString(conn, request+encode([]raw{{op: 1, payload: "early"}, {op: 2, payload: large}}, true))
	p := newPeer(t, conn, server)
	if _, err := textproto.NewReader(p.in).ReadMIMEHeader(); err == nil {
		t.Fatal("the status line is no field")
	}
	for line := "x"; line != ""; {
		line, _ = textproto.NewReader(p.in).ReadLine()
	}
	p.expect(raw{op: 1, payload: "early"})
	p.expect(raw{op: 2, payload: large})
}

func TestDeadlinesOfTheHTTPServerAreLifted(t *testing.T) {
	s := httptest.NewUnstartedServer(echo(Options{WriteTimeout: 100 * time.Millisecond}))
	s.Config.ReadTimeout = 50 * time.Millisecond
	s.Config.WriteTimeout = 50 * time.Millisecond
	s.Start()
	defer s.Close()
	c, err := dial(t, s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	quiet, cancel := context.WithTimeout(context.Background(), 250*time.Millisecond)
	defer cancel()
	if _, _, err := c.Read(quiet); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the quiet connection ended: %v", err)
	}
}

func TestCheckHandshakeRefuses(t *testing.T) {
	good := func() *http.Request {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header = NewHandshake().Header()
		return r
	}
	if err := CheckHandshake(good()); err != nil {
		t.Fatalf("a good handshake: %v", err)
	}
	tests := map[string]struct {
		change func(r *http.Request)
		status int
		header string
	}{
		"another method":       {func(r *http.Request) { r.Method = "POST" }, 405, "Allow"},
		"HTTP/1.0":             {func(r *http.Request) { r.Proto, r.ProtoMinor = "HTTP/1.0", 0 }, 505, ""},
		"HTTP/2":               {func(r *http.Request) { r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0 }, 505, ""},
		"no Connection":        {func(r *http.Request) { r.Header.Del("Connection") }, 426, "Upgrade"},
		"keep-alive only":      {func(r *http.Request) { r.Header.Set("Connection", "keep-alive") }, 426, "Upgrade"},
		"no Upgrade":           {func(r *http.Request) { r.Header.Del("Upgrade") }, 426, "Connection"},
		"upgrade to HTTP/2":    {func(r *http.Request) { r.Header.Set("Upgrade", "h2c") }, 426, "Upgrade"},
		"no version":           {func(r *http.Request) { r.Header.Del("Sec-WebSocket-Version") }, 426, "Sec-WebSocket-Version"},
		"version 8":            {func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", "8") }, 426, "Sec-WebSocket-Version"},
		"no key":               {func(r *http.Request) { r.Header.Del("Sec-WebSocket-Key") }, 400, ""},
		"a token that is part": {func(r *http.Request) { r.Header.Set("Upgrade", "websockets") }, 426, ""},
	}
	for name, test := range tests {
		r := good()
		test.change(r)
		w := httptest.NewRecorder()
		_, err := Accept(w, r, Options{})
		var refused *HandshakeError
		if !errors.As(err, &refused) || refused.Status != test.status || refused.Reason == "" {
			t.Errorf("%s: %v, want status %d", name, err, test.status)
			continue
		}
		if test.header != "" && refused.Header.Get(test.header) == "" {
			t.Errorf("%s: the answer's header is %v", name, refused.Header)
		}
		if w.Body.Len() > 0 || len(w.Header()) > 0 {
			t.Errorf("%s: something was written", name)
		}
	}
	_, err := Accept(httptest.NewRecorder(), good(), Options{})
	var refused *HandshakeError
	if !errors.As(err, &refused) || refused.Status != 500 {
		t.Errorf("a server without hijacking: %v", err)
	}
}

// Tokens may be anywhere in lists, over several lines and in any case.
func TestCheckHandshakeFindsTokensInLists(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = NewHandshake().Header()
	r.Header["Connection"] = []string{"close", "keep-alive ,\tUPGRADE,x"}
	r.Header["Upgrade"] = []string{"h2c, WebSocket"}
	if err := CheckHandshake(r); err != nil {
		t.Error(err)
	}
}

type body struct {
	io.ReadWriter
	closed bool
}

func (b *body) Close() error { b.closed = true; return nil }

func TestFinishRefusesWrongAnswers(t *testing.T) {
	h := NewHandshake()
	tests := map[string]struct {
		change func(r *http.Response)
		want   string
	}{
		"another status": {func(r *http.Response) { r.StatusCode, r.Status = 403, "403 Forbidden" }, "403 Forbidden"},
		"no Upgrade":     {func(r *http.Response) { r.Header.Del("Upgrade") }, "Upgrade"},
		"no Connection":  {func(r *http.Response) { r.Header.Del("Connection") }, "Connection"},
		"no Accept":      {func(r *http.Response) { r.Header.Del("Sec-WebSocket-Accept") }, "Accept"},
		"another Accept": {func(r *http.Response) { r.Header.Set("Sec-WebSocket-Accept", acceptKey("other")) }, "Accept"},
		"an extension":   {func(r *http.Response) { r.Header.Set("Sec-WebSocket-Extensions", "permessage-deflate") }, "extension"},
		"a subprotocol":  {func(r *http.Response) { r.Header.Set("Sec-WebSocket-Protocol", "chat") }, "subprotocol"},
		"read-only body": {func(r *http.Response) { r.Body = io.NopCloser(strings.NewReader("")) }, "http.Client"},
	}
	for name, test := range tests {
		b := &body{}
		resp := &http.Response{StatusCode: 101, Status: "101 Switching Protocols", Body: b, Header: http.Header{
			"Upgrade": {"WebSocket"}, "Connection": {"upgrade"}, "Sec-Websocket-Accept": {acceptKey(h.key)},
		}}
		test.change(resp)
		_, err := h.Finish(resp, Options{})
		var refused *HandshakeError
		if !errors.As(err, &refused) || !strings.Contains(refused.Reason, test.want) || refused.Status != resp.StatusCode {
			t.Errorf("%s: %v", name, err)
		}
		if resp.Body == b && !b.closed {
			t.Errorf("%s: the body is open", name)
		}
	}
}

func TestHandshakesDiffer(t *testing.T) {
	a, b := NewHandshake().Header(), NewHandshake().Header()
	if a.Get("Sec-WebSocket-Key") == b.Get("Sec-WebSocket-Key") || len(a.Get("Sec-WebSocket-Key")) != 24 {
		t.Errorf("keys %q and %q", a, b)
	}
}

func TestAcceptReportsAConnectionThatBroke(t *testing.T) {
	a, b := net.Pipe()
	b.Close()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = NewHandshake().Header()
	_, err := Accept(hijacked{httptest.NewRecorder(), a}, r, Options{})
	var refused *HandshakeError
	if err == nil || errors.As(err, &refused) {
		t.Errorf("got %v, want an error that asks for no answer", err)
	}
}

type hijacked struct {
	*httptest.ResponseRecorder
	conn net.Conn
}

func (h hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil
}

func TestErrorsReadWell(t *testing.T) {
	for err, want := range map[error]string{
		&CloseError{1008, "quota"}:                       `socket: closed by the peer with code 1008 "quota"`,
		&ProtocolError{1002, "no"}:                       "socket: the peer broke the protocol: no (code 1002)",
		&HandshakeError{Status: 426, Reason: "upgrade!"}: "socket: WebSocket handshake refused: upgrade! (HTTP status 426)",
		ErrClosed: "socket: closed by this side: use of closed network connection",
	} {
		if got := fmt.Sprint(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
