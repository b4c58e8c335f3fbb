package platform_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/internal/push"
	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

func TestMessagesArePushedSignedAndInOrder(t *testing.T) {
	s, h := startPushing(t, platform.Config{}), newWebhook(t, nil)
	s.write("1", "2")
	h.verify(s.set(h))
	s.write("3")
	for i, d := range h.wait(3) {
		if string(d.Body) != fmt.Sprint(i+1) || d.Attempt != 1 || d.Type != "text/plain" || d.ClientID != shopKey.ID || d.Time == 0 {
			t.Errorf("POST %d is %+v", i+1, d)
		}
	}
	s.emptied()
	if e := await[platform.PushEvent](t, s.events, 3); e.Key != shopKey.ID || e.Status != 200 || e.Err != nil || string(e.Message.Body) != "3" {
		t.Errorf("event %+v", e)
	}
	if st := s.p.Stats(); st.Pushed != 3 || st.PushFailed != 0 || st.Pushing != 1 || st.PushWaiting != 0 {
		t.Errorf("stats %+v", st)
	}
}

// The parser of a receiver takes nothing but UTF-8; the webhook of the tests checks that.
func TestABodyThatIsNotUTF8IsPushedAsValidJSON(t *testing.T) {
	s, h := startPushing(t, platform.Config{}), newWebhook(t, nil)
	s.set(h)
	s.write("\xff\x00")
	if d := h.wait(1)[0]; string(d.Body) != "\uFFFD\x00" {
		t.Errorf("the body is %q", d.Body)
	}
}

func TestOneWorkerKeepsTheOrderOverFailures(t *testing.T) {
	failures := map[string]int{"2": 2, "3": 1}
	h := newWebhook(t, func(d wire.Delivery) int {
		if failures[string(d.Body)]--; failures[string(d.Body)] >= 0 {
			return http.StatusInternalServerError
		}
		return 0
	})
	s := startPushing(t, platform.Config{})
	s.write("1", "2", "3", "4")
	s.set(h)
	got := h.wait(7)
	if bodies := bodiesOf(got); !slices.Equal(bodies, []string{"1", "2", "2", "2", "3", "3", "4"}) {
		t.Errorf("POSTs of %v", bodies)
	}
	if got[1].Attempt != 1 || got[2].Attempt != 2 || got[3].Attempt != 3 || got[6].Attempt != 1 {
		t.Errorf("attempts of %+v", got)
	}
	s.emptied()
}

func TestAMessageThatNoAttemptDeliversIsParkedWithItsReason(t *testing.T) {
	for _, workers := range []string{"1", "4"} {
		h := newWebhook(t, func(d wire.Delivery) int {
			if string(d.Body) == "poison" {
				return http.StatusTeapot
			}
			return 0
		})
		s := startPushing(t, platform.Config{})
		s.write("1", "poison", "2")
		if err := s.queues.SetLimits(t.Context(), shopKey.ID, "", platform.QueueLimits{MaxAttempts: 3}); err != nil {
			t.Fatal(err)
		}
		s.set(h, "workers", workers)
		h.wait(5)
		s.emptied()
		parked, err := s.queues.Parked(t.Context(), shopKey.ID, "", platform.MessageID{}, 10)
		if err != nil || len(parked) != 1 || string(parked[0].Message.Body) != "poison" || parked[0].Attempts != 3 {
			t.Fatalf("parked %+v, %v", parked, err)
		}
		if want := "the receiver answered 418 I'm a teapot"; parked[0].Reason != want || !strings.HasPrefix(parked[0].By, "push to 127.0.0.1:") {
			t.Errorf("parked for %q by %q, want %q", parked[0].Reason, parked[0].By, want)
		}
		if e := await[platform.PushEvent](t, s.events, 5); e.Err == nil && !e.Parked {
			last := false
			for n := 1; n <= 5; n++ {
				last = last || await[platform.PushEvent](t, s.events, n).Parked
			}
			if !last {
				t.Error("no event says that the message was parked")
			}
		}
	}
}

