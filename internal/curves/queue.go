package curves

import (
	"math"
	"time"
)

// A queue is what is known of a queue beside its series.
type queue struct {
	published, dropped uint64 // ever, by the last sample
	series             *series
	score              float64 // how busy it was
	messages           uint32  // in it, by the last sample
	sample             uint32  // the last one that it was in
	now, before        flow    // in this window, and in the last one
	since              [reasons]uint32
	part               uint32 // of the day, the last one of drops
	drops              [dayParts]uint32
}

// A flow is how many messages came and left.
type flow struct{ published, removed uint32 }

// The messages that were dropped are counted in parts of a day.
const (
	dayParts = 8
	dayPart  = 24 * time.Hour / dayParts
)

func messages(q *Queue) uint32 { return clip(uint64(q.Ready + q.Held + q.Parked)) }

func clip(n uint64) uint32 { return uint32(min(n, math.MaxUint32)) }

// count adds to c what has happened to the queue since the last sample.
func (k *queue) count(q *Queue, c *counts, v *Curves, at time.Time) {
	had := int64(k.messages)
	if q.Published < k.published { // it, or the engine, has begun anew
		had = 0
	}
	c.published, c.dropped = behind(k.published, q.Published), behind(k.dropped, q.Dropped)
	k.published, k.dropped, k.messages = q.Published, q.Dropped, messages(q)
	c.removed = uint64(max(0, int64(c.published)-(int64(k.messages)-had)-int64(c.dropped)))
	k.score = k.score*v.decay + c.moved()
	if k.messages > 0 {
		k.score++ // so that one in which messages wait comes before an empty one
	}
	k.now.published, k.now.removed = clip(uint64(k.now.published)+c.published), clip(uint64(k.now.removed)+c.removed)
	if v.closing {
		k.before, k.now = k.now, flow{}
	}
	k.drop(c.dropped, at)
	k.judge(q.Reasons, at)
}

// behind returns how far a counter has gone.
func behind(was, is uint64) uint64 {
	if is < was {
		return is
	}
	return is - was
}

// drop counts messages as dropped.
func (k *queue) drop(n uint64, at time.Time) {
	part := uint32(at.Unix() / int64(dayPart/time.Second))
	if passed := int64(part) - int64(k.part); passed <= -dayParts || passed >= dayParts {
		k.part, k.drops = part, [dayParts]uint32{}
	}
	for k.part < part {
		k.part++
		k.drops[k.part%dayParts] = 0
	}
	now := &k.drops[k.part%dayParts] // also where the clock went back a little
	*now = clip(uint64(*now) + n)
}

func (k *queue) droppedInADay() (n uint64) {
	for _, one := range k.drops {
		n += uint64(one)
	}
	return n
}

// judge notes since when the queue needs attention.
func (k *queue) judge(r Reasons, at time.Time) {
	if r &^= Dropping; k.droppedInADay() > 0 {
		r |= Dropping
	}
	for i := range k.since {
		switch {
		case r&(1<<i) == 0:
			k.since[i] = 0
		case k.since[i] == 0:
			k.since[i] = clip(uint64(at.Unix()))
		}
	}
}

// take makes a series that of the queue.
func (k *queue) take(s *series) {
	k.score = max(k.score, s.score)
	k.series, s.queue = s, k
}

// leave leaves the series to another queue.
func (k *queue) leave() {
	if k.series != nil {
		k.series.queue, k.series = nil, nil
	}
}

// A Recent is what a queue did lately.
type Recent struct {
	Published, Removed float64 // messages a second, within the last minute; 0 if it is not known
	Dropped            uint64  // within the last day, as far as it is known

	since [reasons]uint32
}

// Since returns since when a queue needs attention for one reason, in seconds since 1970;
// 0 if that is not known, or if it does not.
func (r *Recent) Since(why Reasons) int64 {
	for i, since := range r.since {
		if why == 1<<i {
			return int64(since)
		}
	}
	return 0
}

// Recent returns what a queue did lately; nothing for one that is not known.
func (v *Curves) Recent(key, topic string) (r Recent) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	k := v.queues[v.id(key, topic)]
	if k == nil {
		return r
	}
	r.since, r.Dropped = k.since, k.droppedInADay()
	if length := (v.before + v.last.Sub(v.opened)).Seconds(); length > 0 {
		r.Published = (float64(k.before.published) + float64(k.now.published)) / length
		r.Removed = (float64(k.before.removed) + float64(k.now.removed)) / length
	}
	return r
}
