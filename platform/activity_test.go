package platform_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform"
)

// A happened is a line of platform/activity/tail.
type happened struct {
	Event, Code, API, Topic, ID, Publisher, Reason string

	ClientID   string `json:"client_id"`
	RemoteAddr string `json:"remote_addr"`
	RequestID  string `json:"request_id"`
	RoutingKey string `json:"routing_key"`

	Failed, Gateway, Stray         bool
	Conn, Tag                      uint64
	Status, Bytes, Queues, Attempt int
	Missed                         int64
}

// A tailed is an answer of platform/activity/tail that goes on.
type tailed struct {
	t     *testing.T
	body  interface{ Close() error }
	lines *bufio.Scanner
	text  strings.Builder // of all lines
}

// watch begins to watch, as key.
func (e *env) watch(key platform.Key, pairs ...string) *tailed {
	e.t.Helper()
	return e.watchAt(time.Now(), key, pairs...)
}

// watchAt is watch at a time of the platform's clock.
func (e *env) watchAt(at time.Time, key platform.Key, pairs ...string) *tailed {
	e.t.Helper()
	query := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	signedBy(key.ID, key.Secret, at, "GET", "/api/platform/activity/tail", nil, query, nil)
	ctx, cancel := context.WithTimeout(e.t.Context(), 3*patience)
	e.t.Cleanup(cancel)
	req, _ := http.NewRequestWithContext(ctx, "GET", e.url+"/api/platform/activity/tail?"+query.Encode(), nil)
	resp, err := e.client.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		readReply(e.t, resp).want(e.t, http.StatusOK, "")
	}
	w := &tailed{t: e.t.(*testing.T), body: resp.Body, lines: bufio.NewScanner(resp.Body)}
	e.t.Cleanup(func() { resp.Body.Close() })
	if begun, ok := w.next(); !ok || begun.Event != "begin" {
		e.t.Fatalf("it begins with %+v", begun)
	}
	return w
}

// next returns the next line, unless there is none any more.
func (w *tailed) next() (h happened, ok bool) {
	w.t.Helper()
	for w.lines.Scan() {
		if len(w.lines.Bytes()) == 0 {
			continue
		}
		w.text.Write(w.lines.Bytes())
		if err := json.Unmarshal(w.lines.Bytes(), &h); err != nil {
			w.t.Fatalf("%q: %v", w.lines.Text(), err)
		}
		return h, true
	}
	return h, false
}

// until returns the next line of an event, without those before it.
func (w *tailed) until(event string) happened {
	w.t.Helper()
	for {
		h, ok := w.next()
		if !ok {
			w.t.Fatalf("there is no %s; %v; before it came %s", event, w.lines.Err(), w.text.String())
		}
		if h.Event == event {
			return h
		}
	}
}

func TestWhoWatchesSeesTheLifeOfAMessage(t *testing.T) {
	e := newEnv(t, platform.Config{})
	w := e.watch(platform.Key{ID: testKey, Secret: testSecret})
	p := e.dial()
	conn := w.until("connect")
	if conn.ClientID != testKey || conn.RemoteAddr != p.raw.LocalAddr().String() || conn.Conn == 0 || conn.RequestID == "" {
		t.Errorf("%+v", conn)
	}
	const body = "CANARY-body"
	p.publish("order.new", body)
	published := w.until("publish")
	if published.RoutingKey != "order.new" || published.Queues != 1 || published.Bytes != len(body) || published.ID == "" || published.Failed || published.Conn != conn.Conn || published.RemoteAddr != conn.RemoteAddr {
		t.Errorf("%+v", published)
	}
	p.consume("")
	d := p.next()
	delivered := w.until("deliver")
	if delivered.ID != published.ID || delivered.RoutingKey != "order.new" || delivered.Publisher != testKey || delivered.Tag != d.Tag || delivered.Attempt != 1 || delivered.Bytes != len(body) {
		t.Errorf("%+v", delivered)
	}
	p.ack(d.Tag)
	if acked := w.until("ack"); acked.ID != published.ID || acked.RoutingKey != "order.new" || acked.Tag != d.Tag || acked.Stray {
		t.Errorf("%+v", acked)
	}
	p.ack(77)
	if stray := w.until("ack"); !stray.Stray || stray.Tag != 77 || stray.ID != "" {
		t.Errorf("%+v", stray)
	}
	p.publish("order.new", body)
	w.until("publish")
	p.send(wire.AppendFail(nil, p.next().Tag, "no stock"))
	if failed := w.until("fail"); failed.RoutingKey != "order.new" || failed.Reason != "no stock" || !failed.Failed || failed.Attempt != 1 {
		t.Errorf("%+v", failed)
	}
	p.publish("@system.mine", body)
	if refused := w.until("publish"); refused.Code != "forbidden_routing_key" || !refused.Failed {
		t.Errorf("%+v", refused)
	}
	if closed := w.until("close"); closed.Code != "forbidden_routing_key" || closed.Status != 1008 || !closed.Failed || closed.Conn != conn.Conn {
		t.Errorf("%+v", closed)
	}
	if strings.Contains(w.text.String(), "CANARY") || strings.Contains(w.text.String(), testSecret) {
		t.Errorf("it shows %s", w.text.String())
	}
}

