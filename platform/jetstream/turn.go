package jetstream

import (
	"time"

	"github.com/nats-io/nats.go"
)

// Of the engines that want the next place in the log the one nearest to the
// leader always wins. One that has lost several times asks for its turn, and
// the others hold their clerks back until something else was stored.

const (
	// fewDefeats are what two engines at the same distance have, too.
	fewDefeats = 3
	// turnTime is more than a record takes from any place that is near enough.
	turnTime = 50 * time.Millisecond
)

func (e *Engine) turnSubject() string { return e.config.Name + ".turn" }

// askForTurn is called after so many defeats in a row.
func (e *Engine) askForTurn(defeats int) {
	if defeats >= fewDefeats {
		_ = e.nc.Publish(e.turnSubject(), []byte(e.name)) // when it fails, so does what follows
	}
}

// hearTurn notes that another engine wants to be next.
func (e *Engine) hearTurn(m *nats.Msg) {
	if string(m.Data) != e.name {
		e.turn.Store(time.Now().Add(turnTime).UnixNano())
	}
}

// giveWay waits until the engine that asked has stored something, but not long.
func (e *Engine) giveWay() {
	until := e.turn.Swap(0)
	if until == 0 {
		return
	}
	e.awaitNews(e.known(), time.Until(time.Unix(0, until)))
}

// heedNews lets the servers tell what follows the record known, as they do
// unasked: who asks for one record after the other never comes to the end of a
// log that others write.
func (e *Engine) heedNews(known uint64) { e.awaitNews(known, turnTime) }

// awaitNews waits until there is a record behind the one with the number known,
// for a while. Only the clerk does.
func (e *Engine) awaitNews(known uint64, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	for e.known() == known {
		select {
		case <-e.news:
		case <-timer.C:
			return
		case <-e.ctx.Done():
			return
		}
	}
}
