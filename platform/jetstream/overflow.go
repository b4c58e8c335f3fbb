package jetstream

import (
	"cmp"
	"errors"
	"slices"
	"sort"
	"time"

	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/platform"
)

// What a message makes a queue lose is decided when its record is composed, and is in
// the same record. Until that is stored, the lost messages stay in the queue, marked,
// so that no consumer of an engine that has its log to itself takes them.

const (
	// mostShed is how many messages one queue loses for one message.
	mostShed = 1000
	// Upper estimates of the bytes that a record needs for a queue of a put, for a
	// message that was shed and for a queue that has dropped messages.
	putBytes, shedBytes, droppedBytes = 10, 20, 20
	// queueBytes is what a queue costs in the record of a message, at most, where it
	// loses one message. It bounds MaxFanOut.
	queueBytes = putBytes + shedBytes + droppedBytes
)

// fanOutBound returns how large MaxFanOut may be so that a body of 1 MiB to twice as
// many queues fits into a record, together with what these lose.
func fanOutBound(largest int) int {
	const texts = 8 << 10 // routing key, content type and so on
	return max(0, largest-reserve-texts-1<<20) / (2 * queueBytes)
}

// shedMark marks a queue in the list of a put of this draft that was shed there.
const shedMark = 1 << 63

// A drafting is what the draft with the number round does to a queue.
type drafting struct {
	round   uint64
	used    platform.Usage // more than before
	dropped uint64         // messages
	next    int            // the place in the ring before which it sheds or leases everything; 0 if unknown
	put     int            // the fact before which no put has the queue any more
}

// A loss is a ready message that the draft takes away.
type loss struct {
	queue  *queue
	number uint64
}

// statusIn counts q, for which config has the limits that it has not itself.
func (q *queue) statusIn(config *Config) platform.QueueStatus {
	s := q.status()
	s.Limits = config.LimitsOf(q.limits)
	return s
}

// drops reports whether q drops a message rather than refuse one of this publisher.
func (q *queue) drops(publisher string) bool {
	return !q.limits.Overflow.Refuses(publisher == q.owner.name)
}

// usage is what q will hold after the draft.
func (q *queue) usage() platform.Usage {
	return platform.Usage{Messages: int64(q.ready.len() + len(q.held)), Bytes: q.bytes}.Plus(q.drafting.used)
}

// checkLimits returns an error if m would exceed a limit of q.
func (q *queue) checkLimits(config *Config, m *platform.Message) error {
	l, used := config.LimitsOf(q.limits), q.usage()
	if over(used, one(m), int64(l.MaxMessages), l.MaxBytes) == (platform.Usage{}) {
		return nil
	}
	return l.Check(platform.QueueNameFor(m.ClientID, q.owner.name, q.topic), used, q.status().Consumers > 0, m.Size())
}

func one(m *platform.Message) platform.Usage {
	return platform.Usage{Messages: 1, Bytes: m.Size()}
}

// over returns by how much the sum of used and more would exceed the bounds.
func over(used, more platform.Usage, messages, bytes int64) platform.Usage {
	return platform.Usage{
		Messages: max(0, more.Messages-(messages-used.Messages)),
		Bytes:    max(0, more.Bytes-(bytes-used.Bytes)),
	}
}

func most(a, b platform.Usage) platform.Usage {
	return platform.Usage{Messages: max(a.Messages, b.Messages), Bytes: max(a.Bytes, b.Bytes)}
}

func (d *draft) overOwner(o *owner, more platform.Usage) platform.Usage {
	return over(o.used.Plus(o.drafted), more, int64(d.config.MaxOwnerMessages), d.config.MaxOwnerBytes)
}

func (d *draft) overTotal(more platform.Usage) platform.Usage {
	return over(d.state.used.Plus(d.drafted), more, int64(d.config.MaxTotalMessages), d.config.MaxTotalBytes)
}

