package oauth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestFlightWorksOnceForAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flights[int]
		var worked atomic.Int32
		work := func() (int, time.Duration, error) {
			time.Sleep(time.Second)
			return int(worked.Add(1)), 0, nil
		}
		for round := 1; round <= 3; round++ {
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					if got, err := f.do(t.Context(), "a", time.Now, work); got != round || err != nil {
						t.Errorf("round %d: got %d %v", round, got, err)
					}
				})
			}
			all.Wait()
		}
		if len(f.m) != 0 {
			t.Errorf("%d outcomes are kept", len(f.m))
		}
	})
}

func TestFlightKeepsItsOutcomeForAsLongAsItSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flights[int]
		worked, failure := 0, errors.New("no")
		work := func() (int, time.Duration, error) { worked++; return worked, time.Minute, failure }
		for _, step := range []struct {
			after time.Duration
			want  int
		}{{0, 1}, {59 * time.Second, 1}, {time.Second, 2}, {time.Second, 2}} {
			time.Sleep(step.after)
			if got, err := f.do(t.Context(), "a", time.Now, work); got != step.want || err != failure {
				t.Errorf("got %d %v, want %d", got, err, step.want)
			}
		}
		f.set("a", 9, time.Now().Add(time.Second))
		if got, err := f.do(t.Context(), "a", time.Now, work); got != 9 || err != nil {
			t.Errorf("got %d %v, want what was noted", got, err)
		}
		f.forget("a")
		if got, _ := f.do(t.Context(), "a", time.Now, work); got != 3 {
			t.Errorf("got %d, though it was to be forgotten", got)
		}
	})
}

func TestFlightIsLeftByWhoeverCannotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flights[int]
		go f.do(t.Context(), "a", time.Now, func() (int, time.Duration, error) { time.Sleep(time.Hour); return 1, 0, nil })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := f.do(ctx, "a", time.Now, nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		time.Sleep(time.Hour)
	})
}

func TestPanicOfTheWorkStrandsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flights[int]
		go func() {
			defer func() { recover() }()
			f.do(t.Context(), "a", time.Now, func() (int, time.Duration, error) { time.Sleep(time.Nanosecond); panic("no") })
		}()
		synctest.Wait()
		if _, err := f.do(t.Context(), "a", time.Now, nil); err != errPanicked {
			t.Errorf("got %v", err)
		}
		if got, err := f.do(t.Context(), "a", time.Now, func() (int, time.Duration, error) { return 1, 0, nil }); got != 1 || err != nil {
			t.Errorf("then got %d %v", got, err)
		}
		synctest.Wait()
	})
}

func TestFlightsAreBoundedAndNeverDropTheOneAtWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flights[int]
		done := make(chan int)
		go func() {
			got, _ := f.do(t.Context(), "at work", time.Now, func() (int, time.Duration, error) { time.Sleep(time.Hour); return 7, 0, nil })
			done <- got
		}()
		synctest.Wait()
		for i := range mostFlights + 100 {
			f.set(fmt.Sprint(i), i, time.Now().Add(time.Hour))
		}
		if len(f.m) != mostFlights || f.m["at work"] == nil {
			t.Errorf("%d are kept", len(f.m))
		}
		if got, err := f.do(t.Context(), "at work", time.Now, nil); got != 7 || err != nil {
			t.Errorf("got %d %v", got, err)
		}
		<-done
	})
}
