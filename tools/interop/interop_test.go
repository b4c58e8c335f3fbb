package interop

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/leak"
	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/internal/socket"
)

func TestMain(m *testing.M) { leak.Main(m) }

var sizes = []int{0, 1, 125, 126, 127, 4096, 16384, 65535, 65536, 128 << 10, 1 << 20}

// each runs a test against every library, with ours as the client and as the
// server.
func each(t *testing.T, o socket.Options, test func(t *testing.T, ours *socket.Conn, theirs *rival)) {
	for _, lib := range libraries {
		t.Run("our client and the server of "+lib.name, func(t *testing.T) {
			theirs := make(chan *rival, 1)
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				theirs <- lib.accept(t, w, r)
			}))
			defer s.Close()
			ours := dial(t, s, o)
			run(t, ours, <-theirs, test)
		})
		t.Run("our server and the client of "+lib.name, func(t *testing.T) {
			ours := make(chan *socket.Conn, 1)
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c, err := socket.Accept(w, r, o)
				if err != nil {
					t.Error(err)
				}
				ours <- c
			}))
			defer s.Close()
			theirs := lib.dial(t, "ws"+strings.TrimPrefix(s.URL, "http"))
			run(t, <-ours, theirs, test)
		})
	}
}

func run(t *testing.T, ours *socket.Conn, theirs *rival, test func(t *testing.T, ours *socket.Conn, theirs *rival)) {
	if ours == nil || theirs == nil {
		t.Fatal("no connection")
	}
	defer theirs.drop()
	defer ours.CloseNow()
	test(t, ours, theirs)
}

func dial(t *testing.T, s *httptest.Server, o socket.Options) *socket.Conn {
	h := socket.NewHandshake()
	req, err := http.NewRequest("GET", s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = h.Header()
	resp, err := s.Client().Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	c, err := h.Finish(resp, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience.Of(20*time.Second))
	t.Cleanup(cancel)
	return ctx
}

// next waits for a rival's next event.
func (r *rival) next(t *testing.T) event {
	t.Helper()
	select {
	case e := <-r.events:
		return e
	case <-soon(t).Done():
		t.Fatal("the rival saw nothing")
		return event{}
	}
}

func TestMessagesOfAllSizesArriveBothWays(t *testing.T) {
	each(t, socket.Options{CheckUTF8: true}, func(t *testing.T, ours *socket.Conn, theirs *rival) {
		for _, size := range sizes {
			for _, text := range []bool{true, false} {
				body := strings.Repeat("0123456789abcdef", size/16+1)[:size]
				op, want := socket.Binary, event{"binary", body, 0}
				if text {
					op, want = socket.Text, event{"text", body, 0}
				}
				if err := ours.Write(soon(t), op, []byte(body)); err != nil {
					t.Fatal(err)
				}
				if got := theirs.next(t); got != want {
					t.Fatalf("%d bytes became %s of %d bytes", size, got.kind, len(got.payload))
				}
				for _, send := range []func(bool, []byte) error{theirs.send, theirs.sendParts} {
					sent := make(chan error, 1)
					go func() { sent <- send(text, []byte(body)) }()
					gotOp, got, err := ours.Read(soon(t))
					if err != nil || gotOp != op || string(got) != body {
						t.Fatalf("%d bytes of opcode %d became %d bytes of %d: %v", size, op, len(got), gotOp, err)
					}
					if err := <-sent; err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	})
}

func TestManyMessagesInARow(t *testing.T) {
	each(t, socket.Options{}, func(t *testing.T, ours *socket.Conn, theirs *rival) {
		const count = 2000
		body := []byte(strings.Repeat("x", 200))
		go func() {
			for range count {
				ours.Write(soon(t), socket.Binary, body)
			}
		}()
		go func() {
			for range count {
				theirs.send(false, body)
			}
		}()
		arrived := make(chan int, 1)
		go func() {
			n := 0
			for n < count && len((<-theirs.events).payload) == len(body) {
				n++
			}
			arrived <- n
		}()
		for range count {
			if _, got, err := ours.Read(soon(t)); err != nil || len(got) != len(body) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
		}
		if n := <-arrived; n != count {
			t.Errorf("the rival got %d of %d messages", n, count)
		}
	})
}

func TestPingsAreAnsweredBothWays(t *testing.T) {
	pongs := make(chan string, 1)
	each(t, socket.Options{OnPong: func(p []byte) { pongs <- string(p) }}, func(t *testing.T, ours *socket.Conn, theirs *rival) {
		go ours.Read(context.Background())
		for _, payload := range []string{"", "p", strings.Repeat("x", 125)} {
			if err := ours.Ping(soon(t), []byte(payload)); err != nil {
				t.Fatal(err)
			}
			select {
			case got := <-pongs:
				if got != payload {
					t.Errorf("pong %q, want %q", got, payload)
				}
			case <-soon(t).Done():
				t.Fatal("no pong")
			}
			if err := theirs.ping(payload); err != nil {
				t.Fatal(err)
			}
			if got := theirs.next(t); got.kind != "pong" {
				t.Errorf("the rival got %+v", got)
			}
		}
	})
}

func TestOurCloseIsUnderstood(t *testing.T) {
	for _, want := range []event{{"close", "", 1000}, {"close", "restart", 1001}, {"close", "é", 1013}, {"close", "mine", 4001}} {
		each(t, socket.Options{}, func(t *testing.T, ours *socket.Conn, theirs *rival) {
			if err := ours.Close(soon(t), socket.Code(want.code), want.payload); err != nil {
				t.Errorf("Close: %v", err)
			}
			if got := theirs.next(t); got != want {
				t.Errorf("the rival got %+v, want %+v", got, want)
			}
			if err := ours.Err(); err != socket.ErrClosed {
				t.Errorf("Err: %v", err)
			}
		})
	}
}

func TestTheirCloseIsUnderstood(t *testing.T) {
	for _, want := range []socket.CloseError{{Code: 1000}, {Code: 1001, Reason: "restart"}, {Code: 1011, Reason: "é"}, {Code: 4001, Reason: "theirs"}} {
		each(t, socket.Options{}, func(t *testing.T, ours *socket.Conn, theirs *rival) {
			go theirs.close(int(want.Code), want.Reason)
			_, _, err := ours.Read(soon(t))
			var got *socket.CloseError
			if !errors.As(err, &got) || *got != want {
				t.Fatalf("Read: %v, want %v", err, &want)
			}
			// gws does not wait for an answer, so there may be nobody to take it.
			start := time.Now()
			ours.Close(soon(t), socket.NormalClosure, "")
			if took := time.Since(start); took > patience.Of(2*time.Second) {
				t.Errorf("Close took %v", took)
			}
		})
	}
}