func TestAMessageThatFailsDoesNotKeepAWorkerDuringItsPause(t *testing.T) {
	const workers, poison, healthy = 2, 4, 200
	var failed atomic.Int32
	h := newWebhook(t, func(d wire.Delivery) int {
		if strings.HasPrefix(string(d.Body), "poison") {
			failed.Add(1)
			return http.StatusInternalServerError
		}
		return 0
	})
	s := startPushing(t, platform.Config{})
	for i := range poison {
		s.write(fmt.Sprint("poison", i))
	}
	for i := range healthy {
		s.write(fmt.Sprint(i))
	}
	s.set(h, "workers", fmt.Sprint(workers))
	seen := map[string]bool{}
	for _, d := range h.wait(healthy + int(failed.Load())) {
		seen[string(d.Body)] = true
	}
	for len(seen) < healthy+poison { // those that failed meanwhile came in between
		for _, d := range h.wait(h.count() + 1) {
			seen[string(d.Body)] = true
		}
	}
	if status := s.status(); status.Ready+status.Unacknowledged < poison {
		t.Errorf("the queue has %+v, so something that failed was acknowledged", status)
	}
}

func TestAsManyPOSTsAreUnderWayAsThereAreWorkers(t *testing.T) {
	const workers = 5
	for name, first := range map[string]int{"all at once": workers, "while one is under way": 1} {
		t.Run(name, func(t *testing.T) {
			var now, most atomic.Int32
			all := make(chan struct{})
			release := sync.OnceFunc(func() { close(all) })
			h := newWebhook(t, func(wire.Delivery) int {
				n := now.Add(1)
				defer now.Add(-1)
				for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
				}
				if n == workers {
					release()
				}
				<-all
				return 0
			})
			t.Cleanup(release)
			s := startPushing(t, platform.Config{})
			for i := range first {
				s.write(fmt.Sprint(i))
			}
			s.set(h, "workers", fmt.Sprint(workers))
			h.wait(first)
			for i := range workers - first {
				s.write(fmt.Sprint(first + i))
			}
			h.wait(workers)
			s.await("five POSTs at a time", all)
			s.emptied()
			if most.Load() != workers {
				t.Errorf("%d POSTs at a time", most.Load())
			}
		})
	}
}

func TestAReceiverThatIsDownIsNotHammered(t *testing.T) {
	for status, first := range map[int]int{http.StatusServiceUnavailable: 5, http.StatusInternalServerError: 40} {
		h := newWebhook(t, func(wire.Delivery) int { return status })
		s := startPushing(t, platform.Config{})
		for i := range 500 {
			s.write(fmt.Sprint(i))
		}
		s.set(h, "workers", "4")
		await[platform.PushEvent](t, s.events, first)
		before := h.count()
		time.Sleep(time.Second)
		if n := h.count() - before; n > 15 { // 4 were under way; a receiver that works gets thousands
			t.Errorf("a receiver that answers %d got %d POSTs in a second", status, n)
		}
		if st := s.p.Stats(); st.PushWaiting != 1 {
			t.Errorf("stats %+v", st)
		}
	}
}

func TestMessagesThatAreRefusedDoNotStopTheOthers(t *testing.T) {
	const poison, healthy = 25, 20
	h := newWebhook(t, func(d wire.Delivery) int {
		if strings.HasPrefix(string(d.Body), "poison") {
			return http.StatusInternalServerError
		}
		return 0
	})
	s := startPushing(t, platform.Config{})
	ask(t, s.p, shopKey, "POST", "platform/notify/queue/limit", "max_attempts", "3").want(t, 200, "")
	for range healthy {
		for range poison {
			s.write("poison")
		}
		s.write("healthy")
	}
	s.set(h, "workers", "8")
	s.emptied() // with a pause after each few refusals it would take minutes
	if st := s.status(); st.Parked != healthy*poison || h.count() != healthy*(3*poison+1) {
		t.Errorf("after %d POSTs the queue has %+v", h.count(), st)
	}
}

func TestTheStatusOfAKeySaysHowItsPushingGoes(t *testing.T) {
	var fail atomic.Bool
	fail.Store(true)
	h := newWebhook(t, func(wire.Delivery) int {
		if fail.Load() {
			return http.StatusBadGateway
		}
		return 0
	})
	s := startPushing(t, platform.Config{})
	ask(t, s.p, shopKey, "GET", "platform/notify/status").want(t, 200, "")
	s.write("1")
	s.set(h)
	await[platform.PushEvent](t, s.events, 1)
	status := func() string { return string(ask(t, s.p, shopKey, "GET", "platform/notify/status").Result) }
	contains(t, status(), `"Push":{"Workers":1,"Delivered":0,"Failed":`, `"Last_status":502`, `"Last_error":"the receiver answered 502 Bad Gateway"`, `"Waiting_since":`)
	fail.Store(false)
	s.emptied()
	contains(t, status(), `"Delivered":1`, `"Last_status":200`)
	if strings.Contains(status(), "Waiting_since") {
		t.Errorf("it waits: %s", status())
	}
}

