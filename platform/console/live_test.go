package console_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
)

func TestWhatHappensIsSeenLive(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	req, _ := http.NewRequestWithContext(t.Context(), "GET", s.url+s.console.Base()+"/live/events?api=platform", nil)
	resp, err := b.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || got != "text/event-stream" {
		t.Fatalf("%d %s", resp.StatusCode, got)
	}
	lines := bufio.NewScanner(resp.Body)
	next := func() string {
		for lines.Scan() {
			if line, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return line
			}
		}
		t.Fatal("the stream has ended: ", lines.Err())
		return ""
	}
	if line := next(); !strings.Contains(line, `"begin"`) {
		t.Fatal(line)
	}
	refused, _ := http.NewRequestWithContext(t.Context(), "GET", s.url+"/api/platform/app/list?client_id=shop-key", nil)
	s.browser().do(refused)
	if line := next(); !strings.Contains(line, `"client_id":"shop-key"`) || !strings.Contains(line, `"failed":true`) {
		t.Error(line)
	}
}
