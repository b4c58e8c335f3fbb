//go:build !race

package platform_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// Ten thousand receivers without a message may cost memory, but not much, and nothing
// else.
func TestAKeyThatWaitsForMessagesToPushTakesLittleMemory(t *testing.T) {
	const keys, most = 10_000, 4096
	registry, store, queues := idleKeys(t, keys)
	p := newPlatform(t, platform.Config{Store: store, Queues: queues, PushLoopback: true})
	if err := p.Reconcile(t.Context()); err != nil { // their queues are there with or without pushing
		t.Fatal(err)
	}
	before := memoryInUse()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.Push(ctx)
	}()
	for deadline := time.Now().Add(6 * patience); waitingConsumers(t, queues) < keys; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d keys wait for messages", waitingConsumers(t, queues), keys)
		}
	}
	if each := (memoryInUse() - before) / keys; each > most {
		t.Errorf("a key that waits takes %d bytes, at most %d are allowed", each, most)
	} else {
		t.Logf("a key that waits takes %d bytes", each)
	}
	cancel()
	<-ended
	runtime.KeepAlive(registry)
}

func idleKeys(t *testing.T, n int) (*platform.Registry, *memory.Store, *memory.Queues) {
	t.Helper()
	store := provisionedStore()
	registry := platform.NewRegistry(store)
	for i := range n {
		key := platform.NewKey("shop")
		if err := registry.SaveKey(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if _, err := registry.SetPush(t.Context(), key.ID, fmt.Sprintf("http://127.0.0.1:1/hooks/%d", i), 1); err != nil {
			t.Fatal(err)
		}
	}
	return registry, store, newQueues(memory.Config{Bindings: []platform.Binding{}})
}

func waitingConsumers(t *testing.T, queues *memory.Queues) (n int) {
	t.Helper()
	depths, err := queues.Depths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range depths {
		n += d.Consumers
	}
	return n
}

// memoryInUse is what lives on the heap and on stacks.
func memoryInUse() int64 {
	var m runtime.MemStats
	for range 3 { // stacks shrink by half each time
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
