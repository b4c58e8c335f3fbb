package jetstream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/shopex/prism-go/platform"
)

// A kind is the kind of a fact.
type kind byte

const (
	factPut           kind = 1 + iota // message went to queues
	factMove                          // the message with number is stored here now, for queues
	factAck                           // numbers have left queue for good
	factQueue                         // number is the queue of owner and topic
	factBind                          // queue is bound to text, for what its own owner publishes; written by earlier versions
	factDrop                          // queue is gone
	factPurge                         // queue has lost all messages up to number, except numbers
	factJoin                          // consumer of queue, which has the name owner, belongs to the engine named text; number is its place among those that consume alone, see member.order
	factLeave                         // consumer of queue is gone: what it held is ready
	factLease                         // consumer of queue, which belongs to the engine named text, holds numbers
	factReturn                        // consumer of queue has given numbers back
	factGone                          // the engine named text is gone with its consumers
	factUnbind                        // queue is not bound to text any more
	factOwner                         // owner is in the exchange text, and listen says what its queues get
	factRoute                         // queue is bound to text, for what any owner of its exchange publishes
	factLimits                        // queue holds numbers at most: messages, then bytes, then attempts if they are limited; text is its overflow
	factShed                          // each of queues has lost the message at the same place in numbers, for others
	factDropped                       // each of queues has dropped so many messages ever, at the same place in numbers
	factTried                         // each of numbers was tried so often in queue, at the same place in queues
	factPark                          // numbers are parked in queue: text is why, owner had them last, and number is since when, in Unix seconds
	factUnpark                        // numbers are not parked in queue any more, but ready
	factParkedDropped                 // each of queues has dropped so many parked messages ever, at the same place in numbers
	afterFacts
)

// A fact is one thing that became true. A record of the log is a list of
// facts: all are true, or none. A fact has a meaning without the facts before it,
// as cleaning may have removed those.
//
// A queue or message is named by the place of the fact that made it. Within
// one record its index is enough, as numbers below maxFacts stand for "of this
// record".
type fact struct {
	kind     kind
	number   uint64
	queue    uint64
	consumer uint64 // or the place of what is parked, see parking.order
	owner    string
	text     string // topic, pattern, exchange, overflow, reason or engine
	numbers  []uint64
	queues   []uint64
	message  *platform.Message
	listen   platform.Permission
}

const (
	indexBits = 12
	maxFacts  = 1 << indexBits // in one record
	format    = 1              // of a record, its first byte
)

// numberOf returns the number of what the fact at index of the record seq has made.
func numberOf(seq uint64, index int) uint64 { return seq<<indexBits | uint64(index) }

// A mark identifies a record. It is random.
type mark [16]byte

func appendRecord(b []byte, m mark, facts []fact) []byte {
	b = append(b, format)
	b = append(b, m[:]...)
	for i := range facts {
		b = facts[i].append(b)
	}
	return b
}

func (f *fact) append(b []byte) []byte {
	b = append(b, byte(f.kind))
	b = binary.AppendUvarint(b, f.number)
	b = binary.AppendUvarint(b, f.queue)
	b = binary.AppendUvarint(b, f.consumer)
	b = appendText(b, f.owner)
	b = appendText(b, f.text)
	b = appendNumbers(b, f.numbers)
	b = appendNumbers(b, f.queues)
	if f.kind == factPut || f.kind == factMove {
		b = appendMessage(b, f.message)
	}
	if f.kind == factOwner {
		b = appendPermission(b, f.listen)
	}
	return b
}

