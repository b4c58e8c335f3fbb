package console_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
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

func TestALivePageEndsWithTheMember(t *testing.T) {
	s := newSite(t)
	const email = "dev@example.com"
	for _, api := range []string{"create", "active"} {
		if got := s.browser().call("POST", "platform/manageuser/"+api, url.Values{"email": {email}}, adminKey, adminKey.Secret); got.status != http.StatusOK {
			t.Fatalf("%s: %d %s", api, got.status, got.body)
		}
	}
	dev := s.user(platform.UserRole{Login: "dev", Role: platform.DeveloperRole, Member: email})
	if page := dev.get("/live"); !strings.Contains(page, "Name a key of one of your apps") || strings.Contains(page, "data-live") {
		t.Error("the live page of a member does not ask for a key: ", page)
	}
	live := dev.live("")
	if got := s.browser().call("POST", "platform/manageuser/disable", url.Values{"email": {email}}, adminKey, adminKey.Secret); got.status != http.StatusOK {
		t.Fatalf("disable: %d %s", got.status, got.body)
	}
	for live.lines.Scan() { // until it ends
	}
	if err := live.lines.Err(); err != nil {
		t.Error(err)
	}
}

// TestWhatAPageAsksForByItselfIsNoUseOfTheSession: nobody need be there.
func TestWhatAPageAsksForByItselfIsNoUseOfTheSession(t *testing.T) {
	var ahead atomic.Int64
	s := newSite(t, func(cfg *platform.Config) {
		cfg.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	left, used := s.operator(), s.operator()
	for range 4 {
		ahead.Add(int64(10 * time.Minute))
		left.send("GET", "/queues", nil, "X-Poll", "1")
		used.get("/queues")
	}
	if got := left.send("GET", "/queues", nil); got.status != http.StatusSeeOther {
		t.Errorf("a session that nobody has used for 40 minutes: %d", got.status)
	}
}

func TestTheLivePageIsJSONWithTheNamesOfOthers(t *testing.T) {
	b := newSite(t).operator()
	got := b.send("GET", "/live?client=shop-key&routing_key=order.%23&api=goods&failed=1", nil, "Accept", "application/json")
	if want := `{"client":"shop-key","routing_key":"order.#","api":"goods","failed":true,"needs_key":false}`; strings.TrimSpace(got.body) != want {
		t.Errorf("%s, want %s", got.body, want)
	}
}
