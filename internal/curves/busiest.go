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
	case v.room(&name):
		s = v.make(name)
	case k.score >= enough:
		s = v.takeFromLeast(k, name)
	}
	if s != nil {
		k.take(s)
	}
	return s
}

// takeFromLeast makes a series in place of that of the least busy queue, if the queue was
// clearly busier.
func (v *Curves) takeFromLeast(k *queue, name Name) *series {
	if v.least == nil {
		v.least = v.findLeast(true)
	}
	if k.score <= clearly*v.least.score {
		return nil
	}
	v.remove(v.least.name, v.least)
	v.least = nil
	return v.make(name)
}

// place makes a series for one that was saved, if there is room, or if it was busier than
// another one, which has to go then.
func (v *Curves) place(one *saved) *series {
	if !v.room(&one.name) {
		least := v.findLeast(one.name.Key != "")
		if one.score <= least.score {
			return nil
		}
		v.remove(least.name, least)
	}
	return v.make(one.name)
}

// findLeast returns the series of the least busy queue, or domain.
func (v *Curves) findLeast(own bool) (least *series) {
	for name, s := range v.series {
		if own == (name.Key != "") && (least == nil || s.score < least.score) {
			least = s
		}
	}
	return least
}