// What is secret is in no log, and in no answer but that of the call that makes it.
func TestNoSecretOfPushingIsShownTwice(t *testing.T) {
	var log bytes.Buffer
	var mu sync.Mutex
	h := newWebhook(t, func(wire.Delivery) int { return http.StatusInternalServerError })
	s := startPushing(t, platform.Config{Logger: slog.New(slog.NewTextHandler(&lockedWriter{&mu, &log}, nil))})
	secret := pushSecretOf(t, ask(t, s.p, adminKey, "POST", "platform/key/push", "key", shopKey.ID, "url", h.URL+"/t0ken"))
	s.write("1")
	await[platform.PushEvent](t, s.events, 1)
	key := ask(t, s.p, adminKey, "GET", "platform/key/info/"+shopKey.ID)
	contains(t, key.body, `"NotifyPushUrl":"`+h.URL+`/t0ken"`, `"PushWorkers":1`)
	again := ask(t, s.p, adminKey, "POST", "platform/key/push", "key", shopKey.ID, "url", h.URL+"/t0ken", "workers", "2")
	for _, shown := range []string{key.body, again.body, ask(t, s.p, shopKey, "GET", "platform/notify/status").body} {
		if strings.Contains(shown, secret) {
			t.Errorf("the secret is shown again: %s", shown)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if strings.Contains(log.String(), secret) || strings.Contains(log.String(), "t0ken") {
		t.Errorf("the log has the secret or the address:\n%s", log.String())
	}
	contains(t, log.String(), "pushing fails", "500 Internal Server Error")
}

func TestTheLogSaysOnceAMinuteThatPushingFails(t *testing.T) {
	var log bytes.Buffer
	var mu sync.Mutex
	h := newWebhook(t, func(d wire.Delivery) int {
		if d.Attempt == 1 {
			return http.StatusInternalServerError
		}
		return 0
	})
	s := startPushing(t, platform.Config{Logger: slog.New(slog.NewTextHandler(&lockedWriter{&mu, &log}, nil))})
	s.write("1", "2", "3", "4")
	s.set(h)
	await[platform.PushEvent](t, s.events, 8)
	mu.Lock()
	defer mu.Unlock()
	fails, works := strings.Count(log.String(), "pushing fails"), strings.Count(log.String(), "pushing works again")
	if fails != 1 || works != 1 {
		t.Errorf("%d times that it fails, and %d times that it works:\n%s", fails, works, log.String())
	}
}

func TestARotatedSecretSignsBesideTheNewOne(t *testing.T) {
	s, h := startPushing(t, platform.Config{}), newWebhook(t, nil)
	old := s.set(h)
	s.write("1")
	h.wait(1)
	fresh := pushSecretOf(t, ask(t, s.p, adminKey, "POST", "platform/key/push/rotate", "key", shopKey.ID))
	awaitSecrets(t, s, h, old, fresh)
	last := pushSecretOf(t, ask(t, s.p, adminKey, "POST", "platform/key/push/rotate", "key", shopKey.ID, "grace", "0"))
	awaitSecrets(t, s, h, last)
}

// awaitSecrets writes messages until one was signed by exactly these secrets, as a change
// may count half a second later.
func awaitSecrets(t *testing.T, s *pushing, h *webhook, want ...string) {
	t.Helper()
	key, err := platform.NewRegistry(s.cfg.Store).Key(t.Context(), shopKey.ID)
	if err != nil {
		t.Fatal(err)
	}
	stored := []string{key.Push.Secret}
	if time.Now().Before(key.Push.OldUntil) {
		stored = []string{key.Push.OldSecret, key.Push.Secret}
	}
	if !slices.Equal(stored, want) {
		t.Fatalf("the key has %d secrets, want %d", len(stored), len(want))
	}
	time.Sleep(pushReread)
	h.verify(want...)
	before := h.count()
	s.write("signed")
	h.wait(before + 1)
}

// pushReread is a little longer than the platform pushes by a state of the key that it has
// read.
const pushReread = 600 * time.Millisecond

func TestPushingEndsWithItsAddressItsKeyAndItsTime(t *testing.T) {
	for name, end := range map[string]func(s *pushing){
		"stopped": func(s *pushing) {
			ask(s.t, s.p, adminKey, "POST", "platform/key/push/stop", "key", shopKey.ID).want(s.t, 200, "")
		},
		"deleted": func(s *pushing) {
			ask(s.t, s.p, adminKey, "POST", "platform/key/delete", "key", shopKey.ID).wantResult(s.t, "true")
		},
		"expired": func(s *pushing) {
			r := platform.NewRegistry(s.cfg.Store)
			key, err := r.Key(s.t.Context(), shopKey.ID)
			if err != nil {
				s.t.Fatal(err)
			}
			key.Expires = time.Now()
			if err := r.SaveKey(s.t.Context(), key); err != nil {
				s.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newWebhook(t, func(wire.Delivery) int { return http.StatusInternalServerError })
			s := startPushing(t, platform.Config{})
			s.write("1")
			s.set(h)
			h.wait(1)
			end(s)
			for deadline := time.Now().Add(patience); s.p.Stats().Pushing > 0; time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("it goes on")
				}
			}
			if name == "deleted" {
				return
			}
			for deadline := time.Now().Add(patience); s.status().Ready != 1; time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("the message is not back: %+v", s.status())
				}
			}
		})
	}
}

