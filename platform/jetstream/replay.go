package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// load reads the log from its beginning into a new state.
func (e *Engine) load(ctx context.Context) error {
	for {
		s, err := e.scan(ctx)
		if err == nil {
			s.loaded(e.alone)
			e.mu.Lock()
			e.state = s
			e.log.Store(s.log)
			// Other records may have the numbers of records that were lost.
			e.cache = cache{most: e.config.CacheBytes, records: make(map[uint64]cachedRecord)}
			clear(e.readings)
			e.wakeAll()
			e.mu.Unlock()
			return nil
		}
		if !errors.Is(err, errGap) {
			return err
		}
		if e.pause(gapWait); ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

const gapWait = 10 * time.Millisecond

// errGap is returned when the log was cleaned while it was read.
var errGap = errors.New("jetstream: the log was cleaned while it was read")

func (e *Engine) scan(ctx context.Context) (*state, error) {
	s := newState()
	stream, err := e.journal.ask(ctx, "INFO", struct{}{})
	if err != nil {
		return nil, err
	}
	s.log = stream.log()
	last, err := e.journal.scan(ctx, func(seq uint64, record []byte) error {
		if s.applied > 0 && seq != s.applied+1 {
			return errGap
		}
		m, facts, err := decodeRecord(seq, record)
		if err != nil {
			return err
		}
		e.noteMark(m)
		s.apply(seq, len(record), facts)
		return nil
	})
	if s.applied == 0 {
		s.applied = last
	}
	return s, err
}

func (e *Engine) noteMark(m mark) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if m == e.inFlight {
		e.landed = m
	}
}

// applyRecord applies a record if it is the next one. It ignores a record that was
// applied before. It returns false if records before this one are missing.
func (e *Engine) applyRecord(seq uint64, bytes int, m mark, facts []fact) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if seq != e.state.applied+1 {
		return seq <= e.state.applied
	}
	select {
	case e.news <- struct{}{}:
	default:
	}
	if m == e.inFlight {
		e.landed = m
	}
	e.state.apply(seq, bytes, facts)
	if slices.ContainsFunc(facts, func(f fact) bool { return f.message != nil }) {
		e.cache.put(seq, bytes, facts)
	}
	for i := range facts {
		e.wakeFor(&facts[i])
	}
	e.sweepSoon()
	return true
}

// wakeFor wakes the consumers that may fetch something after f, and those whose
// queue f has dropped.
func (e *Engine) wakeFor(f *fact) {
	switch f.kind {
	case factPut, factMove:
		for _, id := range f.queues {
			e.wake(id)
		}
	case factReturn, factLeave, factUnpark, factDrop:
		e.wake(f.queue)
	case factGone:
		e.wakeAll()
	case factJoin:
		e.notifyRivals(f)
	}
}

// decode decodes and applies a record. It returns [errMissing] if records before it
// are missing.
func (e *Engine) decode(seq uint64, record []byte) error {
	m, facts, err := decodeRecord(seq, record)
	e.identify(facts)
	if err == nil && !e.applyRecord(seq, len(record), m, facts) {
		err = errMissing
	}
	return err
}

var errMissing = errors.New("jetstream: records before this one are not known")

// follow is called for the records that the server has stored, in order. Some may
// be missing.
func (e *Engine) follow(m *nats.Msg) {
	seq, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
	if err != nil || seq <= e.known() {
		return
	}
	if e.decode(seq, m.Data) == nil {
		return
	}
	e.catchUpTo(seq - 1) // and not to the end, which others move: the next records come by themselves
	if e.decode(seq, m.Data) != nil {
		e.catchUpTo(seq)
	}
}

// catchUp reads and applies the records that are not known, up to the last one that the
// log has now.
func (e *Engine) catchUp() {
	if last, _, err := e.journal.last(e.ctx); err == nil {
		e.catchUpTo(last)
	}
}

// catchUpTo is catchUp to a record. One that cannot be decoded, as a newer program wrote
// it, stops the engine: operations fail.
func (e *Engine) catchUpTo(last uint64) {
	for known := e.known(); known < last; known = e.known() {
		seq, record, err := e.journal.next(e.ctx, known+1)
		switch {
		case err == nil && seq == known+1:
			err = e.decode(seq, record)
		case err == nil && known == e.known():
			err = e.loadAnew("too far behind")
		}
		if err != nil {
			if errors.Is(err, errBroken) {
				e.setFailure(err)
			}
			return
		}
	}
}

// loadAnew reads the whole log into a new state, when the old one no longer leads to
// what the log says.
func (e *Engine) loadAnew(why string) error {
	e.config.Logger.Warn("jetstream: the log is read anew", "reason", why)
	return e.load(e.ctx)
}

func (e *Engine) known() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.applied
}

// messages returns the messages of items that a member of the queue holds.
// Those that it does not hold any more are left out.
func (e *Engine) messages(ctx context.Context, queue uint64, items []item) (held []item, facts []*fact, err error) {
	var last openRecord
	for _, it := range items {
		f, err := e.fact(ctx, queue, it, &last)
		if errors.Is(err, errNoRecord) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		held, facts = append(held, it), append(facts, f)
	}
	return held, facts, nil
}

// An openRecord is the record that was read last: the next message is mostly in the
// same one, which need not be in the cache.
type openRecord struct {
	seq   uint64
	facts []fact
}

func (e *Engine) openRecord(ctx context.Context, seq uint64, last *openRecord) (facts []fact, err error) {
	if last.seq == seq {
		return last.facts, nil
	}
	if facts, err = e.record(ctx, seq); err == nil {
		*last = openRecord{seq, facts}
	}
	return facts, err
}

