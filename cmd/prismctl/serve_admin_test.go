package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// ask returns the status and the body of a page.
func ask(t *testing.T, address string) (int, string) {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// metric returns the value of a series, or "".
func metric(text, series string) string {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func TestTheAdminAddressTellsHowThePlatformIs(t *testing.T) {
	s := serve(t, nil, "--admin-listen", "127.0.0.1:0")
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n"} {
		if status, body := ask(t, s.AdminURL+path); status != http.StatusOK || body != want {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
	s.do("publish order.new x").want(t, exitDone, "", "1 message confirmed")
	s.do("publish order.new y").want(t, exitDone, "", "1 message confirmed")
	s.do("queue status").want(t, exitDone, s.do("queue status").out, "")
	for range 3 {
		s.do(fmt.Sprintf("get no/such/%d", len(s.URL)))
	}
	_, text := ask(t, s.AdminURL+"/metrics")
	for series, want := range map[string]string{
		`prism_queue_messages{key="` + s.Key + `",state="ready",topic=""}`:          "2",
		`prism_queue_messages{key="` + s.Key + `",state="unacknowledged",topic=""}`: "0",
		`prism_messages{state="ready"}`:                                             "2",
		`prism_messages_published_total`:                                            "2",
		`prism_messages_acked_total`:                                                "0",
		`prism_connections`:                                                         "0",
		`prism_connections_total`:                                                   "2",
		`prism_build_info{version="` + prism.Version + `"}`:                         "1",
		`prism_draining`:                                                            "0",
		`prism_consumers`:                                                           "0",
		`prism_publish_refused_total`:                                               "0",
		`prism_engine_up`:                                                           "1",
		`prism_api_duration_seconds_count{api="platform/notify/status",code="200"}`: "2",
		`prism_api_duration_seconds_count{api="platform/notify",code="101"}`:        "2",
		`prism_api_duration_seconds_count{api="other",code="404"}`:                  "3",
	} {
		if got := metric(text, series); got != want {
			t.Errorf("%s is %q, want %s", series, got, want)
		}
	}
	if metric(text, "go_goroutines") == "" || strings.Contains(text, s.Secret) || strings.Contains(text, "no/such") {
		t.Errorf("the metrics are\n%s", text)
	}
	s.stop().want(t, exitDone, "", "")
}

func TestMetricsTellOfWhatIsWrong(t *testing.T) {
	p := newPair(t)
	s := serve(t, nil, "--admin-listen", "127.0.0.1:0", "--tls-cert", p.cert, "--tls-key", p.key, "--access-log", "-", "--limits-max-messages", "1")
	read := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, s.out)
		close(read)
	}()
	queues := notify.NewQueues(p.client(t, s))
	if err := queues.Write(t.Context(), "", []byte("x")); err != nil {
		t.Fatal(err)
	}
	once, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond) // a client tries again after a second
	defer cancel()
	if err := queues.Write(once, "", []byte("x")); err == nil {
		t.Error("the queue is not full")
	}
	_, text := ask(t, s.AdminURL+"/metrics")
	for series, want := range map[string]string{`prism_publish_refused_total`: "1", `prism_access_log_lost_total`: "0"} {
		if got := metric(text, series); got != want {
			t.Errorf("%s is %q, want %s", series, got, want)
		}
	}
	ends, err := strconv.ParseFloat(metric(text, "prism_certificate_expiry_timestamp_seconds"), 64)
	if left := time.Until(time.Unix(int64(ends), 0)); err != nil || left < 50*time.Minute || left > time.Hour {
		t.Errorf("the certificate has %v left, %v", left, err)
	}
	s.stop().want(t, exitDone, "", "")
	_ = s.out.(io.Closer).Close()
	<-read
}

func TestMetricsCountTheLinesThatAreLost(t *testing.T) {
	access := newAccessLog(&clogged{}, slog.New(slog.DiscardHandler))
	for range 3 {
		access.call(platform.Call{}, platform.Outcome{})
	}
	access.queue.close()
	m := newMetrics(&engine{queues: brokenQueues{}})
	m.access = access
	m.draining.Store(true)
	text := m.text()
	if metric(text, "prism_access_log_lost_total") != "3" || metric(text, "prism_draining") != "1" {
		t.Errorf("the metrics are\n%s", text)
	}
}

