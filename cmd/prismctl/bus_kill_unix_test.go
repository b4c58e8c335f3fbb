//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/notify"
)

// busKills is a variable that says how many kills the tests of the bus make, if not a
// few.
const busKills = "PRISMCTL_TEST_BUS_KILLS"

func killsOr(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv(busKills)
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A bus is a domain with two apps and five keys beside the first one, which three
// publishers and the consumers of four keys use while platforms are killed. The first
// key has a queue that gets everything: it tells what was stored.
type bus struct {
	*ledger
	client func(platform int, key keyLine) *prism.Client // of one platform, or of any if negative
	across int                                           // platforms
	lag    time.Duration                                 // after this a change counts at all platforms, if the machine is quiet
	unsure time.Duration                                 // how long after a kill that is not so
	lone   bool                                          // what a consumer gets again comes before the rest

	first, shop1, shop2, erp1, erp2, erp3 keyLine

	flow   sync.RWMutex // who publishes has it for reading; a check needs all to be still
	queues []*busQueue
	stored []busMessage // in the order of the queue that gets everything

	bodies  map[string]string // by ID
	refused map[string]bool
	probes  map[string]probe
	certain chan struct{} // receives a value after a probe whose outcome was certain
}

// A probe is a message that was published when the permissions and a binding were known.
type probe struct{ listen, bound bool }

type busMessage struct{ id, key, body string }

const probeKey = "probe.low"

// busKeys are the routing keys of what the publishers send.
var busKeys = []string{"order.new", "order.paid", "order.new.eu", "stock.low", "stock.high"}

// paddings are how many bytes the bodies have beside their names: small ones are many in a
// record, and large ones make that the log is cleaned. That takes queues that are emptied:
// what stays in them is read by each check.
var (
	padding  = strings.Repeat("x", 50_000)
	paddings = []int{0, 0, 0, 0, 0, 0, 10, 100, 1000, len(padding)}
)

func (b *bus) padding() string {
	sizes := paddings
	if !b.lone {
		sizes = paddings[:len(paddings)-1]
	}
	return padding[:sizes[rand.N(len(sizes))]]
}

func busMay(probes bool) admin.Permission {
	if probes {
		return admin.Matching("order.#", "stock.#", "probe.#")
	}
	return admin.Matching("order.#", "stock.#")
}

// provision makes the apps, the keys and the queues.
func (b *bus) provision() {
	b.t.Helper()
	ctx := b.t.Context()
	must := func(err error) {
		b.t.Helper()
		if err != nil {
			b.t.Fatal(err)
		}
	}
	b.bodies, b.refused, b.probes, b.certain = make(map[string]string), make(map[string]bool), make(map[string]probe), make(chan struct{}, 1)
	b.first = keyLine{Key: "buwb2lii", Secret: "ucr72ygfutspqeuu6s36"}
	first := b.client(0, b.first)
	provision := admin.New(first)
	for app, keys := range map[string][]*keyLine{"shop": {&b.shop1, &b.shop2}, "erp": {&b.erp1, &b.erp2, &b.erp3}} {
		_, err := provision.CreateApp(ctx, admin.NewApp{Name: app, ID: app, Listen: []string{"#"}})
		must(err)
		must(provision.AllowPublish(ctx, app, busMay(true)))
		for _, key := range keys {
			made, err := provision.CreateKey(ctx, app, admin.NewKey{})
			must(err)
			*key = keyLine{Key: made.ID, Secret: made.Secret}
		}
	}
	must(notify.NewQueueClient(first).Unbind(ctx, "", "#"))
	b.queues = []*busQueue{
		{name: "that gets everything", key: b.first, topic: "all", patterns: []string{"#"}},
		{name: "that is read at times", key: b.erp2, patterns: []string{"#"}, erp: true, emptied: true},
		{name: "that is never read and drops the oldest", key: b.erp2, topic: "last", patterns: []string{"#"}, erp: true, room: 100},
		{name: "that is never read and drops the newest", key: b.erp2, topic: "newest", patterns: []string{"#"}, erp: true, room: 100, overflow: notify.OverflowDropNewest},
		{name: "that is bound at times", key: b.erp2, topic: "times", patterns: []string{"probe.#"}, erp: true, times: true},
		{name: "of a publisher, that is read slowly", key: b.shop2, patterns: []string{"order.#"}, consumed: true, pause: 5 * time.Millisecond},
		{name: "of a publisher, that is small", key: b.erp1, patterns: []string{"order.#", "*.low"}, erp: true, room: 20, overflow: notify.OverflowDropOldest, consumed: true, pause: 2 * time.Millisecond},
		{name: "with several patterns", key: b.erp3, topic: "orders", patterns: []string{"order.*", "order.new.#", "*.new"}, erp: true, consumed: true},
		{name: "of another topic", key: b.erp3, topic: "stock", patterns: []string{"stock.#", "#.low"}, erp: true, consumed: true},
	}
	for _, q := range b.queues {
		q.delivered, q.handled, q.has = make(map[string]string), make(map[string]time.Time), make(map[string]string)
		of := notify.NewQueueClient(first).Of(q.key.Key)
		if q.topic != "" {
			must(of.Create(ctx, q.topic))
		}
		limits := notify.QueueLimits{MaxMessages: 1_000_000, Overflow: q.overflow}
		if q.room > 0 {
			limits.MaxMessages = q.room
		}
		_, err := of.SetLimits(ctx, q.topic, limits)
		must(err)
		for _, pattern := range q.patterns {
			if !q.times {
				must(of.Bind(ctx, q.topic, pattern))
			}
		}
	}
	must(provision.AllowListen(ctx, "erp", busMay(true)))
}

// run publishes and consumes until stop is called, which checks everything for the last
// time.
func (b *bus) run() (stop func()) {
	publishing, stopPublishing := context.WithCancel(context.Background())
	consuming, stopConsuming := context.WithCancel(context.Background())
	var senders, takers sync.WaitGroup
	for name, key := range map[string]keyLine{"shop1": b.shop1, "shop2": b.shop2, "erp1": b.erp1} {
		senders.Go(func() { b.publish(publishing, name, b.client(-1, key)) })
	}
	senders.Go(func() { b.probe(publishing) })
	for _, q := range b.queues {
		if q.consumed {
			takers.Go(func() { b.consume(consuming, q) })
		}
	}
	return func() {
		stopPublishing()
		senders.Wait()
		b.drained()
		stopConsuming()
		takers.Wait()
		b.check()
		b.report()
	}
}

// publish sends bursts, each of which is confirmed before the next.
func (b *bus) publish(ctx context.Context, name string, client *prism.Client) {
	publisher, err := notify.NewPublisher(client, notify.PublisherConfig{Reconnect: soonAgain})
	if err != nil {
		b.t.Error(err)
		return
	}
	for n := 0; ctx.Err() == nil; {
		b.flow.RLock()
		for range 1 + rand.N(20) {
			body := fmt.Sprintf("%s-%06d", name, n)
			n++
			b.send(body)
			m := notify.Message{Key: busKeys[rand.N(len(busKeys))], Body: fmt.Appendf(nil, "%s %s", body, b.padding())}
			err := publisher.PublishAsync(context.Background(), m, func(err error) {
				if err != nil {
					b.t.Errorf("publishing %s: %v", body, err)
					return
				}
				b.confirm(body)
			})
			if err != nil {
				b.t.Error(err)
			}
		}
		if err := soon(publisher.Flush); err != nil {
			b.t.Error(err)
		}
		b.flow.RUnlock()
		time.Sleep(rand.N(100 * time.Millisecond)) // bursts need pauses
	}
	if err := soon(publisher.Close); err != nil {
		b.t.Error(err)
	}
}

// soon gives f as long as nodes and platforms need to come back.
func soon(f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience.Of(time.Minute))
	defer cancel()
	return f(ctx)
}

