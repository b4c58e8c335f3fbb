package jetstream

import (
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// replayed returns the state to which a log of these records leads, from a number on.
func replayed(from uint64, log ...[]fact) *state {
	s := newState()
	for i, facts := range log {
		if seq := uint64(i) + 1; seq >= from {
			facts = slices.Clone(facts)
			assignNumbers(seq, facts)
			s.apply(seq, 100, facts)
		}
	}
	return s
}

// What is leased while a purge is on its way is not in the log, and would be
// gone after a restart only.
func TestAPurgeTakesWhatWasLeasedMeanwhile(t *testing.T) {
	const queue = 1 << indexBits
	m := &platform.Message{Body: []byte("x")}
	s := replayed(1,
		[]fact{{kind: factQueue, owner: shop}},
		[]fact{{kind: factPut, queues: []uint64{queue}, message: m}, {kind: factPut, queues: []uint64{queue}, message: m}})
	s.loaded(true)
	q := s.queues[queue]
	taker := &member{id: 2, held: make(map[uint64]struct{})}
	q.members[taker.id] = taker
	held := q.ready.pop()
	q.hold(held, taker)
	purge := fact{kind: factPurge, queue: queue, number: numberOf(3, 0), numbers: []uint64{held.number}}
	q.hold(q.ready.pop(), taker) // after the purge was written
	s.apply(3, 100, []fact{purge})
	if got := q.status(); got.Unacknowledged != 1 || got.Ready != 0 || got.Bytes != 1 || s.records.find(2).live != held.weight() {
		t.Errorf("%+v", got)
	}
}

// The lease of a message may be all that is left of a dead engine.
func TestWhatWasPurgedStaysAwayWhereTheLogWasCleaned(t *testing.T) {
	const queue = 1 << indexBits
	log := [][]fact{
		{{kind: factQueue, owner: shop}},
		{{kind: factJoin, queue: queue, consumer: 2, text: "dead"}},
		{{kind: factPut, queues: []uint64{queue}, message: &platform.Message{}}},
		{{kind: factLease, queue: queue, consumer: 2, numbers: []uint64{3 << indexBits}}},
		{{kind: factQueue, number: queue, owner: shop}}, // carried
		{{kind: factGone, text: "dead"}},
		{{kind: factPurge, queue: queue, number: 7 << indexBits}},
	}
	for _, from := range []uint64{1, 3} {
		s := replayed(from, log...)
		s.loaded(false)
		if got := s.queues[queue].status(); got != (platform.QueueStatus{}) {
			t.Errorf("from record %d: %+v", from, got)
		}
	}
}

// The joining of a consumer may be cleaned away before its leases are.
func TestAConsumerThatJoinsAgainHoldsWhatItTookSinceThen(t *testing.T) {
	const queue, consumer = 1 << indexBits, 42
	lease := func(numbers ...uint64) fact {
		return fact{kind: factLease, queue: queue, consumer: consumer, text: "engine", numbers: numbers}
	}
	join := fact{kind: factJoin, queue: queue, consumer: consumer, text: "engine"}
	put := fact{kind: factPut, queues: []uint64{queue}, message: &platform.Message{Body: []byte("x")}}
	log := [][]fact{
		{{kind: factQueue, owner: shop}},
		{join},
		{{kind: factQueue, number: queue, owner: shop}}, // carried
		{put, put},
		{lease(numberOf(4, 0), numberOf(4, 1))},
		{{kind: factGone, text: "engine"}},
		{join, lease(numberOf(4, 0))},
	}
	for _, from := range []uint64{1, 3} {
		s := replayed(from, log...)
		s.loaded(false)
		if got := s.queues[queue].status(); got != (platform.QueueStatus{Ready: 1, Unacknowledged: 1, Consumers: 1, Bytes: 2}) {
			t.Errorf("from record %d: %+v", from, got)
		}
	}
}

// Messages in many queues, all of them held, are more facts when they are
// carried than they were.
func TestWhatIsCarriedCanBeRead(t *testing.T) {
	const queues, messages = 6, 1100
	facts := []fact{}
	var all []uint64
	for i := range uint64(queues) {
		facts = append(facts, fact{kind: factQueue, owner: shop, text: string(rune('a' + i))})
		all = append(all, numberOf(1, int(i)))
	}
	var puts, leases []fact
	var numbers []uint64
	for i := range messages {
		puts = append(puts, fact{kind: factPut, queues: all, message: &platform.Message{Body: []byte("x")}})
		numbers = append(numbers, numberOf(2, i))
	}
	for _, q := range all {
		leases = append(leases,
			fact{kind: factJoin, queue: q, consumer: 2, text: "engine"},
			fact{kind: factLease, queue: q, consumer: 2, numbers: numbers})
	}
	s := replayed(1, facts, puts, leases)
	s.loaded(false)
	assignNumbers(2, puts)
	for seq := uint64(4); s.records.find(2).live > 0; seq++ {
		d := &draft{config: &Config{}, state: s, largest: minPayload}
		d.carry(gathered{2, puts})
		_, carried, err := decodeRecord(seq, appendRecord(nil, mark{}, d.facts))
		if err != nil || len(carried) == 0 {
			t.Fatalf("record %d of %d facts: %v", seq, len(d.facts), err)
		}
		s.apply(seq, d.bytes, carried)
	}
	for _, id := range all {
		if got := s.queues[id].status(); got != (platform.QueueStatus{Unacknowledged: messages, Consumers: 1, Bytes: messages}) {
			t.Errorf("%+v", got)
		}
	}
}

// A small message that stays must not keep a large one in its record alive.
func TestWhatLastsOfARecordIsCountedByItsSize(t *testing.T) {
	var r records
	small, large := item{size: 10}, item{size: 500_000}
	r.add(1, 500_200)
	r.addLive(1, small.weight())
	r.addLive(1, large.weight())
	r.removeLive(1, large.weight())
	if r.liveBytes > 1000 {
		t.Errorf("%d bytes are thought to last", r.liveBytes)
	}
}

// What is carried of large messages must not fill every record.
func TestOperationsDoNotWaitUntilEverythingIsCarried(t *testing.T) {
	e := open(t, Config{Dir: t.TempDir(), SyncInterval: time.Minute, cleanAbove: 1 << 20, QueueBounds: platform.QueueBounds{MaxBytes: -1}})
	body := string(make([]byte, 1<<20-100))
	for range 25 {
		write(t, e, "stuck", body)
	}
	head := func() uint64 {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.state.records.at(0).seq
	}
	begun, waited := head(), 0
	for range 60 {
		before := e.known()
		write(t, e, "busy", body)
		waited = max(waited, int(e.known()-before))
		if _, err := e.Read(t.Context(), shop, "busy", 1); err != nil {
			t.Fatal(err)
		}
	}
	if waited > 3 || head() == begun {
		t.Errorf("a write waited for %d records, and the log begins at %d; it was %d", waited, head(), begun)
	}
}

// A record of a newer program may come at any time.
func TestARecordThatCannotBeReadIsNotAskedForWithoutEnd(t *testing.T) {
	e := open(t, Config{URL: external(t), AckWait: time.Second, Patience: time.Second})
	write(t, e, "", "x")
	if _, err := e.nc.Request(e.journal.subject, []byte{99, 1, 2, 3}, time.Second); err != nil {
		t.Fatal(err)
	}
	asked := e.nc.Stats().OutMsgs
	err := e.Write(t.Context(), shop, "", &platform.Message{})
	if !errors.Is(err, errBroken) {
		t.Errorf("the reason is not told: %v", err)
	}
	if asked = e.nc.Stats().OutMsgs - asked; asked > 200 {
		t.Errorf("%d requests within %v", asked, e.config.Patience)
	}
}

func TestFetchAndAckTakeAnyNumber(t *testing.T) {
	const n = mostAtOnce + 10
	for _, c := range []Config{{URL: external(t)}, {Dir: t.TempDir(), SyncInterval: time.Minute}} {
		e := open(t, c)
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				for range n / 10 {
					write(t, e, "", "x")
				}
			})
		}
		group.Wait()
		taker := consume(t, e, "")
		var all []uint64
		for len(all) < n {
			leases, err := taker.Fetch(t.Context(), math.MaxInt, math.MaxInt)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, ids(leases)...)
		}
		if err := taker.Ack(t.Context(), all...); err != nil {
			t.Fatal(err)
		}
		if s, err := e.counts(t.Context(), shop, ""); err != nil || s != (platform.QueueStatus{Consumers: 1}) {
			t.Errorf("%+v, %v", s, err)
		}
	}
}
