package memory

import (
	"github.com/shopex/prism-go/internal/level"
	"github.com/shopex/prism-go/platform"
)

// mostDrops is how many messages make room for one at most.
const mostDrops = 1000

// fits reports whether more fits beside what is used.
func fits(used, more, bound platform.Usage) bool {
	return more.Messages <= bound.Messages-used.Messages && more.Bytes <= bound.Bytes-used.Bytes
}

// store puts m into queues, all of them or none, and returns how many have it. A queue
// that refuses is checked before any other drops something. If store returns
// some usage, room for that must be made under the bound over all, and
// nothing was stored; full says that none can be made.
func (x *exchange) store(m *platform.Message, to []*queue, written, full bool) (stored int, more platform.Usage, err error) {
	if len(to) == 0 {
		return 0, platform.Usage{}, nil
	}
	one := platform.Usage{Messages: 1, Bytes: m.Size()}
	must, more, short, err := x.check(m, to, one, written)
	if err == nil && short {
		err = checkOwners(to[:must])
	}
	if err != nil {
		return 0, platform.Usage{}, err
	}
	if used := x.total.now().Plus(x.change); !fits(used, more, x.totalBound) {
		if !full && fits(platform.Usage{}, more, x.totalBound) {
			return 0, more, nil
		}
		needs := platform.Usage{Messages: int64(must), Bytes: int64(must) * one.Bytes}
		if err := x.config.CheckTotal(used, needs); err != nil {
			return 0, platform.Usage{}, err
		}
	}
	if short {
		if err := x.shedOwners(to, must); err != nil {
			return 0, platform.Usage{}, err
		}
	}
	m = x.identify(m)
	for i, q := range to {
		q.came++
		if i < must || q.makeRoom(m, one) {
			q.put(m)
			stored++
		}
	}
	if stored == 0 {
		m.ID = platform.MessageID{} // of no message
	}
	return stored, platform.Usage{}, nil
}

// check sorts those of the queues that refuse m to the front and returns how many they
// are, or an error if one of them is full. With that it returns what the queues need
// more under the bounds of owners and of all, and whether that is too much for an owner.
func (x *exchange) check(m *platform.Message, to []*queue, one platform.Usage, written bool) (must int, more platform.Usage, short bool, err error) {
	x.round++
	for i, q := range to {
		q.expire()
		o := q.owner
		if o.round != x.round {
			o.round, o.must, o.more = x.round, platform.Usage{}, platform.Usage{}
		}
		room := fits(q.usage(), one, q.bound)
		if q.refuses(m, written) {
			if !room {
				return 0, more, false, q.limits.Check(platform.QueueNameFor(m.ClientID, q.owner.name, q.topic), q.usage(), len(q.consumers) > 0, one.Bytes)
			}
			to[must], to[i] = q, to[must]
			must++
			o.must = o.must.Plus(one)
		}
		if room {
			more, o.more = more.Plus(one), o.more.Plus(one)
			short = short || !fits(o.used, o.more, x.ownerBound)
		}
	}
	return must, more, short, nil
}

// checkOwners returns an error if the owner of a queue has no room for what it must
// take, whatever its other queues drop.
func checkOwners(to []*queue) error {
	for _, q := range to {
		o := q.owner
		if fits(o.used, o.must, o.ownerBound) {
			continue
		}
		if left := o.used.Minus(o.sheddable()); !fits(left, o.must, o.ownerBound) {
			return o.config.CheckOwner(o.used, o.must)
		}
	}
	return nil
}

// shedOwners makes room under the bounds of owners, as far as it can. It returns an
// error if one of the first must queues has none.
func (x *exchange) shedOwners(to []*queue, must int) error {
	for i, q := range to {
		o := q.owner
		if left := o.used.Minus(o.sheddable()); !fits(left, o.more, o.ownerBound) {
			o.more = o.must // the others lose m
		}
		for need := lack(o.used, o.more, o.ownerBound); need != (platform.Usage{}) && o.shed(need); {
			need = lack(o.used, o.more, o.ownerBound)
		}
		if i < must {
			if err := o.config.CheckOwner(o.used, o.must); err != nil {
				return err
			}
		}
	}
	return nil
}

// lack returns how much should go so that more fits under bound: nothing if it does, or
// so much that looking for it pays.
func lack(used, more, bound platform.Usage) (need platform.Usage) {
	over := used.Plus(more).Minus(bound)
	if over.Messages > 0 {
		need.Messages = max(over.Messages, bound.Messages/32)
	}
	if over.Bytes > 0 {
		need.Bytes = max(over.Bytes, bound.Bytes/32)
	}
	return need
}

// sheddable returns what the queues of o that may drop have ready.
func (o *owner) sheddable() (all platform.Usage) {
	for _, q := range o.topics {
		if q.gives() {
			all = all.Plus(platform.Usage{Messages: int64(q.ready.len()), Bytes: q.readyBytes})
		}
	}
	return all
}

// shed drops the oldest messages of the largest queues of o, and reports whether there
// were any.
func (o *owner) shed(need platform.Usage) bool {
	s := shedding{need: need, left: mostDrops}
	for _, q := range o.topics {
		s.add(q)
	}
	return s.drop(func(q *queue, drop func()) { drop() })
}

// shed makes room for more under the bound over all: it drops the oldest messages of the
// largest queues that may drop. It reports whether there is more room than before. The
// caller holds no lock.
func (q *Queues) shed(more platform.Usage) bool {
	q.sheds.Lock()
	defer q.sheds.Unlock()
	s := shedding{need: lack(q.total.now(), more, q.totalBound), left: mostDrops}
	if s.need == (platform.Usage{}) {
		return true // another has made it meanwhile
	}
	if q.giving.Load() == 0 {
		return false
	}
	for _, x := range q.everyExchange() {
		x.mu.Lock()
		for _, queue := range x.givers {
			s.add(queue)
		}
		x.unlock()
	}
	return s.drop(func(from *queue, drop func()) {
		x := from.owner.lock()
		drop()
		x.unlock()
	})
}

// A shedding drops the oldest messages of the largest queues, as if it were always the
// one queue that is the largest at that moment.
type shedding struct {
	need   platform.Usage
	left   int // messages that may be dropped
	givers []level.Queue[*queue]
}

func (s *shedding) bytes() bool { return s.need.Messages <= 0 }

func (s *shedding) add(q *queue) {
	if q.gives() {
		s.givers = append(s.givers, level.Queue[*queue]{Queue: q, Size: q.size(s.bytes())})
	}
}

// drop drops, inside of locked, and reports whether there was anything to drop.
func (s *shedding) drop(locked func(q *queue, drop func())) bool {
	need, left := s.need.Messages, s.left
	if s.bytes() {
		need = s.need.Bytes
	}
	to := level.Find(s.givers, need)
	for _, g := range s.givers {
		if g.Size <= to || s.left == 0 {
			break
		}
		locked(g.Queue, func() { s.left -= g.Queue.shrinkTo(to, s.bytes(), s.left) })
	}
	return s.left < left
}
