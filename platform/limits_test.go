package platform_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// sharedPlatforms are platforms over one store, as the processes of a cluster.
func sharedPlatforms(t *testing.T, store platform.Store, n int) []*platform.Platform {
	all := make([]*platform.Platform, n)
	for i := range all {
		all[i] = newPlatform(t, platform.Config{Store: store, Gateway: platform.Gateway{Shared: true}})
		t.Cleanup(func() { all[i].Shutdown(context.Background()) })
	}
	return all
}

// allowed makes calls at each platform, every pause, for so long, and returns how many
// were allowed at each.
func allowed(l apijson.Limit, pause, long time.Duration, at ...*platform.Platform) []int {
	n := make([]int, len(at))
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(pause) {
		for i, p := range at {
			if _, ok := p.AllowCall("buwb2lii", "goods", "goods.query", l); ok {
				n[i]++
			}
		}
	}
	return n
}

func sum(counts []int) (total int) {
	for _, n := range counts {
		total += n
	}
	return total
}

// docs/gateway.md says by how much platforms together may exceed a limit.
func TestPlatformsTogetherExceedALimitByWhatOthersAllowInTwoSecondsAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most, rate = 300, 20 // calls a second at each platform
		shared := sharedPlatforms(t, &memory.Store{}, 3)
		l := apijson.Limit{Count: most, Per: time.Minute}
		for window := range 3 {
			total := sum(allowed(l, time.Second/rate, time.Minute, shared...))
			if late := 2 * 2 * rate; total < most || total > most+late {
				t.Errorf("in window %d %d calls were allowed; the limit is %d, and %d too many may be", window, total, most, late)
			}
		}
	})
}

func TestABurstAtAllPlatformsIsOverWhenTheyHaveToldEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := sharedPlatforms(t, &memory.Store{}, 3)
		l := apijson.Limit{Count: 10, Per: time.Minute}
		if total := sum(allowed(l, time.Millisecond, time.Second, shared...)); total < 10 || total > 30 {
			t.Errorf("%d calls were allowed, by three platforms of which each allows 10", total)
		}
		time.Sleep(time.Second)
		if after := sum(allowed(l, 100*time.Millisecond, 57*time.Second, shared...)); after > 0 {
			t.Errorf("%d calls more were allowed after that", after)
		}
		time.Sleep(2 * time.Second)
		if next := allowed(l, time.Millisecond, 20*time.Millisecond, shared[0]); next[0] != 10 {
			t.Errorf("in the next window %d were allowed at once, want 10", next)
		}
	})
}

func TestWhatOnePlatformHasAllowedCountsAtOneThatHadNoCallYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := sharedPlatforms(t, &memory.Store{}, 2)
		l := apijson.Limit{Count: 2, Per: time.Minute}
		if n := allowed(l, time.Millisecond, 10*time.Millisecond, shared[0]); n[0] != 2 {
			t.Fatalf("%d calls were allowed at the first, want 2", n[0])
		}
		time.Sleep(2 * time.Second)
		wait, ok := shared[1].AllowCall("buwb2lii", "goods", "goods.query", l)
		if left := time.Minute - time.Duration(time.Now().Second())*time.Second; ok || wait > left || wait < left-time.Second {
			t.Errorf("the other one allows it: %v, wait %v; want a wait of %v", ok, wait, left)
		}
	})
}

func TestAPlatformThatIsGoneHasNoShareOfShortWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := sharedPlatforms(t, &memory.Store{}, 3)
		l := apijson.Limit{Count: 9, Per: time.Second}
		allowed(l, 100*time.Millisecond, 5*time.Second, shared...)
		if n := allowed(l, 10*time.Millisecond, time.Second, shared...); sum(n) > 9+2 || sum(n) < 9 {
			t.Errorf("three platforms allow %v in a second, of 9", n)
		}
		shared[2].Shutdown(t.Context())
		allowed(l, 100*time.Millisecond, 15*time.Second, shared[:2]...)
		if n := allowed(l, 10*time.Millisecond, time.Second, shared[:2]...); n[0] != 5 || n[1] != 5 {
			t.Errorf("two platforms that are left allow %v in a second, want 5 each", n)
		}
	})
}

// A store that cannot be reached must stop no call.
func TestLimitsCountAloneWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &outage{Store: provisionedStore()}
		store.out.Store(true)
		shared := sharedPlatforms(t, store, 2)
		l := apijson.Limit{Count: 5, Per: time.Minute}
		if n := allowed(l, time.Second, 10*time.Second, shared...); n[0] != 5 || n[1] != 5 {
			t.Errorf("allowed %v, want 5 each", n)
		}
		store.out.Store(false)
		time.Sleep(2*time.Second + time.Millisecond)
		if n := allowed(apijson.Limit{Count: 7, Per: time.Minute}, time.Second, 10*time.Second, shared...); sum(n) > 0 {
			t.Errorf("allowed %v, though 10 of 7 were allowed before", n)
		}
	})
}

func TestAPlatformAloneStartsNothingForLimits(t *testing.T) {
	store := &outage{Store: provisionedStore()}
	p := newPlatform(t, platform.Config{Store: store})
	before := store.loads.Load()
	if _, ok := p.AllowCall("buwb2lii", "goods", "goods.query", apijson.Limit{Count: 1, Per: time.Minute}); !ok {
		t.Error("refused")
	}
	if n := testing.AllocsPerRun(100, func() {
		p.AllowCall("buwb2lii", "goods", "goods.query", apijson.Limit{Count: 1, Per: time.Minute})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if store.loads.Load() != before {
		t.Error("the store was asked") // the leak check of the package finds the goroutine
	}
}
