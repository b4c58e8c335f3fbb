package enginetest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/shopex/prism-go/platform"
)

// A queueTrial has the queues under test, with one owner. The owners of a test have a
// trial each.
type queueTrial struct {
	trial
	queues platform.Queues
	warned *warnings // what OnDrop was called with
	owner  string
	as     platform.Owner // what the owner is declared as
}

// everything are the bindings that bring a default queue every message.
func everything() []platform.Binding { return []platform.Binding{{Pattern: "#"}} }

// declare declares the owner, or declares it again.
func (t *queueTrial) declare() {
	t.Helper()
	t.must(t.queues.Declare(t.ctx, t.owner, t.as), "declare %+v", t.as)
}

// in declares another owner in an exchange, whose default queue has these bindings.
func (t *queueTrial) in(exchange string, patterns ...string) *queueTrial {
	t.Helper()
	o := *t
	o.owner, o.as = newName(), platform.Owner{Exchange: exchange, Bindings: []platform.Binding{}}
	for _, pattern := range patterns {
		o.as.Bindings = append(o.as.Bindings, platform.Binding{Pattern: pattern})
	}
	o.declare()
	return &o
}

// beside declares another owner in the exchange of t.
func (t *queueTrial) beside(patterns ...string) *queueTrial {
	t.Helper()
	return t.in(t.as.Exchange, patterns...)
}

// text returns a message that the owner writes to a topic.
func (t *queueTrial) text(body string) *platform.Message {
	return &platform.Message{Body: []byte(body), ClientID: t.owner}
}

// keyed returns a message that the owner publishes.
func (t *queueTrial) keyed(key string) *platform.Message {
	return &platform.Message{Key: key, Body: []byte(key), ClientID: t.owner}
}

// numbers returns the texts of n messages, beginning with first.
func numbers(first, n int) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprintf("message %06d", first+i)
	}
	return texts
}

// tryPublish publishes one message.
func (t *queueTrial) tryPublish(m *platform.Message) error {
	routed, err := t.queues.Publish(t.ctx, t.as.Exchange, m)
	if stored := len(routed); stored != 1 && err == nil || stored != 0 && err != nil {
		t.Errorf("%d of one message were stored, and the error is %v", stored, err)
	}
	return err
}

// depths counts all queues, if the engine does.
func (t *queueTrial) depths() []platform.QueueDepth {
	t.Helper()
	counting, ok := t.queues.(platform.QueueDepths)
	if !ok {
		t.Skip("the engine is no platform.QueueDepths")
	}
	all, err := counting.Depths(t.ctx)
	t.must(err, "depths")
	return all
}

func (t *queueTrial) publish(keys ...string) {
	t.Helper()
	for _, key := range keys {
		t.must(t.tryPublish(t.keyed(key)), "publish %q", key)
	}
}

func (t *queueTrial) write(topic string, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		t.must(t.queues.Write(t.ctx, t.owner, topic, t.text(body)), "write %q to %q", body, topic)
	}
}

func (t *queueTrial) bind(topic, pattern string) {
	t.Helper()
	t.must(t.queues.Bind(t.ctx, t.owner, topic, pattern), "bind %q to %q", topic, pattern)
}

func (t *queueTrial) unbind(topic, pattern string) {
	t.Helper()
	t.must(t.queues.Unbind(t.ctx, t.owner, topic, pattern), "unbind %q from %q", topic, pattern)
}

