package prismtest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/prismtest"
)

func TestMessagesFlowAndAreSeen(t *testing.T) {
	forms(t, func(t *testing.T, cfg prismtest.Config) {
		srv := prismtest.NewServerConfig(t, cfg)
		consume(t, srv, notify.ConsumerConfig{}, accept)
		if err := publisher(t, srv).Publish(t.Context(), "order.new", []byte("hello")); err != nil {
			t.Fatal(err)
		}
		if p := srv.Published(); len(p) != 1 || p[0].Message.Key != "order.new" || p[0].Key != srv.Key() {
			t.Errorf("published: %+v", p)
		}
		acks := srv.WaitAcks(1)
		if string(acks[0].Message.Body) != "hello" || acks[0].Tag != 1 {
			t.Errorf("acknowledged: %+v", acks[0])
		}
		if d := srv.Deliveries(); len(d) != 1 || d[0] != acks[0] {
			t.Errorf("deliveries: %+v", d)
		}
		if srv.Depth("") != 0 {
			t.Errorf("the queue still has %d messages", srv.Depth(""))
		}
		srv.WaitConnections(2)
		if n := len(srv.WaitConnected(2)); n != 2 {
			t.Errorf("%d connections, want those of the consumer and of the publisher", n)
		}
	})
}

func TestPublishAndWriteOfTheTestReachConsumers(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Write("parcels", "written")
	srv.Publish("order.new", "published")
	if ready, depth := srv.Status("parcels").Ready, srv.Depth(""); ready != 1 || depth != 1 {
		t.Errorf("%d and %d messages, want 1 and 1", ready, depth)
	}
	if s := srv.Status("never made"); s != (platform.QueueStatus{}) {
		t.Errorf("a topic that does not exist has %+v", s)
	}
	got := make(chan *notify.Delivery, 1)
	consume(t, srv, notify.ConsumerConfig{Topic: "parcels"}, func(_ context.Context, d *notify.Delivery) error {
		got <- d
		return nil
	})
	if d := <-got; string(d.Body) != "written" || d.ClientID != srv.Key() || d.App != "test" {
		t.Errorf("delivered: %+v", d)
	}
	if n := len(srv.Published()); n != 0 {
		t.Errorf("%d messages count as published by clients", n)
	}
}

func TestCallsAreSeenInOrder(t *testing.T) {
	forms(t, func(t *testing.T, cfg prismtest.Config) {
		srv := prismtest.NewServerConfig(t, cfg)
		client := srv.Client()
		if _, err := client.Post(t.Context(), "platform/notify/write", prism.Params{"data": "x", "topic": "a"}); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Get(t.Context(), "unknown", nil); !errors.Is(err, prism.ErrNotFound) {
			t.Fatal(err)
		}
		calls := srv.WaitCalls(2)
		if calls[0].API != "platform/notify/write" || calls[0].Status != 200 || calls[0].Params.Get("topic") != "a" {
			t.Errorf("first: %+v", calls[0])
		}
		if calls[1].API != "unknown" || calls[1].Status != 404 || calls[1].Outcome.Code != "unknown_api" {
			t.Errorf("second: %+v", calls[1])
		}
		if n := len(srv.WaitCalls(1, "/unknown")); n != 1 {
			t.Errorf("%d calls of one API, want 1", n)
		}
		srv.Forget()
		if n := len(srv.Calls()); n != 0 {
			t.Errorf("%d calls after Forget", n)
		}
	})
}

func TestEachKeyHasItsQueues(t *testing.T) {
	srv := prismtest.NewServer(t)
	other := srv.NewKey()
	if err := notify.NewQueueClient(srv.ClientFor(other)).Write(t.Context(), "", []byte("theirs")); err != nil {
		t.Fatal(err)
	}
	if srv.Depth("") != 0 {
		t.Error("the message that another key wrote into its queue is in that of the first")
	}
}

