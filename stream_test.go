package prism

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/patience"
)

// streaming sends a line, and another one when more is closed.
func streaming(more <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.Header().Set("X-Request-Id", "abc")
		io.WriteString(w, "one\n")
		http.NewResponseController(w).Flush()
		select {
		case <-more:
			io.WriteString(w, "two\n")
		case <-r.Context().Done():
		}
	}
}

func TestAStreamGoesOnWhenTheTimeOfTheCallIsOver(t *testing.T) {
	more := make(chan struct{})
	s := newServer(t, streaming(more))
	timeout := patience.Of(500 * time.Millisecond)
	resp, err := newClient(t, s.URL, func(c *Config) { c.Timeout = timeout }).Stream(background, Call{Path: "x/tail", Params: Params{"a": 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	if line, err := lines.ReadString('\n'); line != "one\n" || err != nil || resp.Header.Get("X-Request-Id") != "abc" {
		t.Fatalf("got %q, %v", line, err)
	}
	<-time.After(timeout + timeout/4)
	close(more)
	if line, err := lines.ReadString('\n'); line != "two\n" || err != nil {
		t.Errorf("got %q, %v", line, err)
	}
	if got := s.only(t); got.Method != "GET" || got.Path != "/api/x/tail" || !got.Verified {
		t.Errorf("%+v", got)
	}
}

func TestAStreamEndsWithItsContextAndWhenItIsClosed(t *testing.T) {
	gone := make(chan struct{}, 2) // or a failure of the test keeps the server from closing
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		streaming(nil)(w, r)
		gone <- struct{}{}
	})
	c := newClient(t, s.URL)
	ctx, cancel := context.WithCancel(background)
	resp, err := c.Stream(ctx, Call{Path: "x"})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.Canceled) {
		t.Errorf("read %v", err)
	}
	resp.Body.Close()
	<-gone
	if resp, err = c.Stream(background, Call{Path: "x"}); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	<-gone
}

func TestACompleteAnswerIsNoStream(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		code   string // of an *Error; "" for another error
		words  string
	}{
		{"refused", answer(403, `{"result":null,"error":{"code":"forbidden_admin","message":"no"}}`), "forbidden_admin", "no"},
		{"failure with 200", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			io.WriteString(w, `{"result":null,"error":{"code":"e","message":"m"}}`)
		}, "e", "m"},
		{"a result", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"result":true,"error":null}`)
		}, "", "does not stream"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newServer(t, row.answer)
			resp, err := newClient(t, s.URL).Stream(background, Call{Path: "x"})
			var failure *Error
			if resp != nil || err == nil || errors.As(err, &failure) != (row.code != "") || !strings.Contains(err.Error(), row.words) {
				t.Fatalf("got %v, %v", resp, err)
			}
			if failure != nil && failure.Code != row.code {
				t.Errorf("code %q", failure.Code)
			}
			if strings.Contains(err.Error(), s.only(t).system("sign")) {
				t.Errorf("the signature is in %v", err)
			}
		})
	}
}

func TestAStreamCorrectsTheClockOnce(t *testing.T) {
	s := newServer(t, correcting(3*time.Hour, streaming(nil)))
	resp, err := newClient(t, s.URL).Stream(background, Call{Path: "x"})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	s.corrected(t)
}

func TestAStreamThatDoesNotBeginTimesOut(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := newClient(t, s.URL, func(c *Config) { c.Timeout = 50 * time.Millisecond })
	if _, err := c.Stream(background, Call{Path: "x"}); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "sign") {
		t.Errorf("got %v", err)
	}
}

func TestAStreamIsRefusedUnsent(t *testing.T) {
	c := newClient(t, "http://127.0.0.1:1")
	if _, err := c.Stream(background, Call{Path: "../x"}); err == nil {
		t.Error("dots: no error")
	}
	if _, err := (*Client)(nil).Stream(background, Call{Path: "x"}); err == nil {
		t.Error("no client: no error")
	}
}
