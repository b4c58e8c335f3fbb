//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/notify"
)

// asReceiver makes the test binary an HTTP server that appends the bodies which it takes
// to a file; its value is the address and the file. It refuses poison until there is a
// file beside it that ends with .mended.
const asReceiver = "PRISMCTL_TEST_AS_RECEIVER"

func init() {
	if options := os.Getenv(asReceiver); options != "" {
		runReceiver(options)
		os.Exit(1)
	}
}

func runReceiver(options string) {
	address, file, _ := strings.Cut(options, " ")
	taken, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if strings.HasPrefix(string(body), "poison") {
			if _, err := os.Stat(file + ".mended"); err != nil {
				w.WriteHeader(http.StatusUnprocessableEntity)
				return
			}
		}
		if _, err := fmt.Fprintf(taken, "%s\n", body); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
}

// startReceiver starts such a server and returns it with its address.
func startReceiver(t *testing.T, address, file string) (p *process, at string) {
	t.Helper()
	p = start(t, []string{asReceiver + "=" + address + " " + file})
	return p, strings.TrimSpace(p.line())
}

// takenBy returns how often each body was taken.
func takenBy(t *testing.T, file string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	taken := map[string]int{}
	for line := range strings.Lines(string(text)) {
		taken[strings.TrimSpace(line)]++
	}
	return taken
}

// A chain is a platform, a listener and a receiver, each in a process of its own.
type chain struct {
	t                            *testing.T
	data, taken                  string
	platform, listener, receiver *process
	at, to                       string // addresses
}

func startChain(t *testing.T) *chain {
	c := &chain{t: t, data: filepath.Join(t.TempDir(), "data"), taken: filepath.Join(t.TempDir(), "taken")}
	c.receiver, c.to = startReceiver(t, "127.0.0.1:0", c.taken)
	c.platform, c.at = serveKept(t, "127.0.0.1:0", "--data", c.data)
	c.listen()
	return c
}

func (c *chain) listen() {
	c.t.Helper()
	env := []string{"PRISM_URL=http://" + c.at + "/api", "PRISM_KEY=buwb2lii", "PRISM_SECRET=ucr72ygfutspqeuu6s36", "PATH=" + os.Getenv("PATH")}
	c.listener = start(c.t, env, "listen", "--forward-to", "http://"+c.to+"/", "--format", "raw", "--max-attempts", "5", "--workers", "8", "--output", "json")
	c.listener.line() // one that has not begun yet ends with the platform
	go io.Copy(io.Discard, c.listener.out)
}

// kill kills one of them, and starts it again.
func (c *chain) kill(n int) {
	c.t.Helper()
	p := []*process{c.receiver, c.listener, c.platform}[n%3]
	p.signal(syscall.SIGKILL)
	p.wants(-int(syscall.SIGKILL))
	switch p {
	case c.receiver:
		c.receiver, _ = startReceiver(c.t, c.to, c.taken)
	case c.listener:
		c.listen()
	case c.platform:
		c.platform, _ = serveKept(c.t, c.at, "--data", c.data)
	}
}

// publishMixed publishes n messages, of which one in a hundred is poison, and returns how
// many that were once all are confirmed.
func publishMixed(ctx context.Context, t *testing.T, client *prism.Client, n int) (poison int) {
	t.Helper()
	publisher, err := notify.NewPublisher(client, notify.PublisherConfig{Reconnect: soonAgain})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		m := notify.Message{Key: "order.new", Body: fmt.Append(nil, "good-", i)}
		if i%100 == 50 {
			m = notify.Message{Key: "order.poison", Body: fmt.Append(nil, "poison-", i), ContentType: "text/x-poison"}
			poison++
		}
		if err := publisher.PublishAsync(ctx, m, nil); err != nil {
			t.Error(err)
			break
		}
		if i%500 == 0 { // so that the kills meet all of it
			time.Sleep(rand.N(200 * time.Millisecond))
		}
	}
	if err := publisher.Close(ctx); err != nil {
		t.Error(err)
	}
	return poison
}