func TestAnAdminAddressForOthersIsWarnedOf(t *testing.T) {
	s := serve(t, nil, "--admin-listen", "0.0.0.0:0")
	s.stop().want(t, exitDone, "", "where nobody has to log in")
}

func TestReadyzIsUnavailableWhileThePlatformDrains(t *testing.T) {
	s := serve(t, nil, "--admin-listen", "127.0.0.1:0")
	host := strings.TrimSuffix(strings.TrimPrefix(s.URL, "http://"), "/api")
	slow, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprintf(slow, "POST /api/platform/notify/purge HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\n")
	answers := bufio.NewReader(slow)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("the platform answered %q, %v", line, err)
	}
	done := make(chan result, 1)
	go func() { done <- s.stop() }()
	for {
		status, body := ask(t, s.AdminURL+"/readyz")
		if status == http.StatusServiceUnavailable && strings.HasPrefix(body, "draining") {
			break
		}
		if status != http.StatusOK {
			t.Fatalf("%d %q", status, body)
		}
	}
	fmt.Fprint(slow, "a=b")
	rest, err := io.ReadAll(answers)
	if err != nil || !strings.Contains(string(rest), "HTTP/1.1 401") {
		t.Errorf("the call that was under way got %q, %v", rest, err)
	}
	(<-done).want(t, exitDone, "", "")
}

func TestADrainEndsAfterItsDelay(t *testing.T) {
	serve(t, nil, "--drain-delay", "1ms").stop().want(t, exitDone, "", "")
}

// handshake opens a channel, whose peer will never answer.
func (s served) handshake(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(s.URL, "http://"), "/api"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /api/platform/notify?client_id=%s&client_secret=%s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Key: MTc5NTQ0NzA0Nw==\r\nSec-WebSocket-Version: 13\r\n\r\n", s.Key, s.Secret)
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "101") {
		t.Fatalf("the platform answered %q, %v", line, err)
	}
	return conn
}

// A peer that does not close its socket is waited for a while.
func TestPeersThatDoNotLeaveTakeNoTimeOfCalls(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	queues := &slowQueues{Queues: memory.New(memory.Config{}), asked: make(chan bool), goOn: make(chan bool)}
	store := new(memory.Store)
	key := platform.NewKey("shop")
	registry := platform.NewRegistry(store)
	if err := errors.Join(registry.SaveApp(t.Context(), platform.App{ID: "shop"}), registry.SaveKey(t.Context(), key)); err != nil {
		t.Fatal(err)
	}
	h, err := serveSecure(l, nil, connLimit{total: mostConns, perAddress: mostConns}, platform.Config{Store: store, Queues: queues, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s := served{URL: h.url, Key: key.ID, Secret: key.Secret}
	stubborn := s.handshake(t)
	defer stubborn.Close()
	call := make(chan result, 1)
	go func() { call <- s.do("queue status") }()
	<-queues.asked
	stopped := make(chan error, 1)
	go func() { stopped <- h.stop(t.Context()) }()
	<-h.ended // though the peer is still there
	close(queues.goOn)
	if r := <-call; r.status != exitDone {
		t.Errorf("the call that was under way: %+v", r)
	}
	stubborn.Close()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// slowQueues answers a question when it may.
type slowQueues struct {
	platform.Queues
	asked, goOn chan bool
}

func (q *slowQueues) Status(ctx context.Context, owner, topic string) (platform.QueueStatus, error) {
	q.asked <- true
	<-q.goOn
	return q.Queues.Status(ctx, owner, topic)
}

func TestACallThatDoesNotEndIsCutAfterTheDrain(t *testing.T) {
	s := serve(t, nil, "--drain", "50ms")
	slow, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(s.URL, "http://"), "/api"))
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprintf(slow, "POST /api/platform/notify/purge HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\n")
	if line, err := bufio.NewReader(slow).ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("the platform answered %q, %v", line, err)
	}
	s.stop().want(t, exitDone, "", "not everyone had left after 50ms")
}

