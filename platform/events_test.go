package platform_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// auditor is an owner that may listen to system events and is bound to them.
const auditor = "auditor"

// hear lets the auditor hear the events of the domain default.
func hear(t testing.TB, queues platform.Queues) {
	t.Helper()
	hearAs(t, queues, auditor, "default", platform.Matching("@system.#"), "@system.#")
}

func hearAs(t testing.TB, queues platform.Queues, owner, exchange string, listen platform.Permission, pattern string) {
	t.Helper()
	must(t, queues.Declare(t.Context(), owner, platform.Owner{Exchange: exchange, Listen: listen, Bindings: []platform.Binding{{Pattern: pattern}}}))
}

// heard returns what an owner has got, and waits for it in virtual time.
func heard(t testing.TB, queues platform.Queues, owner string) (all []map[string]any) {
	t.Helper()
	synctest.Wait()
	messages, err := queues.Read(t.Context(), owner, "", 1000)
	must(t, err)
	for _, m := range messages {
		all = append(all, eventIn(t, m))
	}
	return all
}

// eventIn returns what the body of an event says.
func eventIn(t testing.TB, m *platform.Message) (event map[string]any) {
	t.Helper()
	if m.ContentType != "application/json" || m.ClientID != "" || m.App != "" || m.Time.IsZero() {
		t.Errorf("an event is %+v", m)
	}
	must(t, json.Unmarshal(m.Body, &event))
	if event["event"] != m.Key {
		t.Errorf("the event %v has the routing key %q", event["event"], m.Key)
	}
	return event
}

func wantEvent(t testing.TB, got map[string]any, want map[string]any) {
	t.Helper()
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s of %v is %v, want %v", name, got["event"], got[name], value)
		}
	}
}

// expiringKey expires an hour after the beginning of virtual time.
func expiringKey() platform.Key {
	return platform.Key{ID: "expiring", Secret: "expiringexpiringexpi", App: "shop", Expires: time.Now().Add(time.Hour)}
}

func wrongSecret(key platform.Key) platform.Key {
	key.Secret = "guessedguessedguesse"
	return key
}

func TestALoginIsAnEventWithoutSecrets(t *testing.T) {
	queues := newQueues(memory.Config{})
	e := newTokenEnv(t, platform.Config{Queues: queues})
	hear(t, queues)
	events, err := queues.Consume(t.Context(), auditor, "", "test")
	must(t, err)
	defer events.Close()
	began := e.now()
	login := e.logIn()
	e.advance(time.Minute)
	tokens := e.refreshed(e.tokens(login).Refresh).Access // a refresh is no login
	got, err := events.Fetch(t.Context(), 10, 1<<20)
	must(t, err)
	if len(got) != 1 {
		t.Fatalf("%d events", len(got))
	}
	body := string(got[0].Message.Body)
	wantEvent(t, eventIn(t, got[0].Message), map[string]any{
		"event": "@system.oauth.login", "time": float64(e.now().Unix()), "client_id": testKey, "app": "shop", "user": ann().ID,
		"session_since": float64(began.Unix()), "session_until": float64(began.Add(30 * 24 * time.Hour).Unix()),
	})
	for _, secret := range []string{login.Cookie, login.SessionID, tokens, testSecret, "ann"} {
		if strings.Contains(body, secret) {
			t.Errorf("the event has %q: %s", secret, body)
		}
	}
}

func TestRefusedSignaturesAreOneEventAMinuteForEachKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues := newQueues(memory.Config{})
		p := newPlatform(t, platform.Config{Queues: queues})
		hear(t, queues)
		refuse := func(key platform.Key, n int) {
			for range n {
				ask(t, p, wrongSecret(key), "GET", "platform/notify/status").want(t, 401, "invalid_sign")
			}
		}
		refuse(shopKey, 3)
		refuse(adminKey, 1)
		first := heard(t, queues, auditor)
		if len(first) != 2 {
			t.Fatalf("events %v", first)
		}
		wantEvent(t, first[0], map[string]any{
			"event": "@system.sign.refused", "client_id": shopKey.ID, "app": shopKey.App, "address": "192.0.2.1", "code": "invalid_sign", "refused": 1.0,
		})
		wantEvent(t, first[1], map[string]any{"client_id": adminKey.ID, "refused": 1.0})
		time.Sleep(59 * time.Second)
		refuse(shopKey, 1)
		if early := heard(t, queues, auditor); len(early) != 0 {
			t.Errorf("within a minute there were %v", early)
		}
		time.Sleep(time.Second)
		refuse(shopKey, 1)
		later := heard(t, queues, auditor)
		if len(later) != 1 {
			t.Fatalf("after a minute there were %v", later)
		}
		wantEvent(t, later[0], map[string]any{"client_id": shopKey.ID, "refused": 4.0})
	})
}

