package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/sign"
)

// A served platform runs in the background until stop.
type served struct {
	URL, Key, Secret, User, Password string

	AdminURL string `json:"admin_url"`
	Console  string

	first string // line of output
	out   io.Reader
	stop  func() result
}

// serve begins prismctl serve and returns when its first line is there.
func serve(t *testing.T, env map[string]string, args ...string) served {
	t.Helper()
	return serveSoon(env, args...)(t)
}

// serveSoon begins prismctl serve and returns what waits for its first line.
func serveSoon(env map[string]string, args ...string) func(*testing.T) served {
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--output", "json"}, args...)
	done := begin(invocation{ctx: ctx, args: args, env: env, out: in})
	return func(t *testing.T) served {
		t.Helper()
		s := served{out: out, stop: func() result { cancel(); return <-done }}
		line := make([]byte, 4096)
		n, err := out.Read(line) // it is one write
		if err != nil {
			t.Fatal(err)
		}
		s.first = string(line[:n])
		if err := json.Unmarshal(line[:n], &s); err != nil {
			t.Fatalf("the first line is %q: %v", s.first, err)
		}
		return s
	}
}

func (s served) env() map[string]string {
	return map[string]string{"PRISM_URL": s.URL, "PRISM_KEY": s.Key, "PRISM_SECRET": s.Secret}
}

func (s served) do(command string) result {
	return invocation{args: strings.Fields(command), env: s.env()}.run()
}

func TestTheFirstLineOfServeIsAllThatAClientNeeds(t *testing.T) {
	s := serve(t, nil)
	want := `{"url":"` + s.URL + `","key":"` + s.Key + `","secret":"` + s.Secret + `","user":"demo","password":"` + s.Password + `","console":"` + s.Console + `"}` + "\n"
	if s.first != want || len(s.Password) < 16 {
		t.Errorf("the first line is %q, want %q", s.first, want)
	}
	s.do("queue status").want(t, exitDone, s.do("queue status").out, "")
	s.stop().want(t, exitDone, "", "")
	if r := s.do("queue status"); r.status != exitUnreachable {
		t.Errorf("it still serves: %+v", r)
	}
}

func TestServeTakesTheChosenKey(t *testing.T) {
	s := serve(t, map[string]string{"PRISM_KEY": "buwb2lii", "PRISM_SECRET": "ucr72ygfutspqeuu6s36"})
	if s.Key != "buwb2lii" || s.Secret != "ucr72ygfutspqeuu6s36" {
		t.Errorf("the first line is %q", s.first)
	}
	s.stop().want(t, exitDone, "", "")
}

func TestBindReplacesTheDefaultBinding(t *testing.T) {
	s := serve(t, nil, "--bind", "order.#=orders", "--bind", "refund.*=")
	for _, key := range []string{"order.new", "refund.new", "other"} {
		s.do("publish "+key+" x").want(t, exitDone, "", "1 message confirmed")
	}
	for command, want := range map[string]string{"queue read orders -n 5": "order.new", "queue read -n 5": "refund.new"} {
		if got := parsed(t, s.do(command).out); len(got) != 1 || got[0]["key"] != want {
			t.Errorf("%s: %v", command, got)
		}
	}
	s.stop().want(t, exitDone, "", "")
}

// oldCall returns the path and query of a call that was signed long ago.
func oldCall(s served) string {
	query := map[string][]string{"client_id": {s.Key}, "sign_method": {"md5"}, "sign_time": {"1400568648"}}
	signature := sign.Sign(s.Secret, sign.Request{Method: "GET", Path: "/api/platform/notify/queue/list", Query: query})
	return "/platform/notify/queue/list?client_id=" + s.Key + "&sign_method=md5&sign_time=1400568648&sign=" + signature
}

func TestSignWindowZeroAcceptsRecordedCalls(t *testing.T) {
	for window, status := range map[string]string{"0": "200", "10m": "401"} {
		s := serve(t, nil, "--sign-window", window)
		if got := rawGet(t, s.URL, oldCall(s)); got != status {
			t.Errorf("with --sign-window %s an old call is answered with %s, want %s", window, got, status)
		}
		err := map[string]string{"0": "WARNING: signatures of any age are accepted", "10m": ""}[window]
		s.stop().want(t, exitDone, "", err)
	}
}

