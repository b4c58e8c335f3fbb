package platform_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/shopex/prism-go/internal/push"
	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// A webhook is a receiver of pushed messages. It answers with what answer says, 200 if it
// says 0.
type webhook struct {
	*httptest.Server
	t      testing.TB
	answer func(wire.Delivery) int

	mu      sync.Mutex
	secrets []string // of which each has to have signed
	got     []wire.Delivery
	changed chan struct{}
}

func newWebhook(t testing.TB, answer func(wire.Delivery) int) *webhook {
	h := &webhook{t: t, answer: answer, changed: make(chan struct{})}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	d, wrong := wire.DecodeMessage(body)
	if err != nil || wrong != nil || !json.Valid(body) || !utf8.Valid(body) || r.Header.Get(push.HeaderID) != d.ID || r.Header.Get("Content-Type") != "application/json" {
		h.t.Errorf("a POST of %q with %v: %v, %v", body, r.Header, err, wrong)
	}
	h.mu.Lock()
	for _, text := range h.secrets {
		if secret, err := push.ParseSecret(text); err != nil || push.Verify(r.Header, body, time.Now(), secret) != nil {
			h.t.Errorf("message %s is not signed by %.10s...", d.ID, text)
		}
	}
	d.Body = append([]byte(nil), d.Body...)
	h.got = append(h.got, d)
	close(h.changed)
	h.changed = make(chan struct{})
	h.mu.Unlock()
	if h.answer == nil {
		return
	}
	if status := h.answer(d); status != 0 {
		w.WriteHeader(status)
	}
}

func (h *webhook) verify(secrets ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.secrets = secrets
}

// wait returns the first n messages that were posted.
func (h *webhook) wait(n int) []wire.Delivery {
	h.t.Helper()
	late := time.After(patience)
	for {
		h.mu.Lock()
		got, changed := h.got, h.changed
		h.mu.Unlock()
		if len(got) >= n {
			return got[:n]
		}
		select {
		case <-changed:
		case <-late:
			h.t.Fatalf("waited for %d POSTs, got %d: %v", n, len(got), bodiesOf(got))
		}
	}
}

func (h *webhook) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.got)
}

func bodiesOf(ds []wire.Delivery) (bodies []string) {
	for _, d := range ds {
		bodies = append(bodies, string(d.Body))
	}
	return bodies
}

// A pushing is a platform that pushes, with two admin keys and a shop.
type pushing struct {
	t      testing.TB
	p      *platform.Platform
	cfg    platform.Config
	queues platform.Queues
	events *events
	kill   context.CancelFunc
	ended  chan struct{}
}

func startPushing(t testing.TB, cfg platform.Config) *pushing {
	t.Helper()
	if cfg.Store == nil {
		cfg.Store = provisionedStore()
	}
	if cfg.Queues == nil {
		cfg.Queues = newQueues(memory.Config{})
	}
	cfg.PushLoopback = true
	s := &pushing{t: t, cfg: cfg, queues: cfg.Queues, ended: make(chan struct{})}
	s.events, cfg.Trace = newEvents()
	s.p = newPlatform(t, cfg)
	var ctx context.Context
	ctx, s.kill = context.WithCancel(context.Background())
	go func() {
		defer close(s.ended)
		s.p.Push(ctx)
	}()
	t.Cleanup(func() {
		s.kill()
		s.await("the end of Push", s.ended)
	})
	return s
}

func (s *pushing) await(what string, c <-chan struct{}) {
	s.t.Helper()
	awaited(s.t, what, c)
}

// set sets the push address of the shop, and returns the secret.
func (s *pushing) set(h *webhook, params ...string) string {
	s.t.Helper()
	r := ask(s.t, s.p, adminKey, "POST", "platform/key/push", append([]string{"key", shopKey.ID, "url", h.URL + "/hook"}, params...)...)
	return pushSecretOf(s.t, r)
}

func pushSecretOf(t testing.TB, r reply) string {
	t.Helper()
	var doc struct{ PushSecret string }
	if r.want(t, 200, ""); json.Unmarshal(r.Result, &doc) != nil {
		t.Fatalf("answered %s", r.body)
	}
	return doc.PushSecret
}

func (s *pushing) write(bodies ...string) {
	s.t.Helper()
	for _, body := range bodies {
		m := &platform.Message{Body: []byte(body), ClientID: shopKey.ID, ContentType: "text/plain", Time: time.Now()}
		if err := s.queues.Write(context.Background(), shopKey.ID, "", m); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *pushing) status() platform.QueueStatus {
	s.t.Helper()
	status, err := s.queues.Status(context.Background(), shopKey.ID, "")
	if err != nil {
		s.t.Fatal(err)
	}
	return status
}

// emptied waits until the queue of the shop has no message that is not parked.
func (s *pushing) emptied() {
	s.t.Helper()
	late := time.After(patience)
	for s.status().Ready+s.status().Unacknowledged > 0 {
		select {
		case <-time.After(time.Millisecond):
		case <-late:
			s.t.Fatalf("the queue has %+v", s.status())
		}
	}
}
