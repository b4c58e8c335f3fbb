package platform_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/platform"
)

// A pausingStore counts those who read its records, for which each takes a second.
type pausingStore struct {
	platform.Store
	mu           sync.Mutex
	reading, top int
}

func (s *pausingStore) List(ctx context.Context, kind string) (map[string]platform.Record, error) {
	s.count(1)
	defer s.count(-1)
	time.Sleep(time.Second)
	return s.Store.List(ctx, kind)
}

func (s *pausingStore) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading += n
	s.top = max(s.top, s.reading)
}

func TestFourCallsReadAllRecordsAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registered := twoApps()
		registered.Add(opsKey)
		store := &pausingStore{Store: registered}
		p := newPlatform(t, platform.Config{Store: store, SignWindow: -1})
		var all sync.WaitGroup
		for range 3 {
			for _, api := range []string{"platform/app/list", "platform/manageapp/list", "platform/key/list"} {
				all.Go(func() { ask(t, p, opsKey, "POST", api, "app_id", "shop").want(t, 200, "") })
			}
			all.Go(func() { ask(t, p, opsKey, "GET", "platform/app/info", "app_id", "shop").want(t, 200, "") })
			all.Go(func() { ask(t, p, opsKey, "POST", "platform/app/create", "name", "x").want(t, 200, "") })
			all.Go(func() { ask(t, p, opsKey, "POST", "platform/key/create", "app_id", "shop").want(t, 200, "") })
		}
		all.Wait()
		if store.top != 4 {
			t.Errorf("%d read all records at a time", store.top)
		}
	})
}
