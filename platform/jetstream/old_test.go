package jetstream

import (
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// What an earlier version has written has no attempts in the limits of a queue, and no
// place in the joinings of consumers.
func TestALogOfBeforeAttemptsWereCountedIsRead(t *testing.T) {
	c := Config{Dir: t.TempDir(), SyncInterval: time.Minute}
	e := open(t, c)
	write(t, e, "", "1", "2")
	must(t, e.do(t.Context(), func(d *draft) error {
		q, err := d.queue(shop, "")
		if err != nil {
			return err
		}
		d.emit(q.owner, fact{kind: factLimits, queue: q.id, text: string(platform.DropOldest), numbers: []uint64{7, 1 << 10}})
		d.emit(q.owner, fact{kind: factJoin, queue: q.id, consumer: 2, text: "engine"})
		return nil
	}, nil))
	must(t, e.Close())
	must(t, writeVersion(c.Dir, 3))
	e = open(t, c)
	s, err := e.Status(t.Context(), shop, "")
	want := platform.QueueLimits{MaxMessages: 7, MaxBytes: 1 << 10, Overflow: platform.DropOldest}
	if err != nil || s.Limits != want || s.Ready != 2 || s.Parked != 0 {
		t.Errorf("%+v, %v, want %+v", s, err, want)
	}
	setAttempts(t, e, 1)
	taker, err := e.ConsumeAlone(t.Context(), shop, "", "test")
	must(t, err)
	leases, _ := fetchN(t, taker, 2)
	if gone := fail(t, taker, "why", leases[0]); len(gone) != 1 || leases[0].Attempt != 1 {
		t.Errorf("parked %v of %+v", gone, leases)
	}
	expectParked(t, e, "1 1 why test")
}