func scrape(e *engine) string { return newMetrics(e).text() }

func (m *metrics) text() string {
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

func TestMetricsShowTheDeepestQueuesOnly(t *testing.T) {
	q := memory.New(memory.Config{MaxTopics: -1})
	ctx := context.Background()
	for i := range shownQueues + 1 {
		for range 1 + min(i, 1) { // the first has one message, each other has two
			if err := q.Write(ctx, "k", fmt.Sprintf("t%d\xff", i), &platform.Message{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	text := scrape(&engine{queues: q})
	if got := strings.Count(text, "\nprism_queue_messages{"); got != 2*shownQueues {
		t.Errorf("%d series of queues, want %d", got, 2*shownQueues)
	}
	if got, want := metric(text, `prism_messages{state="ready"}`), fmt.Sprint(2*shownQueues+1); got != want {
		t.Errorf("%s messages, want %s", got, want)
	}
	if strings.Contains(text, `topic="\"t0\\xff\""`) || !strings.Contains(text, `topic="\"t1\\xff\""`) {
		t.Errorf("the deepest queues are not shown by their names")
	}
}

// brokenQueues cannot count.
type brokenQueues struct{ platform.Queues }

func (brokenQueues) Depths(context.Context) ([]platform.QueueDepth, error) {
	return nil, errors.New("broken")
}

func TestMetricsTellWhatTheyCan(t *testing.T) {
	text := scrape(&engine{queues: brokenQueues{}})
	if metric(text, "prism_engine_up") != "1" || metric(text, "go_goroutines") == "" || strings.Contains(text, "prism_messages{") {
		t.Errorf("the metrics are\n%s", text)
	}
}

func TestAnAPIIsALabelOnlyWhenThePlatformHasIt(t *testing.T) {
	for _, c := range []struct{ path, api, want string }{
		{"/api/platform/notify/status", "platform/notify/status", "platform/notify/status"},
		{"/api/platform/key/info/abc", "platform/key/info/abc", "platform/key/info"},
		{"/oauth/authorize", "", "oauth/authorize"},
		{"/oauth/x1", "", "other"},
		{"/api/x1", "x1", "other"},
		{"/x1", "", "other"},
	} {
		if got := apiOf(platform.Call{Path: c.path, API: c.api}); got != c.want {
			t.Errorf("%s is counted as %s", c.path, got)
		}
	}
}

func TestServeThatCannotAcceptAnyMoreEndsInOrder(t *testing.T) {
	out, in := io.Pipe()
	c := &serveCmd{Serve: settings.Serve{Service: settings.Service{Listen: "127.0.0.1:0", Drain: time.Minute, SignWindow: time.Minute}}}
	s := &service{serveCmd: c, t: &tool{out: in, err: new(buffer), env: func(string) string { return "" }, everyFlag: everyFlag{Output: asJSON}},
		log: slog.New(slog.DiscardHandler), engine: inMemory(platform.QueueBounds{})}
	done := make(chan error, 1)
	go func() { done <- s.run(t.Context(), platform.Key{}) }()
	var first served
	if err := json.NewDecoder(out).Decode(&first); err != nil {
		t.Fatal(err)
	}
	peer := first.handshake(t)
	defer peer.Close()
	if err := s.listener.Close(); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(peer)
	if err != nil || !bytes.Contains(said, []byte("\x03\xe9the platform is shutting down")) {
		t.Errorf("the peer was told %q, %v", said, err)
	}
	if err := <-done; err == nil || !strings.Contains(err.Error(), "serving ended: ") {
		t.Errorf("it ended with %v", err)
	}
}

func TestTheAdminAddressAnswersForItsOwnHostOnly(t *testing.T) {
	s := serve(t, nil, "--admin-listen", "127.0.0.1:0")
	for host, want := range map[string]int{"": 200, "localhost:9090": 200, "[::1]:9090": 200, "attacker.example": 421, "attacker.example:9090": 421} {
		req, err := http.NewRequest("GET", s.AdminURL+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("Host %q: status %d, want %d", host, resp.StatusCode, want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	s.stop().want(t, exitDone, "", "")
}
