package jetstream

import (
	"time"

	"github.com/nats-io/nats.go"
)

// beatEvery is how often an engine sends a heartbeat. It does not depend on AckWait,
// which other engines may have set to another value.
const beatEvery = 200 * time.Millisecond

func (e *Engine) beatSubject() string { return e.config.Name + ".beat" }

// hearBeat notes that an engine is alive. An engine hears its own heartbeats, too.
func (e *Engine) hearBeat(m *nats.Msg) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard[string(m.Data)] = time.Now()
}

// heartbeat sends heartbeats, and does nothing else that could delay them.
func (e *Engine) heartbeat() {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		if err := e.nc.Publish(e.beatSubject(), []byte(e.name)); err != nil && e.ctx.Err() == nil {
			e.config.Logger.Warn("jetstream: a heartbeat could not be sent", "error", err)
		}
		select {
		case <-tick.C:
		case <-e.ctx.Done():
			return
		}
	}
}

// watchEngines returns what silent engines held to the queues. It also reads records
// of which this engine has got no copy.
func (e *Engine) watchEngines() {
	tick := time.NewTicker(e.config.AckWait / 5)
	defer tick.Stop()
	for {
		e.catchUp()
		for _, name := range e.silent() {
			e.declareGone(name)
		}
		select {
		case <-tick.C:
		case <-e.ctx.Done():
			return
		}
	}
}

// silent returns the engines that have consumers and have sent no heartbeat for
// AckWait. The time begins when this engine first sees the other one. While this
// engine does not even hear its own heartbeats, it is itself the one that is cut
// off, and the time of all others begins anew.
func (e *Engine) silent() (names []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	isolated := now.Sub(e.heard[e.name]) > e.config.AckWait/3
	seen := map[string]time.Time{e.name: e.heard[e.name]}
	for _, q := range e.state.queues {
		for _, m := range q.members {
			last, known := e.heard[m.engine]
			if m.engine != e.name && (!known || isolated) {
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

// declareGone stores that an engine is gone, unless a heartbeat has come meanwhile.
func (e *Engine) declareGone(name string) {
	declared := false
	err := e.do(e.ctx, func(d *draft) error {
		if declared = e.isSilent(name); declared {
			d.emit(nil, fact{kind: factGone, text: name})
		}
		return nil
	}, nil)
	if err == nil && declared {
		e.config.Logger.Warn("jetstream: an engine has been silent; what its consumers held is ready again", "engine", name, "for", e.config.AckWait)
	}
}
