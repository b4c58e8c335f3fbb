package jetstream

import (
	"context"
	"errors"
	"time"
)

// The log is cleaned from its head. Records of which nothing is live are garbage and
// are removed. Where live data keeps a lot of garbage from being removed, it is
// carried: written again at the end, with the number that gives it its old place in
// the queue.

// gathered is an old record whose live data has to be carried.
type gathered struct {
	seq   uint64
	facts []fact
}

// Bounds of what one record carries. To read each old record is a request.
const (
	carriedRecords = 64
	carriedBytes   = enough / 2
)

// gather reads the next records that should be carried, if the log has too much
// garbage. It does so every other time: what is carried has a record of its own, and
// operations must not wait until everything is carried.
func (e *Engine) gather() []gathered {
	if e.gathering = !e.gathering; !e.gathering {
		return nil
	}
	var all []gathered
	for _, seq := range e.recordsToCarry() {
		old, err := e.wholeRecord(e.ctx, seq)
		if errors.Is(err, errNoRecord) && !e.isNeeded(seq) {
			continue // another engine has carried it meanwhile
		}
		if err != nil {
			e.config.Logger.Warn("jetstream: a record could not be read, so the log is cleaned later", "error", err)
			break
		}
		all = append(all, gathered{seq, old})
	}
	return all
}

// isNeeded reports whether anything of a record is live by all that is in the log. Only
// the committer calls it.
func (e *Engine) isNeeded(seq uint64) bool {
	e.catchUp()
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.state.records.find(seq)
	return p != nil && p.live > 0
}

func (e *Engine) recordsToCarry() []uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := &e.state.records
	if e.diskIsLow() {
		return r.smallRecordsToCarry()
	}
	if r.bytes <= 2*r.liveBytes+e.config.cleanAbove {
		return nil
	}
	var records []uint64
	bytes := 0
	for i := 0; i < r.length-1 && len(records) < carriedRecords; i++ {
		p := r.at(i)
		if p.live == 0 {
			continue
		}
		if bytes += int(p.bytes); bytes > carriedBytes && len(records) > 0 {
			break
		}
		records = append(records, p.seq)
	}
	return records
}

// On a disk that is nearly full, cleaning does not wait for as much garbage, and does
// not carry messages, which would take room. It only carries small records that keep
// at least worthBytes of garbage, as the record that made a queue does.
const (
	smallRecord = 64 << 10
	worthBytes  = 1 << 20
)

// smallRecordsToCarry returns the records at the head that are small and partly live,
// if there is enough garbage between them.
func (r *records) smallRecordsToCarry() (seqs []uint64) {
	garbage := 0
	for i := 0; i < r.length-1 && len(seqs) < carriedRecords; i++ {
		switch p := r.at(i); {
		case p.live == 0:
			garbage += int(p.bytes)
		case p.bytes > smallRecord:
			i = r.length
		default:
			seqs = append(seqs, p.seq)
		}
	}
	if garbage < worthBytes {
		return nil
	}
	return seqs
}

// carry adds the live data of an old record to the draft, as far as there is room.
// The next draft carries the rest.
func (d *draft) carry(g gathered) {
	for i := range g.facts {
		switch f := &g.facts[i]; f.kind {
		case factPut, factMove:
			d.carryMessage(g.seq, i, f)
		case factQueue:
			if q := d.state.queues[f.number]; q != nil && q.made == g.seq {
				d.carryFact(*f)
			}
		case factOwner:
			if o := d.state.owners[f.owner]; o != nil && o.declared == g.seq {
				d.carryFact(*f)
			}
		case factBind, factRoute:
			if q := d.state.queues[f.queue]; q != nil && q.patterns[f.text] == (binding{g.seq, f.kind == factBind}) {
				d.carryFact(*f)
			}
		case factLimits:
			if q := d.state.queues[f.queue]; q != nil && q.limited == g.seq {
				d.carryFact(*f)
			}
		case factDropped, factParkedDropped:
			d.carryDropped(g.seq, f)
		case factJoin:
			if q := d.state.queues[f.queue]; q != nil && q.members[f.consumer] != nil && q.members[f.consumer].joined == g.seq {
				d.carryFact(*f)
			}
		}
	}
}

