package jetstream

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// smallDisk returns a directory with a file system of its own.
func smallDisk(t *testing.T) string {
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m")
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skipf("needs a disk that can be filled: mounting a tmpfs is not permitted here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes a file that leaves only so much free, and returns its name.
func fill(t *testing.T, dir string, free int64) string {
	name := filepath.Join(dir, "ballast")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4 << 10, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if s, err := f.Stat(); err != nil || f.Truncate(s.Size()-free) != nil {
		t.Fatal("the ballast cannot be cut")
	}
	return name
}

func TestAFullDiskRefusesUntilThereIsRoom(t *testing.T) {
	for _, interval := range []time.Duration{0, time.Minute} {
		t.Run(fmt.Sprint("sync=", interval), func(t *testing.T) { refusesUntilThereIsRoom(t, interval) })
	}
}

func refusesUntilThereIsRoom(t *testing.T, interval time.Duration) {
	disk := smallDisk(t)
	c := Config{Dir: filepath.Join(disk, "data"), Patience: time.Second, SyncInterval: interval}
	p := &press{T: t, engine: open(t, c)}
	bind(t, p.engine, "orders", "audit")
	for range 100 {
		if err := p.publish(100); err != nil {
			t.Fatal(err)
		}
	}
	for _, free := range []int64{0, 64 << 10, 300 << 10} {
		ballast := fill(t, disk, free)
		p.untilRefused()
		if err := p.engine.Ready(t.Context()); !errors.Is(err, platform.ErrUnavailable) {
			t.Errorf("ready on a full disk: %v", err)
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		p.untilConfirmed()
		if err := p.engine.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := p.engine.Close(); err != nil {
		t.Fatal(err)
	}
	p.engine = open(t, c)
	p.holds("orders", "audit")
}
