package jetstream

import "sort"

// An item is a message in a queue: its number, which is its place there, and
// where its record is. Cleaning changes the latter only.
type item struct {
	number uint64
	seq    uint64 // of the record
	size   uint32 // as Status counts it
	index  uint16 // of the fact in the record
	dead   bool   // it left from the middle of the lane
}

// A lane holds the ready items of a queue, by ascending number. It is a ring:
// items come in at the end and go from the front, at a cost that does not
// depend on the length. One that goes from the middle is marked dead until it
// has come to the front.
type lane struct {
	places []item // their number is zero or a power of two
	head   int
	length int // places in use
	dead   int
}

// smallest is the number of places of a lane that was ever used.
const smallest = 16

// len counts the items that are not dead.
func (l *lane) len() int { return l.length - l.dead }

func (l *lane) at(i int) *item { return &l.places[(l.head+i)&(len(l.places)-1)] }

func (l *lane) pushBack(it item) {
	l.grow()
	*l.at(l.length) = it
	l.length++
}

func (l *lane) pushFront(it item) {
	l.grow()
	l.head = (l.head - 1) & (len(l.places) - 1)
	l.places[l.head] = it
	l.length++
}

// popFront removes the first place. There must be one.
func (l *lane) popFront() item {
	it := *l.at(0)
	l.head = (l.head + 1) & (len(l.places) - 1)
	l.length--
	if it.dead {
		l.dead--
	}
	if len(l.places) > smallest && l.length <= len(l.places)/4 {
		l.resize(len(l.places) / 2)
	}
	return it
}

// take removes the first item that is not dead. There must be one.
func (l *lane) take() item {
	for {
		if it := l.popFront(); !it.dead {
			return it
		}
	}
}

// find returns the item with this number, or nil.
func (l *lane) find(number uint64) *item {
	i := sort.Search(l.length, func(i int) bool { return l.at(i).number >= number })
	if i == l.length || l.at(i).number != number || l.at(i).dead {
		return nil
	}
	return l.at(i)
}

// kill removes an item that find has returned.
func (l *lane) kill(it *item) {
	it.dead = true
	l.dead++
	for l.length > 0 && l.at(0).dead {
		l.popFront()
	}
}

// put brings an item to its place. It moves those that stand before it, which
// are few: none for a new message, and other returned ones for a returned one.
func (l *lane) put(items ...item) {
	var before []item
	for len(items) > 0 {
		if l.length == 0 || l.at(l.length-1).number < items[0].number {
			l.pushBack(items[0])
			items = items[1:]
			continue
		}
		before = items
		break
	}
	if len(before) > 0 {
		l.merge(before)
	}
}

// merge puts ascending items to their places from the front.
func (l *lane) merge(items []item) {
	newest := items[len(items)-1].number
	var merged []item
	for l.length > 0 && l.at(0).number < newest {
		for len(items) > 0 && items[0].number < l.at(0).number {
			merged, items = append(merged, items[0]), items[1:]
		}
		if it := l.popFront(); !it.dead {
			merged = append(merged, it)
		}
	}
	merged = append(merged, items...)
	for i := len(merged) - 1; i >= 0; i-- {
		l.pushFront(merged[i])
	}
}

func (l *lane) grow() {
	if l.length == len(l.places) {
		l.resize(max(smallest, 2*l.length))
	}
}

func (l *lane) resize(n int) {
	places := make([]item, n)
	unwrapped := copy(places, l.places[l.head:])
	copy(places[unwrapped:], l.places[:l.head])
	l.places, l.head = places, 0
}
