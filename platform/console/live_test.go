package console_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// A stream is the events of the live page.
type stream struct {
	*testing.T
	lines *bufio.Scanner
}

func (b *browser) live(query string) *stream {
	b.Helper()
	req, _ := http.NewRequestWithContext(b.Context(), "GET", b.url+b.console.Base()+"/live/events?"+query, nil)
	resp, err := b.client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { resp.Body.Close() })
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || got != "text/event-stream" {
		b.Fatalf("%d %s", resp.StatusCode, got)
	}
	s := &stream{b.T, bufio.NewScanner(resp.Body)}
	if line := s.next(); !strings.Contains(line, `"begin"`) {
		b.Fatal(line)
	}
	return s
}

// next returns the data of the next event.
func (s *stream) next() string {
	s.Helper()
	for s.lines.Scan() {
		if line, ok := strings.CutPrefix(s.lines.Text(), "data: "); ok {
			return line
		}
	}
	s.Fatal("the stream has ended: ", s.lines.Err())
	return ""
}

func TestWhatHappensIsSeenLive(t *testing.T) {
	s := newSite(t)
	live := s.operator().live("api=platform")
	s.browser().call("GET", "platform/app/list", nil, shopKey, shopKey.Secret)
	if line := live.next(); !strings.Contains(line, `"client_id":"shop-key"`) || !strings.Contains(line, `"failed":true`) {
		t.Error(line)
	}
}

// TestAFloodIsSampledForTheLivePage: a browser gets some of it, and how many more there were.
func TestAFloodIsSampledForTheLivePage(t *testing.T) {
	s := newSite(t)
	live := s.operator().live("")
	const flood, rate = 500, 50
	b := s.browser()
	began := time.Now()
	for range flood {
		b.call("GET", "platform/notify/status", nil, shopKey, shopKey.Secret)
	}
	seen, missed := 0, 0
	for seen+missed < flood {
		var r struct {
			Event  string
			Missed int
		}
		if err := json.Unmarshal([]byte(live.next()), &r); err != nil {
			t.Fatal(err)
		}
		if missed += r.Missed; r.Event == "call" {
			seen++
		}
	}
	if most := rate * (2 + int(time.Since(began)/time.Second)); seen > most || seen == 0 {
		t.Errorf("of %d calls the page shows %d, at most %d would do, and counts %d", flood, seen, most, missed)
	}
}

func TestALivePageEndsWithTheRole(t *testing.T) {
	s := newSite(t)
	live := s.user(platform.UserRole{Login: "olga", Role: platform.OperatorRole}).live("")
	if err := s.registry.SaveRole(t.Context(), platform.UserRole{Login: "olga", Role: platform.AdminRole, Domain: "b"}); err != nil {
		t.Fatal(err)
	}
	for live.lines.Scan() { // until it ends
	}
	if err := live.lines.Err(); err != nil {
		t.Error(err)
	}
}
