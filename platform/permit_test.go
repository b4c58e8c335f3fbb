package platform_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// The key of newEnv that calls is an admin key of the app that it restricts:
// the rules are for its own messages, too.
func restrictedEnv(t *testing.T, publish, listen []string) (*env, *events) {
	store := storeOf(platform.Key{ID: testKey, Secret: testSecret, App: "shop", Admin: true})
	store.AddApp(platform.App{ID: "shop", Publish: publish, Listen: listen})
	seen, trace := newEvents()
	return newEnv(t, platform.Config{Store: store, Trace: trace}), seen
}

func (e *env) bind(pattern string) {
	e.t.Helper()
	if err := e.queues.Bind(context.Background(), testKey, "", pattern); err != nil {
		e.t.Fatal(err)
	}
}

func (e *env) allow(what string, patterns string) {
	e.t.Helper()
	ask(e.t, e.p, platform.Key{ID: testKey, Secret: testSecret}, "POST", "platform/manageapp/queue/"+what, "app_id", "shop", "routing_key", patterns).
		wantResult(e.t, "true")
}

func TestAKeyPublishesWhatItsAppMay(t *testing.T) {
	for _, row := range []struct {
		patterns []string
		key      string
		may      bool
	}{
		{nil, "order.new", true},
		{[]string{}, "order.new", false},
		{[]string{"#"}, "order.new", true},
		{[]string{"stock.*", "order.*"}, "order.new", true},
		{[]string{"order.*"}, "order.new.eu", false},
		{[]string{"order.*"}, "order", false},
	} {
		t.Run(fmt.Sprintf("%q %s", row.patterns, row.key), func(t *testing.T) {
			e, seen := restrictedEnv(t, row.patterns, nil)
			e.bind("#")
			peer := e.dial()
			peer.publish(row.key, "by channel")
			r := e.call("POST", "platform/notify/write", map[string][]string{"routing_key": {row.key}, "data": {"by call"}})
			if row.may {
				peer.barrier()
				r.wantResult(t, "true")
				if s := e.status(""); s.Ready != 2 {
					t.Errorf("the queue is %+v", s)
				}
				return
			}
			r.want(t, http.StatusForbidden, "forbidden_routing_key")
			closed := peer.closed()
			if closed.Code != socket.PolicyViolation || !strings.Contains(closed.Reason, row.key) {
				t.Errorf("closed with %v", closed)
			}
			if p := await[platform.PublishEvent](t, seen, 2); p.Err == nil {
				t.Errorf("traced as stored: %+v", p)
			}
			if s := e.status(""); s.Ready != 0 {
				t.Errorf("the queue is %+v", s)
			}
		})
	}
}

// A write to a topic is not routed, so no routing key is at stake.
func TestAKeyWritesToItsOwnTopicsInAnyCase(t *testing.T) {
	e, _ := restrictedEnv(t, []string{}, []string{})
	e.call("POST", "platform/notify/write", map[string][]string{"topic": {"jobs"}, "data": {"x"}}).wantResult(t, "true")
}

func TestWhatAnAppMayNotListenToIsNotRouted(t *testing.T) {
	e, _ := restrictedEnv(t, nil, []string{"order.#"})
	e.bind("#") // as it was before the app was restricted
	peer := e.dial()
	peer.publish("stock.low", "dropped")
	peer.publish("order.new", "routed")
	peer.barrier()
	e.call("POST", "platform/notify/write", map[string][]string{"routing_key": {"stock.low"}, "data": {"dropped"}}).wantResult(t, "true")
	messages, err := e.queues.Read(context.Background(), testKey, "", 10)
	if err != nil || len(messages) != 1 || string(messages[0].Body) != "routed" {
		t.Errorf("routed %d messages, %v", len(messages), err)
	}
}

