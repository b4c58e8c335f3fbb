package jetstream

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	busy "github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/enginetest"
)

func TestRecordsAreComparedAndExpire(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()}).Store()
	ctx := t.Context()
	value := []byte{0, 255, 'x'}
	first, err := s.Save(ctx, "session", "a1", value, 0, time.Minute)
	if err != nil || first == 0 {
		t.Fatal(first, err)
	}
	if _, err := s.Save(ctx, "session", "a1", value, 0, time.Minute); !errors.Is(err, platform.ErrConflict) {
		t.Errorf("saving a second one: %v", err)
	}
	if _, err := s.Load(ctx, "code", "a1"); !errors.Is(err, platform.ErrNoRecord) {
		t.Errorf("another kind: %v", err)
	}
	second, err := s.Save(ctx, "session", "a1", nil, first, time.Second)
	if err != nil || second <= first {
		t.Fatal(second, err)
	}
	if _, err := s.Save(ctx, "session", "a1", value, first, time.Minute); !errors.Is(err, platform.ErrConflict) {
		t.Errorf("saving over a newer one: %v", err)
	}
	if r, err := s.Load(ctx, "session", "a1"); err != nil || len(r.Value) != 0 || r.Revision != second {
		t.Errorf("%+v, %v", r, err)
	}
	for deadline := time.Now().Add(busy.Of(10 * time.Second)); ; time.Sleep(20 * time.Millisecond) {
		if _, err = s.Load(ctx, "session", "a1"); errors.Is(err, platform.ErrNoRecord) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("it lives on: %v", err)
		}
	}
	third, err := s.Save(ctx, "session", "a1", value, 0, time.Minute)
	if err != nil || third <= second {
		t.Errorf("saving anew: %d, %v", third, err)
	}
	if r, err := s.Load(ctx, "session", "a1"); err != nil || !bytes.Equal(r.Value, value) {
		t.Errorf("%+v, %v", r, err)
	}
	for range 2 {
		if err := s.Delete(ctx, "session", "a1"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Save(ctx, "session", "a1", value, third, time.Minute); !errors.Is(err, platform.ErrConflict) {
		t.Errorf("saving over a deleted one: %v", err)
	}
	if _, err := s.Save(ctx, "session", "a1", value, 0, time.Minute); err != nil {
		t.Errorf("saving after Delete: %v", err)
	}
}

func TestOfManyWhoSaveOneWins(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()}).Store()
	var group sync.WaitGroup
	won := make(chan uint64, 16)
	for range 16 {
		group.Go(func() {
			if n, err := s.Save(t.Context(), "code", "x", []byte("x"), 0, time.Minute); err == nil {
				won <- n
			} else if !errors.Is(err, platform.ErrConflict) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if len(won) != 1 {
		t.Errorf("%d have won", len(won))
	}
}

func TestKeysAndAppsAreKnownToEveryEngineAtOnce(t *testing.T) {
	url := external(t)
	one := platform.NewRegistry(open(t, Config{URL: url}).Store())
	other := platform.NewRegistry(open(t, Config{URL: url}).Store())
	ctx := t.Context()
	key := platform.Key{ID: "buwb2lii", Secret: "ucr72ygfutspqeuu6s36", App: "shop"}
	app := platform.App{ID: key.App, Redirects: []string{"https://shop.example/back"}, Listen: []string{}}
	if err := errors.Join(one.SaveApp(ctx, app), one.SaveKey(ctx, key)); err != nil {
		t.Fatal(err)
	}
	if got, err := other.App(ctx, app.ID); err != nil || !reflect.DeepEqual(got, app) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := other.Key(ctx, key.ID); err != nil || !reflect.DeepEqual(got, key) {
		t.Errorf("the key of the other: %v", err)
	}
	if err := one.DeleteKey(ctx, key.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Key(ctx, key.ID); !errors.Is(err, platform.ErrUnknownKey) {
		t.Errorf("after it was removed: %v", err)
	}
}

func TestKeepsThePromisesOfAStore(t *testing.T) {
	enginetest.Store(t, func(t testing.TB) platform.Store { return open(t, Config{Dir: t.TempDir()}).Store() })
}

func TestOneOfTwoEnginesKeepsThePromisesOfAStore(t *testing.T) {
	url := external(t)
	enginetest.Store(t, func(t testing.TB) platform.Store { return open(t, Config{URL: url}).Store() })
}

func within(t *testing.T, true func() bool) {
	t.Helper()
	for deadline := time.Now().Add(busy.Of(10 * time.Second)); !true(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it has not come true within 10 s")
		}
	}
}

func TestAReadOfManyRecordsLeavesNothingAtTheServer(t *testing.T) {
	e := open(t, Config{Dir: t.TempDir()})
	for i := range 3 {
		if _, err := e.Store().Save(t.Context(), "app", fmt.Sprint(i), nil, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	var reading sync.WaitGroup
	for range 64 {
		reading.Go(func() {
			if all, err := e.Store().List(t.Context(), "app"); err != nil || len(all) != 3 {
				t.Errorf("%d records, %v", len(all), err)
			}
		})
	}
	reading.Wait()
	for _, j := range []*journal{e.Store().records, e.journal} {
		stream, err := j.js.Stream(t.Context(), j.stream)
		if err != nil {
			t.Fatal(err)
		}
		if n := stream.CachedInfo().State.Consumers; n != 0 {
			t.Errorf("%s has %d consumers that read no more", j.stream, n)
		}
	}
}
