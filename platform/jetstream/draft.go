package jetstream

import (
	"errors"
	"fmt"

	"github.com/shopex/prism-go/platform"
)

// errAgain is returned by an operation that has to wait for facts of the same
// draft, such as the making of its queue: it runs again when the record is stored.
var errAgain = errors.New("jetstream: asked again with the next record")

// forgottenFacts is how many queues of an owner one record drops.
const forgottenFacts = maxFacts / 4

// draftEnd is how many facts finish adds to a draft.
const draftEnd = 2

// enough is the size in bytes at which a draft takes no more operations.
const enough = 512 << 10

// A draft collects the facts of the next record from the waiting operations.
// All of them read the state as it was before the record. The draft notes what
// they must know of each other:
//
//   - what each queue will have stored, for its limits, and what it sheds for that,
//   - which owners a fact about consumers has touched, and which owners a change of
//     their topics and bindings has sealed. Such a change must be alone with its
//     owner in a record; but messages may be put beside it, see put.
type draft struct {
	config  *Config
	disk    *disk // nil if the log is on other servers
	state   *state
	round   uint64 // its number
	after   uint64 // the record before it
	largest int    // bytes of a record
	facts   []fact
	wanted  bool            // the record is stored even if it has no facts
	bytes   int             // about
	queues  []*queue        // with something in drafting
	drafted platform.Usage  // what it would add to all queues
	taken   map[uint64]int  // for each queue, how many items at its head the draft leases
	made    map[string]bool // owners that the draft makes

	losses    []loss          // stored messages that it sheds
	parkings  []loss          // ready messages that it parks, which are marked as if it shed them
	puts      bool            // it has puts
	pending   int             // bytes of the put for which room is being made
	cut       bool            // some of them have lost a queue
	dropping  []*queue        // those that drop something, once all ops have run
	unwritten []*queue        // those that have dropped something of which the log knows nothing yet
	news      map[*queue]bool // of all these, those that drop something that the platform has not published
	stored    bool
}

// emit adds a fact of owner o that leaves its topics and bindings as they are, and
// which a change of these must not be beside, unless o is nil.
func (d *draft) emit(o *owner, f fact) {
	if o != nil {
		o.touched = d.round
	}
	d.facts = append(d.facts, f)
	d.bytes += f.weight()
}

// weight is an upper estimate of the bytes that a fact needs in a record.
func (f *fact) weight() int {
	n := 64 + len(f.owner) + len(f.text) + 5*len(f.numbers) + 10*len(f.queues)
	if f.message != nil {
		n += weight(f.message)
	}
	for _, pattern := range f.listen {
		n += 5 + len(pattern)
	}
	return n
}

// weightOf is the sum of their weights.
func weightOf(facts []fact) (sum int) {
	for i := range facts {
		sum += facts[i].weight()
	}
	return sum
}

// weight is an upper estimate of the bytes that a message needs in a record.
func weight(m *platform.Message) int {
	return len(m.Body) + len(m.Key) + len(m.ContentType) + len(m.ClientID) + len(m.App) + 64
}

// full reports whether the record should be stored before anything is added.
func (d *draft) full() bool { return d.bytes >= enough || len(d.facts) >= maxFacts/2 }

// reserve is for format, mark and what the server adds to a record.
const reserve = 4 << 10

// checkSize returns an error if f, with more bytes that belong to it, has to wait or is
// too large.
func (d *draft) checkSize(f *fact, more int) error {
	switch n := f.weight() + more; {
	case n+reserve > d.largest:
		return fmt.Errorf("jetstream: %d bytes in one piece are too many for the server, which takes %d: raise its max_payload", n, d.largest-reserve)
	case d.bytes+n+reserve > d.largest:
		return errAgain
	}
	return nil
}

// owner returns an owner whose topics and bindings the draft does not change. A
// new owner is declared as the zero [platform.Owner] first: then the error is errAgain.
func (d *draft) owner(name string) (*owner, error) {
	o := d.state.owners[name]
	if o == nil {
		return nil, d.makeOwner(name, platform.Owner{})
	}
	if o.sealed == d.round {
		return nil, errAgain
	}
	return o, nil
}

