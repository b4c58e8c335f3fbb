package jetstream

import (
	"math"
	"sort"
)

// A place is what is known of one record of the log.
type place struct {
	seq   uint64
	bytes int32
	told  int64 // weight of what it told that lasted: messages in queues, queues, bindings, consumers
	lasts int64 // that of what still lasts, and is told nowhere else

	oldest uint32 // Unix seconds, of its messages
}

const (
	// overhead is the weight of what has no body, and of a message beside it.
	overhead = 64
	// recordOverhead is what the server needs for a record beside its bytes.
	recordOverhead = 160
)

// weight is how much of its record is a message's.
func (it item) weight() int64 { return int64(it.size) + overhead }

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
	bytes += recordOverhead
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
func (r *records) keep(seq uint64, weight int64) {
	if p := r.find(seq); p != nil {
		r.live -= p.share()
		p.told += weight
		p.lasts += weight
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
func (r *records) lose(seq uint64, weight int64) {
	if p := r.find(seq); p != nil && p.lasts > 0 {
		r.live -= p.share()
		p.lasts -= weight
		r.live += p.share()
	}
}

// share is how many bytes of the record still last, about.
func (p *place) share() int64 {
	if p.lasts == 0 {
		return 0
	}
	return int64(float64(p.bytes) * float64(p.lasts) / float64(p.told))
}

// trim forgets useless records at the head, but not the last record, and
// returns the number of the first one that is needed.
func (r *records) trim() uint64 {
	for r.length > 1 && r.at(0).lasts == 0 {
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
