package jetstream

import (
	"time"

	"github.com/nats-io/nats.go"
)

// Of the engines that want the next place in the log, the one nearest to the leader
// nearly always wins. An engine that has lost several times asks for its turn, and the
// committers of the others wait until another record was stored.

const (
	// fewDefeats in a row are common even between two engines at the same distance.
	fewDefeats = 3
	// turnTime is longer than it takes to store a record from any place that is near
	// enough.
	turnTime = 50 * time.Millisecond
)

func (e *Engine) turnSubject() string { return e.config.Name + ".turn" }

// askForTurn asks the other engines for a turn after enough defeats in a row.
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

// yieldTurn waits until the engine that asked for its turn has stored a record, for
// at most turnTime.
func (e *Engine) yieldTurn() {
	until := e.turn.Swap(0)
	if until == 0 {
		return
	}
	e.awaitNews(e.known(), time.Until(time.Unix(0, until)))
}

// awaitNext waits until the servers have sent a record behind the one with the number
// known, as they do unasked. An engine that requested one record after the other would
// never reach the end of a log that others write.
func (e *Engine) awaitNext(known uint64) { e.awaitNews(known, turnTime) }

// awaitNews waits until there is a record behind the one with the number known, but
// not longer than most. Only the committer calls it.
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
