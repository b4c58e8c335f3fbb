package jetstream

import (
	"context"
	"maps"
	"time"
)

const (
	// shedDiskEvery leaves the time to remove the head of the log and to measure the
	// disk again.
	shedDiskEvery = 2 * checkInterval
	// shedDiskBytes is how much is shed in that time: enough for files of the log to
	// become empty.
	shedDiskBytes = 16 << 20
)

// diskShedder sheds messages while the disk of Dir is near its reserve, so that the head
// of the log can be removed before messages are refused, until ctx ends.
func (e *Engine) diskShedder(ctx context.Context) {
	tick := time.NewTicker(shedDiskEvery)
	defer tick.Stop()
	for told := false; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if d := e.disk(); d == nil || !d.isNear() {
			told = false
			continue
		}
		if e.shedForDisk(ctx) > 0 && !told {
			told = true
			e.config.Logger.Warn("jetstream: the disk is nearly full: the largest queues that may drop lose their oldest messages")
		}
	}
}

// shedForDisk returns how many bytes it has shed.
func (e *Engine) shedForDisk(ctx context.Context) (shed int64) {
	for shed < shedDiskBytes && ctx.Err() == nil {
		var some int64 // the committer may write it unless do returns nil
		err := e.do(ctx, func(d *draft) error { some = d.shedSome(); return nil }, nil)
		if err != nil || some == 0 {
			break
		}
		shed += some
	}
	return shed
}

// shedSome sheds messages of the largest queues that may lose some, as far as one record
// has room for that, and returns their bytes with what the log needs for them.
func (d *draft) shedSome() int64 {
	most := d.mostLosses()
	if most <= 0 {
		return 0
	}
	return d.relieve(maps.Values(d.state.queues), shedDiskBytes, most, byDisk)
}