// depthOf returns how many messages the default queue of a key has.
func depthOf(t *testing.T, srv *prismtest.Server, key platform.Key) int {
	t.Helper()
	status, err := notify.NewQueueClient(srv.ClientFor(key)).Status(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return status.Messages
}

func TestWhatOneKeyPublishesReachesEachThatIsBound(t *testing.T) {
	srv := prismtest.NewServer(t)
	second, orders := srv.NewKey(), platform.NewKey("shop")
	orders.Bindings = []platform.Binding{{Pattern: "order.#"}}
	srv.AddKey(orders)
	srv.Publish("order.new", "of the test")
	if err := publisher(t, srv).Publish(t.Context(), "stock.low", []byte("of a client")); err != nil {
		t.Fatal(err)
	}
	if n := srv.Depth(""); n != 2 {
		t.Errorf("the first key has %d messages, want 2", n)
	}
	if n := depthOf(t, srv, second); n != 2 {
		t.Errorf("a key that listens to everything has %d messages, want 2", n)
	}
	if n := depthOf(t, srv, orders); n != 1 {
		t.Errorf("a key that is bound to order.# has %d messages, want 1", n)
	}
}

func TestWhatAnAppMayListenToCountsAtOnce(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.AddApp(platform.App{ID: "erp", Publish: platform.Nothing(), Listen: platform.Matching("order.#")})
	erp := platform.NewKey("erp")
	srv.AddKey(erp)
	for _, step := range []struct {
		listen platform.Permission
		want   int // after one order and one of stock
	}{{platform.Matching("order.#"), 1}, {platform.Nothing(), 1}, {platform.Everything(), 3}} {
		srv.AddApp(platform.App{ID: "erp", Publish: platform.Nothing(), Listen: step.listen})
		srv.Publish("order.new", "an order")
		srv.Publish("stock.low", "a lack")
		if n := depthOf(t, srv, erp); n != step.want {
			t.Errorf("an app that may listen to %v has %d messages, want %d", step.listen, n, step.want)
		}
	}
	err := notify.NewQueueClient(srv.ClientFor(erp)).Publish(t.Context(), "order.new", []byte("x"))
	if !errors.Is(err, prism.ErrForbidden) {
		t.Errorf("an app that may publish nothing published: %v", err)
	}
}

func TestPeekShowsWhatIsThereAndChangesNothing(t *testing.T) {
	srv := prismtest.NewServer(t)
	if found := srv.Peek("never made"); len(found) != 0 {
		t.Errorf("a topic that does not exist has %d messages", len(found))
	}
	for range 1001 {
		srv.Publish("order.new", "an order")
	}
	srv.Duplicate(1)
	srv.Publish("order.paid", "the last")
	first, again := srv.Peek(""), srv.Peek("")
	if len(first) != 1003 || len(again) != 1003 || srv.Status("").Ready != 1003 {
		t.Fatalf("%d messages, then %d, and %d are ready; want 1003", len(first), len(again), srv.Status("").Ready)
	}
	ids := make(map[platform.MessageID]bool)
	for i := range first {
		if first[i].Message.ID != again[i].Message.ID || first[i].Held {
			t.Errorf("message %d changed: %+v", i, again[i])
		}
		ids[first[i].Message.ID] = true
	}
	if len(ids) != 1003 {
		t.Errorf("%d messages have %d IDs", len(first), len(ids))
	}
}

func TestAKeyCanGetANewSecret(t *testing.T) {
	srv := prismtest.NewServer(t)
	client := srv.Client()
	srv.AddKey(platform.Key{ID: srv.Key(), Secret: "anothersecret"})
	if _, err := client.Get(t.Context(), "platform/notify/status", nil); !errors.Is(err, prism.ErrUnauthorized) {
		t.Errorf("err = %v, want a refusal", err)
	}
}

func TestSettingsAreKept(t *testing.T) {
	var traced []string
	srv := prismtest.NewServerConfig(t, prismtest.Config{
		Key: "buwb2lii", Secret: "ucr72ygfutspqeuu6s36", App: "shop",
		Memory: memory.Config{Bindings: []platform.Binding{{Pattern: "order.#", Topic: "orders"}}},
		Platform: platform.Config{
			BasePath: "/api-sandbox/",
			Limits:   platform.Limits{MaxBody: 10},
			Override: func(c platform.Call) http.Handler {
				if c.API == "mine" {
					return prismtest.Answer("overridden")
				}
				return nil
			},
			Trace: &platform.Trace{Call: func(c platform.Call, _ platform.Outcome) { traced = append(traced, c.API) }},
		},
	})
	if srv.Key() != "buwb2lii" || srv.Secret() != "ucr72ygfutspqeuu6s36" {
		t.Error("the key is another one")
	}
	srv.Publish("order.new", "hello")
	if srv.Depth("orders") != 1 || srv.Depth("") != 0 {
		t.Error("the bindings are others")
	}
	res, err := srv.Client().Get(t.Context(), "mine", nil)
	var answer string
	if err != nil || res.Decode(&answer) != nil || answer != "overridden" {
		t.Errorf("Override: %q, %v", answer, err)
	}
	if _, err := srv.Client().Post(t.Context(), "platform/notify/write", prism.Params{"data": "longer than ten"}); err == nil {
		t.Error("Limits are others")
	}
	srv.WaitCalls(2)
	if len(traced) != 2 {
		t.Errorf("the trace has %q", traced)
	}
}

func TestSecretModeWorksAsOnLoopback(t *testing.T) {
	forms(t, func(t *testing.T, cfg prismtest.Config) {
		clientCfg := prismtest.NewServerConfig(t, cfg).ClientConfig()
		clientCfg.SecretMode = true
		client, err := prism.New(clientCfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Get(t.Context(), "platform/notify/status", nil); err != nil {
			t.Error(err)
		}
	})
}

// plainStore has no more than a store must have, and stores only while it is
// not full.
type plainStore struct {
	platform.Store
	full bool
}

func (s *plainStore) Save(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
	if s.full {
		return 0, platform.ErrUnavailable
	}
	return s.Store.Save(ctx, kind, id, value, revision, ttl)
}

func TestAStoreOfTheUserTakesAll(t *testing.T) {
	store := &plainStore{Store: new(memory.Store)}
	srv := prismtest.NewServerConfig(t, prismtest.Config{Platform: platform.Config{Store: store}})
	srv.AddUser(platform.User{Login: "lin"}, "open sesame")
	srv.AccessToken("lin")
	for _, key := range []platform.Key{srv.NewKey(), {ID: "a", Secret: "b", App: "other"}} {
		srv.AddKey(key)
		if _, err := srv.ClientFor(key).Get(t.Context(), "platform/notify/status", nil); err != nil {
			t.Error(err)
		}
	}
}

func TestAKeyOfTheUsersStoreStaysAsItIs(t *testing.T) {
	key := platform.Key{ID: "buwb2lii", Secret: "ucr72ygfutspqeuu6s36", App: "shop", Admin: true}
	store, err := memory.NewStore(key)
	if err == nil {
		err = store.AddApp(platform.App{ID: "shop", Summary: "kept"})
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{key.Secret, "anothersecret"} {
		srv := prismtest.NewServerConfig(t, prismtest.Config{Key: key.ID, Secret: secret, Platform: platform.Config{Store: store}})
		if _, err := srv.Client().Get(t.Context(), "platform/notify/status", nil); err != nil {
			t.Error(err)
		}
		got, err := platform.NewRegistry(store).Key(t.Context(), key.ID)
		if kept := got.App == "shop" && got.Admin; err != nil || kept != (secret == key.Secret) {
			t.Errorf("the key became %+v, %v", got, err)
		}
	}
	if app, err := platform.NewRegistry(store).App(t.Context(), "shop"); err != nil || app.Summary != "kept" {
		t.Errorf("the app became %+v, %v", app, err)
	}
}

func TestAStoreThatTakesNothingFailsTheTest(t *testing.T) {
	store := &plainStore{Store: new(memory.Store)}
	f := &fake{}
	srv := prismtest.NewServerConfig(f, prismtest.Config{Platform: platform.Config{Store: store}})
	defer f.end()
	store.full = true
	for name, do := range map[string]func(){
		`the key "a"`:    func() { srv.AddKey(platform.Key{ID: "a", Secret: "geheim"}) },
		`no user "lin"`:  func() { srv.AddUser(platform.User{Login: "lin"}, "geheim") },
		`for app "test"`: func() { srv.AllowRedirect("http://127.0.0.1/callback") },
	} {
		f.failures = nil
		do()
		mustContain(t, f.failure(t), name, "not available")
		if strings.Contains(f.failure(t), "geheim") {
			t.Errorf("a secret is shown: %s", f.failure(t))
		}
	}
}

func TestWrongSettingsFailTheTest(t *testing.T) {
	for _, row := range []struct {
		cfg prismtest.Config
		say []string
	}{
		{prismtest.Config{Platform: platform.Config{BasePath: "/a?b"}}, []string{"Config.Platform", "BasePath"}},
		{prismtest.Config{Patience: -time.Second}, []string{"Config.Patience is -1s"}},
	} {
		f := &stopping{}
		f.run(func() { prismtest.NewServerConfig(f, row.cfg) })
		mustContain(t, f.failure(t), row.say...)
	}
}

func TestClosingIsQuickWhateverClientsDo(t *testing.T) {
	for name, state := range map[string]func(*prismtest.Server){
		"idle":    func(*prismtest.Server) {},
		"stalled": func(s *prismtest.Server) { s.Stall() },
		"frozen":  func(s *prismtest.Server) { s.Freeze() },
		"refuse":  func(s *prismtest.Server) { s.Refuse(true) },
		"slow":    func(s *prismtest.Server) { s.Delay(50 * time.Millisecond) },
		"cut":     func(s *prismtest.Server) { s.Cut() },
	} {
		t.Run(name, func(t *testing.T) {
			forms(t, func(t *testing.T, cfg prismtest.Config) {
				f := &fake{}
				srv := prismtest.NewServerConfig(f, cfg)
				stop := consume(t, srv, notify.ConsumerConfig{}, accept)
				srv.WaitConnections(1)
				state(srv)
				began := time.Now()
				f.end()
				if took := time.Since(began); took > patience.Of(2*time.Second) {
					t.Errorf("closing took %v", took)
				}
				stop()
				if len(f.failures) > 0 {
					t.Errorf("closing failed: %q", f.failures)
				}
			})
		})
	}
}

func TestAHandlerThatNeverEndsIsNamed(t *testing.T) {
	f := &fake{}
	srv := prismtest.NewServer(f)
	entered, leave := make(chan struct{}), make(chan struct{})
	srv.Handle("stuck", func(http.ResponseWriter, *http.Request) { close(entered); <-leave })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.Client().Get(ctx, "stuck", nil)
	}()
	<-entered
	f.end()
	mustContain(t, f.failure(t), "still being answered", "context of the request")
	close(leave)
	<-done
}