// carryFact adds facts that belong together, if there is room for all of them.
func (d *draft) carryFact(facts ...fact) {
	bytes := weightOf(facts)
	room := len(d.facts) == 0 || d.bytes+bytes <= d.largest/2
	if room && len(d.facts)+len(facts) <= maxFacts && bytes <= d.largest-reserve {
		for _, f := range facts {
			d.emit(nil, f)
		}
	}
}

// carryDropped carries the counts that no later record has.
func (d *draft) carryDropped(seq uint64, f *fact) {
	carried := fact{kind: f.kind}
	for i, id := range f.queues {
		if q := d.state.queues[id]; q != nil && q.lostIn(f.kind) == seq {
			carried.queues, carried.numbers = append(carried.queues, id), append(carried.numbers, f.numbers[i])
		}
	}
	if len(carried.queues) > 0 {
		d.carryFact(carried)
	}
}

// carryMessage carries a message with what it is in each queue. Those that do not fit into
// a record beside it get it once more.
func (d *draft) carryMessage(seq uint64, index int, f *fact) {
	moved := *f
	moved.kind, moved.queues = factMove, nil
	facts, bytes := []fact{moved}, moved.weight()
	for _, id := range f.queues {
		q := d.state.queues[id]
		if q == nil {
			continue
		}
		if it, ok := q.locate(f.number); !ok || it.seq != seq || int(it.index) != index {
			continue
		}
		more := q.conditionOf(f.number)
		n := putBytes + weightOf(more)
		if len(facts[0].queues) > 0 && (len(facts)+len(more) > maxFacts/2 || bytes+n > d.largest-reserve) {
			d.carryFact(facts...)
			facts, bytes = []fact{moved}, moved.weight()
		}
		facts[0].queues = append(facts[0].queues, id)
		facts, bytes = append(facts, more...), bytes+n
	}
	if len(facts[0].queues) > 0 {
		d.carryFact(facts...)
	}
}

// conditionOf returns the facts that say what a message is in q, which else is ready and
// was never tried.
func (q *queue) conditionOf(number uint64) (facts []fact) {
	if n := q.tried[number]; n > 0 {
		facts = append(facts, fact{kind: factTried, queue: q.id, numbers: []uint64{number}, queues: []uint64{uint64(n)}})
	}
	if h, ok := q.held[number]; ok && h.member.joined > 0 {
		facts = append(facts, fact{kind: factLease, queue: q.id, consumer: h.member.id, text: h.member.engine, numbers: []uint64{number}})
	}
	if p := q.parked.find(number); p != nil {
		facts = append(facts, p.fact(q))
	}
	return facts
}

// Bounds of the garbage at the head of the log: beyond either of them it is removed.
const (
	sweepRecords = 4096
	sweepBytes   = 8 << 20
)

// sweepSoon has the sweeper remove the head of the log, if that is worth a request.
func (e *Engine) sweepSoon() {
	before := e.state.records.bytes
	first := e.state.records.trim()
	e.garbage += before - e.state.records.bytes
	worth := min(sweepBytes, e.config.cleanAbove)
	if e.diskIsLow() {
		worth = min(worth, worthBytes)
	}
	if first > e.swept+sweepRecords || e.garbage > worth && first > e.swept {
		e.garbage = 0
		e.swept = first
		select { // this removal includes one that the sweeper has not begun
		case <-e.sweep:
		default:
		}
		e.sweep <- first
	}
}

// sweepAgain is the time until a removal that failed is tried again.
const sweepAgain = time.Second

// sweeper removes the head of the log when sweepSoon asks for it, until ctx ends.
// There may be no second request, as a full disk takes no more records: so the
// sweeper tries until the head is removed.
func (e *Engine) sweeper(ctx context.Context) {
	var first uint64
	var again <-chan time.Time
	for {
		select {
		case first = <-e.sweep:
		case <-again:
		case <-ctx.Done():
			return
		}
		again = nil
		if !e.removeHead(ctx, first) {
			again = time.After(sweepAgain)
		}
	}
}

// removeHead reports whether the records before first are gone.
func (e *Engine) removeHead(ctx context.Context, first uint64) bool {
	if !e.headMu.TryLock() {
		return false // a backup is under way
	}
	defer e.headMu.Unlock()
	err := e.journal.purge(ctx, first)
	if err != nil && ctx.Err() == nil {
		e.config.Logger.Warn("jetstream: the head of the log was not removed; tried again", "error", err)
	}
	return err == nil
}
