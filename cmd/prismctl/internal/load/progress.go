package load

import (
	"fmt"
	"strings"
	"time"
)

// Progress shows a line that changes, such as a terminal does.
type Progress interface {
	// Draw replaces the line.
	Draw(line string)
	// Clear takes it away.
	Clear()
}

// redraw is the time between two states of a progress.
const redraw = 200 * time.Millisecond

// watch draws how far it is until the function that it returns is called.
func (b *bench) watch() (stop func()) {
	if b.cfg.Progress == nil {
		return func() {}
	}
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer b.cfg.Progress.Clear()
		line := b.state()
		ticks := time.NewTicker(redraw)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				b.cfg.Progress.Draw(line())
			case <-over:
				return
			}
		}
	}()
	return func() {
		close(over)
		<-ended
	}
}

// state returns what says how far it is, with the rate since it did so last.
func (b *bench) state() func() string {
	var then, before int64
	return func() string {
		now, consumed := b.clock()-b.began, b.count.consumed.Load()
		rate := float64(consumed-before) / time.Duration(now-then).Seconds()
		then, before = now, consumed
		underWay := b.count.published.Load() - b.count.failed.Load() - consumed
		return progressLine(time.Duration(now), b.cfg.Duration, consumed, rate, underWay, b.ended.Load() > 0)
	}
}

// fill is a bar of so many columns, full at 1.
func fill(share float64, columns int) string {
	full := int(share*float64(columns) + 0.5)
	full = min(max(full, 0), columns)
	return strings.Repeat("█", full) + strings.Repeat("░", columns-full)
}

// progressLine is what is shown while it runs.
func progressLine(elapsed, duration time.Duration, consumed int64, rate float64, underWay int64, over bool) string {
	if over {
		return fmt.Sprintf("the load is over; %s on their way", messagesOf(underWay))
	}
	share := min(elapsed.Seconds()/duration.Seconds(), 1)
	return fmt.Sprintf("%s %3.0f %%  %.1f s of %v  %s consumed  %s/s", fill(share, 24), 100*share,
		elapsed.Seconds(), duration, grouped(consumed), grouped(int64(rate)))
}
