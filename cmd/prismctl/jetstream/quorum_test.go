package jetstream

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// Two of three servers go and come back, while messages are published and
// consumed.
func TestWithoutAQuorumEverythingIsRefusedUntilItIsBack(t *testing.T) {
	options := clusterOptions(t)
	servers, url := startCluster(t, options)
	p := &press{T: t, engine: open(t, Config{URL: url, Replicas: 3, Patience: time.Second})}
	bind(t, p.engine, "orders", "audit")
	c := consume(t, p.engine, "orders")
	for range 10 {
		if err := p.publish(100); err != nil {
			t.Fatal(err)
		}
	}
	held, _ := take(t, c, 3)
	for _, s := range servers[1:] {
		s.Shutdown()
		s.WaitForShutdown()
	}
	p.untilRefused()
	for name, call := range map[string]func() error{
		"ack":   func() error { return c.Ack(t.Context(), held[0].ID) },
		"ready": func() error { return p.engine.Ready(t.Context()) },
		"fetch": func() error { _, err := c.Fetch(t.Context(), 1); return err },
		"close": c.Close,
	} {
		if err := call(); !errors.Is(err, platform.ErrUnavailable) {
			t.Errorf("%s without a quorum: %v", name, err)
		}
	}
	var group sync.WaitGroup // each waits for the others
	for _, o := range options[1:] {
		group.Go(func() { startExternal(t, o) })
	}
	group.Wait()
	p.untilConfirmed()
	p.holds("orders", "audit")
}
