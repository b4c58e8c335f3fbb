package jetstream

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/shopex/prism-go/platform"
)

// Consumers take messages of a queue that overflows all the time: each message is
// delivered once, or counted as dropped, or still there.
func TestWhatOverflowsIsDeliveredOrDroppedAndNeverBoth(t *testing.T) {
	both(t, Config{cleanAbove: 1000, CacheBytes: 1000}, func(t *testing.T, one, other *Engine) {
		const publishers, consumers, batches, batch = 3, 4, 40, 10
		ctx := t.Context()
		must(t, one.Declare(ctx, "erp", platform.Owner{Exchange: "domain", Bindings: []platform.Binding{{Pattern: "#"}}}))
		must(t, one.SetLimits(ctx, "erp", "", platform.QueueLimits{MaxMessages: 12}))
		engines := []*Engine{one, other}
		var publishing, working sync.WaitGroup
		for p := range publishers {
			publishing.Go(func() {
				for i := range batches {
					var ms []*platform.Message
					for n := range batch {
						ms = append(ms, &platform.Message{Key: "order.new", ClientID: shop, Body: fmt.Appendf(nil, "%d/%d/%d", p, i, n)})
					}
					if routed, err := engines[p%2].Publish(ctx, "domain", ms...); err != nil || len(routed) != batch {
						t.Errorf("%d were stored, %v", len(routed), err)
					}
				}
			})
		}
		var mu sync.Mutex
		got := make(map[string]int)
		fetching, stop := context.WithCancel(ctx)
		for i := range consumers {
			working.Go(func() {
				c, err := engines[i%2].Consume(ctx, "erp", "", "test")
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				for {
					leases, err := c.Fetch(fetching, 1+i, math.MaxInt)
					if err != nil {
						return
					}
					if err := c.Ack(ctx, ids(leases)...); err != nil {
						t.Error(err)
					}
					mu.Lock()
					for _, l := range leases {
						got[string(l.Message.Body)]++
					}
					mu.Unlock()
				}
			})
		}
		publishing.Wait()
		stop()
		working.Wait()
		left, err := one.Read(ctx, "erp", "", 100)
		must(t, err)
		for _, m := range left {
			got[string(m.Body)]++
		}
		for body, n := range got {
			if n > 1 {
				t.Errorf("%s came %d times", body, n)
			}
		}
		s, err := other.Status(ctx, "erp", "")
		if err != nil || len(got)+int(s.Dropped) != publishers*batches*batch || s.Dropped == 0 {
			t.Errorf("%d came and %d were dropped of %d, %v", len(got), s.Dropped, publishers*batches*batch, err)
		}
		one.sum(t)
		one.audit(t)
	})
}
