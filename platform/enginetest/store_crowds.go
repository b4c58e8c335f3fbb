package enginetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/platform"
)

const crowd = 100 // goroutines

func storeCrowds() []storePromise {
	return []storePromise{
		{"OneOfManyMakesANewRecord", oneMakes},
		{"OneOfManyReplacesARevision", oneReplaces},
		{"OneOfManyMakesALastingRecord", oneMakesLasting},
		{"NoChangeIsLostInACrowd", nothingLost},
	}
}

// together runs work in a crowd and fails the test when any of it failed.
func (t *storeTrial) together(work func(i int) error) {
	t.Helper()
	failed := make(chan error, crowd)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range crowd {
		group.Go(func() {
			<-start
			failed <- work(i)
		})
	}
	close(start)
	group.Wait()
	close(failed)
	for err := range failed {
		t.must(err, "in the crowd")
	}
}

func oneMakes(t *storeTrial) { t.oneSaves(kind, name(), 0, time.Hour) }

func oneMakesLasting(t *storeTrial) { t.oneSaves(lastingKind(), name(), 0, 0) }

func oneReplaces(t *storeTrial) {
	id := name()
	t.oneSaves(kind, id, t.save(id, "first", 0), time.Hour)
}

// oneSaves lets a crowd save over the same revision.
func (t *storeTrial) oneSaves(kind, id string, over uint64, ttl time.Duration) {
	t.Helper()
	var winner atomic.Int64
	var revision atomic.Uint64
	winner.Store(-1)
	t.together(func(i int) error {
		next, err := t.store.Save(t.ctx, kind, id, []byte(strconv.Itoa(i)), over, ttl)
		switch {
		case errors.Is(err, platform.ErrConflict):
			return nil
		case err != nil:
			return err
		case !winner.CompareAndSwap(-1, int64(i)):
			return fmt.Errorf("two of the crowd saved over revision %d", over)
		}
		revision.Store(next)
		return nil
	})
	if winner.Load() < 0 {
		t.Fatalf("none of the crowd saved over revision %d", over)
	}
	t.holds(kind, id, strconv.FormatInt(winner.Load(), 10), revision.Load())
}

// In the first round all have read before the first one saves.
func nothingLost(t *storeTrial) {
	id := name()
	t.save(id, "0", 0)
	var all sync.WaitGroup
	all.Add(crowd)
	t.together(func(int) error {
		meet := sync.OnceFunc(func() { all.Done(); all.Wait() })
		defer meet()
		return t.increment(id, meet)
	})
	got, err := t.store.Load(t.ctx, kind, id)
	t.must(err, "load")
	if string(got.Value) != strconv.Itoa(crowd) {
		t.Fatalf("%d times one is %s", crowd, got.Value)
	}
}

// increment adds one to a number, as often as it takes. It calls read each
// time that it has read the number.
func (t *storeTrial) increment(id string, read func()) error {
	for {
		got, err := t.store.Load(t.ctx, kind, id)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(got.Value))
		if err != nil {
			return err
		}
		read()
		_, err = t.store.Save(t.ctx, kind, id, []byte(strconv.Itoa(n+1)), got.Revision, time.Hour)
		if !errors.Is(err, platform.ErrConflict) {
			return err
		}
	}
}