func TestARefusedSignatureOfAnUnknownKeyIsNoEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues := newQueues(memory.Config{})
		p := newPlatform(t, platform.Config{Queues: queues})
		hear(t, queues)
		ask(t, p, platform.Key{ID: "nobody", Secret: "x"}, "GET", "platform/notify/status").want(t, 401, "unknown_key")
		ask(t, p, shopKey, "GET", "platform/notify/status").want(t, 200, "")
		if got := heard(t, queues, auditor); len(got) != 0 {
			t.Errorf("events %v", got)
		}
	})
}

func TestOnlyThoseWhoseBindingAndPermissionNameEventsGetThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues := newQueues(memory.Config{})
		p := newPlatform(t, platform.Config{Queues: queues})
		for owner, may := range map[string]struct {
			exchange string
			listen   platform.Permission
			pattern  string
			events   int
		}{
			"all":       {"default", platform.Matching("#"), "@system.#", 0},
			"every":     {"default", platform.Everything(), "@system.#", 0},
			"unbound":   {"default", platform.Matching("@system.#"), "#", 0},
			"elsewhere": {"mars", platform.Matching("@system.#"), "@system.#", 0},
			"narrow":    {"default", platform.Matching("@system.sign.*"), "@system.sign.refused", 1},
			"other":     {"default", platform.Matching("@system.#"), "@system.oauth.*", 0},
		} {
			hearAs(t, queues, owner, may.exchange, may.listen, may.pattern)
			defer func() {
				if got := heard(t, queues, owner); len(got) != may.events {
					t.Errorf("%s has got %v", owner, got)
				}
			}()
		}
		ask(t, p, wrongSecret(shopKey), "GET", "platform/notify/status").want(t, 401, "invalid_sign")
	})
}

func TestAnExpiredKeyIsAnEventWhenItIsUsedAndOncePerHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key, queues := expiringKey(), newQueues(memory.Config{})
		p := newPlatform(t, platform.Config{Queues: queues, Store: storeOf(key)})
		hear(t, queues)
		time.Sleep(time.Hour - time.Second)
		ask(t, p, key, "GET", "platform/notify/status").want(t, 200, "")
		time.Sleep(time.Second)
		ask(t, p, wrongSecret(key), "GET", "platform/notify/status").want(t, 401, "invalid_sign")
		if got := heard(t, queues, auditor); len(got) != 1 || got[0]["event"] != "@system.sign.refused" {
			t.Errorf("who has not the secret caused %v", got)
		}
		for hour := range 2 {
			for range 59 {
				ask(t, p, key, "GET", "platform/notify/status").want(t, 401, "key_expired")
				time.Sleep(time.Minute)
			}
			got := heard(t, queues, auditor)
			if len(got) != 1 {
				t.Fatalf("in hour %d there were %v", hour, got)
			}
			wantEvent(t, got[0], map[string]any{
				"event": "@system.key.expired", "client_id": key.ID, "app": "shop", "expired": float64(key.Expires.Unix()),
			})
			time.Sleep(time.Minute)
		}
	})
}

func TestAKeyThatExpiresWhileItIsConnectedIsAnEvent(t *testing.T) {
	store, queues := storeOf(), newQueues(memory.Config{})
	bubble(t, platform.Config{Queues: queues, Store: store}, func(t *testing.T, p *platform.Platform, dial func() net.Conn) {
		key := expiringKey()
		must(t, store.Add(key))
		hear(t, queues)
		peer := dialOver(t, dial(), notifyTarget(key.ID, key.Secret, "/api/platform/notify"))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
		defer cancel()
		peer.ctx = ctx
		contains(t, peer.closed().Reason, "expired")
		if got := heard(t, queues, auditor); len(got) != 1 || got[0]["event"] != "@system.key.expired" {
			t.Errorf("events %v", got)
		}
	})
}

func TestAQueueThatDropsIsOneEventAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues := newQueues(memory.Config{MaxMessages: 2})
		p := newPlatform(t, platform.Config{Queues: queues})
		hear(t, queues)
		ask(t, p, adminKey, "GET", "platform/notify/status").want(t, 200, "")
		publish := func(n int) {
			for range n {
				_, err := queues.Publish(t.Context(), "default", &platform.Message{Key: "order.new", ClientID: shopKey.ID})
				must(t, err)
			}
		}
		publish(5)
		got := heard(t, queues, auditor)
		if len(got) != 1 {
			t.Fatalf("events %v", got)
		}
		wantEvent(t, got[0], map[string]any{
			"event": "@system.queue.dropped", "client_id": adminKey.ID, "app": adminKey.App, "topic": "", "dropped": 1.0,
		})
		time.Sleep(time.Minute)
		publish(3)
		if got := heard(t, queues, auditor); len(got) != 1 || got[0]["dropped"] != 4.0 {
			t.Errorf("after a minute there were %v", got)
		}
	})
}

func TestAQueueThatDropsEventsIsNoEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues := newQueues(memory.Config{MaxMessages: 2})
		p := newPlatform(t, platform.Config{Queues: queues})
		hear(t, queues)
		for range 10 {
			ask(t, p, wrongSecret(shopKey), "GET", "platform/notify/status").want(t, 401, "invalid_sign")
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		if s, err := queues.Status(t.Context(), auditor, ""); err != nil || s.Dropped != 8 {
			t.Fatalf("%+v, %v", s, err)
		}
		for _, event := range heard(t, queues, auditor) {
			wantEvent(t, event, map[string]any{"event": "@system.sign.refused"})
		}
		if s := p.Stats(); s.Events != 10 || s.EventsLost != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A stuckEngine routes nothing before its context ends.
type stuckEngine struct {
	platform.Queues
	asked   atomic.Int64
	dropped func(owner, topic string, dropped uint64)
}

func (s *stuckEngine) NotifyDrops(f func(owner, topic string, dropped uint64)) { s.dropped = f }

func (s *stuckEngine) Route(ctx context.Context, _ string, _ *platform.Message) (int, error) {
	s.asked.Add(1)
	<-ctx.Done()
	return 0, ctx.Err()
}

func TestNobodyWaitsForEventsThatTheEngineDoesNotTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &stuckEngine{Queues: newQueues(memory.Config{})}
		p := newPlatform(t, platform.Config{Queues: engine})
		began := time.Now()
		for range 3 {
			ask(t, p, wrongSecret(shopKey), "GET", "platform/notify/status").want(t, 401, "invalid_sign")
			ask(t, p, wrongSecret(adminKey), "GET", "platform/notify/status").want(t, 401, "invalid_sign")
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("callers waited for %v", took)
		}
		time.Sleep(time.Minute)
		if n, s := engine.asked.Load(), p.Stats(); n != 1 || s.Events != 0 || s.EventsLost != 2 {
			t.Errorf("the engine was asked %d times: %+v", n, s)
		}
	})
}

func TestAStoreThatDoesNotWorkIsToldInFewWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &stuckEngine{Queues: newQueues(memory.Config{})}
		store := &slowStore{Store: provisionedStore()}
		var log strings.Builder
		p := newPlatform(t, platform.Config{Queues: engine, Store: store, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		store.delay.Store(-1)
		for range 1000 {
			engine.dropped(shopKey.ID, "", 1)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n, s := strings.Count(log.String(), "\n"), p.Stats(); n > 2 || s.EventsLost != 1000 {
			t.Errorf("%d lines of the log tell of %d lost events", n, s.EventsLost)
		}
	})
}

func TestEventsEndWithThePlatform(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &stuckEngine{Queues: newQueues(memory.Config{})}
		p := newPlatform(t, platform.Config{Queues: engine})
		ask(t, p, wrongSecret(shopKey), "GET", "platform/notify/status").want(t, 401, "invalid_sign")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := p.Shutdown(ctx); err == nil || time.Since(began) != time.Second {
			t.Errorf("Shutdown: %v after %v", err, time.Since(began))
		}
		ask(t, p, wrongSecret(adminKey), "GET", "platform/notify/status").want(t, 401, "invalid_sign")
		synctest.Wait()
		if s := p.Stats(); s.EventsLost != 2 || engine.asked.Load() != 1 {
			t.Errorf("%+v, and the engine was asked %d times", s, engine.asked.Load())
		}
	})
}

func TestShutdownWaitsForEventsToBePublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &slowEngine{Queues: newQueues(memory.Config{})}
		p := newPlatform(t, platform.Config{Queues: engine})
		hear(t, engine)
		ask(t, p, wrongSecret(shopKey), "GET", "platform/notify/status").want(t, 401, "invalid_sign")
		must(t, p.Shutdown(t.Context()))
		if s := p.Stats(); s.Events != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// A slowEngine takes a second for a publish.
type slowEngine struct{ platform.Queues }

func (s *slowEngine) Publish(ctx context.Context, exchange string, ms ...*platform.Message) ([]int, error) {
	time.Sleep(time.Second)
	return s.Queues.Publish(ctx, exchange, ms...)
}

func TestAnExchangeWhereNobodyListensGetsNoMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &slowEngine{Queues: newQueues(memory.Config{})}
		p := newPlatform(t, platform.Config{Queues: engine})
		began := time.Now()
		ask(t, p, wrongSecret(shopKey), "GET", "platform/notify/status").want(t, 401, "invalid_sign")
		must(t, p.Shutdown(t.Context()))
		if s := p.Stats(); s.Events != 0 || s.EventsLost != 0 || time.Since(began) > 0 {
			t.Errorf("%+v after %v", s, time.Since(began))
		}
	})
}

func TestAMessageThatIsParkedIsAnEvent(t *testing.T) {
	queues := newQueues(memory.Config{})
	store := provisionedStore()
	bubble(t, platform.Config{Queues: queues, Store: store}, func(t *testing.T, p *platform.Platform, dial func() net.Conn) {
		hear(t, queues)
		ask(t, p, shopKey, "POST", "platform/notify/queue/limit", "max_attempts", "1").want(t, 200, "")
		publishTo(t, queues, "order.new", "order.paid")
		peer := dialOver(t, dial(), notifyTarget(shopKey.ID, shopKey.Secret, "/api/platform/notify"))
		peer.consume("")
		failed, other := peer.next(), peer.next()
		peer.send(wire.AppendFail(nil, failed.Tag, "no such article"))
		events := heard(t, queues, auditor)
		if len(events) != 1 {
			t.Fatalf("events %v", events)
		}
		wantEvent(t, events[0], map[string]any{
			"event": "@system.queue.parked", "client_id": shopKey.ID, "app": shopKey.App, "topic": "", "id": failed.ID,
			"routing_key": "order.new", "attempts": 1.0, "reason": "no such article",
		})
		ask(t, p, shopKey, "POST", "platform/notify/queue/park", "id", other.ID, "reason", "not now").want(t, 200, "")
		if events = heard(t, queues, auditor); len(events) != 1 {
			t.Fatalf("events %v", events)
		}
		wantEvent(t, events[0], map[string]any{"id": other.ID, "routing_key": "order.paid", "reason": "not now"})
	})
}

func publishTo(t testing.TB, queues platform.Queues, keys ...string) {
	t.Helper()
	for _, key := range keys {
		_, err := queues.Publish(t.Context(), "default", &platform.Message{Key: key, ClientID: adminKey.ID})
		must(t, err)
	}
}

func TestAnEventThatIsParkedIsNoEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues := newQueues(memory.Config{})
		store := provisionedStore()
		_, err := platform.NewRegistry(store).UpdateApp(t.Context(), shopKey.App, func(app *platform.App) error {
			app.Listen = platform.Matching("@system.#")
			return nil
		})
		must(t, err)
		p := newPlatform(t, platform.Config{Queues: queues, Store: store})
		ask(t, p, shopKey, "POST", "platform/notify/routing/set", "topic", "audit", "routing_key", "@system.#").want(t, 200, "")
		ask(t, p, wrongSecret(shopKey), "GET", "platform/notify/status").want(t, 401, "invalid_sign")
		synctest.Wait()
		found, err := queues.Peek(t.Context(), shopKey.ID, "audit", platform.MessageID{}, 10)
		if err != nil || len(found) != 1 {
			t.Fatalf("%v, %v", found, err)
		}
		ask(t, p, shopKey, "POST", "platform/notify/queue/park", "topic", "audit", "id", found[0].Message.ID.String()).wantResult(t, `{"messages":1}`)
		synctest.Wait()
		if s := p.Stats(); s.Parked != 1 || s.Events != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestEventsThatAreTooManyAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &stuckEngine{Queues: newQueues(memory.Config{})}
		p := newPlatform(t, platform.Config{Queues: engine})
		const n, waiting, together = 3000, 1000, 100
		for range n {
			engine.dropped(shopKey.ID, "", 1)
		}
		if lost := p.Stats().EventsLost; lost < n-waiting-together || lost > n-waiting {
			t.Errorf("of %d events %d are lost at once", n, lost)
		}
		time.Sleep(time.Minute)
		if lost := p.Stats().EventsLost; lost != n || engine.asked.Load() != 1 {
			t.Errorf("%d are lost in the end, and the engine was asked %d times", lost, engine.asked.Load())
		}
	})
}

func TestAPushThatFailsIsOneEventAMinuteForEachKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues := newQueues(memory.Config{})
		p := newPlatform(t, platform.Config{Queues: queues})
		hear(t, queues)
		m := &platform.Message{ID: platform.MessageID{Log: 1, Number: 2}, Key: "order.new"}
		post := func(m *platform.Message, n int, err error) {
			for range n {
				p.Posted(platform.PushEvent{Key: shopKey.ID, Message: m, Attempt: 3, Status: 503, Err: err, Host: "shop.example"})
			}
		}
		post(m, 1, nil)
		post(&platform.Message{Key: "@system.oauth.login"}, 1, errors.New("an event"))
		if got := heard(t, queues, auditor); len(got) != 0 {
			t.Fatalf("nothing failed, or an event did, and there is %v", got)
		}
		post(m, 5, errors.New("the receiver answered 503"))
		first := heard(t, queues, auditor)
		time.Sleep(time.Minute - time.Second)
		post(m, 1, errors.New("the receiver answered 503"))
		post(m, 1, nil)
		first = append(first, heard(t, queues, auditor)...)
		if len(first) != 1 {
			t.Fatalf("events %v", first)
		}
		wantEvent(t, first[0], map[string]any{
			"event": "@system.push.failed", "client_id": shopKey.ID, "app": shopKey.App, "host": "shop.example", "status": 503.0,
			"reason": "the receiver answered 503", "failed": 1.0, "id": m.ID.String(), "routing_key": "order.new", "attempt": 3.0,
		})
		time.Sleep(time.Second)
		post(m, 1, errors.New("the receiver cannot be reached"))
		if got := heard(t, queues, auditor); len(got) != 1 || got[0]["failed"] != 6.0 {
			t.Errorf("after a minute there is %v", got)
		}
	})
}

func TestAMessageThatPushingParksIsAnEvent(t *testing.T) {
	s := startPushing(t, platform.Config{})
	hear(t, s.queues)
	events, err := s.queues.Consume(t.Context(), auditor, "", "test")
	must(t, err)
	defer events.Close()
	hook := newWebhook(t, func(wire.Delivery) int { return 500 })
	s.set(hook)
	ask(t, s.p, shopKey, "POST", "platform/notify/queue/limit", "max_attempts", "1").want(t, 200, "")
	publishTo(t, s.queues, "order.new")
	var got []map[string]any
	for len(got) < 2 {
		leases, err := events.Fetch(t.Context(), 10, 1<<20)
		must(t, err)
		for _, l := range leases {
			got = append(got, eventIn(t, l.Message))
		}
	}
	if got[0]["event"] != "@system.queue.parked" {
		got[0], got[1] = got[1], got[0]
	}
	wantEvent(t, got[0], map[string]any{"event": "@system.queue.parked", "client_id": shopKey.ID, "routing_key": "order.new", "attempts": 1.0})
	wantEvent(t, got[1], map[string]any{"event": "@system.push.failed", "client_id": shopKey.ID, "status": 500.0, "failed": 1.0})
	if host := got[1]["host"]; !strings.Contains(hook.URL, host.(string)) || strings.Contains(host.(string), "/") {
		t.Errorf("the host is %q", host)
	}
}
