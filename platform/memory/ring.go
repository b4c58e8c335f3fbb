package memory

import "sort"

// smallest is the least number of places of a ring that was ever used.
const smallest = 64

// A ring is a double-ended queue of items. It doubles and halves its memory, so an
// operation costs the same on average at any length, and its memory follows its length.
type ring struct {
	places []item // their number is zero or a power of two
	head   int
	length int
}

func (r *ring) len() int { return r.length }

// place returns a pointer to the i-th item.
func (r *ring) place(i int) *item { return &r.places[(r.head+i)&(len(r.places)-1)] }

// front is the first item. The ring must not be empty.
func (r *ring) front() item { return *r.place(0) }

func (r *ring) pushBack(it item) {
	r.grow()
	*r.place(r.length) = it
	r.length++
}

func (r *ring) pushFront(it item) {
	r.grow()
	r.head = (r.head - 1) & (len(r.places) - 1)
	*r.place(0) = it
	r.length++
}

// popFront removes the first item. The ring must not be empty.
func (r *ring) popFront() item {
	it := r.front()
	*r.place(0) = item{} // lets go of the message
	r.head = (r.head + 1) & (len(r.places) - 1)
	r.length--
	if len(r.places) > smallest && r.length <= len(r.places)/4 {
		r.resize(len(r.places) / 2)
	}
	return it
}

// insert inserts items at their places by number; both they and the ring are in that
// order. It moves only what is in front of the last of them.
func (r *ring) insert(items []item) {
	for range items {
		r.pushFront(item{})
	}
	next := len(items) // the first item of before that has not moved
	for to := 0; len(items) > 0; to++ {
		if next < r.length && r.place(next).number() < items[0].number() {
			*r.place(to) = *r.place(next)
			next++
		} else {
			*r.place(to) = items[0]
			items = items[1:]
		}
	}
}

// remove removes and returns the items at these places, which must ascend. It moves only
// what is in front of the last of them.
func (r *ring) remove(places []int) []item {
	if len(places) == 0 {
		return nil
	}
	removed, left := make([]item, len(places)), len(places)
	for i := places[left-1]; i >= 0; i-- {
		if left > 0 && places[left-1] == i {
			left--
			removed[left] = *r.place(i)
		} else {
			*r.place(i + len(places) - left) = *r.place(i)
		}
	}
	for range places {
		r.popFront()
	}
	return removed
}

// find returns the place of the first item with this number or a greater one.
func (r *ring) find(number uint64) int {
	return sort.Search(r.length, func(i int) bool { return r.place(i).number() >= number })
}

func (r *ring) grow() {
	if r.length == len(r.places) {
		r.resize(max(smallest, 2*r.length))
	}
}

func (r *ring) resize(n int) {
	places := make([]item, n)
	unwrapped := copy(places, r.places[r.head:])
	copy(places[unwrapped:], r.places[:r.head])
	r.places, r.head = places, 0
}
