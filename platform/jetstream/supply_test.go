package jetstream

import (
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// hold returns the state of an owner whose topics, from the first, hold so many messages
// of this key.
func hold(publisher string, counts ...int) *state {
	s := newState()
	facts := []fact{{kind: factQueue, owner: "erp"}}
	for i := range counts {
		facts = append(facts, fact{kind: factQueue, owner: "erp", text: fmt.Sprint(i)})
	}
	for i, n := range counts {
		for range n {
			facts = append(facts, fact{kind: factPut, queues: []uint64{numberOf(1, i+1)}, message: &platform.Message{Key: "0123456789", ClientID: publisher}})
		}
	}
	assignNumbers(1, facts)
	s.apply(1, 1, facts)
	s.loaded(true)
	return s
}

// left returns how many messages the topics will have after the draft.
func (d *draft) left(topics int) (counts []int) {
	for i := range topics {
		counts = append(counts, int(d.state.owners["erp"].topics[fmt.Sprint(i)].usage().Messages))
	}
	return counts
}

// To look for the largest queue takes longer the more queues there are, while the engine
// waits. That must not be done for each message when all of them are small.
func TestRoomIsMadeInManySmallQueuesAtOnce(t *testing.T) {
	const queues = 3200
	for _, c := range []struct{ need, want int }{{1, queues / roomParts}, {2000, 2000}} {
		d := draftOf(crowd(queues), 8<<20)
		d.config.MaxTotalMessages = queues
		searches := 0
		count := func(yield func(*queue) bool) {
			searches++
			maps.Values(d.state.queues)(yield)
		}
		need := platform.Usage{Messages: int64(c.need)}
		shed, err := d.makeRoomIn(count, need, platform.Usage{Messages: queues / roomParts})
		if err != nil || !shed || len(d.losses) != c.want || searches != 1 {
			t.Errorf("for %d messages %d went in %d searches, want %d in one: %v", c.need, len(d.losses), searches, c.want, err)
		}
	}
	d := draftOf(crowd(queues), 8<<20)
	if freed := d.shedSome(); len(d.losses) != queues || freed <= overhead*queues {
		t.Errorf("a full disk has shed %d messages of %d bytes", len(d.losses), freed)
	}
}

func TestTheLargestQueuesShrinkToOneSize(t *testing.T) {
	for _, c := range []struct {
		need int64
		want []int
	}{
		{1, []int{3, 9, 6}},
		{6, []int{3, 5, 5}},
		{12, []int{3, 2, 2}},
		{100, []int{0, 0, 0}},
	} {
		d := draftOf(hold(shop, 3, 10, 6), 8<<20)
		d.relieve(maps.Values(d.state.queues), c.need, mostShed, byMessages)
		if got := d.left(3); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("to free %d, %d are left, want %d", c.need, got, c.want)
		}
		b := draftOf(hold(shop, 3, 10, 6), 8<<20)
		b.relieve(maps.Values(b.state.queues), 10*c.need, mostShed, byBytes)
		if got := b.left(3); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("to free %d bytes, %d are left, want %d", 10*c.need, got, c.want)
		}
	}
}

// What is shed for a message takes place in its record too.
func TestAPutDoesNotGrowARecordTooLargeByWhatItSheds(t *testing.T) {
	s := hold(shop, 50, 0)
	o := s.owners["erp"]
	m := &platform.Message{Key: "order.new", ClientID: "erp", Body: make([]byte, 400)}
	d := draftOf(s, 1<<10+reserve)
	d.config.MaxOwnerBytes = 550
	if _, err := d.put([]*queue{o.topics["1"]}, "erp", m); !errors.Is(err, errAgain) || len(d.losses) == 0 || d.puts {
		t.Fatalf("beside %d losses of %d bytes: %v", len(d.losses), d.bytes, err)
	}
	if o.drafted != (platform.Usage{}.Minus(platform.Usage{Messages: int64(len(d.losses)), Bytes: 10 * int64(len(d.losses))})) {
		t.Errorf("the draft counts %+v", o.drafted)
	}
}

// A message of another key that a consumer gets in the same record makes no room.
func TestAQueueLosesNothingOfItsOwnForALeasedMessage(t *testing.T) {
	s := hold("erp", 5)
	q := s.owners["erp"].topics["0"]
	it := q.ready.at(0)
	q.ready.count(it, -1)
	it.foreign(true)
	q.ready.count(it, 1)
	d := draftOf(s, 8<<20)
	d.lease(q, &member{id: 2, engine: "one", held: make(map[uint64]struct{})}, 1, 100)
	if shed, err := d.makeRoomIn(maps.Values(s.queues), platform.Usage{Messages: 1}, platform.Usage{}); shed || err != nil {
		t.Errorf("%d of its own messages have gone, %v", len(d.losses), err)
	}
}

// Publishers who are refused, one after the other, do not make the engine look at all
// queues each time.
func TestWhereNothingCanBeShedIsNotSearchedAgain(t *testing.T) {
	e := open(t, Config{Dir: t.TempDir(), SyncInterval: time.Minute, QueueBounds: platform.QueueBounds{MaxTotalMessages: 2}})
	ctx := t.Context()
	write := func() error {
		return e.Write(ctx, "erp", "", &platform.Message{Key: "order.new", ClientID: "erp"})
	}
	must(t, e.Declare(ctx, "erp", platform.Owner{Bindings: []platform.Binding{{Pattern: "#"}}}))
	must(t, write())
	c, err := e.Consume(ctx, "erp", "", "test")
	must(t, err)
	fromShop := func() error {
		_, err := e.Publish(ctx, "", &platform.Message{Key: "order.new", ClientID: shop})
		return err
	}
	must(t, fromShop())
	if leases, err := c.Fetch(ctx, 2, 1000); err != nil || len(leases) != 2 {
		t.Fatalf("%d leases, %v", len(leases), err)
	}
	if err := write(); !errors.Is(err, platform.ErrQueueFull) {
		t.Fatalf("with everything held: %v", err)
	}
	dry := func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.state.isDry()
	}
	if !dry() {
		t.Error("the next publisher makes it search again")
	}
	must(t, c.Close())
	if dry() {
		t.Error("what has been given back is not found")
	}
	must(t, write())
}

func TestNothingIsShedForWhatCannotFit(t *testing.T) {
	s := hold(shop, 5, 0, 0)
	d := draftOf(s, 8<<20)
	d.config.MaxTotalBytes = 60
	o := s.owners["erp"]
	m := &platform.Message{ClientID: shop, Body: make([]byte, 35)}
	if _, err := d.put([]*queue{o.topics["1"], o.topics["2"]}, shop, m); err != nil || len(d.losses) > 0 {
		t.Errorf("for two queues that need more than there may be, others have lost %d messages, %v", len(d.losses), err)
	}
}
