package enginetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/platform"
)

// The numbers are small enough for an engine that syncs a disk for each
// message, and large enough for the scheduler to try many interleavings.
const (
	publishers = 4
	takers     = 4
	each       = 250 // messages of one publisher
	instant    = 50 * time.Microsecond
)

func crowds() []queuePromise {
	return []queuePromise{
		{"ConsumersShareTheMessages", platform.QueueBounds{}, consumersShare},
		{"NothingIsLostWhenConsumersComeAndGo", platform.QueueBounds{}, comeAndGo},
		{"NothingIsLostWhenFetchGivesUp", platform.QueueBounds{}, fetchGivesUp},
		{"PublishIsAllOrNothingInACrowd", platform.QueueBounds{MaxMessages: 50}, crowdAllOrNothing},
		{"AnOwnerMovesWhileOthersPublish", platform.QueueBounds{}, moveMeanwhile},
		{"NothingIsLostWhenMessagesAreParkedMeanwhile", platform.QueueBounds{}, parkedMeanwhile},
		{"DeclareChangesAllAtOnce", platform.QueueBounds{}, declareAtOnce},
		{"EverythingAtTheSameTimeAddsUp", platform.QueueBounds{MaxMessages: 8, MaxTotalMessages: 20, MaxFanOut: 3}, turmoil},
		{"OneQueueAmongAThousandHarmsNoOther", platform.QueueBounds{MaxMessages: 100}, oneAmongMany},
	}
}

// A ledger counts how often each message was acknowledged.
type ledger struct {
	mu    sync.Mutex
	acked map[string]int
	done  context.CancelFunc // called when all were
}