func (b *bus) consume(ctx context.Context, q *busQueue) {
	consumer, err := notify.NewConsumer(b.client(-1, q.key), notify.ConsumerConfig{Topic: q.topic, Reconnect: soonAgain})
	if err == nil {
		err = consumer.Run(ctx, func(_ context.Context, d *notify.Delivery) error {
			b.deliver(q, d)
			time.Sleep(q.pause) // so long the work takes
			return nil
		})
	}
	if !errors.Is(err, context.Canceled) {
		b.t.Errorf("consuming: %v", err)
	}
}

// probe changes what the apps may do, or a binding, by one platform, and then publishes
// by another one over a channel that stays open.
func (b *bus) probe(ctx context.Context) {
	var publishers []*notify.Publisher
	for i := range b.across {
		p, err := notify.NewPublisher(b.client(i, b.shop1), notify.PublisherConfig{Reconnect: soonAgain})
		if err != nil {
			b.t.Error(err)
			return
		}
		defer func() { _ = soon(p.Close) }()
		publishers = append(publishers, p)
	}
	for now, i := (change{publish: true, listen: true}), 0; ctx.Err() == nil; i++ {
		b.flow.RLock()
		now = b.change(i%b.across, now)
		time.Sleep(b.lag) // it may count as late as this
		for n := 0; !b.publishProbe(publishers[(i+1)%b.across], fmt.Sprintf("probe-%06d-%04d", i, n), now); n++ {
		}
		b.flow.RUnlock()
		time.Sleep(rand.N(20 * time.Millisecond)) // a check needs a moment without a probe
	}
}

