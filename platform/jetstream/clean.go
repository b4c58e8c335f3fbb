package jetstream

import (
	"context"
	"time"
)

// The log is cleaned from its head. Records of which nothing lasts are
// removed; where something lasts in the way of a lot that does not, it is
// written again at the end, with the number that gives it its old place in the
// queue.

// gathered is an old record that is in the way.
type gathered struct {
	seq   uint64
	facts []fact
}

// Bounds of what is carried in one record. Each old one is a request.
const (
	carriedRecords = 64
	carriedBytes   = enough / 2
)

// gather reads the next records that should be carried, if there is too much
// garbage in the log. It does so every other time: what is carried has a record
// of its own, and operations must not wait until everything is.
func (e *Engine) gather() []gathered {
	if e.gathering = !e.gathering; !e.gathering {
		return nil
	}
	var all []gathered
	for _, seq := range e.inTheWay() {
		old, err := e.record(e.ctx, seq)
		if err != nil {
			e.config.Logger.Warn("jetstream: cleaning has to wait", "error", err)
			break
		}
		all = append(all, gathered{seq, old})
	}
	return all
}

func (e *Engine) inTheWay() []uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := &e.state.records
	if e.diskIsLow() {
		return r.smallInTheWay()
	}
	if r.bytes <= 2*r.live+e.config.cleanAbove {
		return nil
	}
	var records []uint64
	bytes := 0
	for i := 0; i < r.length-1 && len(records) < carriedRecords; i++ {
		p := r.at(i)
		if p.lasts == 0 {
			continue
		}
		if bytes += int(p.bytes); bytes > carriedBytes && len(records) > 0 {
			break
		}
		records = append(records, p.seq)
	}
	return records
}

// On a disk that is nearly full there is no waiting until garbage is worth it, and no
// carrying of messages, which would take room: only of what is small and stands
// before so much garbage, as the making of a queue does for ever.
const (
	smallRecord = 64 << 10
	worthBytes  = 1 << 20
)

// smallInTheWay returns the records at the head that are small and still needed, if
// what is between them is worth it.
func (r *records) smallInTheWay() (seqs []uint64) {
	garbage := 0
	for i := 0; i < r.length-1 && len(seqs) < carriedRecords; i++ {
		switch p := r.at(i); {
		case p.lasts == 0:
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

// carry adds what lasts of an old record to the draft, as it is now, as far as
// there is room. The rest is carried the next time.
func (d *draft) carry(g gathered) {
	for i := range g.facts {
		switch f := &g.facts[i]; f.kind {
		case factPut, factMove:
			d.carryMessage(g.seq, i, f)
		case factQueue:
			if q := d.state.queues[f.number]; q != nil && q.made == g.seq {
				d.carryFact(*f)
			}
		case factBind:
			if q := d.state.queues[f.queue]; q != nil && q.patterns[f.text] == g.seq {
				d.carryFact(*f)
			}
		case factJoin:
			if q := d.state.queues[f.queue]; q != nil && q.members[f.consumer] != nil && q.members[f.consumer].joined == g.seq {
				d.carryFact(*f)
			}
		}
	}
}

// carryFact adds facts that belong together, if there is room for all of them.
func (d *draft) carryFact(facts ...fact) {
	bytes := 0
	for i := range facts {
		bytes += facts[i].weight()
	}
	room := len(d.facts) == 0 || d.bytes+bytes <= d.largest/2
	if room && len(d.facts)+len(facts) <= maxFacts && bytes <= d.largest-reserve {
		for _, f := range facts {
			d.emit(nil, f)
		}
	}
}

func (d *draft) carryMessage(seq uint64, index int, f *fact) {
	moved := *f
	moved.kind, moved.queues = factMove, nil
	facts := []fact{moved}
	for _, id := range f.queues {
		q := d.state.queues[id]
		if q == nil {
			continue
		}
		if it, ok := q.locate(f.number); !ok || it.seq != seq || int(it.index) != index {
			continue
		}
		facts[0].queues = append(facts[0].queues, id)
		if h, ok := q.held[f.number]; ok && h.member.joined > 0 {
			facts = append(facts, fact{kind: factLease, queue: id, consumer: h.member.id, text: h.member.engine, numbers: []uint64{f.number}})
		}
	}
	if len(facts[0].queues) > 0 {
		d.carryFact(facts...)
	}
}

// How much may be useless at the head of the log until it is removed.
const (
	sweepRecords = 4096
	sweepBytes   = 8 << 20
)

// sweepSoon has the head of the log removed if that is worth a request.
func (e *Engine) sweepSoon() {
	before := e.state.records.bytes
	first := e.state.records.trim()
	e.useless += before - e.state.records.bytes
	worth := min(sweepBytes, e.config.cleanAbove)
	if e.diskIsLow() {
		worth = min(worth, worthBytes)
	}
	if first > e.swept+sweepRecords || e.useless > worth && first > e.swept {
		e.useless = 0
		e.swept = first
		select { // what the sweeper has not begun with, this includes
		case <-e.sweep:
		default:
		}
		e.sweep <- first
	}
}

// sweepAgain is when a removal that did not come about is tried once more.
const sweepAgain = time.Second

// sweeper removes the head of the log when it is told, until ctx ends. Nobody may
// tell it again, as a full disk takes no more records: so it goes on until the head
// is gone.
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
	if !e.keeping.TryLock() {
		return false // a backup is under way
	}
	defer e.keeping.Unlock()
	err := e.journal.purge(ctx, first)
	if err != nil && ctx.Err() == nil {
		e.config.Logger.Warn("jetstream: the head of the log was not removed; tried again", "error", err)
	}
	return err == nil
}
