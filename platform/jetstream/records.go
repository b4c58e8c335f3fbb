package jetstream

import (
	"math"
	"sort"
)

// A place is what the engine knows of one record of the log.
type place struct {
	seq   uint64
	bytes int32
	total int64 // weight of what was ever live in it: messages in queues, queues, bindings, consumers
	live  int64 // weight of what is still live, and in no later record

	oldest uint32 // time of its oldest message, in Unix seconds
}

const (
	// overhead is the weight of a thing without a body, and of a message in addition
	// to its size.
	overhead = 64
	// recordOverhead is what the server needs for a record beside its bytes.
	recordOverhead = 160
)

// weight returns how much of its record an item stands for.
func (it item) weight() int64 { return int64(it.size) + overhead }

// records are the places of the log, the oldest first, without the garbage at the head.
type records struct {
	places    []place // a ring, as ring is
	head      int
	length    int
	bytes     int64 // of all
	liveBytes int64 // the sum of all shares
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

// addLive notes that something in the record seq is live.
func (r *records) addLive(seq uint64, weight int64) {
	if p := r.find(seq); p != nil {
		r.liveBytes -= p.share()
		p.total += weight
		p.live += weight
		r.liveBytes += p.share()
	}
}

// noteTime notes the time of a message in the record seq.
func (r *records) noteTime(seq uint64, time int64) {
	seconds := uint32(min(max(time, 1), math.MaxUint32))
	if p := r.find(seq); p != nil && (p.oldest == 0 || seconds < p.oldest) {
		p.oldest = seconds
	}
}

// oldestTime returns the time of the oldest message in the record seq.
func (r *records) oldestTime(seq uint64) int64 {
	if p := r.find(seq); p != nil {
		return int64(p.oldest)
	}
	return 0
}

// removeLive undoes one addLive.
func (r *records) removeLive(seq uint64, weight int64) {
	if p := r.find(seq); p != nil && p.live > 0 {
		r.liveBytes -= p.share()
		p.live -= weight
		r.liveBytes += p.share()
	}
}

// share estimates how many bytes of the record are live.
func (p *place) share() int64 {
	if p.live == 0 {
		return 0
	}
	return int64(float64(p.bytes) * float64(p.live) / float64(p.total))
}

// trim removes garbage at the head, but never the last record, and returns the number
// of the first record that is needed.
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
