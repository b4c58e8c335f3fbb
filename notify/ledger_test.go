package notify

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// A bookkeeper does to a ledger what a publisher may, and knows what has to come of
// it from plain lists.
type bookkeeper struct {
	*testing.T
	ledger   ledger
	held     []*entry        // without an outcome, in the order of adding
	given    []uint64        // numbers that this connection was given and has not confirmed
	gone     map[uint64]bool // of given, those that were abandoned
	suspects map[uint64]bool
	outcomes map[uint64]int // how many each number has had
}

func newBookkeeper(t *testing.T, entries, bytes int) *bookkeeper {
	return &bookkeeper{
		T: t, ledger: ledger{maxEntries: entries, maxBytes: bytes},
		gone: map[uint64]bool{}, suspects: map[uint64]bool{}, outcomes: map[uint64]int{},
	}
}

func (b *bookkeeper) bytes() (sum int) {
	for _, e := range b.held {
		sum += len(e.frame)
	}
	return sum
}

// add adds a frame that holds its number, if there is room.
func (b *bookkeeper) add(size int) {
	frame := make([]byte, 8+size)
	room := len(b.held) == 0 || len(b.held) < b.ledger.maxEntries && b.bytes()+len(frame) <= b.ledger.maxBytes
	if fits := b.ledger.fits(len(frame)); fits != room {
		b.Fatalf("%d bytes fit beside %d: %v", len(frame), b.bytes(), fits)
	}
	if room {
		e := &entry{frame: frame}
		binary.BigEndian.PutUint64(frame, uint64(len(b.outcomes))+1)
		b.outcomes[uint64(len(b.outcomes))+1] = 0
		b.ledger.add(e)
		b.held = append(b.held, e)
	}
}

// next checks that the connection is given the oldest that it has not got, one if
// that is a suspect and nothing else is unconfirmed.
func (b *bookkeeper) next(most int) {
	var want []uint64
	for _, e := range b.held {
		if !slices.Contains(b.given, e.number) && len(want) < most {
			want = append(want, e.number)
		}
	}
	if len(b.held) > 0 && b.suspects[b.held[0].number] {
		if want = want[:min(1, len(want))]; len(b.given) > 0 {
			want = nil
		}
	}
	var got []uint64
	frames, last := b.ledger.next(nil, most)
	for _, frame := range frames {
		got = append(got, binary.BigEndian.Uint64(frame))
	}
	if !slices.Equal(got, want) || len(got) > 0 && last != got[len(got)-1] {
		b.Fatalf("sent %v up to %d, want %v", got, last, want)
	}
	b.given = append(b.given, got...)
}

// confirm has the platform read the first n that it was given, and speak of others if
// n is more.
func (b *bookkeeper) confirm(n int) {
	last := b.ledger.added + 1
	if n <= len(b.given) {
		last = slices.Max(append(b.given[:n:n], 0))
	}
	n = min(n, len(b.given))
	var want []uint64
	for _, number := range b.given[:n] {
		if !b.gone[number] {
			want = append(want, number)
		}
	}
	b.given = slices.Delete(b.given, 0, n)
	b.end(b.ledger.confirm(nil, last), want)
}

// end checks that the entries are as wanted, and removes them.
func (b *bookkeeper) end(entries []*entry, want []uint64) {
	var got []uint64
	for _, e := range entries {
		got = append(got, e.number)
		b.outcomes[e.number]++
		b.ledger.remove(e)
	}
	b.held = slices.DeleteFunc(b.held, func(e *entry) bool { return slices.Contains(got, e.number) })
	if !slices.Equal(got, want) {
		b.Fatalf("an outcome for %v, want %v", got, want)
	}
}

func (b *bookkeeper) abandon(i int) {
	if len(b.held) == 0 {
		return
	}
	i %= len(b.held)
	e := b.held[i]
	b.ledger.abandon(e)
	b.outcomes[e.number]++
	b.held = slices.Delete(b.held, i, i+1)
	b.gone[e.number] = slices.Contains(b.given, e.number)
}

// refuse ends the connection because of a message. If only one is to blame, it fails.
func (b *bookkeeper) refuse() {
	unread, again := slices.Clone(b.given), len(b.held) > 0 && b.suspects[b.held[0].number]
	abandoned := slices.ContainsFunc(unread, func(n uint64) bool { return b.gone[n] })
	n := 0
	for _, number := range unread {
		if !b.gone[number] {
			b.suspects[number] = true
			n++
		}
	}
	if abandoned {
		n++ // whatever their number, they are one more
	}
	suspects, before := b.ledger.markSuspects()
	if suspects != n || before != again {
		b.Fatalf("%d suspects, again %v, want %d, %v", suspects, before, n, again)
	}
	if n == 1 && !abandoned && again {
		b.end(b.ledger.finish(nil, b.ledger.given), unread)
	}
	b.reconnect()
}

func (b *bookkeeper) reconnect() {
	sent := 0
	for _, e := range b.held {
		if e.sent {
			sent++
		}
	}
	b.given = nil
	clear(b.gone)
	if again := b.ledger.rewind(); again != sent {
		b.Fatalf("%d are sent again, want %d", again, sent)
	}
}

// do is one step: the low bits say what, the others how much.
func (b *bookkeeper) do(step byte) {
	how := int(step >> 3)
	switch step & 7 {
	case 0, 1:
		b.add(how)
	case 2, 3:
		b.next(how + 1)
	case 4:
		b.confirm(how % (len(b.given) + 2))
	case 5:
		b.abandon(how)
	case 6:
		b.refuse()
	case 7:
		b.reconnect()
	}
	if b.ledger.n != len(b.held) || b.ledger.bytes != b.bytes() {
		b.Fatalf("%d entries of %d bytes, want %d of %d", b.ledger.n, b.ledger.bytes, len(b.held), b.bytes())
	}
}

// FuzzLedger: whatever a publisher does, nothing is lost, nothing has two outcomes,
// order is kept, the bounds hold, and suspects go one at a time. A platform that
// reads everything in the end has confirmed all that are left.
func FuzzLedger(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		steps := make([]byte, r.IntN(200))
		for i := range steps {
			steps[i] = byte(r.Uint32())
		}
		f.Add(uint8(r.Uint32()), uint8(r.Uint32()), steps)
	}
	f.Fuzz(func(t *testing.T, entries, bytes uint8, steps []byte) {
		b := newBookkeeper(t, int(entries)+1, int(bytes)+1)
		for _, step := range steps {
			b.do(step)
		}
		for rest := len(b.held) + len(b.given); len(b.held) > 0; rest-- {
			if rest < 0 {
				t.Fatalf("%d are never sent", len(b.held))
			}
			b.next(3)
			b.confirm(3)
		}
		for number, n := range b.outcomes {
			if n != 1 {
				t.Errorf("message %d has %d outcomes", number, n)
			}
		}
	})
}
