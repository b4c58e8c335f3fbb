package memory

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
