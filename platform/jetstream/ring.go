package jetstream

import (
	"iter"
	"slices"
	"sort"
)

// An item is a message in a queue: its number, which is its place there, and
// where its record is. Cleaning changes the latter only.
type item struct {
	number uint64
	seq    uint64 // of the record
	size   uint32 // as Status counts it
	index  uint16 // of the fact in the record
	marks  uint8
	from   uint8 // its publisher among queue.early, from 1; 0 if it is none of them
}

// The marks of an item.
const (
	dead    uint8 = 1 << iota // it was removed from the middle of the ring
	shed                      // the draft that is composed or stored removes or parks it
	foreign                   // another key than that of the queue has published it, or the platform
	event                     // the platform has published it
)

func (it *item) is(mark uint8) bool { return it.marks&mark != 0 }

func (it *item) foreign(is bool) {
	if it.marks &^= foreign; is {
		it.marks |= foreign
	}
}

// A ring holds the ready items of a queue by ascending number. It is a ring
// buffer: to add an item at the end or to remove one at the front costs the same
// at any length. An item that is removed from the middle is marked dead until it
// reaches the front.
type ring struct {
	places []item // their number is zero or a power of two
	head   int
	length int // places in use
	dead   int
	shed   int // are marked so

	// Of those that are neither dead nor shed:
	foreign int
	bytes   int64

	// late are ascending items that are not at their places yet: while the log
	// is loaded, they come behind newer ones, because cleaning moved them.
	late     []item
	lateDead int
}

// smallest is the least number of places of a ring that was ever used.
const smallest = 16

// len counts the items that are not dead.
func (l *ring) len() int { return l.length - l.dead + len(l.late) - l.lateDead }

// free counts the items that the present draft does not shed.
func (l *ring) free() int { return l.len() - l.shed }

func (l *ring) at(i int) *item { return &l.places[(l.head+i)&(len(l.places)-1)] }

// popFront removes the first place. There must be one.
func (l *ring) popFront() item {
	it := *l.at(0)
	l.head = (l.head + 1) & (len(l.places) - 1)
	l.length--
	if it.is(dead) {
		l.dead--
	} else {
		l.unmark(&it)
		l.count(&it, -1)
	}
	if len(l.places) > smallest && l.length <= len(l.places)/4 {
		l.resize(len(l.places) / 2)
	}
	return it
}

// pop removes the first item that is not dead. There must be one.
func (l *ring) pop() item {
	l.mergeLate()
	for {
		if it := l.popFront(); !it.is(dead) {
			return it
		}
	}
}

// search returns the place of the first item whose number is at least number.
func (l *ring) search(number uint64) int {
	return sort.Search(l.length, func(i int) bool { return l.at(i).number >= number })
}

// find returns the item with this number, or nil.
func (l *ring) find(number uint64) *item {
	if i := l.search(number); i < l.length && l.at(i).number == number && !l.at(i).is(dead) {
		return l.at(i)
	}
	return l.findLate(number)
}

func (l *ring) findLate(number uint64) *item {
	i := sort.Search(len(l.late), func(i int) bool { return l.late[i].number >= number })
	if i == len(l.late) || l.late[i].number != number || l.late[i].is(dead) {
		return nil
	}
	return &l.late[i]
}

// remove removes the item with this number, wherever it is.
func (l *ring) remove(number uint64) (item, bool) {
	if it := l.findLate(number); it != nil {
		removed := *it
		it.marks |= dead
		l.lateDead++
		l.count(&removed, -1)
		return removed, true
	}
	it := l.find(number)
	if it == nil {
		return item{}, false
	}
	l.unmark(it)
	l.count(it, -1)
	removed := *it
	it.marks |= dead
	l.dead++
	for l.length > 0 && l.at(0).is(dead) {
		l.popFront()
	}
	return removed, true
}

// mark marks an item as shed, which it is not yet.
func (l *ring) mark(it *item) {
	it.marks |= shed
	l.shed++
	l.count(it, -1)
}

// unmark undoes mark, if it was called.
func (l *ring) unmark(it *item) {
	if it.is(shed) {
		it.marks &^= shed
		l.shed--
		l.count(it, 1)
	}
}

// count counts n items like it.
func (l *ring) count(it *item, n int) {
	l.bytes += int64(n) * int64(it.size)
	if it.is(foreign) {
		l.foreign += n
	}
}

// all are the items that are not dead.
func (l *ring) all() iter.Seq[*item] {
	l.mergeLate()
	return func(yield func(*item) bool) {
		for i := range l.length {
			if it := l.at(i); !it.is(dead) && !yield(it) {
				return
			}
		}
	}
}

// insertAll inserts ascending items at their places: at the end when they are
// new, and near the front when they were returned.
func (l *ring) insertAll(items ...item) {
	l.mergeLate()
	// The last one first: so each moves only the items that stay before it.
	for _, it := range slices.Backward(items) {
		l.insert(it)
	}
}

// insert moves the items before the new one's place or those behind it, whichever
// are fewer.
func (l *ring) insert(it item) {
	l.grow()
	l.count(&it, 1)
	i := l.length
	if i > 0 && l.at(i-1).number >= it.number {
		i = l.search(it.number)
	}
	if i < l.length-i {
		l.head = (l.head - 1) & (len(l.places) - 1)
		l.length++
		for j := range i {
			*l.at(j) = *l.at(j + 1)
		}
	} else {
		l.length++
		for j := l.length - 1; j > i; j-- {
			*l.at(j) = *l.at(j - 1)
		}
	}
	*l.at(i) = it
}

// insertLate is insert for the loading of a log, in which old items come in long
// runs behind newer ones: each run is merged once.
func (l *ring) insertLate(it item) {
	if l.length == 0 || l.at(l.length-1).number < it.number {
		l.insert(it)
		return
	}
	if n := len(l.late); n > 0 && l.late[n-1].number >= it.number { // also where it was removed
		l.mergeLate()
	}
	l.late = append(l.late, it)
	l.count(&it, 1)
}

// mergeLate merges the late items into their places.
func (l *ring) mergeLate() {
	if len(l.late) == 0 {
		return
	}
	merged := make([]item, 0, l.len())
	for i := range l.length {
		it := *l.at(i)
		for len(l.late) > 0 && l.late[0].number < it.number {
			merged, l.late = appendLiving(merged, l.late[0]), l.late[1:]
		}
		merged = appendLiving(merged, it)
	}
	for _, it := range l.late {
		merged = appendLiving(merged, it)
	}
	*l = ring{length: len(merged), foreign: l.foreign, bytes: l.bytes}
	l.places = append(merged, make([]item, placesFor(len(merged))-len(merged))...)
}

func appendLiving(items []item, it item) []item {
	if it.is(dead) {
		return items
	}
	return append(items, it)
}

// placesFor returns how many places n items need.
func placesFor(n int) int {
	places := smallest
	for places < n {
		places *= 2
	}
	return places
}

func (l *ring) grow() {
	if l.length == len(l.places) {
		l.resize(max(smallest, 2*len(l.places)))
	}
}

func (l *ring) resize(n int) {
	places := make([]item, n)
	unwrapped := copy(places, l.places[l.head:])
	copy(places[unwrapped:], l.places[:l.head])
	l.places, l.head = places, 0
}