// A change is the permissions and the binding that hold, when that was asked for, and
// when it was answered.
type change struct {
	publish, listen, bound bool
	asked, answered        time.Time
}

// change makes one change, and returns what holds then.
func (b *bus) change(platform int, c change) change {
	c.asked = time.Now()
	provision := admin.New(b.client(platform, b.first))
	queues := notify.NewQueueClient(b.client(platform, b.erp2))
	switch n := rand.N(3); {
	case n == 0:
		c.publish = !c.publish
		b.until(func(ctx context.Context) error { return provision.AllowPublish(ctx, "shop", busMay(c.publish)) })
	case n == 1 || !c.listen: // without the permission nothing can be bound
		c.listen = !c.listen
		b.until(func(ctx context.Context) error { return provision.AllowListen(ctx, "erp", busMay(c.listen)) })
	case c.bound:
		c.bound = false
		b.until(func(ctx context.Context) error {
			err := queues.Unbind(ctx, "times", "probe.#")
			if errors.Is(err, prism.ErrNotFound) { // the answer to an earlier try was lost
				return nil
			}
			return err
		})
	default:
		c.bound = true
		b.until(func(ctx context.Context) error { return queues.Bind(ctx, "times", "probe.#") })
	}
	c.answered = time.Now()
	return c
}

// until tries until a platform has answered.
func (b *bus) until(f func(context.Context) error) {
	var err error
	for deadline := time.Now().Add(patience.Of(time.Minute)); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if err = f(context.Background()); err == nil {
			return
		}
	}
	b.t.Error(err)
}

// publishProbe publishes a probe, and reports whether there is no need for another one: the
// change counts, or need not, or should have counted by now.
func (b *bus) publishProbe(p *notify.Publisher, body string, c change) bool {
	b.probes[body] = probe{c.listen, c.bound}
	b.send(body)
	err := soon(func(ctx context.Context) error { return p.Publish(ctx, probeKey, []byte(body)) })
	var refused *notify.RefusedError
	switch {
	case err == nil:
		b.confirm(body)
	case errors.As(err, &refused):
		b.refused[body] = true
	default:
		b.t.Errorf("publishing %s: %v", body, err)
		return true
	}
	late := time.Since(c.answered)
	switch certain := b.certainOf(c); {
	case !certain:
	case (err == nil) == c.publish:
		select {
		case b.certain <- struct{}{}:
		default:
		}
	case late < patience.Of(b.lag): // the machine is busy
		return false
	case err == nil:
		b.t.Errorf("%s was published without permission, %v after that was taken away", body, late)
	default:
		b.t.Errorf("%s was refused, %v after it was allowed: %v", body, late, err)
	}
	return true
}