func TestAQueueIsBoundOnlyToWhatItsAppMayListenTo(t *testing.T) {
	e, _ := restrictedEnv(t, nil, []string{"order.*", "stock.#"})
	for pattern, may := range map[string]bool{"order.new": true, "order.*": true, "stock.#": true, "stock": true, "order.#": false, "*.new": false, "#": false} {
		r := e.call("POST", "platform/notify/routing/set", map[string][]string{"topic": {"q"}, "routing_key": {pattern}})
		if may {
			r.wantResult(t, "true")
		} else {
			r.want(t, http.StatusForbidden, "forbidden_routing_key")
		}
	}
}

func TestAnOpenConnectionIsRestrictedAtOnce(t *testing.T) {
	e, _ := restrictedEnv(t, nil, nil)
	e.bind("#")
	publisher, other := e.dial(), e.dial()
	e.allow("publish", "order.*")
	publisher.publish("order.new", "x")
	publisher.publish("stock.low", "x")
	if closed := publisher.closed(); closed.Code != socket.PolicyViolation {
		t.Errorf("closed with %v", closed)
	}
	e.allow("publish", "#")
	e.allow("consume", "stock.*")
	other.publish("order.new", "dropped")
	other.publish("stock.low", "x")
	other.barrier()
	if s := e.status(""); s.Ready != 2 {
		t.Errorf("the queue is %+v", s)
	}
}

func TestADeletedKeyIsCutOffAtOnce(t *testing.T) {
	for _, how := range [][]string{
		{"platform/key/delete", "key", shopKey.ID},
		{"platform/app/delete", "app_id", "shop"},
	} {
		e := newEnv(t, platform.Config{Store: provisionedStore()})
		raw, err := net.Dial("tcp", e.addr)
		if err != nil {
			t.Fatal(err)
		}
		peer := dialOver(t, raw, notifyTarget(shopKey.ID, shopKey.Secret, "/api/platform/notify"))
		bystander := e.dial()
		ask(t, e.p, adminKey, "POST", how[0], how[1:]...).wantResult(t, "true")
		if closed := peer.closed(); closed.Code != socket.PolicyViolation || !strings.Contains(closed.Reason, "no key") {
			t.Errorf("%s: closed with %v", how[0], closed)
		}
		bystander.barrier()
		ask(t, e.p, shopKey, "GET", "platform/notify/status").want(t, 401, "unknown_key")
	}
}

// twoPlatforms runs test with two platforms over one store, in virtual time:
// the second one is reached by ask, as by a load balancer.
func twoPlatforms(t *testing.T, test func(t *testing.T, here, there *platform.Platform, store *outage, dial func(platform.Key) *peer)) {
	store := &outage{Store: provisionedStore()}
	queues := newQueues(memory.Config{})
	bubble(t, platform.Config{Store: store, Queues: queues}, func(t *testing.T, here *platform.Platform, dial func() net.Conn) {
		there := newPlatform(t, platform.Config{Store: store, Queues: queues})
		test(t, here, there, store, func(key platform.Key) *peer {
			return dialOver(t, dial(), notifyTarget(key.ID, key.Secret, "/api/platform/notify"))
		})
	})
}

func TestWhatOnePlatformMakesWorksOnTheOtherAtOnce(t *testing.T) {
	twoPlatforms(t, func(t *testing.T, here, there *platform.Platform, _ *outage, dial func(platform.Key) *peer) {
		began := time.Now()
		ask(t, there, adminKey, "POST", "platform/app/create", "name", "New", "id", "new").want(t, 200, "")
		key := makeKey(t, there, "new")
		ask(t, here, key, "GET", "platform/notify/status").want(t, 200, "")
		dial(key).close()
		ask(t, there, adminKey, "POST", "platform/manageapp/queue/publish", "app_id", "new", "routing_key", "a").want(t, 200, "")
		peer := dial(key)
		peer.publish("b", "x")
		if closed := peer.closed(); closed.Code != socket.PolicyViolation {
			t.Errorf("a new connection was closed with %v", closed)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("took %v", took)
		}
	})
}

