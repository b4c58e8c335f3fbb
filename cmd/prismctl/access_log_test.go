package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// loggedLength bounds what a caller can write into a line of the access log.
const loggedLength = 512

// An access is a line of the access log, for a call.
type access struct {
	Time      string  `json:"time"`
	RequestID string  `json:"request_id"`
	Method    string  `json:"method"`
	Path      string  `json:"path"`
	Status    int     `json:"status"`
	Code      string  `json:"code"`
	Key       string  `json:"key"`
	Remote    string  `json:"remote"`
	UserAgent string  `json:"user_agent"`
	Duration  float64 `json:"duration_ms"`
}

// A channelEnd is the line for a channel that has ended.
type channelEnd struct {
	RequestID string  `json:"request_id"`
	Event     string  `json:"event"`
	Reason    string  `json:"reason"`
	Key       string  `json:"key"`
	Remote    string  `json:"remote"`
	Duration  float64 `json:"duration_ms"`
}

// accesses returns the lines of an access log.
func accesses(t *testing.T, text string) []access {
	t.Helper()
	var all []access
	for line := range strings.Lines(text) {
		var a access
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, a)
	}
	return all
}

func TestTheAccessLogHasEachCallAndNoSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "access.log")
	s := serve(t, nil, "--access-log", file)
	form := url.Values{"client_id": {s.Key}, "client_secret": {s.Secret}, "data": {"the-message"}}
	req, err := http.NewRequest(http.MethodPost, s.URL+"/platform/notify/write", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", `shop "1"`)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	s.do("queue create orders")
	s.do("get no/such/" + strings.Repeat("x", 2000))
	s.Secret = "another-secret"
	s.do("queue create orders")
	s.stop().want(t, exitDone, "", "")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, hidden := range []string{s.first[strings.Index(s.first, `"secret":"`)+10:][:20], "another-secret", "the-message", "sign=", "?"} {
		if strings.Contains(string(text), hidden) {
			t.Errorf("%q is in the log:\n%s", hidden, text)
		}
	}
	all := accesses(t, string(text))
	if len(all) != 4 {
		t.Fatalf("%d calls:\n%s", len(all), text)
	}
	for i, want := range []access{
		{Method: "POST", Path: "/api/platform/notify/write", Status: 200, Key: s.Key, UserAgent: `shop "1"`},
		{Method: "GET", Path: "/api/platform/notify/queue/create", Status: 200, Key: s.Key},
		{Method: "GET", Status: 404, Code: "unknown_api", Key: s.Key},
		{Method: "GET", Path: "/api/platform/notify/queue/create", Status: 401, Code: "invalid_sign"},
	} {
		got := all[i]
		if got.Method != want.Method || got.Status != want.Status || got.Code != want.Code || want.Path != "" && got.Path != want.Path ||
			want.Key != got.Key || want.UserAgent != "" && got.UserAgent != want.UserAgent {
			t.Errorf("call %d is %+v, want %+v", i, got, want)
		}
		if got.RequestID == "" || !strings.HasPrefix(got.Remote, "127.0.0.1:") || got.Duration <= 0 || len(got.Path) > loggedLength || got.Time == "" {
			t.Errorf("call %d is %+v", i, got)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestTheAccessLogHasTheEndOfEachChannel(t *testing.T) {
	file := filepath.Join(t.TempDir(), "access.log")
	s := serve(t, nil, "--access-log", file)
	s.do("publish order.new x").want(t, exitDone, "", "1 message confirmed")
	s.stop().want(t, exitDone, "", "")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	began := accesses(t, string(text))[0]
	var end channelEnd
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "channel_end") {
			err = json.Unmarshal([]byte(line), &end)
		}
	}
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if began.Status != 101 || end.Event != "channel_end" || end.RequestID != began.RequestID || end.Key != s.Key ||
		!strings.HasPrefix(end.Reason, "closed by the peer with code 1000") || end.Duration <= 0 || end.Remote != began.Remote {
		t.Errorf("the channel is %+v and %+v", began, end)
	}
}

func TestTheAccessLogOfStandardOutputComesAfterTheFirstLine(t *testing.T) {
	s := serve(t, nil, "--access-log", "-")
	out := make(chan string, 1)
	go func() {
		line := make([]byte, 4096)
		n, _ := s.out.Read(line)
		out <- string(line[:n])
	}()
	s.do("queue list")
	if all := accesses(t, <-out); len(all) != 1 || all[0].Key != s.Key {
		t.Errorf("%+v", all)
	}
	s.stop().want(t, exitDone, "", "")
	r := invocation{args: []string{"serve", "--listen", "127.0.0.1:0", "--access-log", "-"}}.run()
	r.want(t, exitUsage, "", "--access-log: standard output tells people")
}

func TestAnAccessLogThatCannotBeOpenedEndsServe(t *testing.T) {
	r := invocation{args: []string{"serve", "--listen", "127.0.0.1:0", "--access-log", t.TempDir()}}.run()
	r.want(t, exitRefused, "", "the access log cannot be opened")
}
