package jetstream

import (
	"iter"
	"maps"

	"github.com/shopex/prism-go/internal/level"
	"github.com/shopex/prism-go/platform"
)

// Where a bound over several queues is reached, the largest of those that may drop lose
// their oldest messages. To find them means to look at all queues while the engine waits,
// so much is shed at once, and of many queues if all are small.

const (
	// mostShedForRoom is how many messages a draft sheds under bounds over several
	// queues, or for the disk; then it is stored first.
	mostShedForRoom = 10_000
	// roomParts: a part of a bound is freed at once, so that the largest queues are not
	// searched for each message.
	roomParts = 32
)

// A measure says by what the sizes of queues are compared.
type measure func(platform.Usage) int64

func byMessages(u platform.Usage) int64 { return u.Messages }
func byBytes(u platform.Usage) int64    { return u.Bytes }
func byDisk(u platform.Usage) int64     { return u.Bytes + overhead*u.Messages }

// makeOwnerRoom returns an error if more does not fit into the queues of o. Before that
// it sheds messages of those that may lose some.
func (d *draft) makeOwnerRoom(o *owner, more platform.Usage) error {
	part := platform.Usage{Messages: int64(d.config.MaxOwnerMessages) / roomParts, Bytes: d.config.MaxOwnerBytes / roomParts}
	for d.overOwner(o, more) != (platform.Usage{}) {
		shed, err := d.makeRoomIn(maps.Values(o.topics), d.overOwner(o, more), part)
		if err != nil {
			return err
		}
		if !shed {
			return d.config.CheckOwner(o.used.Plus(o.drafted), more)
		}
	}
	return nil
}

// makeTotalRoom is makeOwnerRoom for the queues of all owners.
func (d *draft) makeTotalRoom(more platform.Usage) error {
	part := platform.Usage{Messages: int64(d.config.MaxTotalMessages) / roomParts, Bytes: d.config.MaxTotalBytes / roomParts}
	for d.overTotal(more) != (platform.Usage{}) {
		if d.state.isDry() || !d.fitsAtAll(more) {
			return d.config.CheckTotal(d.state.used.Plus(d.drafted), more)
		}
		shed, err := d.makeRoomIn(maps.Values(d.state.queues), d.overTotal(more), part)
		if err != nil {
			return err
		}
		if !shed {
			d.noteDry()
			return d.config.CheckTotal(d.state.used.Plus(d.drafted), more)
		}
	}
	return nil
}

// fitsAtAll reports whether more would fit if all queues were empty. If not, to shed
// anything would be in vain.
func (d *draft) fitsAtAll(more platform.Usage) bool {
	return d.config.CheckTotal(platform.Usage{}, more) == nil
}

// isDry reports whether a search of all queues has found nothing to shed since the state
// has changed. So the messages that are refused then do not cost a search each.
func (s *state) isDry() bool { return s.dry == s.applied+1 }

// noteDry notes that there is nothing to shed, unless the draft itself has taken it.
func (d *draft) noteDry() {
	if len(d.losses) == 0 && len(d.parkings) == 0 && len(d.taken) == 0 {
		d.state.dry = d.state.applied + 1
	}
}

// makeRoomIn sheds messages of the queues, and reports whether there was one. It frees
// need or, if that is more, part, as far as a thousand messages are enough for that. If
// the put that needs the room does not fit beside them, the error is errAgain.
func (d *draft) makeRoomIn(queues iter.Seq[*queue], need, part platform.Usage) (bool, error) {
	most := d.mostLosses()
	if most <= 0 {
		return false, errAgain
	}
	before := len(d.losses)
	if need.Messages > 0 {
		d.relieve(queues, max(need.Messages, part.Messages), int(min(int64(most), max(mostShed, need.Messages))), byMessages)
	} else {
		d.relieve(queues, max(need.Bytes, part.Bytes), min(most, mostShed), byBytes)
	}
	shed := len(d.losses) > before
	if shed && d.bytes+d.pending+reserve > d.largest {
		return true, errAgain
	}
	return shed, nil
}

// mostLosses returns how many messages more the draft may shed.
func (d *draft) mostLosses() int {
	return min(mostShedForRoom-len(d.losses), (d.largest-reserve-d.bytes)/(shedBytes+droppedBytes))
}

// relieve sheds the oldest ready messages of those of the queues that may lose some, as
// if each was of the queue that is the largest at that moment. It returns how much that
// frees, which is less than need if there are no more messages or most are too few.
func (d *draft) relieve(queues iter.Seq[*queue], need int64, most int, by measure) int64 {
	all := d.suppliers(queues, by)
	to := level.Find(all, need)
	before, losses := d.drafted, len(d.losses)
	freed := int64(0)
	for _, s := range all {
		left := most - (len(d.losses) - losses)
		if s.Size <= to || freed >= need || left == 0 {
			break
		}
		d.shed(d.supply(s.Queue, min(s.Size-to, need-freed), left, by))
		freed = by(before.Minus(d.drafted))
	}
	return freed
}

// suppliers returns those of the queues that may lose a ready message.
func (d *draft) suppliers(queues iter.Seq[*queue], by measure) []level.Queue[*queue] {
	var all []level.Queue[*queue]
	for q := range queues {
		free := q.ready.free() - d.taken[q.id]
		if q.owner != nil && free > 0 && d.maySupply(q) {
			all = append(all, level.Queue[*queue]{Queue: q, Size: by(platform.Usage{Messages: int64(free), Bytes: q.ready.bytes})})
		}
	}
	return all
}

// maySupply reports whether messages of q may be shed for other queues.
func (d *draft) maySupply(q *queue) bool {
	switch q.limits.Overflow {
	case platform.OverflowDefault:
		return q.ready.foreign > 0 && d.foreign(q) > 0
	case platform.Refuse:
		return false
	}
	return true
}

// foreign counts the messages of another key in q that the draft neither sheds nor leases.
func (d *draft) foreign(q *queue) int {
	n := q.ready.foreign
	if d.taken[q.id] == 0 {
		return n
	}
	for i := range d.firstFree(q) {
		if it := q.ready.at(i); it.is(foreign) && !it.is(dead|shed) {
			n--
		}
	}
	return n
}

// supply is plan for other queues: q loses none of the messages of this draft and, with
// the default policy, none behind the last one of another key.
func (d *draft) supply(q *queue, need int64, most int, by measure) shedding {
	d.touch(q)
	s := shedding{queue: q, end: d.firstFree(q), puts: q.drafting.put}
	others := d.foreign(q)
	for ; s.count < most && s.end < q.ready.length && need > 0; s.end++ {
		it := q.ready.at(s.end)
		if it.is(dead | shed) {
			continue
		}
		if others == 0 && q.limits.Overflow == platform.OverflowDefault {
			break
		}
		if it.is(foreign) {
			others--
		}
		s.count++
		need -= by(platform.Usage{Messages: 1, Bytes: int64(it.size)})
	}
	return s
}
