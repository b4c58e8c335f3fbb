//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	nats "github.com/nats-io/nats-server/v2/server"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/notify"
)

// A reasoned test says at its end once more why it failed: of a long output the middle may
// be cut out.
type reasoned struct {
	*testing.T
	mu      sync.Mutex
	reasons []string
}

// mostReasons are repeated.
const mostReasons = 5

func reason(t *testing.T) *reasoned {
	r := &reasoned{T: t}
	t.Cleanup(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if n := len(r.reasons); n > 0 {
			t.Logf("failed for %d reasons, of which the first are:\n%s", n, strings.Join(r.reasons[:min(n, mostReasons)], "\n"))
		}
	})
	return r
}

func (r *reasoned) note(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reasons = append(r.reasons, reason)
}

func (r *reasoned) Error(args ...any) {
	r.Helper()
	r.note(fmt.Sprint(args...))
	r.T.Error(args...)
}

func (r *reasoned) Errorf(format string, args ...any) {
	r.Helper()
	r.note(fmt.Sprintf(format, args...))
	r.T.Errorf(format, args...)
}

// A ledger accounts for messages while processes are killed: what was
// confirmed has to be handled, and what was handled comes again only if its
// acknowledgement was under way at a kill.
type ledger struct {
	t       *reasoned
	settled time.Duration // after a handler an acknowledgement surely is stored, if the machine is quiet
	outage  time.Duration // after a kill acknowledgements may fail, if it is

	mu        sync.Mutex
	sent      map[string]time.Time // when first, of what a publisher may send again
	confirmed map[string]time.Time
	handled   map[string]time.Time // when first
	kills     []time.Time
	again     int
	changed   chan struct{} // receives a value after something was handled
}

func newLedger(t *testing.T, settled, outage time.Duration) *ledger {
	return &ledger{
		t: reason(t), settled: settled, outage: outage,
		sent: make(map[string]time.Time), confirmed: make(map[string]time.Time), handled: make(map[string]time.Time),
		changed: make(chan struct{}, 1),
	}
}

func (l *ledger) send(body string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent[body] = time.Now()
}

func (l *ledger) confirm(body string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.confirmed[body] = time.Now()
}

func (l *ledger) kill(p *process) {
	l.mu.Lock()
	l.kills = append(l.kills, time.Now())
	l.mu.Unlock()
	p.signal(syscall.SIGKILL)
	p.wants(-int(syscall.SIGKILL))
}

// handle is the handler of every consumer.
func (l *ledger) handle(_ context.Context, d *notify.Delivery) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	body := string(d.Body)
	first, known := l.handled[body]
	switch {
	case !known:
		l.handled[body] = time.Now()
	case l.sentTwice(body), l.ackLost(first):
		l.again++
	default:
		l.t.Errorf("%s came again, and was handled %v ago with no kill near", body, time.Since(first))
	}
	select {
	case l.changed <- struct{}{}:
	default:
	}
	return nil
}

// ackLost reports whether a kill may have taken the acknowledgement of what was
// handled at this time.
func (l *ledger) ackLost(handled time.Time) bool {
	return slices.ContainsFunc(l.kills, func(kill time.Time) bool {
		return handled.After(kill.Add(-patience.Of(l.settled))) && handled.Before(kill.Add(patience.Of(l.outage)))
	})
}

// sentTwice reports whether a kill may have taken a confirmation, so that the
// publisher has sent the message again.
func (l *ledger) sentTwice(body string) bool {
	sent, published := l.sent[body]
	return published && slices.ContainsFunc(l.kills, func(kill time.Time) bool {
		confirmed, done := l.confirmed[body]
		return sent.Before(kill.Add(patience.Of(l.outage))) && (!done || confirmed.After(kill))
	})
}

// missing returns what was confirmed and not handled.
func (l *ledger) missing() (bodies []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for body := range l.confirmed {
		if _, ok := l.handled[body]; !ok {
			bodies = append(bodies, body)
		}
	}
	return bodies
}

