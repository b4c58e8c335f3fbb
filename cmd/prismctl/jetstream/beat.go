package jetstream

import (
	"time"

	"github.com/nats-io/nats.go"
)

func (e *Engine) beatSubject() string { return e.config.Name + ".beat" }

// hear notes that another engine is alive.
func (e *Engine) hear(m *nats.Msg) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard[string(m.Data)] = time.Now()
}

// beat tells the others that this engine is alive, and puts back what those
// held who are not. It also looks for records that nobody told of.
func (e *Engine) beat() {
	tick := time.NewTicker(e.config.AckWait / 5)
	defer tick.Stop()
	for {
		if err := e.nc.Publish(e.beatSubject(), []byte(e.name)); err != nil && e.ctx.Err() == nil {
			e.config.Logger.Warn("jetstream: no sign of life was sent", "error", err)
		}
		e.catchUp()
		for _, name := range e.silent(time.Now()) {
			e.bury(name)
		}
		select {
		case <-tick.C:
		case <-e.ctx.Done():
			return
		}
	}
}

// silent returns the engines that have consumers and were not heard of for
// AckWait. An engine that is seen for the first time has that long.
func (e *Engine) silent(now time.Time) (names []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	seen := make(map[string]time.Time)
	for _, q := range e.state.queues {
		for _, m := range q.members {
			if m.engine != e.name {
				seen[m.engine] = preset(e.heard[m.engine], now)
			}
		}
	}
	e.heard = seen
	for name, last := range seen {
		if now.Sub(last) > e.config.AckWait {
			names = append(names, name)
		}
	}
	return names
}

func (e *Engine) bury(name string) {
	e.config.Logger.Warn("jetstream: an engine has been silent; what its consumers held is ready again", "engine", name, "for", e.config.AckWait)
	_ = e.do(e.ctx, func(d *draft) error {
		d.emit(nil, fact{kind: factGone, text: name})
		return nil
	}, nil)
}