func TestAChangeByAnotherProcessCountsWithinSeconds(t *testing.T) {
	s, h, elsewhere := startPushing(t, platform.Config{}), newWebhook(t, nil), newWebhook(t, nil)
	other := platform.NewRegistry(s.cfg.Store)
	s.write("1")
	secret, err := other.SetPush(t.Context(), shopKey.ID, h.URL, 1)
	if err != nil {
		t.Fatal(err)
	}
	h.verify(secret)
	h.wait(1)
	if secret, err := other.SetPush(t.Context(), shopKey.ID, elsewhere.URL, 1); err != nil || secret != "" {
		t.Fatalf("SetPush = %.6q, %v", secret, err)
	}
	elsewhere.verify(secret)
	time.Sleep(pushReread)
	s.write("2")
	elsewhere.wait(1)
	if err := other.StopPush(t.Context(), shopKey.ID); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); s.p.Stats().Pushing > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it goes on")
		}
	}
}

func TestAPlatformPushesFromItsStart(t *testing.T) {
	h := newWebhook(t, nil)
	store := provisionedStore()
	if _, err := platform.NewRegistry(store).SetPush(t.Context(), shopKey.ID, h.URL, 1); err != nil {
		t.Fatal(err)
	}
	s := startPushing(t, platform.Config{Store: store})
	s.write("1")
	h.wait(1)
}

func TestWhenAPlatformDiesAnotherOnePushesOn(t *testing.T) {
	h := newWebhook(t, nil)
	first := startPushing(t, platform.Config{})
	secret := first.set(h)
	h.verify(secret)
	first.write("1")
	h.wait(1)
	first.emptied() // else it may come again
	second := startPushing(t, platform.Config{Store: first.cfg.Store, Queues: first.queues})
	first.kill()
	first.await("the end of the first", first.ended)
	second.write("2")
	if bodies := bodiesOf(h.wait(2)); !slices.Equal(bodies, []string{"1", "2"}) {
		t.Errorf("POSTs of %v", bodies)
	}
}

func TestShutdownFinishesThePOSTsUnderWay(t *testing.T) {
	arrived, finish := make(chan struct{}, 2), make(chan struct{})
	answer := sync.OnceFunc(func() { close(finish) })
	defer answer()
	h := newWebhook(t, func(wire.Delivery) int {
		arrived <- struct{}{}
		<-finish
		return 0
	})
	s := startPushing(t, platform.Config{})
	s.write("1", "2")
	s.set(h)
	s.await("a POST", arrived)
	shut := make(chan error, 1)
	go func() { shut <- s.p.Shutdown(context.Background()) }()
	answer()
	if err := awaited(t, "Shutdown", shut); err != nil {
		t.Error(err)
	}
	s.await("the end of Push", s.ended)
	// The second POST may have begun before Shutdown.
	if status := s.status(); status.Ready != 2-h.count() || status.Unacknowledged != 0 {
		t.Errorf("after %d POSTs of 2 messages the queue has %+v", h.count(), status)
	}
}

