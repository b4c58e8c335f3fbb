package jetstream

import (
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/shopex/prism-go/platform"
)

// Facts about some messages of two queues come in any order, and in between the head of the
// log is carried and removed. What is counted stays right, and to read the log again leads
// to the same.
func FuzzParkingIsTheSameWhenTheLogIsReadAgain(f *testing.F) {
	f.Add([]byte{0, 0, 3, 3, 0, 1, 4, 0, 1, 11, 0, 0, 11, 0, 0, 6, 0, 1, 11, 0, 0})
	for seed := range uint64(500) {
		random, steps := rand.New(rand.NewPCG(seed, 3)), make([]byte, 180)
		for i := range steps {
			steps[i] = byte(random.Uint32())
		}
		f.Add(steps)
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		l := newFactLog(t)
		for len(steps) > 2 && len(l.records) < 60 {
			l.step(steps[0], uint64(steps[1]), uint64(steps[2]))
			steps = steps[3:]
			l.check()
		}
		l.replay()
	})
}

// A factLog has records and the state that they lead to.
type factLog struct {
	*testing.T
	state   *state
	records map[uint64][]fact
	puts    []uint64 // the numbers of all messages
}

// The queues of a factLog.
const firstQueue, secondQueue = 1 << indexBits, 1<<indexBits | 1

func newFactLog(t *testing.T) *factLog {
	l := &factLog{T: t, state: newState(), records: make(map[uint64][]fact)}
	l.append(fact{kind: factQueue, owner: shop}, fact{kind: factQueue, owner: shop, text: "other"})
	l.append(fact{kind: factJoin, queue: firstQueue, consumer: 2, text: "engine"}, fact{kind: factJoin, queue: secondQueue, consumer: 4, text: "engine"})
	l.state.loaded(false)
	return l
}

// append appends a record as an engine reads it.
func (l *factLog) append(facts ...fact) {
	l.Helper()
	seq := l.state.applied + 1
	_, read, err := decodeRecord(seq, appendRecord(nil, mark{}, facts))
	if err != nil {
		l.Fatal(err)
	}
	l.records[seq] = read
	l.state.apply(seq, 100, read)
}

// step does what an engine could do to the messages that a byte chooses.
func (l *factLog) step(what byte, queue, which uint64) {
	queue = firstQueue + queue%2
	var some []uint64
	for i, n := range l.puts {
		if which>>(i%8)&1 == 1 {
			some = append(some, n)
		}
	}
	switch about := (fact{queue: queue, numbers: some}); what % 12 {
	case 0, 1:
		to := [][]uint64{{firstQueue}, {secondQueue}, {firstQueue, secondQueue}}[which%3]
		l.append(fact{kind: factPut, queues: to, message: &platform.Message{Body: make([]byte, which), ClientID: "other"}})
		l.puts = append(l.puts, numberOf(l.state.applied, 0))
	case 2:
		about.kind = factAck
		l.append(about)
	case 3:
		about.kind, about.queues = factTried, make([]uint64, len(some))
		for i, n := range some {
			about.queues[i] = uint64(l.state.queues[queue].tried[n]) + 1
		}
		l.append(about)
	case 4, 5:
		about.kind, about.text, about.owner, about.number = factPark, "why", "by", which
		l.append(about)
	case 6:
		about.kind = factUnpark
		l.append(about)
	case 7:
		l.append(fact{kind: factPurge, queue: queue, number: numberOf(l.state.applied+1, 0)})
	case 8:
		l.append(fact{kind: factParkedDropped, queues: []uint64{queue}, numbers: []uint64{which}})
	case 9, 10:
		about.kind, about.consumer = []kind{factLease, factReturn}[which%2], 2+2*(queue-firstQueue)
		l.append(about)
	case 11:
		l.clean()
	}
}

// clean carries what is live in the first record, and removes the head of the log.
func (l *factLog) clean() {
	first := l.state.records.at(0).seq
	if first == l.state.applied {
		return
	}
	d := &draft{config: &Config{}, state: l.state, largest: minPayload}
	d.carry(gathered{first, l.records[first]})
	if len(d.facts) > 0 {
		l.append(d.facts...)
	}
	for needed := l.state.records.trim(); first < needed; first++ {
		delete(l.records, first)
	}
}

func (l *factLog) check() {
	l.Helper()
	e := &Engine{state: l.state}
	e.audit(l.T)
	e.sum(l.T)
}

// replay reads what is left of the log.
func (l *factLog) replay() {
	l.Helper()
	again := &factLog{T: l.T, state: newState()}
	for seq := uint64(1); seq <= l.state.applied; seq++ {
		if facts, ok := l.records[seq]; ok {
			again.state.apply(seq, 100, facts)
		}
	}
	again.state.loaded(false)
	again.check()
	was, is := (&Engine{state: l.state}).picture(), (&Engine{state: again.state}).picture()
	if !maps.Equal(was, is) {
		l.Errorf("before:\n%v\nread again:\n%v", was, is)
	}
}