// certainOf reports whether a change has to count at all platforms in time. It has not
// while servers come back after a kill, as it shows itself when it is slow.
func (b *bus) certainOf(c change) bool {
	return b.lone || !b.killedSince(c.asked.Add(-b.unsure)) && c.answered.Sub(c.asked) < patience.Of(b.lag)
}

func (l *ledger) killedSince(t time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.kills, t.Before)
}

// clients returns clients of platforms, and of a balancer in front of them.
func clients(t *testing.T, balancer string, platforms ...string) func(int, keyLine) *prism.Client {
	type place struct {
		platform int
		key      string
	}
	var mu sync.Mutex
	made := make(map[place]*prism.Client)
	t.Cleanup(func() {
		for _, c := range made {
			c.CloseIdleConnections()
		}
	})
	return func(platform int, key keyLine) *prism.Client {
		mu.Lock()
		defer mu.Unlock()
		at := place{platform, key.Key}
		if made[at] != nil {
			return made[at]
		}
		address := balancer
		if platform >= 0 {
			address = platforms[platform]
		}
		c, err := prism.New(prism.Config{Server: "http://" + address + "/api", Key: key.Key, Secret: key.Secret})
		if err != nil {
			t.Fatal(err)
		}
		made[at] = c
		return c
	}
}

func TestEveryQueueOfTheBusHasWhatWasConfirmedAfterKills(t *testing.T) {
	t.Parallel() // it waits most of its time
	args := []string{"--data", filepath.Join(t.TempDir(), "data")}
	platform, address := serveKept(t, "127.0.0.1:0", args...)
	b := &bus{ledger: newLedger(t, time.Second, time.Second), client: clients(t, address, address), across: 1, lone: true}
	b.provision()
	stop := b.run()
	for kills := killsOr(t, 4); kills > 0 && !t.Failed(); kills-- {
		time.Sleep(rand.N(time.Second)) // the moment must not depend on what happens
		b.kill(platform)
		platform, _ = serveKept(t, address, args...)
		if rand.N(4) > 0 { // or it is killed soon again
			b.check()
		}
	}
	stop()
	platform.signal(syscall.SIGTERM)
	platform.wants(exitDone)
}

func TestEveryQueueOfTheBusHasWhatWasConfirmedAfterKillsInACluster(t *testing.T) {
	t.Parallel()
	nodes, running, urls := startNodes(t)
	args := []string{"--nats", urls, "--replicas", "3"}
	one, first := serveKept(t, "127.0.0.1:0", args...)
	two, second := serveKept(t, "127.0.0.1:0", args...)
	platforms, addresses := []*process{one, two}, []string{first, second}
	b := &bus{
		ledger: newLedger(t, time.Second, 15*time.Second), client: clients(t, balance(t, first, second), first, second),
		across: 2, lag: time.Second, unsure: 3 * time.Second,
	}
	b.provision()
	stop := b.run()
	for round := range killsOr(t, 1) {
		n, p := round%len(nodes), round%len(platforms)
		time.Sleep(rand.N(time.Second)) // the moment must not depend on what happens
		b.kill(running[n])
		time.Sleep(rand.N(time.Second))
		running[n] = nodes[n].start(t)
		b.check()
		b.awaitProbe() // a platform does not start while its servers answer nothing
		time.Sleep(rand.N(time.Second))
		b.kill(platforms[p])
		platforms[p], _ = serveKept(t, addresses[p], args...)
		b.check()
		b.awaitProbe()
		if t.Failed() {
			break
		}
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

// awaitProbe waits until it is seen that a change counts at the other platform.
func (b *bus) awaitProbe() {
	select {
	case <-b.certain: // it may be of before
	default:
	}
	select {
	case <-b.certain:
	case <-time.After(patience.Of(time.Minute)):
		b.t.Error("no message was published in a minute without kills")
	}
}