// appendPermission writes 0 for everything, or one more than there are patterns.
func appendPermission(b []byte, p platform.Permission) []byte {
	if p == nil {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(p))+1)
	for _, pattern := range p {
		b = appendText(b, pattern)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendNumbers writes the differences between numbers, which take fewer bytes.
func appendNumbers(b []byte, numbers []uint64) []byte {
	b = binary.AppendUvarint(b, uint64(len(numbers)))
	var last uint64
	for _, n := range numbers {
		b = binary.AppendVarint(b, int64(n-last))
		last = n
	}
	return b
}

func appendMessage(b []byte, m *platform.Message) []byte {
	for _, s := range []string{m.Key, m.ContentType, m.ClientID, m.App} {
		b = appendText(b, s)
	}
	b = binary.AppendVarint(b, seconds(m.Time))
	b = binary.AppendUvarint(b, uint64(len(m.Body)))
	return append(b, m.Body...)
}

// seconds is a time in a record, 0 for none.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

var errBroken = errors.New("jetstream: a record of the log cannot be read")

// decodeRecord reads the record that is stored as seq. The messages alias b.
func decodeRecord(seq uint64, b []byte) (m mark, facts []fact, err error) {
	if len(b) < 1+len(m) || b[0] != format {
		return m, nil, fmt.Errorf("%w: number %d is not of format %d: it was written by another program or version", errBroken, seq, format)
	}
	copy(m[:], b[1:])
	d := decoder{b: b[1+len(m):]}
	for len(d.b) > 0 && !d.broken && len(facts) <= maxFacts {
		facts = append(facts, d.fact())
	}
	if d.broken || len(facts) > maxFacts {
		return m, nil, fmt.Errorf("%w: number %d ends early", errBroken, seq)
	}
	assignNumbers(seq, facts)
	return m, facts, nil
}

// assignNumbers replaces indexes by numbers.
func assignNumbers(seq uint64, facts []fact) {
	for i := range facts {
		f := &facts[i]
		if f.number == 0 && (f.kind == factPut || f.kind == factQueue) {
			f.number = numberOf(seq, i)
		}
		if f.queue < maxFacts && (f.kind == factBind || f.kind == factRoute) {
			f.queue |= seq << indexBits
		}
		if f.consumer == 0 && f.kind == factPark {
			f.consumer = numberOf(seq, i)
		}
	}
}

// A decoder reads from b until it is broken; then it reads zeros.
type decoder struct {
	b        []byte
	broken   bool
	numbered uint64 // how many numbers it has read
}

// mostNumbers is more than an engine writes in one record. In memory each has eight
// bytes, and in a record perhaps one.
const mostNumbers = 4 << 20

func (d *decoder) fact() fact {
	f := fact{
		kind: kind(d.bytes(1)[0]), number: d.uvarint(), queue: d.uvarint(), consumer: d.uvarint(),
		owner: d.text(), text: d.text(), numbers: d.numbers(), queues: d.numbers(),
	}
	switch {
	case f.kind == factPut || f.kind == factMove:
		f.message = d.message()
	case f.kind == factOwner:
		f.listen = d.permission()
	case f.kind == factLimits:
		d.broken = d.broken || len(f.numbers) != 2 && len(f.numbers) != 3 // earlier versions wrote two
	case f.kind == factShed || f.kind == factDropped || f.kind == factTried || f.kind == factParkedDropped:
		d.broken = d.broken || len(f.numbers) != len(f.queues)
	case f.kind == 0 || f.kind >= afterFacts:
		d.broken = true
	}
	return f
}

func (d *decoder) permission() platform.Permission {
	n := d.uvarint()
	if n == 0 {
		return nil
	}
	p := platform.Nothing()
	for range n - 1 {
		if d.broken {
			return p
		}
		p = append(p, d.text())
	}
	return p
}

func (d *decoder) message() *platform.Message {
	m := &platform.Message{Key: d.text(), ContentType: d.text(), ClientID: d.text(), App: d.text()}
	if at := d.varint(); at != 0 {
		m.Time = time.Unix(at, 0)
	}
	m.Body = d.bytes(d.uvarint())
	return m
}

func (d *decoder) uvarint() uint64 {
	n, size := binary.Uvarint(d.b)
	return n * uint64(d.skip(size))
}

func (d *decoder) varint() int64 {
	n, size := binary.Varint(d.b)
	return n * int64(d.skip(size))
}

// skip returns 1, or 0 when broken.
func (d *decoder) skip(size int) int {
	if size <= 0 {
		d.b, d.broken = nil, true
		return 0
	}
	d.b = d.b[size:]
	return 1
}

// bytes returns the next n; when they are not there, one zero.
func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.b, d.broken = nil, true
		return []byte{0}
	}
	taken := d.b[:n:n]
	d.b = d.b[n:]
	return taken
}

func (d *decoder) text() string {
	b := d.bytes(d.uvarint())
	if d.broken {
		return ""
	}
	return string(b)
}

func (d *decoder) numbers() []uint64 {
	n := d.uvarint()
	if d.numbered += n; n > uint64(len(d.b)) || d.numbered > mostNumbers { // each has at least a byte
		d.broken = true
		return nil
	}
	var last uint64
	var numbers []uint64
	for range n {
		last += uint64(d.varint())
		numbers = append(numbers, last)
	}
	return numbers
}
