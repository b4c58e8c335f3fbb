package prism

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// switching answers 101, then sends back each line it gets.
func switching(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		for {
			line, err := rw.ReadString('\n')
			if err != nil {
				return
			}
			io.WriteString(conn, line)
		}
	}
}

var echoHeader = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"echo"}, "X-Api-Trace": {"1"}}

func wantEcho(t *testing.T, resp *http.Response) {
	t.Helper()
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		t.Fatalf("the body is a %T", resp.Body)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != "hello\n" {
		t.Errorf("got %q, %v", line, err)
	}
}

func TestUpgradeOpensAConnection(t *testing.T) {
	s := newServer(t, switching(t))
	c := newClient(t, s.URL).WithToken("tok-en")
	resp, err := c.Upgrade(background, "/platform/notify", echoHeader)
	if err != nil {
		t.Fatal(err)
	}
	wantEcho(t, resp)
	got := s.only(t)
	if got.Method != "GET" || got.Path != "/api/platform/notify" || !got.Verified || got.Header.Get("Upgrade") != "echo" ||
		got.Header.Get("Authorization") != "Bearer tok-en" || got.Header.Get("User-Agent") != userAgent {
		t.Errorf("%+v", got)
	}
	if len(echoHeader) != 3 {
		t.Error("the caller's header was changed")
	}
}

func TestContextAndTimeoutsEndWithTheHandshake(t *testing.T) {
	s := newServer(t, switching(t))
	c := newClient(t, s.URL, func(c *Config) {
		c.HTTPClient = &http.Client{Timeout: 200 * time.Millisecond, Transport: newTransport()}
	})
	ctx, cancel := context.WithCancel(background)
	resp, err := c.Upgrade(ctx, "x", echoHeader)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	conn := resp.Body.(io.ReadWriter)
	line := make(chan error)
	go func() {
		_, err := bufio.NewReader(conn).ReadString('\n')
		line <- err
	}()
	select { // nothing must happen to the connection until Timeout is long over
	case err := <-line:
		t.Errorf("the connection ended with the handshake: %v", err)
	case <-time.After(300 * time.Millisecond):
		io.WriteString(conn, "\n")
		if err := <-line; err != nil {
			t.Errorf("the connection is dead: %v", err)
		}
	}
	resp.Body.Close()
}

func TestOtherAnswersToAnUpgradeAreErrors(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		want   Error
	}{
		{"refused", answer(401, `{"result":null,"error":{"code":"unknown_key","message":"m"}}`), Error{Status: 401, Code: "unknown_key", Message: "m"}},
		{"failure with 200", answer(200, `{"result":null,"error":{"code":"e","message":"m"}}`), Error{Status: 200, Code: "e", Message: "m"}},
		{"plain page", answer(200, "hi"), Error{Status: 200, Message: "the server did not switch protocols: does this path speak WebSocket?"}},
		{"not found", answer(404, "no such page"), Error{Status: 404, Message: "no such page"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newServer(t, row.answer)
			resp, err := newClient(t, s.URL).Upgrade(background, "x", echoHeader)
			var e *Error
			if !errors.As(err, &e) || resp != nil || e.Status != row.want.Status || e.Code != row.want.Code || e.Message != row.want.Message {
				t.Errorf("got %v, %#v", resp, err)
			}
			s.only(t)
		})
	}
}

func TestUpgradeIsRefusedUnsent(t *testing.T) {
	c := newClient(t, "http://127.0.0.1:1")
	for _, header := range []http.Header{{"Host": {"x"}}, {"Authorization": {"x"}}, {"A B": {"x"}}} {
		if _, err := c.Upgrade(background, "x", header); err == nil {
			t.Errorf("%v: no error", header)
		}
	}
	if _, err := c.Upgrade(background, "../x", nil); err == nil {
		t.Error("dots: no error")
	}
}

func TestUpgradeCorrectsTheClockOnce(t *testing.T) {
	for _, away := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		s := newServer(t, correcting(away, switching(t)))
		c := newClient(t, s.URL)
		resp, err := c.Upgrade(background, "x", echoHeader)
		if err != nil {
			t.Fatal(err)
		}
		wantEcho(t, resp)
		if got := c.clock.correction(); (got - away).Abs() > 3*time.Second {
			t.Errorf("the clock is %v ahead, want %v", got, away)
		}
		s.corrected(t)
	}
}