func TestWhoWatchesSeesCallsAndWhyTheyAreRefused(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	operator := platform.Key{ID: "operator", Secret: "operatorsecretoperat", App: "shop", Admin: true}
	must(t, e.registry.SaveKey(t.Context(), operator))
	w := e.watchAt(e.now(), operator)
	w.until("call") // its own
	r := e.get(first(), "orders/list", "CANARY", "CANARY")
	got := w.until("call")
	if !got.Gateway || got.API != "orders/list" || got.Status != 200 || got.Failed || got.ClientID != testKey || got.RequestID != r.header.Get("X-Request-Id") {
		t.Errorf("%+v", got)
	}
	e.get(first(), "orders/exact").want(t, 400, "missing_parameter")
	if got := w.until("call"); !got.Gateway || got.API != "orders/exact" || got.Code != "missing_parameter" || !got.Failed {
		t.Errorf("%+v", got)
	}
	forged := first()
	forged.secret = "CANARY-secret-CANARY"
	e.get(forged, "orders/list").want(t, 401, "invalid_sign")
	if got := w.until("call"); got.Code != "invalid_sign" || got.ClientID != testKey || got.Gateway || !strings.HasPrefix(got.RemoteAddr, "127.0.0.1:") {
		t.Errorf("%+v", got)
	}
	forged.key = "CANARY-key" // it may be a secret in the wrong place
	e.get(forged, "orders/list").want(t, 401, "unknown_key")
	if got := w.until("call"); got.Code != "unknown_key" || got.ClientID != "" {
		t.Errorf("%+v", got)
	}
	if strings.Contains(w.text.String(), "CANARY") {
		t.Errorf("it shows %s", w.text.String())
	}
}

func TestAKeySeesItsOwnAnAdminItsDomainAndTheOperatorAll(t *testing.T) {
	e := newEnv(t, platform.Config{Store: provisionedStore()})
	rows := []struct {
		key   platform.Key
		pairs []string
		sees  string // the keys of the calls below that it sees, and "?" for the one of nobody
	}{
		{shopKey, nil, shopKey.ID},
		{shopKey, []string{"of", shopKey.ID}, shopKey.ID},
		{alienKey, nil, alienKey.ID},
		{alienAdmin, nil, alienKey.ID},
		{alienAdmin, []string{"of", shopKey.ID}, ""},
		{adminKey, nil, shopKey.ID + alienKey.ID + "?"},
		{adminKey, []string{"of", alienKey.ID}, alienKey.ID},
		{adminKey, []string{"api", "platform/notify", "failed", "1"}, "?"},
	}
	all := make([]*tailed, len(rows))
	for i, row := range rows {
		all[i] = e.watch(row.key, row.pairs...)
	}
	ask(t, e.p, shopKey, "GET", "platform/notify/status").want(t, 200, "")
	ask(t, e.p, alienKey, "GET", "platform/notify/status").want(t, 200, "")
	ask(t, e.p, platform.Key{ID: "nobody", Secret: "x"}, "GET", "platform/notify/status").want(t, 401, "unknown_key")
	end(t, e.p)
	for i, row := range rows {
		sees := ""
		for h, ok := all[i].next(); ok; h, ok = all[i].next() {
			switch {
			case h.API != "platform/notify/status":
			case h.ClientID == "":
				sees += "?"
			default:
				sees += h.ClientID
			}
		}
		if sees != row.sees {
			t.Errorf("%s with %v sees %q, want %q", row.key.ID, row.pairs, sees, row.sees)
		}
	}
}

// end ends a platform, and with it what is watched.
func end(t *testing.T, p *platform.Platform) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := p.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestWatchingIsRefusedWhereItIsNotAllowed(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	ask(t, p, shopKey, "GET", "platform/activity/tail", "of", adminKey.ID).want(t, 403, "forbidden_admin")
	ask(t, p, shopKey, "POST", "platform/activity/tail").want(t, 405, "method_not_allowed")
	for _, pairs := range [][]string{{"rate", "0"}, {"rate", "10001"}, {"failed", "yes"}, {"routing_key", strings.Repeat("a", 257)}, {"api", strings.Repeat("a", 257)}, {"of", "a", "of", "b"}} {
		ask(t, p, shopKey, "GET", "platform/activity/tail", pairs...).want(t, 400, "invalid_parameter")
	}
	end(t, p)
	ask(t, p, shopKey, "GET", "platform/activity/tail").want(t, 503, "shutting_down")
}

func TestAKeyHasFewWatchers(t *testing.T) {
	e := newEnv(t, platform.Config{Store: provisionedStore()})
	for range 4 {
		e.watch(shopKey)
	}
	ask(t, e.p, shopKey, "GET", "platform/activity/tail").want(t, 429, "too_many_connections")
	e.watch(alienKey)
}

func TestAWatchEndsWithTheAccessOfItsKey(t *testing.T) {
	for name, take := range map[string]func(e *env){
		"deleted": func(e *env) {
			ask(e.t, e.p, adminKey, "POST", "platform/key/delete", "key", shopKey.ID).want(e.t, 200, "")
		},
		"rotated": func(e *env) {
			ask(e.t, e.p, adminKey, "POST", "platform/key/rotate", "key", shopKey.ID, "grace", "0").want(e.t, 200, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t, platform.Config{Store: provisionedStore()})
			w := e.watch(shopKey)
			take(e)
			for _, ok := w.next(); ok; _, ok = w.next() {
			}
			if err := w.lines.Err(); err != nil {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}

// The operator of another domain, or of none any more, sees no more what it saw.
func TestAWatchOfTheOperatorEndsWhenTheKeyIsNoAdminKeyAnyMore(t *testing.T) {
	store := provisionedStore()
	e := newEnv(t, platform.Config{Store: store})
	w := e.watch(adminKey)
	plain := adminKey
	plain.Admin = false
	must(t, platform.NewRegistry(store).SaveKey(t.Context(), plain))
	for _, ok := w.next(); ok; _, ok = w.next() {
	}
	if err := w.lines.Err(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}
