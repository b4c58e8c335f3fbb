package jetstream

import (
	"math"
	"sort"
)

// A place is what is known of one record of the log.
type place struct {
	seq   uint64
	bytes int32
	units int32 // things it told that lasted: messages in queues, queues, bindings, consumers
	live  int32 // those of them that still last, and are told nowhere else

	oldest uint32 // Unix seconds, of its messages
}

// records is the log as far as it is not known to be useless, oldest first.
type records struct {
	places []place // a ring, as lane is
	head   int
	length int
	bytes  int64 // of all
	live   int64 // of what still lasts, by share
}

func (r *records) at(i int) *place { return &r.places[(r.head+i)&(len(r.places)-1)] }

func (r *records) add(seq uint64, bytes int) {
	if r.length == len(r.places) {
		r.resize(max(smallest, 2*r.length))
	}
	*r.at(r.length) = place{seq: seq, bytes: int32(bytes)}
	r.length++
	r.bytes += int64(bytes)
}

// find returns the place of seq, or nil.
func (r *records) find(seq uint64) *place {
	i := sort.Search(r.length, func(i int) bool { return r.at(i).seq >= seq })
	if i == r.length || r.at(i).seq != seq {
		return nil
	}
	return r.at(i)
}

// keep notes that something in the record seq lasts.
func (r *records) keep(seq uint64) {
	if p := r.find(seq); p != nil {
		r.live -= p.share()
		p.units++
		p.live++
		r.live += p.share()
	}
}

// age notes the time of a message in the record seq.
func (r *records) age(seq uint64, time int64) {
	seconds := uint32(min(max(time, 1), math.MaxUint32))
	if p := r.find(seq); p != nil && (p.oldest == 0 || seconds < p.oldest) {
		p.oldest = seconds
	}
}

// since returns the time of the oldest message in the record seq.
func (r *records) since(seq uint64) int64 {
	if p := r.find(seq); p != nil {
		return int64(p.oldest)
	}
	return 0
}

// lose undoes one keep.
func (r *records) lose(seq uint64) {
	if p := r.find(seq); p != nil && p.live > 0 {
		r.live -= p.share()
		p.live--
		r.live += p.share()
	}
}

func (p *place) share() int64 {
	if p.live == 0 {
		return 0
	}
	return int64(p.bytes) * int64(p.live) / int64(p.units)
}

// trim forgets useless records at the head, but not the last record, and
// returns the number of the first one that is needed.
func (r *records) trim() uint64 {
	for r.length > 1 && r.at(0).live == 0 {
		r.bytes -= int64(r.at(0).bytes)
		r.head = (r.head + 1) & (len(r.places) - 1)
		r.length--
	}
	if len(r.places) > smallest && r.length <= len(r.places)/4 {
		r.resize(len(r.places) / 2)
	}
	if r.length == 0 {
		return 0
	}
	return r.at(0).seq
}

func (r *records) resize(n int) {
	places := make([]place, n)
	for i := range r.length {
		places[i] = *r.at(i)
	}
	r.places, r.head = places, 0
}
