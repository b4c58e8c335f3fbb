package platform_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// declaring is an engine that remembers what was declared.
type declaring struct {
	platform.Queues
	before func() error // of a Declare; may be nil

	mu    sync.Mutex
	last  map[string]platform.Owner
	count int
}

func newDeclaring() *declaring {
	return &declaring{Queues: newQueues(memory.Config{}), last: make(map[string]platform.Owner)}
}

func (q *declaring) Declare(ctx context.Context, name string, o platform.Owner) error {
	if q.before != nil {
		if err := q.before(); err != nil {
			return err
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count++
	q.last[name] = o
	return q.Queues.Declare(ctx, name, o)
}

func (q *declaring) counted() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.count
}

// may reports what the engine knows that a key may listen to.
func (q *declaring) may(key platform.Key, routingKey string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.last[key.ID].Listen.Allows(routingKey)
}

// allowInStore changes what an app may listen to as another program does.
func allowInStore(t testing.TB, store platform.Store, app string, listen platform.Permission) {
	t.Helper()
	_, err := platform.NewRegistry(store).UpdateApp(context.Background(), app, func(app *platform.App) error {
		app.Listen = listen
		return nil
	})
	must(t, err)
}

func TestAKeyIsDeclaredOnceAndNotForEachMessage(t *testing.T) {
	queues := newDeclaring()
	e := newBus(t, platform.Config{Queues: queues})
	for range 3 {
		for range 50 {
			e.use(shopKey)
		}
		peer := e.dialAs(shopKey)
		for range 50 {
			peer.publish("order.new", "x")
		}
		peer.barrier()
	}
	if n := queues.counted(); n != 1 {
		t.Errorf("declared %d times", n)
	}
}

func TestAnEngineThatCannotDeclareRefusesTheCall(t *testing.T) {
	queues := newDeclaring()
	var broken atomic.Bool
	broken.Store(true)
	queues.before = func() error {
		if broken.Load() {
			return errOutage
		}
		return nil
	}
	e := newBus(t, platform.Config{Queues: queues})
	e.ask(shopKey, "GET", "notify/status").want(t, http.StatusServiceUnavailable, "unavailable")
	raw, err := net.Dial("tcp", e.addr)
	must(t, err)
	if peer, r := tryDial(t, raw, notifyTarget(shopKey.ID, shopKey.Secret, "/api/platform/notify")); peer != nil || r.code() != "unavailable" {
		t.Errorf("a connection is answered with %s", r.body)
	}
	e.ask(adminKey, "POST", "manageapp/queue/consume", "app_id", "shop", "routing_key", "order.#").want(t, http.StatusServiceUnavailable, "unavailable")
	e.ask(adminKey, "POST", "key/create", "app_id", "shop").want(t, http.StatusServiceUnavailable, "unavailable")
	keys, err := platform.NewRegistry(e.store).Keys(t.Context())
	if must(t, err); len(keys) != 6 {
		t.Errorf("there are %d keys: one that nobody got is left", len(keys))
	}
	broken.Store(false)
	e.use(shopKey)
	if queues.may(shopKey, "stock.low") || !queues.may(shopKey, "order.new") {
		t.Error("the engine does not know what the key may listen to")
	}
}

func TestWhatAnotherPlatformForbidsIsDeclaredWithinASecond(t *testing.T) {
	queues := newDeclaring()
	store := provisionedStore()
	bubble(t, platform.Config{Store: store, Queues: queues}, func(t *testing.T, p *platform.Platform, dial func() net.Conn) {
		dialOver(t, dial(), notifyTarget(shopKey.ID, shopKey.Secret, "/api/platform/notify"))
		if !queues.may(shopKey, "order.new") {
			t.Error("not declared at the beginning")
		}
		for _, listen := range []platform.Permission{platform.Nothing(), platform.Everything(), platform.Matching("stock.#")} {
			allowInStore(t, store, "shop", listen)
			time.Sleep(time.Second)
			synctest.Wait()
			if queues.may(shopKey, "order.new") != listen.Allows("order.new") {
				t.Errorf("the engine does not know %q", listen)
			}
		}
		moved := shopKey
		moved.App = "alien"
		must(t, platform.NewRegistry(store).SaveKey(t.Context(), moved))
		time.Sleep(time.Second)
		synctest.Wait()
		if o := queues.last[shopKey.ID]; o.Exchange != "mars" {
			t.Errorf("a key that was moved is declared as %+v", o)
		}
		before := queues.counted()
		time.Sleep(time.Minute)
		if n := queues.counted() - before; n > 0 {
			t.Errorf("%d declarations of what has not changed", n)
		}
	})
}

func TestReconcileDeclaresAllKeys(t *testing.T) {
	queues := newDeclaring()
	e := newBus(t, platform.Config{Queues: queues})
	must(t, e.p.Reconcile(t.Context()))
	for _, key := range []platform.Key{shopKey, shopKey2, erpKey, adminKey} {
		if o := queues.last[key.ID]; o.Exchange != "default" {
			t.Errorf("%s is declared as %+v", key.ID, o)
		}
	}
	if o := queues.last[alienKey.ID]; o.Exchange != "mars" {
		t.Errorf("the alien is declared as %+v", o)
	}
	allowInStore(t, e.store, "erp", platform.Nothing())
	must(t, e.p.Reconcile(t.Context()))
	if queues.may(erpKey, "order.new") {
		t.Error("a change of the Registry is not declared")
	}
	queues.before = func() error { return errOutage }
	if err := e.p.Reconcile(t.Context()); !errors.Is(err, platform.ErrUnavailable) {
		t.Errorf("an engine that is out of reach gives %v", err)
	}
}

func TestReconcileCountsOnOpenChannels(t *testing.T) {
	store := provisionedStore()
	bubble(t, platform.Config{Store: store}, func(t *testing.T, p *platform.Platform, dial func() net.Conn) {
		peer := dialOver(t, dial(), notifyTarget(shopKey.ID, shopKey.Secret, "/api/platform/notify"))
		_, err := platform.NewRegistry(store).UpdateApp(t.Context(), "shop", func(app *platform.App) error {
			app.Publish = platform.Nothing()
			return nil
		})
		must(t, err)
		must(t, p.Reconcile(t.Context()))
		peer.publish("order.new", "x")
		if closed := peer.closed(); closed.Code != socket.PolicyViolation || !strings.Contains(closed.Reason, "order.new") {
			t.Errorf("closed with %v", closed)
		}
	})
}

// paused lets the first Declare wait until the test has done something else.
func paused(t *testing.T, queues *declaring) (entered <-chan struct{}, resume func()) {
	in, out := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	queues.before = func() error {
		if first.CompareAndSwap(false, true) {
			close(in)
			<-out
		}
		return nil
	}
	resume = sync.OnceFunc(func() { close(out) })
	t.Cleanup(resume)
	return in, resume
}

// Another platform changes the app, and declares that, while a declaration of the state
// before is under way here.
func TestOfTwoDeclarationsTheNewestStateStays(t *testing.T) {
	queues, store := newDeclaring(), provisionedStore()
	here, there := newPlatform(t, platform.Config{Store: store, Queues: queues}), newPlatform(t, platform.Config{Store: store, Queues: queues})
	entered, resume := paused(t, queues)
	var calls sync.WaitGroup
	calls.Go(func() { ask(t, here, shopKey, "GET", "platform/notify/status").want(t, 200, "") })
	awaited(t, "the declaration", entered)
	ask(t, there, adminKey, "POST", "platform/manageapp/queue/consume", "app_id", "shop", "routing_key", "[]").wantResult(t, "true")
	resume()
	calls.Wait()
	if queues.may(shopKey, "order.new") {
		t.Error("the engine has gone back to an older state")
	}
}

func TestAKeyThatIsDeletedWhileItIsDeclaredLeavesNoQueues(t *testing.T) {
	for _, where := range []string{"here", "elsewhere"} {
		t.Run(where, func(t *testing.T) {
			queues, store := newDeclaring(), provisionedStore()
			here, there := newPlatform(t, platform.Config{Store: store, Queues: queues}), newPlatform(t, platform.Config{Store: store, Queues: queues})
			entered, resume := paused(t, queues)
			var calls sync.WaitGroup
			calls.Go(func() { ask(t, here, shopKey, "GET", "platform/notify/status").want(t, 401, "unknown_key") })
			awaited(t, "the declaration", entered)
			if where == "here" { // this waits for the declaration
				calls.Go(func() {
					ask(t, here, adminKey, "POST", "platform/key/delete", "key", shopKey.ID).wantResult(t, "true")
				})
				for known, deadline := true, time.Now().Add(patience); known; {
					if time.Now().After(deadline) {
						t.Fatal("the key is not deleted")
					}
					_, err := platform.NewRegistry(store).Key(t.Context(), shopKey.ID)
					known = err == nil
				}
			} else {
				ask(t, there, adminKey, "POST", "platform/key/delete", "key", shopKey.ID).wantResult(t, "true")
			}
			resume()
			calls.Wait()
			if n := queuesOf(t, queues.Queues, shopKey); n > 0 {
				t.Errorf("%d queues are left", n)
			}
		})
	}
}

// Keys come and go at other platforms, which tell nobody.
func TestLittleIsRememberedOfKeysThatAreGone(t *testing.T) {
	store := provisionedStore()
	p := newPlatform(t, platform.Config{Store: store})
	registry := platform.NewRegistry(store)
	const many = 3000
	for range many {
		key := platform.NewKey("shop")
		must(t, registry.SaveKey(t.Context(), key))
		ask(t, p, key, "GET", "platform/notify/status").want(t, 200, "")
		must(t, registry.DeleteKey(t.Context(), key.ID))
	}
	if n := p.Remembered(); n > many/2 {
		t.Errorf("%d keys are remembered, and 4 exist", n)
	}
	must(t, p.Reconcile(t.Context()))
	if n := p.Remembered(); n != 4 {
		t.Errorf("after Reconcile %d keys are remembered, and 4 exist", n)
	}
	ask(t, p, adminKey, "POST", "platform/key/delete", "key", shopKey.ID).wantResult(t, "true")
	if n := p.Remembered(); n != 3 {
		t.Errorf("%d keys are remembered, and 3 exist", n)
	}
}

// late is an engine that, while it is broken, does what it is told and says that it failed.
// It forgets nothing then.
type late struct {
	platform.Queues
	broken atomic.Bool
}

func (q *late) Declare(ctx context.Context, name string, o platform.Owner) error {
	broken := q.broken.Load()
	err := q.Queues.Declare(ctx, name, o)
	if broken {
		return errOutage
	}
	return err
}

func (q *late) Forget(ctx context.Context, owner string) error {
	if q.broken.Load() {
		return errOutage
	}
	return q.Queues.Forget(ctx, owner)
}

// Otherwise its queues would get messages for ever, and nobody could remove them.
func TestAKeyThatNobodyGotAndTheEngineHasCanBeDeleted(t *testing.T) {
	queues, store := &late{Queues: newQueues(memory.Config{})}, provisionedStore()
	must(t, store.AddApp(platform.App{ID: "erp"}))
	p := newPlatform(t, platform.Config{Store: store, Queues: queues})
	queues.broken.Store(true)
	ask(t, p, adminKey, "POST", "platform/key/create", "app_id", "erp").want(t, 503, "unavailable")
	queues.broken.Store(false)
	var keys []struct{ Key string }
	must(t, json.Unmarshal(ask(t, p, adminKey, "GET", "platform/key/list", "app_id", "erp").Result, &keys))
	if len(keys) != 1 {
		t.Fatalf("the app has the keys %v", keys)
	}
	ask(t, p, adminKey, "POST", "platform/key/delete", "key", keys[0].Key).wantResult(t, "true")
	if n := queuesOf(t, queues.Queues, platform.Key{ID: keys[0].Key}); n > 0 {
		t.Errorf("%d queues are left", n)
	}
}

func TestAnEngineThatDoesNotForgetAKeyIsNoUnknownKey(t *testing.T) {
	declared := newDeclaring()
	queues, store := &late{Queues: declared}, provisionedStore()
	p := newPlatform(t, platform.Config{Store: store, Queues: queues})
	declared.before = func() error {
		queues.broken.Store(true)
		return platform.NewRegistry(store).DeleteKey(t.Context(), shopKey.ID)
	}
	ask(t, p, shopKey, "GET", "platform/notify/status").want(t, 503, "unavailable")
}

func TestACallerThatHasGoneDoesNotWaitForAnEngineThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues := newDeclaring()
		p := newPlatform(t, platform.Config{Queues: queues})
		entered, resume := paused(t, queues)
		var calls sync.WaitGroup
		calls.Go(func() { ask(t, p, shopKey, "GET", "platform/notify/status").want(t, 200, "") })
		awaited(t, "the declaration", entered)
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		left := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.ServeHTTP(w, r.WithContext(ctx)) })
		began := time.Now()
		ask(t, left, shopKey, "GET", "platform/notify/status").want(t, 499, "canceled")
		if took := time.Since(began); took > time.Second {
			t.Errorf("it waited for %v", took)
		}
		resume()
		calls.Wait()
	})
}

