package push

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/shopex/prism-go/internal/guard"
	"github.com/shopex/prism-go/internal/patience"
)

func TestAReceiverGetsASignedMessageAndItsConnectionIsUsedAgain(t *testing.T) {
	secret := mustSecret(t, NewSecret())
	var conns atomic.Int32
	r := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = Verify(r.Header, body, time.Now(), secret)
		}
		if err != nil || r.Method != "POST" || string(body) != `{"n":1}` || r.Header.Get("Content-Type") != "application/json" || r.URL.RequestURI() != "/hook?a=1" {
			t.Errorf("%s %s %s: %v", r.Method, r.URL, body, err)
		}
		if r.Header.Get(HeaderID) != "00000001-1" || r.Header.Get("X-Own") != "1" {
			t.Errorf("header %v", r.Header)
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(make([]byte, 32<<10))
	}))
	r.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	r.Start()
	defer r.Close()
	c := local(t, Config{})
	for range 3 {
		status, err := c.Post(t.Context(), address(t, r.URL+"/hook?a=1"), Message{
			ID: "00000001-1", Body: []byte(`{"n":1}`), Secrets: []Secret{secret}, Header: http.Header{"x-own": {"1"}},
		})
		if err != nil || status != http.StatusAccepted {
			t.Fatalf("Post = %d, %v", status, err)
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("three POSTs made %d connections", n)
	}
}

func TestOnlyA2xxIsTaken(t *testing.T) {
	var followed atomic.Bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Store(true) }))
	defer elsewhere.Close()
	for status, words := range map[int]string{
		200: "", 204: "",
		302: "the receiver answered 302 Found; redirects are not followed",
		307: "the receiver answered 307 Temporary Redirect; redirects are not followed",
		410: "the receiver answered 410 Gone",
		500: "the receiver answered 500 Internal Server Error",
		599: "the receiver answered 599",
	} {
		r := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(status)
		}))
		got, err := local(t, Config{}).Post(t.Context(), address(t, r.URL), Message{ID: "1"})
		if got != status || text(err) != words {
			t.Errorf("status %d: Post = %d, %q, want %q", status, got, text(err), words)
		}
		r.Close()
	}
	if followed.Load() {
		t.Error("a redirect was followed")
	}
}

// A receiver may do anything with its connection.
func TestAHostileReceiverCostsNoMoreThanTheTimeout(t *testing.T) {
	const timeout = 300 * time.Millisecond
	for name, tt := range map[string]struct {
		answer string // then, for ever:
		more   string
		status int
		words  string
	}{
		"hangs":             {"", "", 0, "the receiver did not answer within 300ms"},
		"hangs in a header": {"HTTP/1.1 200 OK\r\nX: ", "", 0, "the receiver did not answer within 300ms"},
		"endless headers":   {"HTTP/1.1 200 OK\r\n", "X: " + strings.Repeat("a", 1000) + "\r\n", 0, "the POST failed: net/http: HTTP/1.x transport connection broken: net/http: server response headers exceeded 65536 bytes; aborted"},
		"endless line":      {"HTTP/1.1 200 ", strings.Repeat("a", 1000), 0, "the POST failed: net/http: HTTP/1.x transport connection broken: net/http: server response headers exceeded 65536 bytes; aborted"},
		"endless body":      {"HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("a", 1000), 200, ""},
		"hangs in a body":   {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1", "", 200, ""},
		"another protocol":  {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", "", 101, "the receiver answered 101 Switching Protocols"},
		"no HTTP":           {"SSH-2.0-\x1b[31m\r\n", "", 0, `the POST failed: net/http: HTTP/1.x transport connection broken: malformed HTTP response "SSH-2.0-\x1b[31m"`},
	} {
		t.Run(name, func(t *testing.T) {
			to := raw(t, tt.answer, tt.more)
			began := time.Now()
			status, err := local(t, Config{Timeout: timeout}).Post(t.Context(), to, Message{ID: "1", Body: []byte("{}")})
			if status != tt.status || text(err) != tt.words {
				t.Errorf("Post = %d, %q, want %d, %q", status, text(err), tt.status, tt.words)
			}
			if took, most := time.Since(began), patience.Of(timeout+drainTime+2*time.Second); took > most {
				t.Errorf("Post took %v", took)
			}
		})
	}
}

func TestInformationalAnswersWithoutEndAreRefused(t *testing.T) {
	to := raw(t, "", "HTTP/1.1 103 Early Hints\r\nX: "+strings.Repeat("a", 1000)+"\r\n\r\n")
	if status, err := local(t, Config{}).Post(t.Context(), to, Message{ID: "1"}); status != 0 || err == nil {
		t.Errorf("Post = %d, %v", status, err)
	}
}

func TestAReceiverThatCutsOrIsNotThereIsNamedInOneSentence(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	_, err = local(t, Config{}).Post(t.Context(), address(t, "http://"+l.Addr().String()+"/s3cret"), Message{ID: "1"})
	if !strings.HasPrefix(text(err), "the receiver cannot be reached: dial tcp") || strings.Contains(text(err), "s3cret") {
		t.Errorf("no listener: %v", err)
	}
	r := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer r.Close()
	_, err = local(t, Config{}).Post(t.Context(), address(t, r.URL), Message{ID: "1"})
	if want := "the receiver ended the connection without an answer"; text(err) != want {
		t.Errorf("a cut: %v", err)
	}
}

func TestALongErrorIsCutBetweenLetters(t *testing.T) {
	for lead := range 3 {
		to := raw(t, strings.Repeat("a", lead)+strings.Repeat("\u4e2d", 200)+"\r\n", "")
		_, err := local(t, Config{}).Post(t.Context(), to, Message{ID: "1"})
		if said := text(err); !utf8.ValidString(said) || !strings.Contains(said, "\u4e2d...") {
			t.Errorf("the error is %q", said)
		}
	}
}

func TestPostEndsWithItsContext(t *testing.T) {
	arrived := make(chan struct{})
	r := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	}))
	defer r.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	shut := errors.New("the platform shuts down")
	go func() {
		<-arrived
		cancel(shut)
	}()
	if _, err := local(t, Config{}).Post(ctx, address(t, r.URL), Message{ID: "1"}); !errors.Is(err, shut) {
		t.Errorf("Post = %v", err)
	}
}