// makeOwner adds what makes an owner, and returns errAgain.
func (d *draft) makeOwner(name string, as platform.Owner) error {
	if d.made[name] {
		return errAgain
	}
	first := as.Bindings
	if first == nil {
		first = d.config.Bindings
	}
	if len(first) > mostFirstBindings {
		return fmt.Errorf("jetstream: %d bindings for an owner to begin with are too many: at most %d", len(first), mostFirstBindings)
	}
	if err := d.checkFanOut(as.Exchange, first...); err != nil {
		return err
	}
	facts := []fact{{kind: factOwner, owner: name, text: as.Exchange, listen: as.Listen}}
	places := make(map[string]int)
	place := func(topic string) int {
		if _, ok := places[topic]; !ok {
			places[topic] = len(d.facts) + len(facts)
			facts = append(facts, fact{kind: factQueue, owner: name, text: topic})
		}
		return places[topic]
	}
	place("")
	for _, b := range first {
		queue := place(b.Topic) // before the binding has its own place
		facts = append(facts, fact{kind: factRoute, queue: uint64(queue), text: b.Pattern})
	}
	if err := d.checkTogether(facts); err != nil {
		return err
	}
	for _, f := range facts {
		d.emit(nil, f)
	}
	d.made[name] = true
	d.noteBindings(as.Exchange, len(first))
	return errAgain
}

// checkTogether is checkSize for facts that belong together.
func (d *draft) checkTogether(facts []fact) error {
	if len(d.facts)+len(facts) > maxFacts-draftEnd {
		return errAgain
	}
	return d.checkSize(&facts[0], weightOf(facts[1:]))
}

// redeclare changes what an owner is.
func (d *draft) redeclare(o *owner, as platform.Owner) error {
	if o.sealed == d.round {
		return errAgain
	}
	if o.isAs(as) {
		return nil
	}
	var moved []platform.Binding
	if as.Exchange != o.exchange.name {
		moved = o.shared()
	}
	if err := d.checkFanOut(as.Exchange, moved...); err != nil {
		return err
	}
	err := d.change(o, fact{kind: factOwner, owner: o.name, text: as.Exchange, listen: as.Listen})
	if err == nil && len(moved) > 0 {
		d.noteBindings(as.Exchange, len(moved))
	}
	return err
}

// change adds facts that change topics and bindings of o.
func (d *draft) change(o *owner, facts ...fact) error {
	if o.touched == d.round || o.sealed == d.round {
		return errAgain
	}
	for _, f := range facts {
		if err := d.checkSize(&f, 0); err != nil {
			return err
		}
		d.emit(nil, f)
	}
	o.sealed = d.round
	return nil
}

// forget drops the queues of an owner, as many as fit beside what else goes into
// a record. The default queue goes last: an owner always has one.
func (d *draft) forget(name string) error {
	o := d.state.owners[name]
	if o == nil {
		return nil
	}
	var facts []fact
	for topic, q := range o.topics {
		if topic != "" && len(facts) < forgottenFacts {
			facts = append(facts, fact{kind: factDrop, queue: q.id})
		}
	}
	left := len(o.topics) - len(facts)
	if q := o.topics[""]; q != nil && left == 1 {
		facts, left = append(facts, fact{kind: factDrop, queue: q.id}), 0
	}
	if err := d.change(o, facts...); err != nil {
		return err
	}
	if left > 0 {
		return errAgain
	}
	return nil
}

// queue returns the queue of topic, or an error if there is none.
func (d *draft) queue(owner, topic string) (*queue, error) {
	o, err := d.owner(owner)
	if err != nil {
		return nil, err
	}
	return o.find(topic)
}

// obtain returns the queue of topic. A new queue is made first: then the error is
// errAgain.
func (d *draft) obtain(owner, topic string) (*queue, error) {
	o, err := d.owner(owner)
	if err != nil {
		return nil, err
	}
	if q := o.topics[topic]; q != nil {
		return q, nil
	}
	if err := d.config.CheckTopic(len(o.topics)-1, topic); err != nil {
		return nil, err
	}
	if err := d.change(o, fact{kind: factQueue, owner: owner, text: topic}); err != nil {
		return nil, err
	}
	return nil, errAgain
}

// checkDisk returns an error if so many bytes would touch the reserve of the disk.
func (d *draft) checkDisk(bytes int) error {
	if d.disk == nil {
		return nil
	}
	return d.disk.allocate(bytes)
}

// lease leases up to n ready messages of q to m, which may be new. Together they
// have at most so many bytes, except that the first may have more. There may be
// none.
func (d *draft) lease(q *queue, m *member, n, bytes int) []item {
	items := q.first(d.taken[q.id], n, bytes)
	if len(items) == 0 {
		return nil
	}
	d.taken[q.id] += len(items)
	q.drafting.next = 0
	if q.members[m.id] == nil {
		d.emit(q.owner, m.joining(q))
	}
	d.emit(q.owner, fact{kind: factLease, queue: q.id, consumer: m.id, text: m.engine, numbers: numbersOf(items)})
	return items
}

func numbersOf(items []item) []uint64 {
	numbers := make([]uint64, len(items))
	for i, it := range items {
		numbers[i] = it.number
	}
	return numbers
}