// unreadable is a store that cannot read the record of one key, while it is spoilt, and
// cannot list keys.
type unreadable struct {
	platform.Store
	spoilt atomic.Bool
}

var errUnreadable = errors.New("a sector cannot be read")

func (s *unreadable) Load(ctx context.Context, kind, id string) (platform.Record, error) {
	if s.spoilt.Load() && kind == "key" && id == platform.RecordID(shopKey2.ID) {
		return platform.Record{}, errUnreadable
	}
	return s.Store.Load(ctx, kind, id)
}

func (s *unreadable) List(ctx context.Context, kind string) (map[string]platform.Record, error) {
	if s.spoilt.Load() {
		return nil, errUnreadable
	}
	return s.Store.List(ctx, kind)
}

func TestAKeyThatCannotBeReadDelaysNoOther(t *testing.T) {
	queues := newDeclaring()
	memory := provisionedStore()
	must(t, memory.Add(shopKey2))
	store := &unreadable{Store: memory}
	bubble(t, platform.Config{Store: store, Queues: queues}, func(t *testing.T, p *platform.Platform, dial func() net.Conn) {
		for _, key := range []platform.Key{shopKey, shopKey2} {
			dialOver(t, dial(), notifyTarget(key.ID, key.Secret, "/api/platform/notify"))
		}
		store.spoilt.Store(true)
		allowInStore(t, store, "shop", platform.Nothing())
		time.Sleep(time.Second)
		synctest.Wait()
		if queues.may(shopKey, "order.new") {
			t.Error("the engine does not know what is no longer allowed")
		}
	})
}