// put stores m in those of the queues that have room for it or make it, and returns how
// many these are. If a queue refuses it, it is in none.
//
// It does not touch the owners of the queues, so that publishing never waits for a
// change of these. Beside a change in the same record the message counts as published
// just before it: bindings, exchanges and limits matter only here, where they are as
// before the record. If the record drops a queue, the put finds none, or one that has no
// owner when the log is loaded, as nothing behind the record makes it. A purge removes
// what has a number before its record, so the message counts as published just after
// it, except for the first fact of a record, which any purge in it removes.
func (d *draft) put(queues []*queue, publisher string, m *platform.Message) (int, error) {
	m.ID = platform.MessageID{} // of a draft that was not stored
	if len(queues) == 0 {
		return 0, nil
	}
	f := fact{kind: factPut, queues: make([]uint64, len(queues)), message: m}
	if err := d.checkSize(&f, len(queues)*(shedBytes+droppedBytes)); err != nil {
		return 0, err
	}
	d.pending = f.weight() + len(queues)*(shedBytes+droppedBytes)
	full, err := d.admit(queues, publisher, m, f.weight())
	d.pending = 0
	if err != nil {
		return 0, err
	}
	f.queues = f.queues[:0]
	room := d.largest - reserve - d.bytes - f.weight() - len(queues)*queueBytes
	for _, q := range queues {
		d.touch(q)
		switch {
		case !q.drops(publisher): // admit has counted it for its owner and for all
			q.drafting.used = q.drafting.used.Plus(one(m))
			f.queues = append(f.queues, q.id)
		case full: // to write that would fill the disk
			q.dropped++
			d.unwritten = append(d.unwritten, q)
			d.noteNews(q, isEvent(m))
		case !d.makeRoom(q, m, &room):
			d.drop(q, isEvent(m))
		default:
			d.add(q, one(m))
			f.queues = append(f.queues, q.id)
		}
	}
	if len(f.queues) > 0 {
		d.emit(nil, f)
		d.puts = true
	}
	return len(f.queues), nil
}

// admit returns an error unless the queues that refuse have room for m, which is made
// if others may lose something. It counts m for their owners and for all. On a full
// disk, without any queue that refuses, it reports so: then the queues lose m. What they
// have lost so is in the log with the next message that they drop.
func (d *draft) admit(queues []*queue, publisher string, m *platform.Message, weight int) (full bool, err error) {
	refusing := platform.Usage{}
	for _, q := range queues {
		if q.drops(publisher) {
			continue
		}
		refusing = refusing.Plus(one(m))
		if err := q.checkLimits(d.config, m); err != nil {
			return false, err
		}
	}
	var admitted []*queue
	for _, q := range queues {
		if err != nil || q.drops(publisher) {
			continue
		}
		if err = d.makeOwnerRoom(q.owner, one(m)); err == nil {
			d.touch(q)
			q.owner.drafted = q.owner.drafted.Plus(one(m))
			admitted = append(admitted, q)
		}
	}
	if err == nil && len(admitted) > 0 {
		err = d.makeTotalRoom(refusing)
	}
	if errors.Is(err, platform.ErrQueueFull) && d.puts {
		err = errAgain // what it has put may make room once it is stored
	}
	if err == nil {
		err = d.relieveOthers(queues, publisher, m, refusing)
	}
	if err == nil {
		if err = d.checkDisk(weight); err != nil && len(admitted) == 0 {
			return true, nil
		}
	}
	if err != nil {
		for _, q := range admitted {
			q.owner.drafted = q.owner.drafted.Minus(one(m))
		}
		return false, err
	}
	d.drafted = d.drafted.Plus(refusing)
	return false, nil
}

// relieveOthers sheds messages of the largest queues where those that drop would lose
// something for what others hold: a queue that nobody reads must not keep the others
// empty. Where nothing can be shed, it returns nil. m is not counted for the queues that
// drop, but for the owners of the others.
func (d *draft) relieveOthers(queues []*queue, publisher string, m *platform.Message, refusing platform.Usage) error {
	n := int64(len(queues))
	most := platform.Usage{Messages: n, Bytes: n * m.Size()}
	if d.overTotal(most) == (platform.Usage{}) && !slices.ContainsFunc(queues, func(q *queue) bool {
		return d.overOwner(q.owner, most) != (platform.Usage{})
	}) {
		return nil
	}
	var dropping []*queue
	all, short := refusing, false
	for _, q := range queues {
		if !q.drops(publisher) {
			continue
		}
		if l := d.config.LimitsOf(q.limits); over(q.usage(), one(m), int64(l.MaxMessages), l.MaxBytes) == (platform.Usage{}) {
			dropping, all = append(dropping, q), all.Plus(one(m))
			q.owner.drafted = q.owner.drafted.Plus(one(m))
			short = short || d.overOwner(q.owner, platform.Usage{}) != (platform.Usage{})
		}
	}
	var err error
	for _, q := range dropping {
		if short && err == nil {
			err = d.makeOwnerRoom(q.owner, platform.Usage{})
		}
		if errors.Is(err, platform.ErrQueueFull) {
			err = nil
		}
	}
	for _, q := range dropping {
		q.owner.drafted = q.owner.drafted.Minus(one(m))
	}
	if len(dropping) > 0 && err == nil {
		err = d.makeTotalRoom(all)
	}
	if errors.Is(err, platform.ErrQueueFull) {
		return nil
	}
	return err
}

