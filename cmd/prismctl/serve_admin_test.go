package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
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
	queues := notify.NewQueueClient(p.client(t, s))
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
