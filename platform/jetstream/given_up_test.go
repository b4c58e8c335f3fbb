package jetstream

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// Callers give up at any moment. What they wanted may still be under way then, so counts
// may change once more; but it is done or not, and everything adds up behind the next
// change of their queue.
func TestWhatCallersGiveUpIsDoneOrNot(t *testing.T) {
	both(t, Config{cleanAbove: 1000, CacheBytes: 1000}, func(t *testing.T, one, other *Engine) {
		const workers, each = 4, 60
		ctx := t.Context()
		must(t, one.Declare(ctx, "erp", platform.Owner{Exchange: "domain", Bindings: []platform.Binding{{Pattern: "#"}}}))
		must(t, one.Declare(ctx, "small", platform.Owner{Exchange: "domain", Bindings: []platform.Binding{{Pattern: "#"}}}))
		must(t, one.SetLimits(ctx, "small", "", platform.QueueLimits{MaxMessages: 5}))
		engines := []*Engine{one, other}
		var mu sync.Mutex
		stored, acked := make(map[string]bool), make(map[string]bool) // whether that was confirmed
		var group sync.WaitGroup
		soon := func() context.Context {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Duration(rand.IntN(2000))*time.Microsecond, cancel)
			return ctx
		}
		for w := range workers {
			group.Go(func() {
				for i := range each {
					m := &platform.Message{Key: "order.new", ClientID: shop, Body: fmt.Appendf(nil, "%d/%d", w, i)}
					_, err := engines[w%2].Publish(soon(), "domain", m)
					mu.Lock()
					stored[string(m.Body)] = err == nil
					mu.Unlock()
				}
			})
			group.Go(func() {
				for range each / 4 {
					c, err := engines[w%2].Consume(soon(), "erp", "", "test")
					if err != nil {
						continue
					}
					leases, err := c.Fetch(soon(), 3, math.MaxInt)
					if err == nil {
						err = c.Ack(soon(), ids(leases)...)
						mu.Lock()
						for _, l := range leases {
							acked[string(l.Message.Body)] = acked[string(l.Message.Body)] || err == nil
						}
						mu.Unlock()
					}
					if err := c.Close(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		for _, e := range engines {
			must(t, e.Create(ctx, "erp", "behind what is under way"))
			must(t, e.Create(ctx, "small", "behind what is under way"))
		}
		before, err := one.Depths(ctx)
		must(t, err)
		left, err := one.Peek(ctx, "erp", "", platform.MessageID{}, workers*each)
		must(t, err)
		there := make(map[string]bool)
		for _, p := range left {
			body := string(p.Message.Body)
			if there[body] || acked[body] {
				t.Errorf("%s is there again", body)
			}
			there[body] = true
		}
		for body, confirmed := range stored {
			if _, fetched := acked[body]; confirmed && !fetched && !there[body] {
				t.Errorf("%s is lost", body)
			}
		}
		s, err := one.counts(ctx, "erp", "")
		if err != nil || s.Ready != len(left) || s.Unacknowledged != 0 {
			t.Errorf("%+v, %v, of %d messages", s, err, len(left))
		}
		one.sum(t)
		one.audit(t)
		after, err := one.Depths(ctx)
		must(t, err)
		if a, b := byQueue(before), byQueue(after); !maps.Equal(a, b) {
			t.Errorf("the counts have changed from\n%v to\n%v", a, b)
		}
	})
}

func byQueue(depths []platform.QueueDepth) map[string]platform.QueueStatus {
	all := make(map[string]platform.QueueStatus)
	for _, d := range depths {
		all[d.Owner+"/"+d.Topic] = d.QueueStatus
	}
	return all
}