func TestServeExplainsARefusedSignatureOnLoopback(t *testing.T) {
	s := serve(t, nil)
	right := s.Secret
	s.Secret = "another"
	if r := s.do("queue list"); r.status != exitRefused || !strings.Contains(r.err, "the platform signed: ***&GET&") || strings.Contains(r.err, right) {
		t.Errorf("%+v", r)
	}
	s.stop()
}

func TestServeWarnsWhenOthersCanReachIt(t *testing.T) {
	s := serve(t, nil, "--listen", "0.0.0.0:0")
	if !strings.HasPrefix(s.URL, "http://127.0.0.1:") {
		t.Errorf("the URL is %s", s.URL)
	}
	secret := s.Secret
	s.Secret = "another"
	if r := s.do("queue list"); r.status != exitRefused || strings.Contains(r.err, "the platform signed") {
		t.Errorf("a refusal is explained to everyone: %+v", r)
	}
	s.Secret = secret
	s.stop().want(t, exitDone, "", "WARNING: other machines can reach")
}

func TestServeForPeopleShowsWhatToPaste(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	env := map[string]string{"PRISM_KEY": "k", "PRISM_SECRET": "it's-long-enough"}
	done := begin(invocation{ctx: ctx, args: []string{"serve", "--listen", "127.0.0.1:0"}, env: env, out: in})
	text := make([]byte, 4096)
	n, _ := out.Read(text)
	for _, part := range []string{"export PRISM_URL=http://127.0.0.1:", "export PRISM_KEY=k\n", `export PRISM_SECRET='it'\''s-long-enough'`, "prismctl publish", "prismctl login", "The user who can sign in is demo, with the password "} {
		if !strings.Contains(string(text[:n]), part) {
			t.Errorf("%q is not in\n%s", part, text[:n])
		}
	}
	cancel()
	(<-done).want(t, exitDone, "", "")
}

func TestAnAddressInUseExits1(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := invocation{args: []string{"serve", "--listen", l.Addr().String()}}.run()
	r.want(t, exitRefused, "", "cannot listen: listen tcp "+l.Addr().String())
}

func TestServeThatIsToldToEndBeforeItIsReadyHasDoneSo(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	for name, args := range map[string][]string{"in memory": nil, "a directory": {"--data", t.TempDir()}, "servers": {"--nats", jetStream(t)}} {
		r := invocation{ctx: ended, args: append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)}.run()
		if r.status != exitDone || r.out != "" || r.err != "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	r := invocation{ctx: ended, args: []string{"serve", "--listen", "127.0.0.1:0", "--access-log", t.TempDir()}}.run()
	r.want(t, exitRefused, "", "the access log cannot be opened")
}

func TestServeEndsChannelsWithACloseFrame(t *testing.T) {
	s := serve(t, nil)
	client, err := prism.New(prism.Config{Server: s.URL, Key: s.Key, Secret: s.Secret})
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	connected, gone := make(chan bool, 9), make(chan error, 9)
	consumer, err := notify.NewConsumer(client, notify.ConsumerConfig{
		OnConnect: func() { connected <- true }, OnDisconnect: func(err error) { gone <- err },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- consumer.Run(ctx, func(context.Context, *notify.Delivery) error { return nil }) }()
	awaited(t, "the connection", connected)
	s.stop().want(t, exitDone, "", "")
	if err := awaited(t, "its end", gone); err == nil || !strings.Contains(err.Error(), strconv.Itoa(1001)) {
		t.Errorf("the connection ended with %v, want close code 1001", err)
	}
	cancel()
	awaited(t, "the end of the consumer", ended)
}

// rawGet sends a GET as it is and returns the HTTP status.
func rawGet(t *testing.T, url, path string) string {
	t.Helper()
	host := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/api")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /api"+path+" HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(answer))[1]
}
