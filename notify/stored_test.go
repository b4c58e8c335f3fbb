package notify_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/prismtest"
)

// slowQueues take as long as an engine that syncs, and know what they have stored.
type slowQueues struct {
	platform.Queues
	mu     sync.Mutex
	stored map[string]bool
}

func (q *slowQueues) Publish(ctx context.Context, exchange string, ms ...*platform.Message) ([]int, error) {
	time.Sleep(time.Duration(len(ms)) * 50 * time.Microsecond)
	routed, err := q.Queues.Publish(ctx, exchange, ms...)
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range ms[:len(routed)] {
		q.stored[string(m.Body)] = true
	}
	return routed, err
}

func (q *slowQueues) has(body []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stored[string(body)]
}

// Many publish at once, so messages and the pings of others are behind the one that
// finds the queue full.
func TestWhatIsConfirmedIsStored(t *testing.T) {
	for _, room := range []int{500, 800} {
		queues := &slowQueues{Queues: memory.New(memory.Config{MaxMessages: room}), stored: make(map[string]bool)}
		srv := prismtest.NewServerConfig(t, prismtest.Config{Platform: platform.Config{Queues: queues}})
		ctx, full := context.WithCancel(t.Context())
		p, err := notify.NewPublisher(srv.Client(), notify.PublisherConfig{OnDisconnect: func(error) { full() }})
		if err != nil {
			t.Fatal(err)
		}
		var callers sync.WaitGroup
		confirmed := make([]int, 300)
		for i := range confirmed {
			callers.Go(func() {
				for {
					body := fmt.Append(nil, i, confirmed[i])
					if p.Publish(ctx, "order.new", body) != nil {
						return
					}
					if confirmed[i]++; !queues.has(body) {
						t.Errorf("with room for %d, %q is confirmed and not stored", room, body)
						return
					}
				}
			})
		}
		callers.Wait()
		sum := 0
		for _, n := range confirmed {
			sum += n
		}
		if sum == 0 || sum > room {
			t.Errorf("with room for %d, %d are confirmed", room, sum)
		}
		_ = p.Close(ctx)
	}
}
