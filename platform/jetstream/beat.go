package jetstream

import (
	"time"

	"github.com/nats-io/nats.go"
)

// beatEvery is how often an engine gives a sign of life, whatever the AckWait of
// the others is.
const beatEvery = 200 * time.Millisecond

func (e *Engine) beatSubject() string { return e.config.Name + ".beat" }

// hear notes that an engine is alive. It hears itself, too.
func (e *Engine) hear(m *nats.Msg) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard[string(m.Data)] = time.Now()
}

// beat tells that this engine is alive, and does nothing else that could keep it
// from doing so.
func (e *Engine) beat() {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		if err := e.nc.Publish(e.beatSubject(), []byte(e.name)); err != nil && e.ctx.Err() == nil {
			e.config.Logger.Warn("jetstream: no sign of life was sent", "error", err)
		}
		select {
		case <-tick.C:
		case <-e.ctx.Done():
			return
		}
	}
}

// watch puts back what engines held who are not alive. It also looks for records
// that nobody told of.
func (e *Engine) watch() {
	tick := time.NewTicker(e.config.AckWait / 5)
	defer tick.Stop()
	for {
		e.catchUp()
		for _, name := range e.silent() {
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
// AckWait. An engine that is seen for the first time has that long; and so has
// everyone while this engine does not even hear itself: then it is the one who
// is cut off.
func (e *Engine) silent() (names []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	deaf := now.Sub(e.heard[e.name]) > e.config.AckWait/3
	seen := map[string]time.Time{e.name: e.heard[e.name]}
	for _, q := range e.state.queues {
		for _, m := range q.members {
			last, known := e.heard[m.engine]
			if m.engine != e.name && (!known || deaf) {
				last = now
			}
			seen[m.engine] = last
		}
	}
	e.heard = seen
	for name := range seen {
		if e.isSilent(name) {
			names = append(names, name)
		}
	}
	return names
}

// isSilent is called with the lock held.
func (e *Engine) isSilent(name string) bool {
	return name != e.name && time.Since(e.heard[name]) > e.config.AckWait
}

// bury looks again when it is its turn: the engine may have been heard since.
func (e *Engine) bury(name string) {
	buried := false
	err := e.do(e.ctx, func(d *draft) error {
		if buried = e.isSilent(name); buried {
			d.emit(nil, fact{kind: factGone, text: name})
		}
		return nil
	}, nil)
	if err == nil && buried {
		e.config.Logger.Warn("jetstream: an engine has been silent; what its consumers held is ready again", "engine", name, "for", e.config.AckWait)
	}
}
