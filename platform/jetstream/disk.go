package jetstream

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/shopex/prism-go/platform"
)

// Publishing is refused before the disk of the data directory is full. The last part
// of it, the reserve, is for acknowledgements, which make room but are records too,
// and for logins and backups.

const (
	reserveParts                    = 20 // of the disk
	leastReserve, mostReserve       = 4 << 20, 1 << 30
	unknownSpace              int64 = math.MaxInt64
)

// A disk is an estimate of the room on the disk of a data directory: what was free when
// it was last measured, less what was written since.
type disk struct {
	free    atomic.Int64
	total   atomic.Int64
	reserve atomic.Int64
	low     bool // belongs to measure
}

// measure measures what is free, and reports whether the reserve was reached or left.
func (d *disk) measure(dir string) (changed bool) {
	free, total, err := space(dir)
	if err != nil {
		free, total = unknownSpace, 0
	}
	d.free.Store(free)
	d.total.Store(total)
	d.reserve.Store(min(max(total/reserveParts, leastReserve), mostReserve))
	low := free < d.reserve.Load()
	changed = low != d.low
	d.low = low
	return changed
}

// isLow reports whether what is left is the reserve, or will be soon.
func (d *disk) isLow() bool { return d.free.Load() < d.reserve.Load()+worthBytes }

// isNear reports whether so little is left that messages should be shed.
func (d *disk) isNear() bool {
	r := d.reserve.Load()
	return d.free.Load() < r+max(worthBytes, r/4)
}

var _ platform.Condition = (*Engine)(nil)

// Disk returns how full the disk of Dir is, as [platform.Condition] describes.
func (e *Engine) Disk() (platform.Disk, bool) {
	d := e.disk()
	if d == nil || d.total.Load() == 0 {
		return platform.Disk{}, false
	}
	return platform.Disk{Free: d.free.Load(), Total: d.total.Load(), Reserve: d.reserve.Load()}, true
}

// diskIsLow reports whether the disk of Dir has no more room for messages.
func (e *Engine) diskIsLow() bool {
	d := e.disk()
	return d != nil && d.isLow()
}

// allocate takes bytes from what is free, or returns an error if that would touch the
// reserve. Only what adds messages calls it.
func (d *disk) allocate(bytes int) error {
	if left := d.free.Add(-int64(bytes)); left < d.reserve.Load() {
		d.free.Add(int64(bytes))
		return fmt.Errorf("%w: the disk of the platform is nearly full: it takes messages again when others were consumed or there is room", platform.ErrQueueFull)
	}
	return nil
}

// watchDisk measures the disk, and finds out whether the data directory is still there.
func (s *server) watchDisk() {
	switch changed := !s.config.noReserve && s.disk.measure(s.config.Dir); {
	case changed && s.disk.low:
		s.config.Logger.Error("jetstream: the disk is nearly full: no message is taken until there is room; consuming makes room",
			"directory", s.config.Dir, "free", s.disk.free.Load(), "reserve", s.disk.reserve.Load())
	case changed:
		s.config.Logger.Info("jetstream: there is room on the disk again", "directory", s.config.Dir, "free", s.disk.free.Load())
	}
	if s.lost.Load() == nil && s.vanished() {
		err := fmt.Errorf("%w: the data directory %s was removed or replaced while it was in use: put it back and start again", platform.ErrUnavailable, s.config.Dir)
		s.lost.Store(&err)
		s.config.Logger.Error("jetstream: the data directory is gone: nothing is stored any more", "directory", s.config.Dir)
	}
}

// vanished reports whether the files that this process has open are no longer those
// in the directory. Whatever is written to such files is lost.
func (s *server) vanished() bool {
	opened, err := s.lock.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(s.lock.Name())
	if errors.Is(err, os.ErrNotExist) || err == nil && !os.SameFile(opened, named) {
		return true
	}
	_, err = os.Stat(filepath.Join(s.config.Dir, "jetstream"))
	return errors.Is(err, os.ErrNotExist)
}

// lostError returns an error once the data directory was lost.
func (s *server) lostError() error {
	if s == nil {
		return nil
	}
	if err := s.lost.Load(); err != nil {
		return *err
	}
	return nil
}