// The name of a receiver leads to another address when it is dialed than when it was
// looked at.
func TestANameIsCheckedByWhatItMeansWhenItIsDialed(t *testing.T) {
	r := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer r.Close()
	port := r.Listener.Addr().(*net.TCPAddr).Port
	names := newNames(t, net.IPv4(127, 0, 0, 1))
	c := local(t, Config{Resolver: names.resolver()})
	to := address(t, fmt.Sprintf("http://receiver.example:%d/", port))
	post := func() string {
		_, err := c.Post(t.Context(), to, Message{ID: "1"})
		c.Close() // else the next POST takes the same connection
		return text(err)
	}
	if err := post(); err != "" {
		t.Fatal(err)
	}
	for _, ip := range []net.IP{net.IPv4(169, 254, 169, 254), net.IPv4(100, 100, 100, 200), net.IPv4(0, 0, 0, 0), net.IPv4(10, 0, 0, 1)} {
		names.set(ip)
		if err := post(); !strings.HasPrefix(err, "the receiver's address "+ip.String()+" is ") {
			t.Errorf("%v: %s", ip, err)
		}
	}
	names.set(net.IPv4(127, 0, 0, 1))
	if err := post(); err != "" {
		t.Error(err)
	}
	names.set(nil)
	if err := post(); !strings.HasPrefix(err, "the receiver's name cannot be looked up: ") || strings.Contains(err, "127.0.0.1") {
		t.Errorf("no such name: %s", err)
	}
}

func TestLoopbackIsRefusedUnlessItIsAllowed(t *testing.T) {
	r := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request has come") }))
	defer r.Close()
	c := New(Config{Networks: guard.Networks{Private: true}})
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		to := address(t, fmt.Sprintf("http://%s:%d/", host, r.Listener.Addr().(*net.TCPAddr).Port))
		if _, err := c.Post(t.Context(), to, Message{ID: "1"}); !strings.Contains(text(err), "is this machine itself") {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestNoProxyOfTheEnvironmentIsTaken(t *testing.T) {
	if New(Config{}).transport.Proxy != nil {
		t.Error("the client takes a proxy, which would dial what the client may not")
	}
}

func TestACertificateIsVerifiedUnlessThatIsSkipped(t *testing.T) {
	r := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.StartTLS()
	defer r.Close()
	if _, err := local(t, Config{}).Post(t.Context(), address(t, r.URL), Message{ID: "1"}); !strings.Contains(text(err), "certificate") {
		t.Errorf("a certificate of nobody: %v", err)
	}
	if _, err := local(t, Config{SkipVerify: true}).Post(t.Context(), address(t, r.URL), Message{ID: "1"}); err != nil {
		t.Error(err)
	}
}

func local(t *testing.T, cfg Config) *Client {
	cfg.Networks.Loopback = true
	c := New(cfg)
	t.Cleanup(c.Close)
	return c
}

func address(t *testing.T, s string) *url.URL {
	u, err := guard.ParseAddress(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// raw is a receiver that answers every connection with answer, and then with more until
// the connection ends.
func raw(t *testing.T, answer, more string) *url.URL {
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
			serveRaw(conn, answer, more)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-ended
	})
	return address(t, "http://"+l.Addr().String())
}

func serveRaw(conn net.Conn, answer, more string) {
	defer conn.Close()
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	_, err = io.Copy(io.Discard, r.Body)
	if err == nil {
		_, err = io.WriteString(conn, answer)
	}
	for err == nil && more != "" {
		_, err = io.WriteString(conn, more)
	}
	_, _ = io.Copy(io.Discard, conn)
}