// touch prepares q to be changed by the draft.
func (d *draft) touch(q *queue) {
	if q.drafting.round != d.round {
		q.drafting = drafting{round: d.round}
		d.queues = append(d.queues, q)
	}
}

// add counts what the draft adds to q.
func (d *draft) add(q *queue, more platform.Usage) {
	q.drafting.used = q.drafting.used.Plus(more)
	q.owner.drafted = q.owner.drafted.Plus(more)
	d.drafted = d.drafted.Plus(more)
}

// drop counts a message that q has lost.
func (d *draft) drop(q *queue, event bool) {
	d.noteNews(q, event)
	if q.drafting.dropped++; q.drafting.dropped == 1 {
		d.bytes += droppedBytes
	}
}

// makeRoom reports whether q, which drops, has room for m, and sheds messages of q for
// that. room is how many bytes the record has for more than one of them.
func (d *draft) makeRoom(q *queue, m *platform.Message, room *int) bool {
	l := d.config.LimitsOf(q.limits)
	need := most(over(q.usage(), one(m), int64(l.MaxMessages), l.MaxBytes), most(d.overOwner(q.owner, one(m)), d.overTotal(one(m))))
	switch {
	case need == platform.Usage{}:
		return true
	case l.Overflow == platform.DropNewest || m.Size() > l.MaxBytes:
		return false
	}
	s := d.plan(q, need, min(mostShed, 1+max(0, *room)/shedBytes))
	if !s.enough && s.count < mostShed {
		return false // what consumers hold leaves no room
	}
	*room -= max(0, s.count-1) * shedBytes
	d.shed(s)
	return s.enough
}

// A shedding is what a queue may lose for others.
type shedding struct {
	queue  *queue
	end    int // the place in the ring behind the last message
	puts   int // the fact behind the last put of this draft that goes
	count  int
	enough bool
}

// plan returns how q can free what is needed with at most so many messages: first the
// oldest ones that are ready, then the oldest ones of this draft. So a queue that holds
// only a few messages keeps nothing from being stored together.
func (d *draft) plan(q *queue, need platform.Usage, limit int) shedding {
	d.touch(q)
	s := shedding{queue: q, end: d.firstFree(q), puts: q.drafting.put}
	lose := func(size int64) {
		s.count++
		need = need.Minus(platform.Usage{Messages: 1, Bytes: size})
		s.enough = need.Messages <= 0 && need.Bytes <= 0
	}
	for ; !s.enough && s.count < limit && s.end < q.ready.length; s.end++ {
		if it := q.ready.at(s.end); !it.is(dead | shed) {
			lose(int64(it.size))
		}
	}
	for ; !s.enough && s.count < limit && s.puts < len(d.facts); s.puts++ {
		if f := &d.facts[s.puts]; f.placeOf(q.id) >= 0 {
			lose(f.message.Size())
		}
	}
	return s
}

// firstFree returns the first place in the ring of q behind what the draft leases or
// sheds.
func (d *draft) firstFree(q *queue) int {
	q.ready.mergeLate()
	i := q.drafting.next
	if i > 0 {
		return i
	}
	for skip := d.taken[q.id]; skip > 0 && i < q.ready.length; i++ {
		if !q.ready.at(i).is(dead | shed) {
			skip--
		}
	}
	return i
}

// placeOf returns the place of a queue in the list of a put, or -1.
func (f *fact) placeOf(queue uint64) int {
	if f.kind != factPut {
		return -1
	}
	i := sort.Search(len(f.queues), func(i int) bool { return f.queues[i]&^shedMark >= queue })
	if i < len(f.queues) && f.queues[i] == queue {
		return i
	}
	return -1
}

