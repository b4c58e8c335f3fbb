package notify

// A backlog has the deliveries that no worker has taken yet. It is a ring buffer that
// grows up to the window.
type backlog struct {
	ring []*Delivery // its length is a power of two
	head uint
	n    int
}

func (b *backlog) push(d *Delivery) {
	if b.n == len(b.ring) {
		b.grow()
	}
	b.ring[(b.head+uint(b.n))%uint(len(b.ring))] = d
	b.n++
}

func (b *backlog) grow() {
	larger := make([]*Delivery, max(64, 2*len(b.ring)))
	n := copy(larger, b.ring[b.head:])
	copy(larger[n:], b.ring[:b.head])
	b.ring, b.head = larger, 0
}

func (b *backlog) pop() *Delivery {
	d := b.ring[b.head]
	b.ring[b.head] = nil
	b.head = (b.head + 1) % uint(len(b.ring))
	b.n--
	return d
}