func TestAKeyIsServedWhileTheStoreCannotListKeys(t *testing.T) {
	memory := provisionedStore()
	store := &unreadable{Store: memory}
	p := newPlatform(t, platform.Config{Store: store})
	store.spoilt.Store(true)
	for range 1100 {
		key := platform.NewKey("shop")
		must(t, memory.Add(key))
		ask(t, p, key, "GET", "platform/notify/status").want(t, 200, "")
	}
}

// What an app may publish is checked by each platform.
func TestAPermissionToPublishIsTakenWhileMessagesFlow(t *testing.T) {
	e := newBus(t, platform.Config{})
	e.use(erpKey)
	peer := e.dialAs(shopKey)
	peer.publish("order.new", "before")
	peer.ping("")
	peer.swallow()
	awaited(t, "the pong", peer.pong)
	e.ask(adminKey, "POST", "manageapp/queue/publish", "app_id", "shop", "routing_key", "[]").wantResult(t, "true")
	late := e.dialAs(shopKey)
	late.publish("order.new", "after")
	if closed := late.closed(); closed.Code != socket.PolicyViolation || !strings.Contains(closed.Reason, "order.new") {
		t.Errorf("closed with %v", closed)
	}
	e.ask(adminKey, "POST", "manageapp/queue/publish", "app_id", "shop", "routing_key", "#").wantResult(t, "true")
	e.dialAs(shopKey).stored("order.new", "again")
	if got := e.bodies(erpKey); got != "before again" {
		t.Errorf("the queue has %q", got)
	}
}
