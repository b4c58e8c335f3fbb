package platform_test

import (
	"context"
	"net"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

func consumerTarget(key, secret, id string) string {
	return namedTarget(key, secret, "/api/platform/notify", url.Values{"consumer_id": {id}})
}

func writeAll(t *testing.T, queues platform.Queues, bodies string) {
	t.Helper()
	for _, b := range bodies {
		if err := queues.Write(context.Background(), testKey, "", &platform.Message{Body: []byte(string(b))}); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *peer) wantBodies(bodies string) {
	p.t.Helper()
	for _, b := range bodies {
		if d := p.next(); string(d.Body) != string(b) {
			p.t.Fatalf("%q came, want %q", d.Body, b)
		}
	}
}

// swallow reads for a peer that is of no further interest.
func (p *peer) swallow() {
	go func() {
		for {
			if _, _, err := p.conn.Read(context.Background()); err != nil {
				return
			}
		}
	}()
}

func TestAConsumerThatConnectsAgainGetsWhatItsOldConnectionHeldInOrder(t *testing.T) {
	queues := newQueues(memory.Config{})
	seen, trace := newEvents()
	cfg := platform.Config{Queues: queues, Trace: trace, Limits: platform.Limits{ConnectionsPerKey: 1}}
	bubble(t, cfg, func(t *testing.T, p *platform.Platform, dial func() net.Conn) {
		writeAll(t, queues, "123")
		old := dialOver(t, dial(), consumerTarget(testKey, testSecret, "me"))
		old.ping("")
		old.consume("")
		old.wantBodies("123")
		again := dialOver(t, dial(), consumerTarget(testKey, testSecret, "me")) // although the key has its one connection
		again.consume("")
		again.wantBodies("123")
		writeAll(t, queues, "456")
		again.wantBodies("456")
		if e := awaitFor[disconnectEvent](t, seen, 1, virtualPatience); !strings.Contains(e.reason, "connected again") {
			t.Errorf("the old connection ended with %q", e.reason)
		}
	})
}

func TestAConsumerIDEndsNoConnectionOfAnotherKeyOrConsumer(t *testing.T) {
	queues := newQueues(memory.Config{})
	store := storeOf(platform.Key{ID: testKey, Secret: testSecret, App: "shop"}, platform.Key{ID: "other", Secret: "s", App: "shop"})
	bubble(t, platform.Config{Queues: queues, Store: store}, func(t *testing.T, p *platform.Platform, dial func() net.Conn) {
		mine := dialOver(t, dial(), consumerTarget(testKey, testSecret, "me"))
		mine.consume("")
		for _, target := range []string{
			consumerTarget("other", "s", "me"),
			consumerTarget(testKey, testSecret, "you"),
			consumerTarget(testKey, testSecret, ""),
			consumerTarget(testKey, testSecret, ""),
		} {
			dialOver(t, dial(), target).barrier()
		}
		mine.barrier()
	})
}

func TestAConsumerIDIsBounded(t *testing.T) {
	e := newEnv(t, platform.Config{})
	raw, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	_, resp := tryDial(t, raw, consumerTarget(testKey, testSecret, repeat("x", 65)))
	resp.want(t, 400, "invalid_parameter")
}

// Neither its pings nor its acks show that a peer hears us.
func TestAPeerHasToAnswerAPing(t *testing.T) {
	seen, trace := newEvents()
	bubble(t, platform.Config{Trace: trace}, func(t *testing.T, p *platform.Platform, dial func() net.Conn) {
		peer := dialMute(t, dial(), notifyTarget(testKey, testSecret, "/api/platform/notify"))
		peer.swallow()
		began := time.Now()
		for range 40 {
			peer.conn.Ping(context.Background(), nil)
			time.Sleep(time.Second)
		}
		awaitFor[disconnectEvent](t, seen, 1, virtualPatience)
		if took := time.Since(began); took > 41*time.Second {
			t.Errorf("ended after %v", took)
		}
	})
}

func TestAPeerThatSaysItDoesNotReadStays(t *testing.T) {
	bubble(t, platform.Config{}, func(t *testing.T, p *platform.Platform, dial func() net.Conn) {
		peer := dialMute(t, dial(), notifyTarget(testKey, testSecret, "/api/platform/notify"))
		peer.swallow()
		for range 42 {
			peer.ping("1234567812345678" + string(wire.NotReading))
			time.Sleep(2 * time.Second)
		}
		if err := peer.conn.Err(); err != nil {
			t.Error(err)
		}
	})
}

// A peer that stalls before another connection consumes the same queue has five
// seconds to show that it lives, and gets nothing more until it has.
func TestADoubtfulPeerGetsNothingMoreAndItsMessagesComeSoon(t *testing.T) {
	queues := newQueues(memory.Config{})
	bubble(t, platform.Config{Queues: queues}, func(t *testing.T, p *platform.Platform, dial func() net.Conn) {
		dead := dialMute(t, dial(), notifyTarget(testKey, testSecret, "/api/platform/notify"))
		dead.ping("")
		dead.consume("")
		writeAll(t, queues, "12")
		dead.wantBodies("12")
		dead.swallow()
		fresh := dialOver(t, dial(), notifyTarget(testKey, testSecret, "/api/platform/notify"))
		fresh.ping("")
		fresh.consume("")
		synctest.Wait()
		began := time.Now()
		writeAll(t, queues, "345678")
		fresh.wantBodies("345678")
		if took := time.Since(began); took > time.Second {
			t.Errorf("what is new came after %v", took)
		}
		fresh.wantBodies("12")
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("what the dead one held came after %v", took)
		}
	})
}

// One that lives goes on to get its share.
func TestAPeerThatAnswersIsGivenMore(t *testing.T) {
	for name, pings := range map[string]bool{"pings": true, "never pinged": false} {
		t.Run(name, func(t *testing.T) {
			queues := newQueues(memory.Config{})
			bubble(t, platform.Config{Queues: queues}, func(t *testing.T, p *platform.Platform, dial func() net.Conn) {
				first := dialOver(t, dial(), notifyTarget(testKey, testSecret, "/api/platform/notify"))
				if pings {
					first.ping("")
				}
				first.consume("")
				synctest.Wait()
				other := dialOver(t, dial(), notifyTarget(testKey, testSecret, "/api/platform/notify"))
				other.consume("")
				synctest.Wait()
				got := make(chan uint64, 64)
				go func() {
					for {
						_, frame, err := first.conn.Read(first.ctx)
						if err != nil {
							return
						}
						got <- decode(t, frame).Tag
					}
				}()
				time.Sleep(6 * time.Second)
				writeAll(t, queues, "0123456789012345678901234567890123456789")
				first.ack(<-got) // what it sends shows that it lives
				for range 3 {
					<-got
				}
			})
		})
	}
}
