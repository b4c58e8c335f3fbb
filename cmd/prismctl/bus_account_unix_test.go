//go:build unix

package main

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
)

// A busQueue is a queue of a bus, and what is known of it.
type busQueue struct {
	name     string
	key      keyLine
	topic    string
	patterns []string
	erp      bool // its app may listen to probes only at times
	times    bool // it is bound only at times
	emptied  bool // by each check
	room     int  // 0: for everything
	overflow notify.Overflow
	consumed bool
	pause    time.Duration

	has    map[string]string // bodies by ID, of what checks have seen of an emptied one
	before int               // how many of these are there still

	mu        sync.Mutex
	delivered map[string]string    // bodies by ID
	handled   map[string]time.Time // when first, by ID
	newest    uint64               // the largest number that was delivered
	newestAt  time.Time            // when
	again     int
}

// deliver notes what a consumer was given.
func (b *bus) deliver(q *busQueue, d *notify.Delivery) {
	id, err := platform.ParseMessageID(d.ID)
	if err != nil {
		b.t.Error(err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	handled, known := q.handled[d.ID]
	q.delivered[d.ID] = firstWord(d)
	switch {
	case !known:
		q.handled[d.ID] = time.Now()
		// A consumer passes over what a queue is about to drop. If a kill comes before
		// that is stored, it is still there.
		if b.lone && id.Number < q.newest && !(q.room > 0 && b.lost(q.newestAt)) {
			b.t.Errorf("the queue %s: %s came after number %x", q.name, d.ID, q.newest)
		}
		if id.Number > q.newest {
			q.newest, q.newestAt = id.Number, time.Now()
		}
	case b.lost(handled):
		q.again++
	default:
		b.t.Errorf("the queue %s: %s came again, and was handled %v ago with no kill near", q.name, d.ID, time.Since(handled))
	}
}

// lost reports whether a kill may have taken the acknowledgement of what was handled at
// this time.
func (b *bus) lost(handled time.Time) bool {
	b.ledger.mu.Lock()
	defer b.ledger.mu.Unlock()
	return b.ackLost(handled)
}

// gets reports whether a stored message goes to the queue.
func (b *bus) gets(q *busQueue, m busMessage) bool {
	p, probed := b.probes[m.body]
	if probed && (q.erp && !p.listen || q.times && !p.bound) {
		return false
	}
	return topic.MatchAny(q.patterns, m.key)
}

// check accounts for every message of every queue while nothing is published.
func (b *bus) check() {
	b.t.Helper()
	b.flow.Lock()
	defer b.flow.Unlock()
	b.checkStored()
	for _, q := range b.queues[1:] {
		b.checkQueue(q)
	}
}

// checkStored reads on in the queue that gets everything.
func (b *bus) checkStored() {
	all := b.queues[0]
	seen := make(map[string]int)      // how often each body was stored
	newest := make(map[string]string) // by publisher
	for _, d := range b.more(all) {
		b.stored = append(b.stored, busMessage{d.ID, d.Key, firstWord(d)})
	}
	for _, m := range b.stored {
		seen[m.body]++
		name, _, _ := strings.Cut(m.body, "-")
		if seen[m.body] == 1 && m.body < newest[name] {
			b.t.Errorf("%s is stored after %s", m.body, newest[name])
		}
		newest[name] = max(newest[name], m.body)
		if b.bodies[m.id] != "" && b.bodies[m.id] != m.body {
			b.t.Errorf("%s and %s have the same ID %s", m.body, b.bodies[m.id], m.id)
		}
		b.bodies[m.id] = m.body
	}
	b.ledger.mu.Lock()
	defer b.ledger.mu.Unlock()
	for body := range b.confirmed {
		if seen[body] == 0 {
			b.t.Errorf("%s was confirmed, and is not stored", body)
		}
	}
	for body, n := range seen {
		if n > 1 && !b.sentTwice(body) {
			b.t.Errorf("%s is stored %d times, and no kill was near", body, n)
		}
		if b.refused[body] {
			b.t.Errorf("%s was refused, and is stored", body)
		}
	}
}

// checkQueue checks that a queue got what is stored, no more and no less than it dropped.
func (b *bus) checkQueue(q *busQueue) {
	var want []string
	for _, m := range b.stored {
		if b.gets(q, m) {
			want = append(want, m.id)
		}
	}
	has, order := b.holds(q)
	var missing []string
	for _, id := range want {
		switch has[id] {
		case b.bodies[id]:
		case "":
			missing = append(missing, id)
		default:
			b.t.Errorf("the queue %s: %s has the body %q, and %q elsewhere", q.name, id, has[id], b.bodies[id])
		}
	}
	if more := len(has) - (len(want) - len(missing)); more != 0 {
		b.t.Errorf("the queue %s has got %d messages that do not belong there", q.name, more)
	}
	least, most := len(missing), len(missing)
	if q.consumed { // what was delivered and came back by a kill may be dropped then
		most += q.room * len(b.kills)
	}
	if dropped := b.dropped(q); dropped < least || dropped > most || q.room == 0 && dropped != 0 {
		b.t.Errorf("the queue %s: %d of %d messages are missing, such as %q, and %d were dropped", q.name, len(missing), len(want), missing[:min(3, len(missing))], dropped)
	}
	if q.room == 0 || q.consumed {
		return
	}
	kept := want[max(0, len(want)-q.room):]
	if q.overflow == notify.OverflowDropNewest {
		kept = want[:min(len(want), q.room)]
	}
	if !slices.Equal(order, kept) {
		b.t.Errorf("the queue %s has %q, want %q", q.name, order, kept)
	}
}

func (b *bus) dropped(q *busQueue) int {
	var status notify.Status
	b.until(func(ctx context.Context) (err error) {
		status, err = notify.NewQueueClient(b.client(-1, q.key)).Status(ctx, q.topic)
		return err
	})
	return int(status.Dropped)
}

// holds returns what was delivered from a queue or is in it, and the order of the latter.
func (b *bus) holds(q *busQueue) (all map[string]string, order []string) {
	all = make(map[string]string)
	var here []*notify.Delivery // read before what was delivered: it moves there
	if q.emptied {
		here, all = b.more(q), q.has
	} else {
		here = b.peek(q)
	}
	var newest uint64
	for _, d := range here {
		id, err := platform.ParseMessageID(d.ID)
		if err != nil || id.Number <= newest {
			b.t.Errorf("the queue %s: %s is behind number %x: %v", q.name, d.ID, newest, err)
		}
		newest = id.Number
		all[d.ID] = firstWord(d)
		order = append(order, d.ID)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	maps.Copy(all, q.delivered)
	return all, order
}

// peek returns the messages of a queue.
func (b *bus) peek(q *busQueue) (all []*notify.Delivery) {
	queues := notify.NewQueueClient(b.client(-1, q.key))
	for after := ""; ; after = all[len(all)-1].ID {
		var more []notify.Peeked
		b.until(func(ctx context.Context) (err error) {
			more, err = queues.Peek(ctx, q.topic, notify.PeekOptions{After: after, N: 1000})
			return err
		})
		if len(more) == 0 {
			return all
		}
		for _, p := range more {
			all = append(all, p.Delivery)
		}
	}
}

// more returns the messages of a queue that it has not returned before. It removes them,
// if an answer cannot be lost: then nothing needs them any more, and the log is cleaned.
func (b *bus) more(q *busQueue) (all []*notify.Delivery) {
	if !b.lone {
		all = b.peek(q)
		q.before, all = len(all), all[q.before:]
		return all
	}
	queues := notify.NewQueueClient(b.client(0, q.key))
	for {
		more, err := queues.Read(context.Background(), q.topic, 1000)
		if err != nil {
			b.t.Errorf("the queue %s: %v", q.name, err)
		}
		if len(more) == 0 {
			return all
		}
		all = append(all, more...)
	}
}

// firstWord returns the first word of a body, which no other message has.
func firstWord(d *notify.Delivery) string {
	name, _, _ := strings.Cut(string(d.Body), " ")
	return strings.Clone(name)
}

// drained waits until the consumers that are not slow have emptied their queues.
func (b *bus) drained() {
	deadline := time.Now().Add(patience.Of(time.Minute))
	for _, q := range b.queues {
		for q.consumed && q.pause < 5*time.Millisecond && len(b.peek(q)) > 0 {
			if time.Now().After(deadline) {
				b.t.Fatalf("the queue %s is not emptied", q.name)
			}
			time.Sleep(10 * time.Millisecond) // nothing tells when a queue is empty
		}
	}
}

func (b *bus) report() {
	bodies := make(map[string]bool)
	for _, m := range b.stored {
		bodies[m.body] = true
	}
	b.t.Logf("over %d kills: %d messages stored, %d of them twice, %d confirmed; %d probes, %d refused",
		len(b.kills), len(b.stored), len(b.stored)-len(bodies), len(b.confirmed), len(b.probes), len(b.refused))
	for _, q := range b.queues {
		status, err := notify.NewQueueClient(b.client(-1, q.key)).Status(context.Background(), q.topic)
		if err != nil {
			b.t.Error(err)
		}
		due := 0 // a probe is not due while the app of the queue may not listen to it
		for _, m := range b.stored {
			if b.gets(q, m) {
				due++
			}
		}
		b.t.Logf("the queue %s: %d due; %d delivered, %d of them again, %d queued, %d dropped", q.name, due, len(q.delivered), q.again, status.Messages, status.Dropped)
	}
}
