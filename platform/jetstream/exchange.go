package jetstream

import (
	"cmp"
	"slices"
	"strings"

	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/platform"
)

// An exchange routes what its owners publish to the queues of all of them. The
// engine's mu guards it.
type exchange struct {
	name     string
	owners   int
	bindings topic.Bindings[*queue]
	literal  map[string]int // how many queues are bound to each pattern without wildcards
	wild     int            // how many queues are bound to any pattern with wildcards

	planned int // bindings that the draft with the number round adds
	round   uint64
}

// exchange returns the exchange with this name, and makes it if there is none.
func (s *state) exchange(name string) *exchange {
	x := s.exchanges[name]
	if x == nil {
		x = &exchange{name: name, literal: make(map[string]int)}
		s.exchanges[name] = x
	}
	return x
}

func (x *exchange) add(pattern string, q *queue) {
	x.bindings.Add(pattern, q)
	if !topic.HasWildcard(pattern) {
		x.literal[pattern]++
		return
	}
	if q.wild++; q.wild == 1 {
		x.wild++
	}
}

func (x *exchange) remove(pattern string, q *queue) {
	x.bindings.Remove(pattern, q)
	if !topic.HasWildcard(pattern) {
		if x.literal[pattern]--; x.literal[pattern] == 0 {
			delete(x.literal, pattern)
		}
		return
	}
	if q.wild--; q.wild == 0 {
		x.wild--
	}
}

// bound returns how many queues are bound to pattern or, if it has wildcards, to any
// that has.
func (x *exchange) bound(pattern string) int {
	switch {
	case x == nil:
		return 0
	case topic.HasWildcard(pattern):
		return x.wild
	}
	return x.literal[pattern]
}

// checkFanOut returns [platform.ErrFanOut] if too many queues of the exchange are bound
// like that already. The bindings are new, and of queues that are new in the exchange.
// What the same draft binds beside them counts as if it was all to the same pattern:
// then the error is errAgain.
func (d *draft) checkFanOut(exchange string, bindings ...platform.Binding) error {
	x := d.state.exchanges[exchange]
	queues := make(map[string]map[string]bool) // that are bound like that, by pattern
	for _, b := range bindings {
		like := b.Pattern
		if topic.HasWildcard(like) {
			like = "#"
		}
		if queues[like] == nil {
			queues[like] = make(map[string]bool)
		}
		if queues[like][b.Topic] {
			continue
		}
		has := x.bound(like) + len(queues[like])
		if err := d.config.CheckFanOut(has, b.Pattern); err != nil {
			return err
		}
		if x != nil && x.round == d.round && has+x.planned >= d.config.MaxFanOut {
			return errAgain
		}
		queues[like][b.Topic] = true
	}
	return nil
}

// checkBind is checkFanOut for a queue that may be bound already.
func (d *draft) checkBind(o *owner, name, pattern string) error {
	if q := o.topics[name]; q != nil && q.wild > 0 && topic.HasWildcard(pattern) {
		return nil // it has its place
	}
	return d.checkFanOut(o.exchange.name, platform.Binding{Pattern: pattern, Topic: name})
}

// noteBindings notes that the draft adds so many bindings to an exchange.
func (d *draft) noteBindings(exchange string, bindings int) {
	x := d.state.exchange(exchange)
	if x.round != d.round {
		x.round, x.planned = d.round, 0
	}
	x.planned += bindings
}

// route returns the queues that m goes to, each once, by their numbers. The slice is
// valid until the next call.
func (s *state) route(exchange string, m *platform.Message) []*queue {
	s.routing++
	to := s.routes[:0]
	if x := s.exchanges[exchange]; x != nil {
		for _, q := range x.bindings.Match(m.Key) {
			if q.owner.gets(m.Key, s.routing) {
				q.routed = s.routing
				to = append(to, q)
			}
		}
	}
	if o := s.owners[m.ClientID]; o != nil && o.ownBindings > 0 && o.gets(m.Key, s.routing) {
		for _, q := range o.own.Match(m.Key) {
			if q.routed != s.routing {
				to = append(to, q)
			}
		}
	}
	slices.SortFunc(to, func(a, b *queue) int { return cmp.Compare(a.id, b.id) })
	s.routes = to
	return to
}

// listen replaces what an owner may listen to.
func (s *state) listen(o *owner, p platform.Permission) {
	if o.filter != nil {
		s.filters.Release(o.filter)
	}
	o.listen, o.filter = p, nil
	if p != nil {
		o.filter = s.filters.Obtain(p)
	}
}

// clonePermission copies p, which belongs to a caller or to a record that was read.
func clonePermission(p platform.Permission) platform.Permission {
	if p == nil {
		return nil
	}
	c := platform.Nothing()
	for _, pattern := range p {
		c = append(c, strings.Clone(pattern))
	}
	return c
}
