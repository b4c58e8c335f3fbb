package jetstream

import (
	"cmp"
	"slices"

	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/platform"
)

// An exchange routes what its owners publish to the queues of all of them. The
// engine's mu guards it.
type exchange struct {
	name     string
	owners   int
	bindings topic.Bindings[*queue]

	planned int // bindings that the draft with the number round adds
	round   uint64
}

// exchange returns the exchange with this name, and makes it if there is none.
func (s *state) exchange(name string) *exchange {
	x := s.exchanges[name]
	if x == nil {
		x = &exchange{name: name}
		s.exchanges[name] = x
	}
	return x
}

// checkFanOut returns [platform.ErrFanOut] if too many queues of the exchange are bound
// like that already. The bindings are new, and of queues that are new in the exchange.
// What the same draft binds beside them counts as if it was all to the same pattern:
// then the error is errAgain.
func (d *draft) checkFanOut(exchange string, bindings ...platform.Binding) error {
	x := d.state.exchanges[exchange]
	var own topic.Bindings[string] // the topics
	for _, b := range bindings {
		if own.IsBound(b.Pattern, b.Topic) {
			continue
		}
		has := own.Bound(b.Pattern)
		if x != nil {
			has += x.bindings.Bound(b.Pattern)
		}
		if err := d.config.CheckFanOut(has, b.Pattern); err != nil {
			return err
		}
		if x != nil && x.round == d.round && has+x.planned >= d.config.MaxFanOut {
			return errAgain
		}
		own.Add(b.Pattern, b.Topic)
	}
	return nil
}

// checkBind is checkFanOut for a queue that may be bound already.
func (d *draft) checkBind(o *owner, name, pattern string) error {
	if q := o.topics[name]; q != nil && o.exchange.bindings.IsBound(pattern, q) {
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
			if q.owner.filter.Match(m.Key, s.routing) {
				q.routed = s.routing
				to = append(to, q)
			}
		}
	}
	if o := s.owners[m.ClientID]; o != nil && !o.own.IsEmpty() && o.filter.Match(m.Key, s.routing) {
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

// allRoutes returns the queues of an exchange with a binding that matches key.
func (s *state) allRoutes(exchange, key string) (routes []platform.QueueRoute) {
	x := s.exchanges[exchange]
	if x == nil {
		return nil
	}
	s.routing++
	for _, q := range x.bindings.Match(key) {
		q.routed = s.routing
		routes = append(routes, s.routeTo(q, key))
	}
	for _, o := range s.owners {
		if o.exchange != x || o.own.IsEmpty() {
			continue
		}
		for _, q := range o.own.Match(key) {
			if q.routed == s.routing {
				continue
			}
			route := s.routeTo(q, key)
			route.Own = true
			routes = append(routes, route)
		}
	}
	return routes
}

func (s *state) routeTo(q *queue, key string) platform.QueueRoute {
	route := platform.QueueRoute{Owner: q.owner.name, Topic: q.topic, Barred: !q.owner.filter.Match(key, s.routing)}
	for pattern := range q.patterns {
		if topic.MatchAny([]string{pattern}, key) {
			route.Patterns = append(route.Patterns, pattern)
		}
	}
	slices.Sort(route.Patterns)
	return route
}

// listen replaces what an owner may listen to.
func (s *state) listen(o *owner, p platform.Permission) {
	s.filters.Release(o.filter)
	o.listen, o.filter = p, s.filters.Obtain(p)
}