// messagesOfChain is how many messages go through the chain.
func messagesOfChain(t *testing.T) int {
	if text := os.Getenv("PRISMCTL_TEST_LISTEN_MESSAGES"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 2000
}

func TestListenLosesNothingThroughKillsOfAllThree(t *testing.T) {
	t.Parallel() // it waits most of its time
	n := messagesOfChain(t)
	c := startChain(t)
	client := keptClient(t, c.at)
	defer client.CloseIdleConnections()
	queues := notify.NewQueueClient(client)
	ctx, cancel := context.WithTimeout(t.Context(), patience.Of(5*time.Minute))

	published := make(chan int, 1)
	var publishing sync.WaitGroup
	publishing.Go(func() { published <- publishMixed(ctx, t, client, n) })
	defer publishing.Wait()
	defer cancel()
	poison, kills := 0, 0
	for poison == 0 || kills < 6 {
		time.Sleep(rand.N(time.Second)) // the moment must not depend on what happens
		c.kill(kills)
		kills++
		select {
		case poison = <-published:
		default:
		}
	}
	c.settle(ctx, queues)
	c.accountFor(n, poison, false)
	c.putBack(ctx, queues, poison)
	c.accountFor(n, poison, true)
	c.end()
}

func (c *chain) end() {
	c.t.Helper()
	c.listener.signal(syscall.SIGINT)
	c.listener.wants(exitDone)
	c.platform.signal(syscall.SIGTERM)
	c.platform.wants(exitDone)
	c.receiver.signal(syscall.SIGKILL)
	c.receiver.wants(-int(syscall.SIGKILL))
}

// settle waits until nothing is in the queue but what is parked. What an outage of the
// receiver has parked is put back.
func (c *chain) settle(ctx context.Context, queues *notify.QueueClient) {
	c.t.Helper()
	began := time.Now()
	for {
		s, err := queues.Status(ctx, "")
		switch {
		case err != nil:
			c.t.Fatal(err)
		case s.Messages > 0:
			if time.Since(began) > patience.Of(40*time.Second) {
				c.t.Fatalf("the queue does not become empty: %+v\n%s", s, c.listener.err.String())
			}
			time.Sleep(50 * time.Millisecond) // nothing tells a client that a queue is empty
			continue
		}
		var healthy []string
		for _, p := range c.parked(ctx, queues) {
			if p.Key != "order.poison" {
				healthy = append(healthy, p.ID)
			}
		}
		if len(healthy) == 0 {
			return
		}
		c.t.Logf("%d messages were parked as the receiver was not there", len(healthy))
		if n, err := queues.Unpark(ctx, "", healthy...); n != len(healthy) || err != nil {
			c.t.Fatalf("put back %d, %v", n, err)
		}
	}
}

func (c *chain) parked(ctx context.Context, queues *notify.QueueClient) []notify.Parked {
	c.t.Helper()
	parked, err := queues.Parked(ctx, "", notify.ParkedOptions{N: 1000})
	if err != nil {
		c.t.Fatal(err)
	}
	return parked
}

// accountFor holds that each message was taken, of poison only once the receiver is mended.
func (c *chain) accountFor(n, poison int, mended bool) {
	c.t.Helper()
	taken := takenBy(c.t, c.taken)
	missing, bad := 0, 0
	for i := range n {
		if i%100 == 50 {
			bad += min(1, taken[fmt.Sprint("poison-", i)])
		} else if taken[fmt.Sprint("good-", i)] == 0 {
			missing++
		}
	}
	want := 0
	if mended {
		want = poison
	}
	if missing > 0 || bad != want {
		c.t.Errorf("%d of %d messages were never taken; of poison %d, want %d", missing, n, bad, want)
	}
}

// putBack mends the receiver, and puts all poison back by a filter.
func (c *chain) putBack(ctx context.Context, queues *notify.QueueClient, poison int) {
	c.t.Helper()
	parked := c.parked(ctx, queues)
	if len(parked) < poison { // what was published twice is there twice
		c.t.Errorf("%d messages are parked, want %d", len(parked), poison)
	}
	for _, p := range parked {
		if p.Reason != "the receiver answered 422 Unprocessable Entity" && !strings.HasPrefix(p.Reason, "the connection ended") || p.ContentType != "text/x-poison" {
			c.t.Errorf("parked: %+v", p)
		}
	}
	if err := os.WriteFile(c.taken+".mended", nil, 0o600); err != nil {
		c.t.Fatal(err)
	}
	matching, err := queues.Parked(ctx, "", notify.ParkedOptions{RoutingKey: "*.poison", N: 1000})
	if err != nil || len(matching) != len(parked) {
		c.t.Fatalf("%d of %d parked messages match, %v", len(matching), len(parked), err)
	}
	var ids []string
	for _, p := range matching {
		ids = append(ids, p.ID)
	}
	if n, err := queues.Unpark(ctx, "", ids...); n != len(ids) || err != nil {
		c.t.Fatalf("put back %d of %d, %v", n, len(ids), err)
	}
	c.settle(ctx, queues)
}

// The receiver takes the message and does not answer; Ctrl-C must not wait for it.
func TestCtrlCEndsListenWithinASecond(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, receiver := range [][]string{{"--forward-to", "http://" + l.Addr().String()}, {"--exec", "echo begun; sleep 60"}} {
		platform, env := serveProcess(t, "127.0.0.1:0")
		listener := start(t, append(env, "PATH="+os.Getenv("PATH")), append([]string{"listen", "--output", "json"}, receiver...)...)
		listener.line()
		start(t, env, "publish", "order.new", "x").wants(exitDone)
		if receiver[0] == "--exec" {
			for !strings.Contains(listener.err.String(), "begun") {
				time.Sleep(time.Millisecond) // there is no event to wait for: standard error is a file
			}
		} else if conn, err := l.Accept(); err != nil {
			t.Fatal(err)
		} else {
			defer conn.Close()
			if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		listener.signal(syscall.SIGINT)
		var a struct{ Error string }
		if err := json.Unmarshal([]byte(listener.line()), &a); err != nil || !strings.Contains(a.Error, "comes again") {
			t.Errorf("%v: %+v, %v", receiver, a, err)
		}
		listener.line()
		listener.wants(exitDone)
		if took := time.Since(began); took > patience.Of(time.Second) {
			t.Errorf("%v: it took %v", receiver, took)
		}
		next := start(t, env, "consume", "-n", "1")
		if got := body(t, next.line()); got != "x" {
			t.Errorf("%v: the next consumer got %q", receiver, got)
		}
		next.wants(exitDone)
		platform.signal(syscall.SIGTERM)
		platform.wants(exitDone)
	}
}