// complete waits until everything that was confirmed has been handled.
func (l *ledger) complete() {
	l.t.Helper()
	deadline := time.After(patience.Of(time.Minute))
	for len(l.missing()) > 0 {
		select {
		case <-l.changed:
		case <-deadline:
			l.t.Fatalf("%d of %d confirmed messages are lost, such as %s", len(l.missing()), len(l.confirmed), l.missing()[0])
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.t.Logf("%d confirmed, %d handled, %d of them again, over %d kills", len(l.confirmed), len(l.handled), l.again, len(l.kills))
}

// load publishes and consumes until stop is called; publishers stop first.
func (l *ledger) load(client *prism.Client, publishers, writers, consumers int) (stop func()) {
	publishing, stopPublishing := context.WithCancel(context.Background())
	consuming, stopConsuming := context.WithCancel(context.Background())
	var senders, takers sync.WaitGroup
	for i := range publishers {
		senders.Go(func() { l.publish(publishing, client, fmt.Sprint("published-", i)) })
	}
	for i := range writers {
		senders.Go(func() { l.write(publishing, client, fmt.Sprint("written-", i)) })
	}
	for range consumers {
		takers.Go(func() { l.consume(consuming, client) })
	}
	return func() {
		stopPublishing()
		senders.Wait()
		l.complete()
		stopConsuming()
		takers.Wait()
		client.CloseIdleConnections()
	}
}

var soonAgain = notify.Reconnect{Delay: 50 * time.Millisecond}

func (l *ledger) publish(ctx context.Context, client *prism.Client, name string) {
	publisher, err := notify.NewPublisher(client, notify.PublisherConfig{Reconnect: soonAgain})
	if err != nil {
		l.t.Error(err)
		return
	}
	for i := 0; ctx.Err() == nil; i++ {
		body := fmt.Sprintf("%s-%d", name, i)
		l.send(body)
		switch err := publisher.Publish(ctx, "order.new", []byte(body)); {
		case err == nil:
			l.confirm(body)
		case ctx.Err() == nil:
			l.t.Errorf("publishing %s: %v", body, err)
		}
	}
	closing, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = publisher.Close(closing) // the last one may not be confirmed
}

// write writes over HTTP, where every failure is the caller's.
func (l *ledger) write(ctx context.Context, client *prism.Client, name string) {
	queues := notify.NewQueueClient(client)
	for i := 0; ctx.Err() == nil; i++ {
		body := fmt.Sprintf("%s-%d", name, i)
		if queues.Write(ctx, "", []byte(body)) == nil {
			l.confirm(body)
		}
	}
}

func (l *ledger) consume(ctx context.Context, client *prism.Client) {
	consumer, err := notify.NewConsumer(client, notify.ConsumerConfig{Workers: 4, Reconnect: soonAgain})
	if err == nil {
		err = consumer.Run(ctx, l.handle)
	}
	if !errors.Is(err, context.Canceled) {
		l.t.Errorf("consuming: %v", err)
	}
}

// serveKept starts a platform with a public sample key.
func serveKept(t *testing.T, listen string, args ...string) (p *process, address string) {
	t.Helper()
	env := []string{"PRISM_KEY=buwb2lii", "PRISM_SECRET=ucr72ygfutspqeuu6s36"}
	p = start(t, env, append([]string{"serve", "--listen", listen, "--output", "json"}, args...)...)
	var s served
	if err := json.Unmarshal([]byte(p.line()), &s); err != nil {
		t.Fatal(err)
	}
	return p, strings.TrimSuffix(strings.TrimPrefix(s.URL, "http://"), "/api")
}

func keptClient(t *testing.T, address string) *prism.Client {
	t.Helper()
	client, err := prism.New(prism.Config{Server: "http://" + address + "/api", Key: "buwb2lii", Secret: "ucr72ygfutspqeuu6s36"})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestWhatWasConfirmedOutlivesTwentyKills(t *testing.T) {
	t.Parallel() // it waits most of its time
	kills := 20
	if testing.Short() {
		kills = 3
	}
	data := filepath.Join(t.TempDir(), "data")
	platform, address := serveKept(t, "127.0.0.1:0", "--data", data)
	l := newLedger(t, time.Second, time.Second)
	stop := l.load(keptClient(t, address), 3, 1, 2)
	for range kills {
		time.Sleep(rand.N(1500 * time.Millisecond)) // the moment must not depend on what happens
		l.kill(platform)
		platform, _ = serveKept(t, address, "--data", data)
	}
	stop()
	platform.signal(syscall.SIGTERM)
	platform.wants(exitDone)
}

// asNode makes the test binary a server of a NATS cluster; its value are the
// options.
const asNode = "PRISMCTL_TEST_AS_NODE"

// A node is what such a server needs to know.
type node struct {
	Name, Dir         string
	Port, ClusterPort int
	Routes            string
}

// runNode serves until the process is killed.
func runNode(options string) {
	var n node
	if err := json.Unmarshal([]byte(options), &n); err != nil {
		panic(err)
	}
	s, err := nats.NewServer(&nats.Options{
		ServerName: n.Name, Host: "127.0.0.1", Port: n.Port, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: n.Dir, MaxPayload: 8 << 20, SyncAlways: true,
		Cluster: nats.ClusterOpts{Name: "prism", Host: "127.0.0.1", Port: n.ClusterPort},
		Routes:  nats.RoutesFromStr(n.Routes),
	})
	if err != nil {
		panic(err)
	}
	s.Start()
	fmt.Println("started")
	s.WaitForShutdown()
}

func (n node) start(t *testing.T) *process {
	t.Helper()
	options, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, []string{asNode + "=" + string(options)})
	p.line()
	return p
}

// startNodes starts three servers and returns them with their addresses.
func startNodes(t *testing.T) (nodes []node, running []*process, urls string) {
	t.Helper()
	const n = 3
	ports := freePorts(t, 2*n)
	var routes, addresses []string
	for i := range n {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", ports[n+i]))
		addresses = append(addresses, fmt.Sprintf("nats://127.0.0.1:%d", ports[i]))
	}
	for i := range n {
		nodes = append(nodes, node{
			Name: fmt.Sprint("node", i), Dir: t.TempDir(), Port: ports[i], ClusterPort: ports[n+i], Routes: strings.Join(routes, ","),
		})
		running = append(running, nodes[i].start(t))
	}
	return nodes, running, strings.Join(addresses, ",")
}

func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// balance listens in front of platforms, as a load balancer does: a connection
// goes to the next one that takes it.
func balance(t *testing.T, platforms ...string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for next := 0; ; next++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() { forward(conn, platforms, next) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		group.Wait()
	})
	return l.Addr().String()
}

func forward(conn net.Conn, platforms []string, next int) {
	defer conn.Close()
	for i := range platforms {
		to, err := net.Dial("tcp", platforms[(next+i)%len(platforms)])
		if err != nil {
			continue
		}
		defer to.Close()
		go func() {
			_, _ = io.Copy(to, conn)
			_ = to.(*net.TCPConn).CloseWrite()
		}()
		_, _ = io.Copy(conn, to)
		return
	}
}

func TestWhatWasConfirmedOutlivesKillsOfNodesAndPlatforms(t *testing.T) {
	t.Parallel()
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	nodes, running, urls := startNodes(t)
	args := []string{"--nats", urls, "--replicas", "3"}
	one, first := serveKept(t, "127.0.0.1:0", args...)
	two, second := serveKept(t, "127.0.0.1:0", args...)
	platforms, addresses := []*process{one, two}, []string{first, second}
	l := newLedger(t, time.Second, 15*time.Second)
	stop := l.load(keptClient(t, balance(t, first, second)), 3, 1, 2)
	for round := range rounds {
		n, p := round%len(nodes), round%len(platforms)
		time.Sleep(rand.N(time.Second)) // the moment must not depend on what happens
		l.kill(running[n])
		time.Sleep(rand.N(time.Second))
		running[n] = nodes[n].start(t)
		time.Sleep(rand.N(time.Second))
		l.kill(platforms[p])
		platforms[p], _ = serveKept(t, addresses[p], args...)
	}
	stop()
	for _, p := range platforms {
		p.signal(syscall.SIGTERM)
		p.wants(exitDone)
	}
	for _, p := range running {
		p.signal(syscall.SIGKILL)
		p.wait()
	}
}

func init() {
	if options := os.Getenv(asNode); options != "" {
		runNode(options)
		os.Exit(1)
	}
}
