package prism

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestEachTryHasItsOwnTimeout begins tries one after the other, some of which are
// answered; the others share a timer and end in their own time.
func TestEachTryHasItsOwnTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := true
		c := newClient(t, "http://prism.test", over(func(r *http.Request) (*http.Response, error) {
			if hang = !hang; !hang {
				return reply(200, "{}"), nil
			}
			<-r.Context().Done()
			return nil, r.Context().Err()
		}), func(c *Config) { c.Timeout = 10 * time.Second })
		var calls sync.WaitGroup
		for range 100 {
			calls.Go(func() {
				start := time.Now()
				_, err := c.Get(background, "x", nil)
				if took := time.Since(start); err == nil && took != 0 || err != nil && took != 10*time.Second {
					t.Errorf("got %v after %v", err, took)
				}
			})
			synctest.Wait()
			time.Sleep(300 * time.Millisecond)
		}
		calls.Wait()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if l := &c.limits; l.set || len(l.active) > 0 {
			t.Errorf("a client without tries has %d limits, and a timer: %v", len(l.active), l.set)
		}
	})
}

func TestARequestShowsTheEarlierDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left time.Duration
		c := newClient(t, "http://prism.test", over(func(r *http.Request) (*http.Response, error) {
			deadline, ok := r.Context().Deadline()
			if left = time.Until(deadline); !ok {
				t.Error("no deadline")
			}
			return reply(200, "{}"), nil
		}), func(c *Config) { c.Timeout = 10 * time.Second })
		for _, own := range []time.Duration{3 * time.Second, 30 * time.Second} {
			ctx, cancel := context.WithTimeout(background, own)
			if _, err := c.Get(ctx, "x", nil); err != nil || left != min(own, 10*time.Second) {
				t.Errorf("with %v: got %v, %v left", own, err, left)
			}
			cancel()
		}
	})
}

func TestACallersDeadlineIsNotTakenForTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "http://prism.test", over(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}), func(c *Config) { c.Timeout = 2 * time.Second })
		ctx, cancel := context.WithTimeout(background, time.Second)
		defer cancel()
		_, err := c.Get(ctx, "x", nil)
		if !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "Config.Timeout") {
			t.Errorf("got %v", err)
		}
	})
}
