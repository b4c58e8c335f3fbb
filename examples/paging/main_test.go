package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/time/rate"

	prism "github.com/shopex/prism-go"
	"github.com/shopex/prism-go/prismtest"
)

func TestAllPagesAreListedWithinTheLimit(t *testing.T) {
	srv := prismtest.NewServer(t)
	var asked atomic.Int64
	srv.Handle("orders", func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		if n == 2 {
			prismtest.Fail(503, "busy", "try later")(w, r) // repeated, as the call allows it
			return
		}
		var page int
		fmt.Sscan(r.URL.Query().Get("page_no"), &page)
		prismtest.Answer(map[string]any{"orders": []order{{page * 10, "1.50"}, {page*10 + 1, "2.00"}}, "has_next": page < 3})(w, r)
	})
	cfg := srv.ClientConfig()
	counted := &counting{Limiter: rate.NewLimiter(1000, 1)}
	cfg.Limiter, cfg.Retry = counted, prism.Retry{Min: 1, Max: 1}
	client, err := prism.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := list(t.Context(), client, "paid", &out); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "10 1.50\n11 2.00\n20 1.50\n21 2.00\n30 1.50\n31 2.00\n"; got != want {
		t.Errorf("listed %q, want %q", got, want)
	}
	if n := asked.Load(); n != 4 || counted.waits.Load() != n {
		t.Errorf("%d requests after %d waits, want 4", n, counted.waits.Load())
	}
}

func TestAPageThatFailsIsNamed(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Handle("orders", prismtest.Fail(400, "bad", "no such status"))
	err := list(t.Context(), srv.Client(), "odd", new(bytes.Buffer))
	if err == nil || !strings.HasPrefix(err.Error(), "page 1: ") {
		t.Errorf("list: %v", err)
	}
}

// counting counts the waits for a limiter.
type counting struct {
	prism.Limiter
	waits atomic.Int64
}

func (c *counting) Wait(ctx context.Context) error {
	c.waits.Add(1)
	return c.Limiter.Wait(ctx)
}