func TestShutdownCutsAReceiverThatHangsAndItsMessageStays(t *testing.T) {
	arrived, finish := make(chan struct{}), make(chan struct{})
	h := newWebhook(t, func(wire.Delivery) int {
		close(arrived)
		<-finish
		return 0
	})
	defer close(finish)
	s := startPushing(t, platform.Config{})
	s.write("1")
	s.set(h, "workers", "2")
	s.await("a POST", arrived)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.p.Shutdown(ctx); err == nil {
		t.Error("Shutdown returned nil though a receiver hangs")
	}
	s.await("the end of Push", s.ended)
	leases := leaseAll(t, s, 1)
	if len(leases) != 1 || leases[0].Attempt != 1 {
		t.Errorf("the queue has %+v", leases)
	}
}

func leaseAll(t *testing.T, s *pushing, n int) []platform.Lease {
	t.Helper()
	c, err := s.queues.Consume(t.Context(), shopKey.ID, "", "test")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	leases, err := c.Fetch(ctx, n, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return leases
}

func TestAReceiverThatHangsSlowsNobodyElse(t *testing.T) {
	finish := make(chan struct{})
	slow := newWebhook(t, func(wire.Delivery) int { <-finish; return 0 })
	defer close(finish)
	fast := newWebhook(t, nil)
	store := provisionedStore()
	neighbour := platform.Key{ID: "neighbor", Secret: "neighborneighborneig", App: "shop"}
	if err := platform.NewRegistry(store).SaveKey(t.Context(), neighbour); err != nil {
		t.Fatal(err)
	}
	s := startPushing(t, platform.Config{Store: store})
	if _, err := platform.NewRegistry(store).SetPush(t.Context(), neighbour.ID, fast.URL, 1); err != nil {
		t.Fatal(err)
	}
	s.set(slow)
	s.write("1")
	slow.wait(1)
	for range 100 {
		if err := s.queues.Write(t.Context(), neighbour.ID, "", &platform.Message{Body: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	fast.wait(100)
}

func TestOnlyAnAddressThatMayBePushedToIsTaken(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	for address, words := range map[string]string{
		"":                              "must begin with http",
		"ftp://receiver.example/":       "must begin with http",
		"http://u:p@receiver.example/":  "must not have a user or password",
		"http://169.254.169.254/latest": "never connected to",
		"http://127.0.0.1:8080/":        "is this machine itself",
		"http://10.0.0.1/":              "is in a private network",
		"http://[::ffff:10.0.0.1]/":     "is in a private network",
		"http://x/" + repeat("a", 2048): "2048",
	} {
		r := ask(t, p, adminKey, "POST", "platform/key/push", "key", shopKey.ID, "url", address)
		r.want(t, 400, "invalid_parameter")
		contains(t, r.body, words)
	}
	for _, workers := range []string{"0", "65", "-1", "many"} {
		ask(t, p, adminKey, "POST", "platform/key/push", "key", shopKey.ID, "url", "https://receiver.example/", "workers", workers).want(t, 400, "invalid_parameter")
	}
	ask(t, p, adminKey, "POST", "platform/key/push", "key", alienKey.ID, "url", "https://receiver.example/").want(t, 404, "unknown_key")
	ask(t, p, shopKey, "POST", "platform/key/push", "key", shopKey.ID, "url", "https://receiver.example/").want(t, 403, "forbidden_admin")
	ask(t, p, adminKey, "POST", "platform/key/push/rotate", "key", shopKey.ID).want(t, 400, "invalid_parameter")
	ask(t, p, adminKey, "POST", "platform/key/push", "key", shopKey.ID, "url", "https://receiver.example/").want(t, 200, "")
}

func TestAKeyIsNotSavedWithAPushThatIsNotValid(t *testing.T) {
	r := platform.NewRegistry(provisionedStore())
	for _, to := range []platform.Push{
		{URL: "receiver.example", Secret: push.NewSecret()},
		{URL: "https://receiver.example/"},
		{URL: "https://receiver.example/", Secret: "s3cret"},
		{URL: "https://receiver.example/", Secret: push.NewSecret(), Workers: platform.MaxPushWorkers + 1},
		{Secret: push.NewSecret()},
	} {
		key := shopKey
		key.Push = to
		if err := r.SaveKey(t.Context(), key); err == nil || strings.Contains(err.Error(), "whsec_") && to.Secret != "" && strings.Contains(err.Error(), to.Secret) {
			t.Errorf("SaveKey with %v: %v", to, err)
		}
	}
	key := shopKey
	key.Push = platform.Push{URL: "https://receiver.example/t0ken", Secret: push.NewSecret()}
	if err := r.SaveKey(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %#v %+v", key.Push, key.Push, key); strings.Contains(text, "t0ken") || strings.Contains(text, "whsec_") {
		t.Errorf("a Push shows %s", text)
	}
}

func TestAKeyThatIsDeletedWhilePushingBeginsLeavesNoQueue(t *testing.T) {
	h := newWebhook(t, nil)
	s := startPushing(t, platform.Config{})
	s.set(h)
	ask(t, s.p, adminKey, "POST", "platform/key/delete", "key", shopKey.ID).wantResult(t, "true")
	for deadline := time.Now().Add(patience); s.p.Stats().Pushing > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it goes on")
		}
	}
	s.kill()
	s.await("the end of Push", s.ended)
	depths, err := s.queues.(platform.QueueDepths).Depths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range depths {
		if d.Owner == shopKey.ID {
			t.Errorf("the deleted key has a queue: %+v", d)
		}
	}
}

// The list of keys is read again after a minute only: DeleteKey alone leaves no note.
func TestAReceiverThatHasEndedIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := provisionedStore()
		registry := platform.NewRegistry(store)
		if _, err := registry.SetPush(t.Context(), shopKey.ID, "http://127.0.0.1:1/hook", 1); err != nil {
			t.Fatal(err)
		}
		engine := &pushEngine{Queues: newQueues(memory.Config{}), ack: works, open: func() error {
			return registry.DeleteKey(t.Context(), shopKey.ID)
		}}
		s := startPushing(t, platform.Config{Store: store, Queues: engine})
		synctest.Wait()
		if n := s.p.Stats().Pushing; n > 0 {
			t.Errorf("%d receivers of a deleted key are counted", n)
		}
	})
}