// shed does what was planned.
func (d *draft) shed(s shedding) {
	q := s.queue
	for i := d.firstFree(q); i < s.end; i++ {
		if it := q.ready.at(i); !it.is(dead | shed) {
			q.ready.mark(it)
			d.losses = append(d.losses, loss{q, it.number})
			d.bytes += shedBytes
			d.lose(q, int64(it.size), it.is(event))
		}
	}
	for ; q.drafting.put < s.puts; q.drafting.put++ {
		f := &d.facts[q.drafting.put]
		if i := f.placeOf(q.id); i >= 0 {
			f.queues[i] |= shedMark
			d.cut = true
			d.lose(q, f.message.Size(), isEvent(f.message))
		}
	}
	q.drafting.next = s.end
}

func (d *draft) lose(q *queue, size int64, event bool) {
	d.add(q, platform.Usage{}.Minus(platform.Usage{Messages: 1, Bytes: size}))
	d.drop(q, event)
}

// noteNews notes that q loses a message, of which a platform is told unless it is an event.
func (d *draft) noteNews(q *queue, event bool) {
	if event {
		return
	}
	if d.news == nil {
		d.news = make(map[*queue]bool)
	}
	d.news[q] = true
}

// isEvent reports whether m is a system event of a platform.
func isEvent(m *platform.Message) bool { return m.ClientID == "" && topic.Reserved(m.Key) }

// finish adds the facts about what the draft sheds. The ops have run.
func (d *draft) finish() {
	for i := range d.facts {
		if f := &d.facts[i]; d.cut && f.kind == factPut {
			f.queues = slices.DeleteFunc(f.queues, func(id uint64) bool { return id&shedMark != 0 })
		}
	}
	if len(d.losses) > 0 {
		slices.SortFunc(d.losses, func(a, b loss) int {
			return cmp.Or(cmp.Compare(a.queue.id, b.queue.id), cmp.Compare(a.number, b.number))
		})
		f := fact{kind: factShed, queues: make([]uint64, len(d.losses)), numbers: make([]uint64, len(d.losses))}
		for i, l := range d.losses {
			f.queues[i], f.numbers[i] = l.queue.id, l.number
		}
		d.facts = append(d.facts, f)
	}
	d.dropping = slices.DeleteFunc(slices.Clone(d.queues), func(q *queue) bool { return q.drafting.dropped == 0 })
	if len(d.dropping) == 0 {
		return
	}
	slices.SortFunc(d.dropping, func(a, b *queue) int { return cmp.Compare(a.id, b.id) })
	f := fact{kind: factDropped}
	for _, q := range d.dropping {
		f.queues, f.numbers = append(f.queues, q.id), append(f.numbers, q.dropped+q.drafting.dropped)
	}
	d.facts = append(d.facts, f)
}

// discard resets what the draft has noted in queues and owners. What it would have
// shed or parked can be taken again.
func (e *Engine) discard(d *draft) {
	for _, l := range slices.Concat(d.losses, d.parkings) {
		if it := l.queue.ready.find(l.number); it != nil {
			l.queue.ready.unmark(it)
			e.wake(l.queue.id)
		}
	}
	for _, q := range d.queues {
		q.drafting, q.owner.drafted = drafting{}, platform.Usage{}
	}
}

// NotifyDrops sets f, as [platform.QueueDrops] describes. An engine tells of what it drops
// itself.
func (e *Engine) NotifyDrops(f func(owner, topic string, dropped uint64)) { e.onDrop.Store(&f) }

// warnEvery is how often OnDrop is called for a queue at most.
const warnEvery = time.Minute

// warn calls OnDrop, and the function of NotifyDrops, for the queues that a draft has made
// drop something.
func (e *Engine) warn(d *draft) {
	dropping := d.unwritten
	if d.stored {
		dropping = append(dropping, d.dropping...)
	}
	for _, q := range dropping {
		e.warnOf(q, d.news[q])
	}
}

func (e *Engine) warnOf(q *queue, news bool) {
	var all []func(owner, topic string, dropped uint64)
	e.mu.Lock()
	now := time.Now()
	if f := e.config.OnDrop; f != nil && now.Sub(q.warned) >= warnEvery {
		q.warned, all = now, append(all, f)
	}
	if f := e.onDrop.Load(); news && f != nil && *f != nil && now.Sub(q.told) >= warnEvery {
		q.told, all = now, append(all, *f)
	}
	owner, topic, dropped := q.owner.name, q.topic, q.dropped
	e.mu.Unlock()
	for _, f := range all {
		f(owner, topic, dropped)
	}
}
