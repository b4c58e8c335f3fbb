package jetstream

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	busy "github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
)

// smallDisk returns a directory with a file system of its own.
func smallDisk(t *testing.T) string { return diskOf(t, "24m") }

func diskOf(t *testing.T, size string) string {
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size)
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
	c := Config{Dir: filepath.Join(disk, "data"), Patience: time.Second, SyncInterval: interval, noReserve: true}
	p := &testPublisher{T: t, engine: open(t, c)}
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

func TestAReserveOfTheDiskLetsConsumersMakeRoom(t *testing.T) {
	disk := smallDisk(t)
	e := open(t, Config{Dir: filepath.Join(disk, "data"), Patience: 30 * time.Second})
	bind(t, e, "orders")
	m := &platform.Message{Key: "order.new", Body: make([]byte, 100<<10)}
	var err error
	stored := 0
	for ; err == nil; stored++ {
		err = e.Write(t.Context(), shop, "orders", m)
	}
	stored--
	if !errors.Is(err, platform.ErrQueueFull) || !strings.Contains(err.Error(), "disk") {
		t.Fatalf("after %d messages: %v", stored, err)
	}
	if d, known := e.Disk(); !known || d.Total != 24<<20 || d.Free < 0 || d.Free > d.Reserve+worthBytes || d.Reserve != leastReserve {
		t.Errorf("a disk of 24 MiB that is full is %+v", d)
	}
	if err := e.Ready(t.Context()); err != nil {
		t.Errorf("ready with the reserve left: %v", err)
	}
	if s, err := e.Status(t.Context(), shop, "orders"); err != nil || s.Ready != stored {
		t.Errorf("%+v, %v; %d were stored", s, err, stored)
	}
	backup := filepath.Join(t.TempDir(), "backup")
	f, err := os.Create(backup)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := e.Backup(t.Context(), f); err != nil {
		t.Errorf("backup to another disk: %v", err)
	}
	c, err := e.Consume(t.Context(), shop, "orders", "test")
	if err != nil {
		t.Fatal(err)
	}
	for got := 0; got < stored/2; {
		leases, err := c.Fetch(t.Context(), 10, math.MaxInt)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range leases {
			if err := c.Ack(t.Context(), l.ID); err != nil {
				t.Fatal(err)
			}
		}
		got += len(leases)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(busy.Of(time.Minute)); ; time.Sleep(10 * time.Millisecond) {
		if err = e.Write(t.Context(), shop, "orders", m); err == nil {
			return
		}
		if !errors.Is(err, platform.ErrQueueFull) || time.Now().After(deadline) {
			t.Fatalf("when there is room again: %v", err)
		}
	}
}

func TestALostDataDirectoryIsNoticed(t *testing.T) {
	for name, lose := range map[string]func(dir string) error{
		"removed":  os.RemoveAll,
		"replaced": func(dir string) error { return errors.Join(os.Rename(dir, dir+".old"), os.Mkdir(dir, 0o700)) },
		"emptied":  func(dir string) error { return os.RemoveAll(filepath.Join(dir, "jetstream")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			e := open(t, Config{Dir: dir, Patience: time.Second, SyncInterval: time.Minute})
			if err := lose(dir); err != nil {
				t.Fatal(err)
			}
			var err error
			for deadline := time.Now().Add(busy.Of(time.Minute)); err == nil && time.Now().Before(deadline); {
				err = e.Write(t.Context(), shop, "orders", &platform.Message{Body: []byte("x")})
			}
			if !errors.Is(err, platform.ErrUnavailable) || !strings.Contains(err.Error(), "removed or replaced") {
				t.Errorf("write: %v", err)
			}
			if err := e.Ready(t.Context()); !errors.Is(err, platform.ErrUnavailable) {
				t.Errorf("ready: %v", err)
			}
			if _, err := e.Store().Load(t.Context(), "app", "x"); !errors.Is(err, platform.ErrUnavailable) {
				t.Errorf("load: %v", err)
			}
		})
	}
}

// A subscriber that never reads must not fill the disk for the others.
// The reserve of this disk has room for what the server writes to remove the head of a
// file of its log, which has 8 MB.
func TestANearlyFullDiskShedsBeforeItRefuses(t *testing.T) {
	disk := diskOf(t, "200m")
	e := open(t, Config{Dir: filepath.Join(disk, "data"), SyncInterval: time.Minute, Patience: 30 * time.Second})
	ctx := t.Context()
	must(t, e.Declare(ctx, "slow", platform.Owner{Bindings: []platform.Binding{{Pattern: "#"}}}))
	must(t, e.Declare(ctx, shop, platform.Owner{Bindings: []platform.Binding{}}))
	must(t, e.Create(ctx, shop, "orders"))
	write := func(i int) error {
		m := &platform.Message{ClientID: shop, Key: "order.new", Body: make([]byte, 400<<10)}
		_, err := e.Publish(ctx, "", m) // never refused
		must(t, err)
		return e.Write(ctx, shop, "orders", &platform.Message{Body: fmt.Append(nil, i)})
	}
	refused := 0
	for i := range 1000 { // 400 MB, twice what the disk holds
		for deadline := time.Now().Add(busy.Of(time.Minute)); ; refused++ {
			err := write(i)
			if err == nil {
				break
			}
			if !errors.Is(err, platform.ErrQueueFull) || time.Now().After(deadline) {
				t.Fatalf("message %d: %v", i, err)
			}
			time.Sleep(10 * time.Millisecond) // a publisher that tries again
		}
		if _, err := e.Read(ctx, shop, "orders", 1); err != nil {
			t.Fatal(err)
		}
	}
	s, err := e.Status(ctx, "slow", "")
	if err != nil || s.Dropped == 0 {
		t.Errorf("%+v, %v", s, err)
	}
	t.Logf("%d were refused, %d dropped", refused, s.Dropped)
}

// What is lost on a full disk is counted, but does not take the rest of the disk.
func TestAFullDiskLosesWhatMayBeLostAndWritesNothing(t *testing.T) {
	disk := smallDisk(t)
	warned := 0
	bounds := platform.QueueBounds{Bindings: []platform.Binding{{Pattern: "#"}}, OnDrop: func(string, string, uint64) { warned++ }}
	e := open(t, Config{Dir: filepath.Join(disk, "data"), SyncInterval: time.Minute, Patience: 30 * time.Second, QueueBounds: bounds})
	ctx := t.Context()
	must(t, e.Declare(ctx, "slow", platform.Owner{}))
	fill(t, disk, leastReserve)
	e.server.disk.free.Store(0) // as the next measuring finds
	before := e.known()
	for range 100 {
		routed, err := e.Publish(ctx, "", &platform.Message{ClientID: shop, Key: "order.new"})
		if err != nil || routed[0] != 0 {
			t.Fatalf("routed to %d queues, %v", routed, err)
		}
	}
	if s, err := e.Status(ctx, "slow", ""); err != nil || s.Dropped != 100 || s.Ready != 0 || e.known() != before {
		t.Errorf("%+v, %v, and %d records were written", s, err, e.known()-before)
	}
	if warned != 1 {
		t.Errorf("warned %d times", warned)
	}
}
