package curves

// seriesOf returns the series of a queue, if it has one or is busy enough to get one.
// fresh says that the queue was not there before.
func (v *Curves) seriesOf(k *queue, q *Queue, fresh bool) *series {
	if s := k.series; s != nil {
		if s.name.Domain == q.Domain {
			return s
		}
		k.leave() // it went to another domain
	} else if !fresh && k.score < enough && v.own >= mostOwn {
		return nil
	}
	name := Name{q.Domain, q.Key, q.Topic}
	s := v.series[name] // of an earlier queue, or process
	switch {
	case s != nil || !name.fits():
	case v.own < mostOwn:
		s = v.make(name)
	case k.score >= enough:
		s = v.takeFromLeast(k, name)
	}
	if s != nil {
		k.score = max(k.score, s.score)
		k.series, s.queue = s, k
	}
	return s
}

// takeFromLeast makes a series in place of that of the least busy queue, if the queue was
// clearly busier.
func (v *Curves) takeFromLeast(k *queue, name Name) *series {
	if v.least == nil {
		v.least = v.findLeast()
	}
	if k.score <= clearly*v.least.score {
		return nil
	}
	v.remove(v.least.name, v.least)
	v.least = nil
	return v.make(name)
}

func (v *Curves) findLeast() (least *series) {
	for name, s := range v.series {
		if name.Key != "" && (least == nil || s.score < least.score) {
			least = s
		}
	}
	return least
}