// A pushEngine fails as told.
type pushEngine struct {
	platform.Queues
	open, ack func() error
}

func (q *pushEngine) ConsumeAlone(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	if err := q.open(); err != nil {
		return nil, err
	}
	c, err := q.Queues.ConsumeAlone(ctx, owner, topic, name)
	return &pushConsumer{c, q}, err
}

type pushConsumer struct {
	platform.Consumer
	q *pushEngine
}

func (c *pushConsumer) Ack(ctx context.Context, ids ...uint64) error {
	if err := c.q.ack(); err != nil {
		return err
	}
	return c.Consumer.Ack(ctx, ids...)
}

func works() error { return nil }

// once returns a function that does as f for the first call.
func once(f func() error) func() error {
	var did atomic.Bool
	return func() error {
		if did.CompareAndSwap(false, true) {
			return f()
		}
		return nil
	}
}

func TestAnEngineThatPanicsInterruptsPushingOnly(t *testing.T) {
	panics := func() error { panic("engine") }
	for _, workers := range []string{"1", "4"} {
		for _, engine := range []*pushEngine{{open: once(panics), ack: works}, {open: works, ack: once(panics)}} {
			engine.Queues = newQueues(memory.Config{})
			s, h := startPushing(t, platform.Config{Queues: engine}), newWebhook(t, nil)
			s.set(h, "workers", workers)
			s.write("1", "2")
			s.emptied()
		}
	}
}

// Messages that fail often wait long for their next attempts, and nothing else does.
func TestPushingGoesOnSoonAfterAFailureOfTheEngine(t *testing.T) {
	h := newWebhook(t, func(d wire.Delivery) int {
		if string(d.Body) == "poison" {
			return http.StatusTeapot
		}
		return 0
	})
	fails := func() error { return errors.New("not stored") }
	engine := &pushEngine{Queues: newQueues(memory.Config{}), open: works, ack: once(fails)}
	s := startPushing(t, platform.Config{Queues: engine})
	s.write("poison")
	c, err := s.queues.Consume(t.Context(), shopKey.ID, "", "test")
	must(t, err)
	leases, err := c.Fetch(t.Context(), 1, 1)
	must(t, err)
	for range 12 { // from which on the pauses are the longest
		_, err := c.Fail(t.Context(), "no", leases[0].ID)
		must(t, err)
	}
	must(t, c.Close())
	s.set(h, "workers", "4")
	h.wait(1)
	s.write("1")
	h.wait(4) // both come again
}