func TestUpgradeEndsWithContextAndTimeout(t *testing.T) {
	hang := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	slowBody := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(401)
		io.WriteString(w, "{")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	for name, handler := range map[string]http.HandlerFunc{"no answer": hang, "half an answer": slowBody} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, handler)
			c := newClient(t, s.URL, func(c *Config) { c.Timeout = 50 * time.Millisecond })
			if _, err := c.Upgrade(background, "x", echoHeader); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("timeout: got %v", err)
			}
			c = newClient(t, s.URL)
			ctx, cancel := context.WithCancel(background)
			time.AfterFunc(50*time.Millisecond, cancel)
			if _, err := c.Upgrade(ctx, "x", echoHeader); !errors.Is(err, context.Canceled) {
				t.Errorf("cancel: got %v", err)
			}
		})
	}
}

func TestUpgradeOverAnEndedContext(t *testing.T) {
	s := newServer(t, switching(t))
	ctx, cancel := context.WithCancel(background)
	cancel()
	if _, err := newClient(t, s.URL).Upgrade(ctx, "x", echoHeader); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestUpgradeWithoutAServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = newClient(t, "http://"+l.Addr().String()).Upgrade(background, "x", echoHeader)
	var op *net.OpError
	if !errors.As(err, &op) || strings.Contains(err.Error(), "sign") {
		t.Errorf("got %v", err)
	}
}

func TestHiddenConnectionIsAnError(t *testing.T) {
	closed := false
	c := newClient(t, "http://prism.test", over(func(*http.Request) (*http.Response, error) {
		resp := reply(101, "", "Upgrade", "echo", "Connection", "Upgrade")
		resp.Body = readOnly{strings.NewReader(""), func() { closed = true }}
		return resp, nil
	}))
	_, err := c.Upgrade(background, "x", echoHeader)
	if err == nil || !closed {
		t.Fatalf("got %v, closed %v", err, closed)
	}
	wantMatch(t, err.Error(), "Transport of Config.HTTPClient")
}

type readOnly struct {
	io.Reader
	closed func()
}

func (r readOnly) Close() error { r.closed(); return nil }

func TestSwitchUnaskedIsAnError(t *testing.T) {
	c := newClient(t, "http://prism.test", over(func(*http.Request) (*http.Response, error) {
		resp := reply(101, "")
		resp.Body = readOnly{neverEnds{}, func() {}}
		return resp, nil
	}))
	if _, err := c.Get(background, "x", nil); err == nil || !strings.Contains(err.Error(), "unasked") {
		t.Errorf("got %v", err)
	}
}

type neverEnds struct{}

func (neverEnds) Read([]byte) (int, error) { select {} }

// TestAReadOfTheConnectionCanBeGivenUp, and the next one goes on.
func TestAReadOfTheConnectionCanBeGivenUp(t *testing.T) {
	resp, err := newClient(t, newServer(t, switching(t)).URL).Upgrade(background, "x", echoHeader)
	if err != nil {
		t.Fatal(err)
	}
	conn := resp.Body.(interface{ NetConn() net.Conn }).NetConn()
	conn.SetReadDeadline(time.Unix(1, 0))
	if n, err := resp.Body.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %d, %v", n, err)
	}
	conn.SetReadDeadline(time.Time{})
	wantEcho(t, resp)
}

func TestAnUpgradedConnectionCanBeHalfClosed(t *testing.T) {
	resp, err := newClient(t, newServer(t, switching(t)).URL).Upgrade(background, "x", echoHeader)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	io.WriteString(resp.Body.(io.Writer), "last words\n")
	err = resp.Body.(interface{ CloseWrite() error }).CloseWrite()
	if errors.Is(err, errors.ErrUnsupported) {
		return // net/http cannot, before Go 1.26
	}
	if got, readErr := io.ReadAll(resp.Body); err != nil || readErr != nil || string(got) != "last words\n" {
		t.Errorf("%v; got %q, %v", err, got, readErr)
	}
}

// Another RoundTripper may lead the bytes elsewhere.
func TestTheConnectionBelowAnotherTransportIsNotShown(t *testing.T) {
	c := newClient(t, newServer(t, switching(t)).URL, over(func(r *http.Request) (*http.Response, error) { return newTransport().RoundTrip(r) }))
	resp, err := c.Upgrade(background, "x", echoHeader)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := resp.Body.(interface{ NetConn() net.Conn }); ok {
		t.Error("it is")
	}
	wantEcho(t, resp)
}

func TestAMissingHeaderOfTheUpgradeIsNamed(t *testing.T) {
	for missing, header := range map[string]string{"Upgrade": "Connection: Upgrade", "Connection: Upgrade": "Upgrade: websocket"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n"+header+"\r\n\r\n")
			}
		}()
		_, err = newClient(t, "http://"+l.Addr().String()).Upgrade(background, "x", echoHeader)
		l.Close()
		if err == nil || !strings.Contains(err.Error(), "no header "+missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}