// ack acknowledges one message and counts it.
func (l *ledger) ack(ctx context.Context, c platform.Consumer, lease platform.Lease) error {
	if err := c.Ack(ctx, lease.ID); err != nil {
		return fmt.Errorf("ack: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[string(lease.Message.Body)]++
	if len(l.acked) == publishers*each {
		l.done()
	}
	return nil
}

// work is the work of a consumer of the crowd until ctx ends.
type work func(ctx context.Context, l *ledger) error

// crowd publishes while several workers consume, and then compares.
func (t *queueTrial) crowd(w work) {
	ctx, done := context.WithCancel(t.ctx)
	defer done()
	l := &ledger{acked: make(map[string]int), done: done}
	failed := make(chan error, publishers+takers)
	var group sync.WaitGroup
	for i := range publishers {
		group.Go(func() { failed <- t.publishMany(i) })
	}
	for range takers {
		group.Go(func() {
			if err := w(ctx, l); !errors.Is(err, context.Canceled) {
				failed <- err
			}
		})
	}
	group.Wait()
	close(failed)
	for err := range failed {
		t.must(err, "in the crowd")
	}
	t.balance(l)
}

func (t *queueTrial) publishMany(publisher int) error {
	for i := range each {
		key := fmt.Sprintf("order.%d.%d", publisher, i)
		if err := t.tryPublish(t.keyed(key)); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	return nil
}

// balance checks that every message was acknowledged once and none is left.
func (t *queueTrial) balance(l *ledger) {
	for publisher := range publishers {
		for i := range each {
			key := fmt.Sprintf("order.%d.%d", publisher, i)
			if n := l.acked[key]; n != 1 {
				t.Errorf("%q was acknowledged %d times", key, n)
			}
		}
	}
	t.counts("", platform.QueueStatus{})
}

// consumersShare also checks that one consumer sees each publisher's messages
// in order.
func consumersShare(t *queueTrial) {
	t.crowd(func(ctx context.Context, l *ledger) error {
		c, err := t.queues.Consume(ctx, t.owner, "", "a test")
		if err != nil {
			return err
		}
		defer c.Close()
		var last [publishers]int
		for {
			leases, err := c.Fetch(ctx, 7, math.MaxInt)
			if err != nil {
				return err
			}
			for _, lease := range leases {
				var publisher, i int
				fmt.Sscanf(lease.Message.Key, "order.%d.%d", &publisher, &i)
				if i < last[publisher] {
					return fmt.Errorf("%s came after number %d", lease.Message.Key, last[publisher])
				}
				last[publisher] = i
				if err := l.ack(t.ctx, c, lease); err != nil {
					return err
				}
			}
		}
	})
}

// comeAndGo acknowledges half of what a consumer holds and closes it.
func comeAndGo(t *queueTrial) {
	visit := func(ctx context.Context, l *ledger) error {
		c, err := t.queues.Consume(t.ctx, t.owner, "", "a test")
		if err != nil {
			return err
		}
		defer c.Close()
		leases, err := c.Fetch(ctx, 20, math.MaxInt)
		if err != nil {
			return err
		}
		for _, lease := range leases[len(leases)/2:] {
			if err := l.ack(t.ctx, c, lease); err != nil {
				return err
			}
		}
		return c.Close()
	}
	t.crowd(func(ctx context.Context, l *ledger) error {
		for {
			if err := visit(ctx, l); err != nil {
				return err
			}
		}
	})
}

// fetchGivesUp lets the context of every Fetch end early: after an instant,
// and later each time, in case the engine needs longer to fetch at all.
func fetchGivesUp(t *queueTrial) {
	brief := func(ctx context.Context, l *ledger, c platform.Consumer, patience *time.Duration) error {
		short, cancel := context.WithTimeout(ctx, *patience)
		defer cancel()
		leases, err := c.Fetch(short, 3, math.MaxInt)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		*patience *= 2
		if len(leases) > 0 {
			*patience = instant
		}
		for _, lease := range leases {
			if err := l.ack(t.ctx, c, lease); err != nil {
				return err
			}
		}
		return ctx.Err()
	}
	t.crowd(func(ctx context.Context, l *ledger) error {
		c, err := t.queues.Consume(t.ctx, t.owner, "", "a test")
		if err != nil {
			return err
		}
		defer c.Close()
		patience := instant
		for {
			if err := brief(ctx, l, c, &patience); err != nil {
				return err
			}
		}
	})
}

// crowdAllOrNothing fills two queues, of which one is shorter, from several
// goroutines: both must hold the same messages.
func crowdAllOrNothing(t *queueTrial) {
	t.bind("a", "order.#")
	t.bind("b", "order.#")
	t.write("b", numbers(1, 20)...)
	var accepted atomic.Int64
	failed := make(chan error, publishers)
	for i := range publishers {
		go func() { failed <- t.fill(&accepted, i) }()
	}
	for range publishers {
		t.must(<-failed, "in the crowd")
	}
	a, b := t.contents("a", 1000), t.contents("b", 1000)
	b = b[min(20, len(b)):]
	slices.Sort(a)
	slices.Sort(b)
	if !slices.Equal(a, b) {
		t.Fatalf("one queue accepted %q, the other %q", a, b)
	}
	if n := accepted.Load(); n != 30 || len(a) != 30 {
		t.Fatalf("%d messages were accepted and %d stored where 30 had room", n, len(a))
	}
}

// fill publishes more than there is room for.
func (t *queueTrial) fill(accepted *atomic.Int64, publisher int) error {
	for i := range 40 {
		err := t.tryPublish(t.keyed(fmt.Sprintf("order.%d.%d", publisher, i)))
		switch {
		case err == nil:
			accepted.Add(1)
		case !errors.Is(err, platform.ErrQueueFull):
			return err
		}
	}
	return nil
}

// moveMeanwhile lets an owner go to and fro between two exchanges: each message is in its
// queue once or not at all, and those who stay get all of theirs.
func moveMeanwhile(t *queueTrial) {
	here, there := t.beside("#"), t.in(newName(), "#")
	failed := make(chan error, 2)
	go func() { failed <- here.publishMany(0) }()
	go func() { failed <- there.publishMany(1) }()
	for i := range 40 {
		t.as.Exchange = []string{there.as.Exchange, here.as.Exchange}[i%2]
		t.declare()
	}
	for range 2 {
		t.must(<-failed, "publish")
	}
	for i, o := range []*queueTrial{here, there} {
		got := o.contents("", each+1)
		for n, key := range got {
			if key != fmt.Sprintf("order.%d.%d", i, n) {
				t.Fatalf("message %d of one who stayed is %q", n, key)
			}
		}
		if len(got) != each {
			t.Fatalf("one who stayed got %d messages of %d", len(got), each)
		}
	}
	last := [2]int{-1, -1}
	for _, key := range t.contents("", 2*each+1) {
		var publisher, i int
		fmt.Sscanf(key, "order.%d.%d", &publisher, &i)
		if i <= last[publisher] {
			t.Fatalf("%q came after number %d", key, last[publisher])
		}
		last[publisher] = i
	}
}

// declareAtOnce lets an owner go to and fro between two exchanges. In each it may listen
// to what is published in the other, so that it gets nothing.
func declareAtOnce(t *queueTrial) {
	here, there := t.beside(), t.in(newName())
	places := []platform.Owner{
		{Exchange: there.as.Exchange, Listen: platform.Matching("order.0.#")},
		{Exchange: here.as.Exchange, Listen: platform.Matching("order.1.#")},
	}
	t.as = places[1]
	t.declare()
	failed := make(chan error, 2)
	go func() { failed <- here.publishMany(0) }()
	go func() { failed <- there.publishMany(1) }()
	for i, publishing := 0, 2; publishing > 0; i++ {
		t.as = places[i%2]
		t.declare()
		select {
		case err := <-failed:
			t.must(err, "publish")
			publishing--
		default:
		}
	}
	t.holds("")
}

// oneAmongMany has a dead consumer that holds what it got, a full queue that nobody
// reads, and one whose consumer takes a message only when all of them were published. All
// the others get every message.
func oneAmongMany(t *queueTrial) {
	const owners, topics, messages = 100, 10, 16
	var others []*queueTrial
	for range owners {
		o := *t
		o.owner, o.as.Bindings = newName(), []platform.Binding{}
		for i := range topics {
			o.as.Bindings = append(o.as.Bindings, platform.Binding{Pattern: "order.#", Topic: fmt.Sprint(i)})
		}
		o.declare()
		others = append(others, &o)
	}
	dead, full, slow := others[0], others[owners/2], others[owners-1]
	few := platform.QueueLimits{MaxMessages: 5}
	for _, o := range []*queueTrial{dead, full, slow} {
		o.limit("1", few)
	}
	publish := func(first, n int) {
		t.Helper()
		for i, body := range numbers(first, n) {
			m := &platform.Message{Key: "order.new", Body: []byte(body), ClientID: t.owner}
			routed, err := t.queues.Publish(t.ctx, t.as.Exchange, m)
			t.must(err, "publish of message %d", first+i)
			if len(routed) != 1 || routed[0] < owners*topics-3 {
				t.Fatalf("message %d was routed to %d queues", first+i, routed)
			}
		}
	}
	slowly := slow.consume("1")
	publish(0, 8)
	held := dead.consume("1").fetchExactly(5)
	publish(8, messages-8)
	for i, o := range others {
		for topic := range topics {
			if topic == 1 && (o == dead || o == full || o == slow) {
				continue
			}
			if got := o.contents(fmt.Sprint(topic), messages+1); !slices.Equal(got, numbers(0, messages)) {
				t.Fatalf("queue %d of owner %d got %.300q", topic, i, got)
			}
		}
	}
	last := numbers(messages-5, 5)
	if got := bodies(held); !slices.Equal(got, numbers(3, 5)) {
		t.Errorf("the dead consumer holds %q", got)
	}
	dead.counts("1", platform.QueueStatus{Unacknowledged: 5, Consumers: 1, Bytes: 5 * 23, Dropped: messages - 5})
	full.holds("1", last...)
	slowly.gets(last...)
}
