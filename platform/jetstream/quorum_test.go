package jetstream

import (
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	busy "github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
)

// Two of three servers go and come back, while messages are published and
// consumed.
func TestWithoutAQuorumEverythingIsRefusedUntilItIsBack(t *testing.T) {
	options := clusterOptions(t)
	servers, url := startCluster(t, options)
	p := &testPublisher{T: t, engine: open(t, Config{URL: url, Replicas: 3, Patience: time.Second})}
	bind(t, p.engine, "orders", "audit")
	c := consume(t, p.engine, "orders")
	for range 10 {
		if err := p.publish(100); err != nil {
			t.Fatal(err)
		}
	}
	held, _ := fetchN(t, c, 3)
	for _, s := range servers[1:] {
		s.Shutdown()
		s.WaitForShutdown()
	}
	p.untilRefused()
	for _, try := range []struct { // in this order: after Close there is nothing to fetch
		name string
		call func() error
	}{
		{"ack", func() error { return c.Ack(t.Context(), held[0].ID) }},
		{"ready", func() error { return p.engine.Ready(t.Context()) }},
		{"fetch", func() error { _, err := c.Fetch(t.Context(), 1, math.MaxInt); return err }},
		{"close", c.Close},
	} {
		if err := try.call(); !errors.Is(err, platform.ErrUnavailable) {
			t.Errorf("%s without a quorum: %v", try.name, err)
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

// An operator that starts everything at once must not have to start platforms again.
func TestAnEngineWaitsForServersThatWereJustStarted(t *testing.T) {
	options := clusterOptions(t)
	var starting sync.WaitGroup
	starting.Go(func() { startExternal(t, options[0]) })
	url := fmt.Sprintf("nats://127.0.0.1:%d", options[0].Port)
	awaitPort(t, url)
	opened := make(chan error, 1)
	go func() {
		e, err := Open(t.Context(), Config{URL: url, Replicas: 3, Logger: quiet(t)})
		if err == nil {
			err = errors.Join(e.Write(t.Context(), shop, "", &platform.Message{}), e.Close())
		}
		opened <- err
	}()
	time.Sleep(time.Second) // in which nobody answers
	for _, o := range options[1:] {
		starting.Go(func() { startExternal(t, o) })
	}
	starting.Wait()
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

// awaitPort returns when a server takes connections.
func awaitPort(t *testing.T, url string) {
	t.Helper()
	for deadline := time.Now().Add(busy.Of(20 * time.Second)); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "nats://"))
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