func TestWhatOnePlatformForbidsEndsOnTheOtherWithinASecond(t *testing.T) {
	twoPlatforms(t, func(t *testing.T, here, there *platform.Platform, _ *outage, dial func(platform.Key) *peer) {
		peer := dial(shopKey)
		ask(t, there, adminKey, "POST", "platform/manageapp/queue/publish", "app_id", "shop", "routing_key", "a").want(t, 200, "")
		time.Sleep(time.Second)
		synctest.Wait()
		peer.publish("b", "x")
		if closed := peer.closed(); closed.Code != socket.PolicyViolation || !strings.Contains(closed.Reason, `"b"`) {
			t.Errorf("closed with %v", closed)
		}
	})
}

func TestADeletedOrExpiredKeyIsCutOffWithinASecond(t *testing.T) {
	for _, how := range []string{"key deleted", "app deleted", "expired", "expired in an outage"} {
		t.Run(how, func(t *testing.T) {
			twoPlatforms(t, func(t *testing.T, here, there *platform.Platform, store *outage, dial func(platform.Key) *peer) {
				const life = time.Hour
				key := makeKey(t, there, "shop", "expired_date", strconv.FormatInt(time.Now().Add(life).Unix(), 10))
				idle := dial(key)
				began := time.Now()
				switch how {
				case "key deleted":
					ask(t, there, adminKey, "POST", "platform/key/delete", "key", key.ID).want(t, 200, "")
				case "app deleted":
					ask(t, there, adminKey, "POST", "platform/app/delete", "app_id", "shop").want(t, 200, "")
				case "expired in an outage":
					store.out.Store(true)
					fallthrough
				default:
					began = began.Add(life)
				}
				idle.ctx = context.Background() // patience is in real time
				closed := idle.closed()
				if took := time.Since(began); closed.Code != socket.PolicyViolation || took < 0 || took > time.Second {
					t.Errorf("closed with %v after %v", closed, took)
				}
			})
		})
	}
}

func TestInAnOutageWhatWasKnownHolds(t *testing.T) {
	twoPlatforms(t, func(t *testing.T, here, there *platform.Platform, store *outage, dial func(platform.Key) *peer) {
		ask(t, here, adminKey, "POST", "platform/manageapp/queue/publish", "app_id", "shop", "routing_key", "a").want(t, 200, "")
		allowed, peer := dial(shopKey), dial(shopKey)
		allowed.ctx, peer.ctx = context.Background(), context.Background() // patience is in real time
		store.out.Store(true)
		time.Sleep(time.Minute)
		allowed.publish("a", "x")
		allowed.barrier()
		r := ask(t, here, shopKey, "GET", "platform/notify/status")
		r.want(t, http.StatusServiceUnavailable, "unavailable")
		if r.header.Get("Retry-After") != "1" || strings.Contains(r.body, "10.0.0.7") {
			t.Errorf("answered %v %s", r.header, r.body)
		}
		peer.publish("b", "x")
		if closed := peer.closed(); closed.Code != socket.PolicyViolation {
			t.Errorf("closed with %v", closed)
		}
		store.out.Store(false)
		ask(t, here, shopKey, "GET", "platform/notify/status").want(t, 200, "")
	})
}

func TestAConnectionEndsWithTheSecretThatOpenedIt(t *testing.T) {
	twoPlatforms(t, func(t *testing.T, here, there *platform.Platform, store *outage, dial func(platform.Key) *peer) {
		old := dial(shopKey)
		old.ctx = context.Background() // patience is in real time
		changed := shopKey
		changed.Secret = "anothersecretanother"
		must(t, platform.NewRegistry(store).SaveKey(t.Context(), changed))
		began, fresh := time.Now(), dial(changed)
		closed := old.closed()
		if took := time.Since(began); closed.Code != socket.PolicyViolation || !strings.Contains(closed.Reason, "secret") || took > time.Second {
			t.Errorf("closed with %v after %v", closed, took)
		}
		fresh.ctx = context.Background()
		time.Sleep(time.Minute)
		fresh.barrier()
	})
}

