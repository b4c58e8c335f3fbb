package jetstream

import (
	"fmt"
	"testing"

	"github.com/shopex/prism-go/platform"
)

// What is in memory of a record must not grow with the queues that its messages go to,
// and cleaning must carry all the same where they are.
func TestTheCacheDoesNotKeepTheQueuesOfAMessage(t *testing.T) {
	const queues, published, room = 100, 60, 3
	config := Config{Dir: t.TempDir(), cleanAbove: 1, QueueBounds: platform.QueueBounds{MaxMessages: room}}
	e := open(t, config)
	is := platform.Owner{Exchange: "default"}
	for i := range queues {
		is.Bindings = append(is.Bindings, platform.Binding{Pattern: "#", Topic: fmt.Sprint(i)})
	}
	if err := e.Declare(t.Context(), shop, is); err != nil {
		t.Fatal(err)
	}
	if err := e.SetLimits(t.Context(), shop, "0", platform.QueueLimits{MaxMessages: published}); err != nil {
		t.Fatal(err)
	}
	first := e.known()
	for i := range published {
		m := &platform.Message{Key: "x", ClientID: "another", Body: fmt.Append(nil, i)}
		if n, err := e.Publish(t.Context(), "default", m); err != nil || n[0] != queues {
			t.Fatalf("message %d went to %d queues, %v", i, n, err)
		}
	}
	e.mu.Lock()
	names := 0
	for _, c := range e.cache.records {
		for i := range c.facts {
			names += len(c.facts[i].queues) + len(c.facts[i].numbers)
		}
	}
	head := e.state.records.at(0).seq
	e.mu.Unlock()
	if names > queues*published/2 {
		t.Errorf("the cache keeps %d names of queues and messages", names)
	}
	if head <= first+1 {
		t.Errorf("the log begins at %d still, as when the first message came at %d", head, first+1)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open(t, config)
	if s, err := e.Status(t.Context(), shop, "0"); err != nil || s.Ready != published {
		t.Errorf("the queue that keeps all has %d messages, %v", s.Ready, err)
	}
	for i := 1; i < queues; i++ {
		ms, err := e.Read(t.Context(), shop, fmt.Sprint(i), room+1)
		if err != nil || len(ms) != room || string(ms[0].Body) != fmt.Sprint(published-room) {
			t.Fatalf("queue %d has %d messages, %v", i, len(ms), err)
		}
		if s, err := e.Status(t.Context(), shop, fmt.Sprint(i)); err != nil || s.Dropped != published-room {
			t.Fatalf("queue %d has dropped %d, %v", i, s.Dropped, err)
		}
	}
}