// fact returns the fact that has the message of an item. If cleaning has moved the
// message to another record meanwhile, fact reads that one. Another engine may have
// done so before this one knows; but the move is in the log before the old record goes.
func (e *Engine) fact(ctx context.Context, queue uint64, it item, last *openRecord) (*fact, error) {
	for {
		facts, err := e.openRecord(ctx, it.seq, last)
		if err == nil && int(it.index) < len(facts) && facts[it.index].number == it.number {
			return &facts[it.index], nil
		}
		if err == nil {
			return nil, fmt.Errorf("%w: number %d has no message at %d", errBroken, it.seq, it.index)
		}
		if !errors.Is(err, errNoRecord) {
			return nil, err
		}
		now, held, err := e.whereIs(ctx, queue, it)
		switch {
		case err != nil:
			return nil, err
		case !held:
			return nil, errNoRecord
		case now.seq == it.seq:
			return nil, fmt.Errorf("jetstream: record %d is missing in the log", it.seq)
		}
		it = now
	}
}

// whereIs returns where a message is that was at was, and whether the queue has it still.
// It asks for the end of the log only if this engine knows no other place.
func (e *Engine) whereIs(ctx context.Context, queue uint64, was item) (item, bool, error) {
	e.mu.Lock()
	now, held := e.state.locate(queue, was.number)
	e.mu.Unlock()
	if !held || now.seq != was.seq {
		return now, held, nil
	}
	err := e.query(ctx, func(d *draft) error {
		now, held = d.state.locate(queue, was.number)
		return nil
	})
	if err != nil {
		return item{}, false, err // and both may still be written to
	}
	return now, held, nil
}

// locate returns where a message of a queue is, and whether the queue has it.
func (s *state) locate(queue, number uint64) (item, bool) {
	if q := s.queues[queue]; q != nil {
		return q.locate(number)
	}
	return item{}, false
}

// wholeRecord returns all facts of a record.
func (e *Engine) wholeRecord(ctx context.Context, seq uint64) ([]fact, error) {
	e.mu.Lock()
	c := e.cache.records[seq]
	e.mu.Unlock()
	if c.whole {
		return c.facts, nil
	}
	facts, _, err := e.readRecord(ctx, seq)
	return facts, err
}

// record returns the facts of a record that have messages, from memory if they are
// there; which queues they name, and the facts behind them, may be missing. Callers that
// want the same record at a time share one read: a record may have a thousand
// messages, and all consumers of a queue come to it together.
func (e *Engine) record(ctx context.Context, seq uint64) ([]fact, error) {
	for {
		facts, r, mine := e.cachedOrReading(seq)
		switch {
		case r == nil:
			return facts, nil
		case mine:
			r.facts, r.bytes, r.err = e.readRecord(ctx, seq)
			e.finishReading(seq, r)
			return r.facts, r.err
		}
		select {
		case <-r.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if !errors.Is(r.err, context.Canceled) && !errors.Is(r.err, context.DeadlineExceeded) {
			return r.facts, r.err
		}
		// The reading failed as its caller's context ended: try again with ours.
	}
}

// A reading is a read under way of a record that is not in memory.
type reading struct {
	done  chan struct{} // closed when the rest is set
	bytes int
	facts []fact
	err   error
}

// cachedOrReading returns facts from memory, or else the reading that will have
// them. If it is mine, the caller has to do it.
func (e *Engine) cachedOrReading(seq uint64) (facts []fact, r *reading, mine bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c, ok := e.cache.records[seq]; ok {
		return c.facts, nil, false
	}
	if r := e.readings[seq]; r != nil {
		return nil, r, false
	}
	r = &reading{done: make(chan struct{})}
	e.readings[seq] = r
	return nil, r, true
}

func (e *Engine) readRecord(ctx context.Context, seq uint64) (facts []fact, bytes int, err error) {
	b, err := e.read(ctx, seq)
	if err != nil {
		return nil, 0, err
	}
	_, facts, err = decodeRecord(seq, b)
	e.identify(facts)
	return facts, len(b), err
}

func (e *Engine) finishReading(seq uint64, r *reading) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.readings[seq] == r { // and the log was not read anew
		delete(e.readings, seq)
		if r.err == nil {
			e.cache.put(seq, r.bytes, r.facts)
		}
	}
	close(r.done)
}

// A cache keeps the records that were put into it last. It is guarded by the
// lock of the engine.
type cache struct {
	most, bytes int64
	order       []uint64
	records     map[uint64]cachedRecord
}

type cachedRecord struct {
	facts []fact // those that record returns
	bytes int
	whole bool // they are those of the record
}

func (c *cache) put(seq uint64, bytes int, facts []fact) {
	if _, ok := c.records[seq]; ok {
		return
	}
	facts, whole := withMessages(facts)
	bytes += 200 + 200*len(facts) // in memory
	c.records[seq] = cachedRecord{facts, bytes, whole}
	c.order = append(c.order, seq)
	c.bytes += int64(bytes)
	for c.bytes > c.most && len(c.order) > 0 {
		c.bytes -= int64(c.records[c.order[0]].bytes)
		delete(c.records, c.order[0])
		c.order = c.order[1:]
	}
}

// withMessages returns what a reader of messages needs of a record, and whether that is
// all. A message that goes to thousands of queues has some bytes in the record for each
// of them, and several times as many in its facts.
func withMessages(facts []fact) (kept []fact, whole bool) {
	names, end := 0, 0
	for i := range facts {
		f := &facts[i]
		if names += len(f.queues) + len(f.numbers); f.message != nil {
			end = i + 1
		}
	}
	if names <= 8*len(facts) {
		return facts, true
	}
	kept = slices.Clone(facts[:end])
	for i := range kept {
		kept[i].queues, kept[i].numbers = nil, nil
	}
	return kept, false
}
