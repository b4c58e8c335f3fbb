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
			// Records that were lost have others in their places.
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

// errGap is that the log was cleaned while it was read.
var errGap = errors.New("jetstream: the log was cleaned while it was read")

func (e *Engine) scan(ctx context.Context) (*state, error) {
	s := newState()
	last, err := e.journal.scan(ctx, func(seq uint64, record []byte) error {
		if s.applied > 0 && seq != s.applied+1 {
			return errGap
		}
		m, facts, err := decodeRecord(seq, record)
		if err != nil {
			return err
		}
		e.note(m)
		s.apply(seq, len(record), facts)
		return nil
	})
	if s.applied == 0 {
		s.applied = last
	}
	return s, err
}

func (e *Engine) note(m mark) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if m == e.inFlight {
		e.landed = m
	}
}

// learn applies a record that follows the last one. Any other it leaves and
// returns false if records are missing before it.
func (e *Engine) learn(seq uint64, bytes int, m mark, facts []fact) bool {
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

// wakeFor wakes those who may fetch something after f, or have no queue left.
func (e *Engine) wakeFor(f *fact) {
	switch f.kind {
	case factPut, factMove:
		for _, id := range f.queues {
			e.wake(id)
		}
	case factReturn, factLeave, factDrop:
		e.wake(f.queue)
	case factGone:
		e.wakeAll()
	case factJoin:
		e.joined(f)
	}
}

// decode learns a record. It returns [errMissing] if others are missing before
// it.
func (e *Engine) decode(seq uint64, record []byte) error {
	m, facts, err := decodeRecord(seq, record)
	if err == nil && !e.learn(seq, len(record), m, facts) {
		err = errMissing
	}
	return err
}

var errMissing = errors.New("jetstream: records before this one are not known")

// follow is called for each record that the server has stored, in order, but
// some may be missing.
func (e *Engine) follow(m *nats.Msg) {
	seq, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
	if err != nil || seq <= e.known() {
		return
	}
	if e.decode(seq, m.Data) != nil {
		e.catchUp()
	}
}

// catchUp asks for the records that are not known. What cannot be read, as a
// newer program wrote it, stops the engine until it can.
func (e *Engine) catchUp() {
	for {
		known := e.known()
		seq, record, err := e.journal.next(e.ctx, known+1)
		switch {
		case err == nil && seq == known+1:
			err = e.decode(seq, record)
		case err == nil && known == e.known():
			err = e.loadAnew("too far behind")
		}
		if err != nil {
			if errors.Is(err, errBroken) {
				e.fails(err)
			}
			return
		}
	}
}

// loadAnew replaces a state that the log does not lead to any more.
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

// An openRecord is the one that was read last: the next message is mostly in the
// same one, which the cache need not have.
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

// fact returns the fact with a message that is held. Its record may be cleaned
// away meanwhile; then it has another.
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
		now, held := e.whereIs(queue, it.number)
		switch {
		case !held:
			return nil, err
		case now.seq == it.seq:
			return nil, fmt.Errorf("jetstream: record %d is missing in the log", it.seq)
		}
		it = now
	}
}

func (e *Engine) whereIs(queue, number uint64) (item, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := e.state.queues[queue]
	if q == nil {
		return item{}, false
	}
	return q.locate(number)
}

// record returns the facts of a record, from memory if they are there. Those who
// want the same one at a time read it once: a record may have a thousand
// messages, and a queue's consumers all come to it together.
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
		// It was the end of the other's context.
	}
}

// A reading is of a record that is not in memory.
type reading struct {
	done  chan struct{} // closed when the rest is set
	bytes int
	facts []fact
	err   error
}

// cachedOrReading returns facts from memory, or else who reads them: the caller
// if it is mine.
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
	facts []fact
	bytes int
}

func (c *cache) put(seq uint64, bytes int, facts []fact) {
	if _, ok := c.records[seq]; ok {
		return
	}
	bytes += 200 + 200*len(facts) // in memory
	c.records[seq] = cachedRecord{facts, bytes}
	c.order = append(c.order, seq)
	c.bytes += int64(bytes)
	for c.bytes > c.most && len(c.order) > 0 {
		c.bytes -= int64(c.records[c.order[0]].bytes)
		delete(c.records, c.order[0])
		c.order = c.order[1:]
	}
}