func TestAKeyThatWasMovedPublishesForItsNewApp(t *testing.T) {
	twoPlatforms(t, func(t *testing.T, here, there *platform.Platform, store *outage, dial func(platform.Key) *peer) {
		peer := dial(shopKey)
		moved := shopKey
		moved.App = "ops"
		must(t, platform.NewRegistry(store).SaveKey(t.Context(), moved))
		time.Sleep(time.Second)
		synctest.Wait()
		peer.publish("a", "x")
		peer.consume("")
		if d := peer.next(); d.App != "ops" {
			t.Errorf("the message is of app %q", d.App)
		}
	})
}

// slowStore takes its time for each look-up; a negative one is until the
// caller gives up.
type slowStore struct {
	platform.Store
	delay atomic.Int64
	loads atomic.Int64
}

func (s *slowStore) Load(ctx context.Context, kind, id string) (platform.Record, error) {
	s.loads.Add(1)
	delay := time.Duration(s.delay.Load())
	if delay == 0 {
		return s.Store.Load(ctx, kind, id)
	}
	var over <-chan time.Time
	if delay > 0 {
		over = time.After(delay)
	}
	select {
	case <-over:
		return s.Store.Load(ctx, kind, id)
	case <-ctx.Done():
		return platform.Record{}, errors.Join(platform.ErrUnavailable, ctx.Err())
	}
}

// slowPlatform runs test with a connection for each of n keys of shop.
func slowPlatform(t *testing.T, n int, test func(t *testing.T, p *platform.Platform, store *slowStore, keys []platform.Key, peers []*peer)) {
	store := &slowStore{Store: provisionedStore()}
	registry := platform.NewRegistry(store.Store)
	bubble(t, platform.Config{Store: store}, func(t *testing.T, p *platform.Platform, dial func() net.Conn) {
		var keys []platform.Key
		var peers []*peer
		for range n {
			key := platform.NewKey("shop")
			must(t, registry.SaveKey(t.Context(), key))
			peer := dialOver(t, dial(), notifyTarget(key.ID, key.Secret, "/api/platform/notify"))
			peer.ctx = context.Background() // patience is in real time
			keys, peers = append(keys, key), append(peers, peer)
		}
		test(t, p, store, keys, peers)
	})
}

func TestADeletedKeyIsCutOffWithinASecondAmongMany(t *testing.T) {
	slowPlatform(t, 500, func(t *testing.T, p *platform.Platform, store *slowStore, keys []platform.Key, peers []*peer) {
		store.delay.Store(int64(2 * time.Millisecond))
		time.Sleep(10 * time.Second)
		began := time.Now()
		must(t, platform.NewRegistry(store.Store).DeleteKey(context.Background(), keys[250].ID))
		closed := peers[250].closed()
		if took := time.Since(began); closed.Code != socket.PolicyViolation || took > time.Second {
			t.Errorf("closed with %v after %v", closed, took)
		}
	})
}

func TestAChangeLooksOnlyAtTheKeysThatItConcerns(t *testing.T) {
	slowPlatform(t, 50, func(t *testing.T, p *platform.Platform, store *slowStore, keys []platform.Key, peers []*peer) {
		before := store.loads.Load()
		ask(t, p, adminKey, "POST", "platform/key/delete", "key", keys[7].ID).want(t, 200, "")
		ask(t, p, adminKey, "POST", "platform/manageapp/queue/publish", "app_id", "ops", "routing_key", "a").want(t, 200, "")
		if n := store.loads.Load() - before; n > 20 {
			t.Errorf("%d look-ups", n)
		}
		peers[7].closed()
	})
}