func (t *queueTrial) bound(topic string, want ...string) {
	t.Helper()
	bindings, err := t.queues.Bindings(t.ctx, t.owner, topic)
	t.must(err, "bindings of %q", topic)
	var got []string
	for _, b := range bindings {
		got = append(got, b.Pattern)
		if b.Topic != topic || b.Own {
			t.Errorf("queue %q has the binding %+v", topic, b)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("queue %q is bound to %q, want %q", topic, got, want)
	}
}

func (t *queueTrial) create(topic string) {
	t.Helper()
	t.must(t.queues.Create(t.ctx, t.owner, topic), "create %q", topic)
}

func (t *queueTrial) purge(topic string) {
	t.Helper()
	t.must(t.queues.Purge(t.ctx, t.owner, topic), "purge %q", topic)
}

func (t *queueTrial) drop(topic string) {
	t.Helper()
	t.must(t.queues.Drop(t.ctx, t.owner, topic), "drop %q", topic)
}

func (t *queueTrial) read(topic string, n int) []*platform.Message {
	t.Helper()
	messages, err := t.queues.Read(t.ctx, t.owner, topic, n)
	t.must(err, "read %d of %q", n, topic)
	return messages
}

// contents reads up to n messages of a queue and returns their bodies.
func (t *queueTrial) contents(topic string, n int) []string {
	var texts []string
	for _, m := range t.read(topic, n) {
		texts = append(texts, string(m.Body))
	}
	return texts
}

// holds reads the queue empty and compares.
func (t *queueTrial) holds(topic string, want ...string) {
	t.Helper()
	if got := t.contents(topic, len(want)+10); !slices.Equal(got, want) {
		t.Fatalf("queue %q held %.300q, want %.300q", topic, got, want)
	}
}

func (t *queueTrial) lists(want ...string) {
	t.Helper()
	got, err := t.queues.List(t.ctx, t.owner)
	t.must(err, "list")
	if !slices.Equal(got, want) {
		t.Fatalf("the owner has topics %q, want %q", got, want)
	}
}

// counts waits until the queue is counted as want, whatever its limits.
func (t *queueTrial) counts(topic string, want platform.QueueStatus) {
	t.Helper()
	t.soon(func() string {
		got, err := t.queues.Status(t.ctx, t.owner, topic)
		t.must(err, "status of %q", topic)
		got.Limits = want.Limits
		if got == want {
			return ""
		}
		return fmt.Sprintf("queue %q is counted as %+v, want %+v", topic, got, want)
	})
}

// soon waits until look returns no complaint: an engine on several machines may count
// with a delay.
func (t *queueTrial) soon(look func() (complaint string)) {
	t.Helper()
	for try := 0; ; try++ {
		complaint := look()
		if complaint == "" {
			return
		}
		if try == 100 {
			t.Fatal(complaint)
		}
		select {
		case <-t.ctx.Done():
		case <-time.After(time.Duration(try) * time.Millisecond):
		}
	}
}

// A testConsumer is a consumer with its own patience.
type testConsumer struct {
	t *queueTrial
	platform.Consumer
}

// consume starts a consumer that is closed at the end of the test.
func (t *queueTrial) consume(topic string) testConsumer {
	t.Helper()
	c, err := t.queues.Consume(t.ctx, t.owner, topic, "a test")
	t.must(err, "consume %q", topic)
	t.Cleanup(func() { c.Close() })
	return testConsumer{t, c}
}

// fetchExactly fetches exactly n messages.
func (c testConsumer) fetchExactly(n int) []platform.Lease {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.ctx, 30*time.Second)
	defer cancel()
	var all []platform.Lease
	for len(all) < n {
		leases, err := c.Fetch(ctx, n-len(all), math.MaxInt)
		c.t.must(err, "fetch after %d of %d messages", len(all), n)
		if len(leases) == 0 || len(leases) > n-len(all) {
			c.t.Fatalf("Fetch of up to %d messages returned %d", n-len(all), len(leases))
		}
		all = append(all, leases...)
	}
	return all
}

// gets fetches as many messages as want has, and compares.
func (c testConsumer) gets(want ...string) []platform.Lease {
	c.t.Helper()
	leases := c.fetchExactly(len(want))
	for i, got := range bodies(leases) {
		if got != want[i] {
			c.t.Fatalf("message %d of %d is %q, want %q", i+1, len(want), got, want[i])
		}
	}
	return leases
}

func (c testConsumer) ack(leases ...platform.Lease) {
	c.t.Helper()
	c.t.must(c.Ack(c.t.ctx, ids(leases)...), "ack of %d messages", len(leases))
}

func (c testConsumer) returnLeases(leases ...platform.Lease) {
	c.t.Helper()
	c.t.must(c.Return(c.t.ctx, ids(leases)...), "return of %d messages", len(leases))
}

func (c testConsumer) close() {
	c.t.Helper()
	c.t.must(c.Close(), "close of a consumer")
}

// fetching is a Fetch of one message in a goroutine of its own.
type fetching struct {
	testConsumer
	result chan fetched
}

type fetched struct {
	leases []platform.Lease
	err    error
}

// fetch begins to fetch until ctx ends.
func (c testConsumer) fetch(ctx context.Context) fetching {
	f := fetching{c, make(chan fetched, 1)}
	go func() {
		leases, err := c.Fetch(ctx, 1, math.MaxInt)
		f.result <- fetched{leases, err}
	}()
	return f
}

// wait returns what Fetch returned.
func (f fetching) wait() ([]platform.Lease, error) {
	f.t.Helper()
	select {
	case r := <-f.result:
		return r.leases, r.err
	case <-time.After(30 * time.Second):
		f.t.Fatal("Fetch has not returned after 30 s")
		return nil, nil
	}
}

func bodies(leases []platform.Lease) []string {
	texts := make([]string, len(leases))
	for i, l := range leases {
		texts[i] = string(l.Message.Body)
	}
	return texts
}

func ids(leases []platform.Lease) []uint64 {
	numbers := make([]uint64, len(leases))
	for i, l := range leases {
		numbers[i] = l.ID
	}
	return numbers
}