func TestAStoreThatHangsDelaysNoEndThatIsKnown(t *testing.T) {
	slowPlatform(t, 40, func(t *testing.T, p *platform.Platform, store *slowStore, keys []platform.Key, peers []*peer) {
		registry := platform.NewRegistry(store.Store)
		expiring := keys[3]
		expiring.Expires = time.Now().Add(time.Minute)
		must(t, registry.SaveKey(context.Background(), expiring))
		time.Sleep(time.Second)
		store.delay.Store(-1)
		closed := peers[3].closed()
		if late := time.Since(expiring.Expires); closed.Code != socket.PolicyViolation || late < 0 || late > 3*time.Second {
			t.Errorf("the expired key was closed with %v after %v", closed, late)
		}
		must(t, registry.DeleteKey(context.Background(), keys[4].ID))
		time.Sleep(time.Minute)
		store.delay.Store(0)
		began := time.Now()
		closed = peers[4].closed()
		if took := time.Since(began); closed.Code != socket.PolicyViolation || took > 3*time.Second {
			t.Errorf("the deleted key was closed with %v after %v", closed, took)
		}
	})
}

// Nothing is looked up for a message, and the refresher asks twice a second for
// each key, however many connections it has.
func TestMessagesAreNotLookedUp(t *testing.T) {
	twoPlatforms(t, func(t *testing.T, here, there *platform.Platform, store *outage, dial func(platform.Key) *peer) {
		ask(t, here, adminKey, "POST", "platform/manageapp/queue/publish", "app_id", "shop", "routing_key", "a").want(t, 200, "")
		first, second := dial(shopKey), dial(shopKey)
		before := store.loads.Load()
		for range 100 {
			first.publish("a", "x")
			second.publish("a", "x")
		}
		first.ping("")
		second.ping("")
		synctest.Wait()
		if n := store.loads.Load() - before; n > 0 {
			t.Errorf("200 messages, %d look-ups", n)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := store.loads.Load() - before; n != 40 {
			t.Errorf("%d look-ups of a key and its app in 10 s, want 40", n)
		}
		first.close()
		second.close()
		synctest.Wait()
		before = store.loads.Load()
		time.Sleep(time.Hour)
		if n := store.loads.Load() - before; n > 0 {
			t.Errorf("%d look-ups without a connection", n)
		}
	})
}

// unavailable is an engine that stores nothing at the moment.
type unavailable struct{ platform.Queues }

func (unavailable) Publish(context.Context, string, ...*platform.Message) ([]int, error) {
	return nil, errOutage
}
func (unavailable) Consume(context.Context, string, string, string) (platform.Consumer, error) {
	return nil, errOutage
}

func TestAnEngineThatIsNotAvailableMeansTryAgain(t *testing.T) {
	e := newEnv(t, platform.Config{Queues: unavailable{newQueues(memory.Config{})}})
	r := e.call("POST", "platform/notify/write", map[string][]string{"routing_key": {"a"}, "data": {"x"}})
	r.want(t, http.StatusServiceUnavailable, "unavailable")
	for _, command := range []func(*peer){
		func(p *peer) { p.publish("a", "x") },
		func(p *peer) { p.consume("") },
	} {
		peer := e.dial()
		command(peer)
		if closed := peer.closed(); closed.Code != socket.TryAgainLater || strings.Contains(closed.Reason, "10.0.0.7") {
			t.Errorf("closed with %v", closed)
		}
	}
}

func TestNothingEqualsNothingOnly(t *testing.T) {
	different := []platform.Permission{platform.Everything(), platform.Nothing(), platform.Matching("order.#"), platform.Matching("order.#", "stock"), platform.Matching("stock", "order.#")}
	for i, p := range different {
		for j, other := range different {
			if got := p.Equal(slices.Clone(other)); got != (i == j) {
				t.Errorf("%#v equals %#v: %v", p, other, got)
			}
		}
	}
}
