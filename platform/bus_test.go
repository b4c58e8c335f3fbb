package platform_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// Keys of other apps of the domain of shopKey, and a second key of its app.
var (
	shopKey2 = platform.Key{ID: "shopkey2", Secret: "shopsecretshopsecre2", App: "shop"}
	erpKey   = platform.Key{ID: "erpkey01", Secret: "erpsecreterpsecreter", App: "erp"}
)

// newBus returns a platform with several apps in the domain default, and one in mars. All
// keys begin with a binding to everything.
func newBus(t *testing.T, cfg platform.Config) *env {
	t.Helper()
	store := provisionedStore()
	must(t, store.Add(shopKey2, erpKey))
	if cfg.Store == nil {
		cfg.Store = store
	}
	return newEnv(t, cfg)
}

func (e *env) ask(key platform.Key, method, api string, params ...string) reply {
	e.t.Helper()
	return ask(e.t, e.p, key, method, "platform/"+api, params...)
}

// use makes the platform declare keys.
func (e *env) use(keys ...platform.Key) {
	e.t.Helper()
	for _, key := range keys {
		e.ask(key, "GET", "notify/status").want(e.t, 200, "")
	}
}

func (e *env) dialAs(key platform.Key) *peer {
	e.t.Helper()
	raw, err := net.Dial("tcp", e.addr)
	if err != nil {
		e.t.Fatal(err)
	}
	return dialOver(e.t, raw, notifyTarget(key.ID, key.Secret, "/api/platform/notify"))
}

// stored publishes and returns when that is stored.
func (p *peer) stored(key string, bodies ...string) {
	p.t.Helper()
	for _, body := range bodies {
		p.publish(key, body)
	}
	p.barrier()
}

type peekedMessage struct {
	ID, Key, Type, App, Body, State string
	ClientID                        string `json:"client_id"`
	BodyBase64                      []byte `json:"body_base64"`
	HeldBy                          string `json:"held_by"`
	HeldSince                       int64  `json:"held_since"`
	Time                            int64
}

func peekedBy(t testing.TB, r reply) (messages []peekedMessage) {
	t.Helper()
	r.want(t, 200, "")
	must(t, json.Unmarshal(r.Result, &messages))
	return messages
}

// bodies returns what is in the queues of the key.
func (e *env) bodies(key platform.Key, params ...string) string {
	e.t.Helper()
	var bodies []string
	for _, m := range peekedBy(e.t, e.ask(key, "GET", "notify/peek", append(params, "num", "1000")...)) {
		bodies = append(bodies, m.Body)
	}
	return strings.Join(bodies, " ")
}

func TestWhatOneKeyPublishesReachesTheQueuesOfItsDomain(t *testing.T) {
	e := newBus(t, platform.Config{})
	all := []platform.Key{shopKey, shopKey2, erpKey, adminKey}
	e.use(append(all, alienKey)...)
	e.ask(erpKey, "POST", "notify/routing/set", "topic", "stock", "routing_key", "stock.*").wantResult(t, "true")
	consumer := e.dialAs(erpKey)
	consumer.consume("")

	e.dialAs(shopKey).stored("order.new", "by channel")
	e.ask(shopKey, "POST", "notify/write", "routing_key", "stock.low", "data", "by call").wantResult(t, "true")
	for _, body := range []string{"by channel", "by call"} {
		if d := consumer.next(); string(d.Body) != body || d.ClientID != shopKey.ID || d.App != "shop" {
			t.Errorf("delivered %+v, want %q", d, body)
		}
	}
	for _, key := range all {
		if got := e.bodies(key); got != "by channel by call" {
			t.Errorf("%s has %q", key.ID, got)
		}
	}
	if got := e.bodies(erpKey, "topic", "stock"); got != "by call" {
		t.Errorf("the topic has %q", got)
	}
	if got := e.bodies(alienKey); got != "" {
		t.Errorf("another domain has %q", got)
	}
}

func TestAMessageHasOneIDEverywhere(t *testing.T) {
	e := newBus(t, platform.Config{})
	e.use(shopKey, erpKey)
	r := e.ask(shopKey, "POST", "notify/write", "routing_key", "order.new", "data", "x")
	r.wantResult(t, "true")
	if r.ID == nil || *r.ID == "" || r.Queues == nil || *r.Queues != 2 {
		t.Fatalf("answered %s", r.body)
	}
	for _, key := range []platform.Key{shopKey, erpKey} {
		if found := peekedBy(t, e.ask(key, "GET", "notify/peek")); len(found) != 1 || found[0].ID != *r.ID {
			t.Errorf("%s sees %+v, want the ID %s", key.ID, found, *r.ID)
		}
	}
	r = e.ask(shopKey, "POST", "notify/write", "topic", "jobs", "data", "y")
	if found := peekedBy(t, e.ask(shopKey, "GET", "notify/peek", "topic", "jobs")); *r.Queues != 1 || len(found) != 1 || found[0].ID != *r.ID {
		t.Errorf("answered %s, and peek shows %+v", r.body, found)
	}
}

// What may be listened to is given and taken while both sides are connected.
func TestAPermissionToListenCountsAtOnceOnOpenChannels(t *testing.T) {
	e := newBus(t, platform.Config{})
	consumer := e.dialAs(erpKey)
	consumer.ping("") // for the full window
	consumer.consume("")
	flood, stop, sent := e.dialAs(shopKey), make(chan struct{}), 0
	var flooding sync.WaitGroup
	flooding.Go(func() {
		for {
			flood.publish("order.new", "flood")
			sent++
			flood.ping("")
			select {
			case <-flood.pong:
			case <-stop:
				return
			}
		}
	})
	flood.swallow()
	ebb := sync.OnceFunc(func() { close(stop); flooding.Wait() })
	defer ebb()
	for range 10 {
		e.ask(adminKey, "POST", "manageapp/queue/consume", "app_id", "erp", "routing_key", "[]").wantResult(t, "true")
		e.dialAs(shopKey).stored("order.new", "forbidden")
		e.ask(adminKey, "POST", "manageapp/queue/consume", "app_id", "erp", "routing_key", "order.#").wantResult(t, "true")
		e.dialAs(shopKey).stored("order.new", "allowed")
	}
	ebb()
	for seen, got := map[string]int{}, 0; seen["allowed"] < 10; got++ {
		d := consumer.next()
		seen[string(d.Body)]++
		consumer.ack(d.Tag)
		if string(d.Body) == "forbidden" || got > sent+10 {
			t.Fatalf("delivered %q, after %v", d.Body, seen)
		}
	}
}

func TestAPermissionToListenCountsForAKeyThatNobodyUses(t *testing.T) {
	e := newBus(t, platform.Config{})
	key := makeKey(t, e.p, "erp", "bindings", "order.#")
	publish := func(body string) {
		e.ask(shopKey, "POST", "notify/write", "routing_key", "order.new", "data", body).wantResult(t, "true")
	}
	publish("one")
	e.ask(adminKey, "POST", "manageapp/queue/consume", "app_id", "erp", "routing_key", `["stock.#"]`).wantResult(t, "true")
	publish("two")
	e.ask(adminKey, "POST", "manageapp/queue/consume", "app_id", "erp", "routing_key", "#").wantResult(t, "true")
	publish("three")
	if got := e.bodies(adminKey, "of", key.ID); got != "one three" {
		t.Errorf("the queue has %q", got)
	}
}

func TestThePlatformsOwnRoutingKeysAreForNobody(t *testing.T) {
	e := newBus(t, platform.Config{})
	const own = "@system.key.deleted"
	for _, how := range [][]string{
		{"POST", "notify/write", "data", "x", "routing_key", own},
		{"POST", "notify/write", "data", "x", "routing_key", own, "topic", "jobs"}, // as a label
		{"GET", "notify/routing/test", "routing_key", own},
	} {
		r := e.ask(adminKey, how[0], how[1], how[2:]...)
		r.want(t, http.StatusForbidden, "forbidden_routing_key")
		contains(t, r.Error.Message, "@system.")
	}
	peer := e.dialAs(adminKey)
	peer.publish(own, "x")
	if closed := peer.closed(); closed.Code != socket.PolicyViolation || !strings.Contains(closed.Reason, "@system.") {
		t.Errorf("closed with %v", closed)
	}
	if platform.Everything().Allows(own) || platform.Matching("#", "*.key.*").Allows(own) || !platform.Matching("@system.#").Allows(own) {
		t.Error("a wildcard stands for the word of the platform")
	}
	e.ask(shopKey, "POST", "notify/routing/set", "topic", "", "routing_key", "@system.#").want(t, http.StatusForbidden, "forbidden_routing_key")
}

func TestTheRefusalOfABindingSaysWhatMayBeListenedTo(t *testing.T) {
	e := newBus(t, platform.Config{})
	for _, row := range []struct{ listen, words string }{
		{`["order.*","stock.#"]`, "order.*, stock.#"},
		{"[]", "nothing"},
	} {
		e.ask(adminKey, "POST", "manageapp/queue/consume", "app_id", "shop", "routing_key", row.listen).wantResult(t, "true")
		r := e.ask(shopKey, "POST", "notify/routing/set", "topic", "", "routing_key", "#")
		r.want(t, http.StatusForbidden, "forbidden_routing_key")
		contains(t, r.Error.Message, row.words)
		// The app of the queue counts, not that of the admin key.
		e.ask(adminKey, "POST", "notify/routing/set", "topic", "", "routing_key", "#", "of", shopKey.ID).want(t, http.StatusForbidden, "forbidden_routing_key")
		makeKeyRefused := e.ask(adminKey, "POST", "key/create", "app_id", "shop", "bindings", `["#"]`)
		makeKeyRefused.want(t, http.StatusForbidden, "forbidden_routing_key")
		contains(t, makeKeyRefused.Error.Message, row.words)
	}
}

func TestAnAdminKeyReachesTheQueuesOfItsDomain(t *testing.T) {
	e := newBus(t, platform.Config{})
	of := []string{"of", shopKey.ID}
	with := func(params ...string) []string { return append(params, of...) }
	e.ask(adminKey, "GET", "notify/queue/create", with("topic", "jobs")...).wantResult(t, "true")
	e.ask(adminKey, "GET", "notify/queue/list", of...).wantResult(t, `[{"topic":"jobs"}]`)
	e.ask(adminKey, "POST", "notify/routing/set", with("topic", "jobs", "routing_key", "a.#")...).wantResult(t, "true")
	e.ask(adminKey, "GET", "notify/routing/list", with("topic", "jobs")...).wantResult(t, `[{"routing_key":"a.#"}]`)
	e.ask(adminKey, "POST", "notify/routing/unset", with("topic", "jobs", "routing_key", "a.#")...).wantResult(t, "true")
	e.ask(adminKey, "POST", "notify/write", with("topic", "jobs", "data", "one")...).wantResult(t, "true")
	e.ask(adminKey, "POST", "notify/write", with("data", "default")...).wantResult(t, "true")
	if got := e.bodies(adminKey, with("topic", "jobs")...); got != "one" {
		t.Errorf("peek shows %q", got)
	}
	if read := messagesOf(t, e.ask(adminKey, "GET", "notify/read", with("topic", "jobs")...)); len(read) != 1 || read[0]["client_id"] != adminKey.ID {
		t.Errorf("read %v", read)
	}
	contains(t, e.ask(adminKey, "GET", "notify/status", of...).body, `"Messages":1`)
	e.ask(adminKey, "POST", "notify/purge", of...).wantResult(t, "true")
	contains(t, e.ask(shopKey, "GET", "notify/status").body, `"Messages":0`)
	e.ask(adminKey, "POST", "notify/queue/limit", with("max_messages", "7")...).want(t, 200, "")
	e.ask(adminKey, "GET", "notify/queue/drop", with("topic", "jobs")...).wantResult(t, "true")
	e.ask(adminKey, "GET", "notify/queue/list").wantResult(t, "[]")

	r := e.ask(adminKey, "POST", "notify/write", with("routing_key", "a", "data", "x")...)
	r.want(t, 400, "invalid_parameter")
	contains(t, r.Error.Message, "of", "topic")
}

func TestOthersReachNoQueuesButTheirOwn(t *testing.T) {
	e := newBus(t, platform.Config{})
	e.use(shopKey, alienKey)
	for _, call := range [][]string{
		{"GET", "notify/status"}, {"GET", "notify/read"}, {"GET", "notify/peek"}, {"POST", "notify/purge"}, {"POST", "notify/queue/limit"},
		{"GET", "notify/queue/parked"}, {"POST", "notify/queue/park", "id", "00000001-1"}, {"POST", "notify/queue/unpark", "id", "00000001-1"},
		{"POST", "notify/queue/discard", "id", "00000001-1"},
		{"POST", "notify/write", "data", "x"}, {"GET", "notify/queue/create", "topic", "a"}, {"GET", "notify/queue/list"},
		{"GET", "notify/queue/drop", "topic", "a"}, {"POST", "notify/routing/set", "topic", "", "routing_key", "a"},
		{"POST", "notify/routing/unset", "topic", "", "routing_key", "#"}, {"GET", "notify/routing/list"}, {"GET", "notify/routing/test", "routing_key", "a"},
	} {
		params := func(of string) []string { return append(slices.Clone(call[2:]), "of", of) }
		r := e.ask(erpKey, call[0], call[1], params(shopKey.ID)...)
		r.want(t, http.StatusForbidden, "forbidden_admin")
		contains(t, r.Error.Message, "admin")
		for _, of := range []string{alienKey.ID, "nobody"} {
			e.ask(adminKey, call[0], call[1], params(of)...).want(t, http.StatusNotFound, "unknown_key")
		}
		e.ask(alienAdmin, call[0], call[1], params(shopKey.ID)...).want(t, http.StatusNotFound, "unknown_key")
	}
	e.ask(erpKey, "GET", "notify/status", "of", erpKey.ID).want(t, 200, "")
	e.ask(adminKey, "POST", "notify/purge", "of", "").want(t, http.StatusBadRequest, "invalid_parameter")
	e.ask(erpKey, "GET", "notify/queue/list").wantResult(t, "[]")
}

func TestPeekShowsAQueueAndChangesNothing(t *testing.T) {
	e := newBus(t, platform.Config{Limits: platform.Limits{Read: 100}})
	for i := range 15 {
		e.ask(shopKey, "POST", "notify/write", "routing_key", "order.new", "content_type", "a/b", "data", strconv.Itoa(i)).wantResult(t, "true")
	}
	e.ask(shopKey, "POST", "notify/write", "data", "\xff\xfe<&>").wantResult(t, "true")
	first := peekedBy(t, e.ask(shopKey, "GET", "notify/peek"))
	if len(first) != 10 {
		t.Fatalf("%d messages, want 10", len(first))
	}
	m := first[3]
	if m.Body != "3" || m.Key != "order.new" || m.Type != "a/b" || m.App != "shop" || m.ClientID != shopKey.ID || m.State != "ready" || m.HeldBy != "" || time.Now().Unix()-m.Time > 60 {
		t.Errorf("peek shows %+v", m)
	}
	if again := peekedBy(t, e.ask(shopKey, "GET", "notify/peek")); fmt.Sprint(again) != fmt.Sprint(first) {
		t.Errorf("the second time %+v", again)
	}
	rest := peekedBy(t, e.ask(shopKey, "GET", "notify/peek", "after", first[9].ID, "num", "100"))
	if len(rest) != 6 || rest[0].Body != "10" || rest[5].Body != "\ufffd\ufffd<&>" || string(rest[5].BodyBase64) != "\xff\xfe<&>" || rest[4].BodyBase64 != nil {
		t.Errorf("behind it are %+v", rest)
	}

	consumer := e.dialAs(shopKey)
	consumer.consume("")
	consumer.next()
	held := peekedBy(t, e.ask(shopKey, "GET", "notify/peek", "num", "1"))
	if len(held) != 1 || held[0].State != "held" || !strings.Contains(held[0].HeldBy, " from 127.0.0.1") || time.Now().Unix()-held[0].HeldSince > 60 {
		t.Errorf("held is %+v", held)
	}
	for _, row := range []struct{ name, value, code string }{
		{"num", "0", "invalid_parameter"},
		{"num", "101", "invalid_parameter"},
		{"after", "yesterday", "invalid_parameter"},
		{"after", platform.MessageID{Log: 1, Number: 1 << 60}.String(), "unknown_message"},
		{"topic", "nix", "unknown_topic"},
	} {
		if r := e.ask(shopKey, "GET", "notify/peek", row.name, row.value); r.code() != row.code {
			t.Errorf("%s=%s is answered with %s", row.name, row.value, r.body)
		}
	}
}

// All of a large queue is seen by answers that each have their bound.
func TestPeekEndsEarlyOnLargeMessages(t *testing.T) {
	e := newBus(t, platform.Config{Limits: platform.Limits{ReadBytes: 1 << 20, MaxBody: 300 << 10}})
	const count = 12
	for i := range count {
		must(t, e.queues.Write(t.Context(), shopKey.ID, "", &platform.Message{Body: []byte(strconv.Itoa(i) + repeat("x", 250<<10))}))
	}
	seen, after := 0, ""
	for seen < count {
		r := e.ask(shopKey, "GET", "notify/peek", "num", "1000", "after", after)
		found := peekedBy(t, r)
		if len(found) == 0 || len(r.body) > 1400<<10 {
			t.Fatalf("%d messages in %d bytes after %d", len(found), len(r.body), seen)
		}
		for _, m := range found {
			if !strings.HasPrefix(m.Body, strconv.Itoa(seen)+"x") {
				t.Fatalf("message %d begins with %.10q", seen, m.Body)
			}
			seen++
		}
		after = found[len(found)-1].ID
	}
}

func TestTheHolderLowersLimitsAndAnAdminRaisesThem(t *testing.T) {
	e := newBus(t, platform.Config{Queues: newQueues(memory.Config{MaxMessages: 100, MaxBytes: 1000})})
	for _, row := range []struct {
		by     platform.Key
		params []string
		want   string // the result, or the code of the refusal
	}{
		{shopKey, nil, `{"max_messages":100,"max_bytes":1000,"overflow":"default","max_attempts":0}`},
		{shopKey, []string{"max_messages", "10"}, `{"max_messages":10,"max_bytes":1000,"overflow":"default","max_attempts":0}`},
		{shopKey, []string{"max_messages", "10", "max_bytes", "500"}, `{"max_messages":10,"max_bytes":500,"overflow":"default","max_attempts":0}`},
		{shopKey, []string{"max_messages", "11"}, "forbidden_admin"},
		{shopKey, []string{"max_messages", "0"}, "forbidden_admin"},
		{shopKey, []string{"max_bytes", "501"}, "forbidden_admin"},
		{shopKey, []string{"overflow", "refuse"}, "forbidden_admin"},
		{shopKey, []string{"overflow", "drop-oldest"}, `{"max_messages":10,"max_bytes":500,"overflow":"drop-oldest","max_attempts":0}`},
		{shopKey, []string{"overflow", "drop-newest", "max_messages", "9"}, `{"max_messages":9,"max_bytes":500,"overflow":"drop-newest","max_attempts":0}`},
		{adminKey, []string{"overflow", "refuse", "max_messages", "2000"}, `{"max_messages":2000,"max_bytes":500,"overflow":"refuse","max_attempts":0}`},
		{shopKey, []string{"overflow", "refuse", "max_messages", "1000"}, `{"max_messages":1000,"max_bytes":500,"overflow":"refuse","max_attempts":0}`},
		{shopKey, []string{"overflow", "default"}, `{"max_messages":1000,"max_bytes":500,"overflow":"default","max_attempts":0}`},
		{shopKey, []string{"max_messages", "0"}, `{"max_messages":100,"max_bytes":500,"overflow":"default","max_attempts":0}`},
		{adminKey, []string{"max_bytes", "0"}, `{"max_messages":100,"max_bytes":1000,"overflow":"default","max_attempts":0}`},
		{shopKey, []string{"max_messages", "-1"}, "invalid_parameter"},
		{shopKey, []string{"max_bytes", "many"}, "invalid_parameter"},
		{shopKey, []string{"topic", "nix", "max_bytes", "1"}, "unknown_topic"},
		{erpKey, []string{"max_messages", "1"}, "forbidden_admin"}, // of another key
	} {
		params := row.params
		if row.by.ID != shopKey.ID {
			params = append([]string{"of", shopKey.ID}, params...)
		}
		r := e.ask(row.by, "POST", "notify/queue/limit", params...)
		if got := string(r.Result); got != row.want && r.code() != row.want {
			t.Errorf("%q by %s is answered with %s", row.params, row.by.ID, r.body)
		}
	}
	e.ask(shopKey, "GET", "notify/queue/limit").wantResult(t, string(e.ask(shopKey, "POST", "notify/queue/limit").Result))
	e.ask(shopKey, "GET", "notify/queue/limit", "max_messages", "3").want(t, 400, "invalid_parameter")
	r := e.ask(shopKey, "POST", "notify/queue/limit", "overflow", "explode")
	r.want(t, 400, "invalid_parameter")
	contains(t, r.Error.Message, "refuse", "drop-oldest", "drop-newest", "default")
}

func TestAWrittenMessageThatIsDroppedIsInNoQueue(t *testing.T) {
	e := newBus(t, platform.Config{})
	e.ask(shopKey, "POST", "notify/queue/limit", "max_messages", "1", "overflow", "drop-newest").want(t, 200, "")
	contains(t, e.ask(shopKey, "POST", "notify/write", "data", "a").body, `"queues":1`, `"id":"`)
	contains(t, e.ask(shopKey, "POST", "notify/write", "data", "b").body, `"result":true`, `"queues":0`, `"id":""`)
}

func TestTheStatusSaysWhatWasDropped(t *testing.T) {
	e := newBus(t, platform.Config{})
	e.use(erpKey)
	e.ask(erpKey, "POST", "notify/queue/limit", "max_messages", "2").want(t, 200, "")
	e.dialAs(shopKey).stored("order.new", "a", "b", "c", "d", "e")
	if got := e.bodies(erpKey); got != "d e" {
		t.Errorf("the queue has %q", got)
	}
	contains(t, e.ask(erpKey, "GET", "notify/status").body, `"Dropped":3`, `"Overflow":"default"`, `"Messages_limit":2`)
}

func TestAPublisherSeesWhatWentNowhere(t *testing.T) {
	seen, trace := newEvents()
	e := newBus(t, platform.Config{Trace: trace, Queues: memory.New(memory.Config{})})
	e.ask(erpKey, "POST", "notify/routing/set", "topic", "", "routing_key", "order.#").wantResult(t, "true")
	e.ask(erpKey, "POST", "notify/routing/set", "topic", "more", "routing_key", "order.new").wantResult(t, "true")
	for key, queues := range map[string]string{"order.new": "2", "order.paid": "1", "stock.low": "0"} {
		e.ask(shopKey, "GET", "notify/routing/test", "routing_key", key).wantResult(t, `{"queues":`+queues+`}`)
	}
	e.dialAs(shopKey).stored("order.new", "two queues")
	e.dialAs(shopKey).stored("stock.low", "none")
	r := e.ask(shopKey, "POST", "notify/write", "routing_key", "stock.low", "data", "none")
	if r.wantResult(t, "true"); r.Queues == nil || *r.Queues != 0 {
		t.Errorf("answered %s", r.body)
	}
	e.ask(shopKey, "POST", "notify/write", "topic", "jobs", "data", "straight").wantResult(t, "true")
	for i, queues := range []int{2, 0, 0, 1} {
		if event := await[platform.PublishEvent](t, seen, i+1); event.Queues != queues {
			t.Errorf("message %d is traced as in %d queues, want %d", i, event.Queues, queues)
		}
	}
	contains(t, e.ask(shopKey, "GET", "notify/status").body, `"Published":4`, `"Unrouted":2`)
	contains(t, e.ask(adminKey, "GET", "notify/status", "of", shopKey.ID).body, `"Published":4`, `"Unrouted":2`)
	contains(t, e.ask(erpKey, "GET", "notify/status").body, `"Published":0`, `"Unrouted":0`)
	if s := e.p.Stats(); s.Published != 4 || s.Unrouted != 2 {
		t.Errorf("the platform counts %+v", s)
	}
	r = e.ask(adminKey, "POST", "manageapp/queue/publish", "app_id", "shop", "routing_key", "order.*")
	r.wantResult(t, "true")
	e.ask(shopKey, "GET", "notify/routing/test", "routing_key", "stock.low").want(t, http.StatusForbidden, "forbidden_routing_key")
}

func TestANewAppMayDoNothingUntilAnAdminSaysSo(t *testing.T) {
	e := newBus(t, platform.Config{})
	e.ask(adminKey, "POST", "app/create", "name", "New", "id", "new").want(t, 200, "")
	key := makeKey(t, e.p, "new")
	e.ask(key, "POST", "notify/write", "routing_key", "order.new", "data", "x").want(t, http.StatusForbidden, "forbidden_routing_key")
	e.ask(key, "POST", "notify/routing/set", "topic", "", "routing_key", "order.new").want(t, http.StatusForbidden, "forbidden_routing_key")
	e.dialAs(shopKey).stored("order.new", "too early")
	e.ask(adminKey, "POST", "manageapp/queue/publish", "app_id", "new", "routing_key", "order.#").wantResult(t, "true")
	e.ask(adminKey, "POST", "manageapp/queue/consume", "app_id", "new", "routing_key", "order.#").wantResult(t, "true")
	e.ask(key, "POST", "notify/write", "routing_key", "order.new", "data", "mine").wantResult(t, "true")
	if got := e.bodies(key); got != "mine" {
		t.Errorf("the queue has %q", got)
	}

	r := e.ask(adminKey, "POST", "app/create", "name", "N", "id", "ready", "publish", "order.*", "listen", `["a.#","b"]`)
	r.want(t, 200, "")
	contains(t, r.body, `"NotifyPublish":["order.*"]`, `"NotifyListen":["a.#","b"]`)
	for _, name := range []string{"publish", "listen"} {
		r := e.ask(adminKey, "POST", "app/create", "name", "N", name, "a.b*")
		r.want(t, 400, "invalid_parameter")
		contains(t, r.Error.Message, name)
	}
}

func TestANewKeyBeginsWithTheBindingsThatItIsGiven(t *testing.T) {
	e := newBus(t, platform.Config{})
	for _, row := range []struct {
		params []string
		want   string
	}{
		{nil, `[{"routing_key":"#"}]`}, // the setting
		{[]string{"bindings", "order.#"}, `[{"routing_key":"order.#"}]`},
		{[]string{"bindings", `["b","a.*"]`}, `[{"routing_key":"a.*"},{"routing_key":"b"}]`},
		{[]string{"bindings", "[]"}, "[]"},
	} {
		key := makeKey(t, e.p, "shop", row.params...)
		e.ask(key, "GET", "notify/routing/list").wantResult(t, row.want)
	}
	e.ask(adminKey, "POST", "key/create", "app_id", "shop", "bindings", "").want(t, 400, "invalid_parameter")
	key := platform.NewKey("shop")
	key.Bindings = []platform.Binding{{Pattern: "a", Topic: "jobs"}}
	registry := platform.NewRegistry(e.store)
	must(t, registry.SaveKey(t.Context(), key))
	e.ask(key, "GET", "notify/routing/list", "topic", "jobs").wantResult(t, `[{"routing_key":"a"}]`)
	if back, err := registry.Key(t.Context(), key.ID); err != nil || !slices.Equal(back.Bindings, key.Bindings) {
		t.Errorf("kept %+v, %v", back.Bindings, err)
	}
	key.Bindings = []platform.Binding{{Pattern: ""}}
	if err := registry.SaveKey(t.Context(), key); err == nil {
		t.Error("an empty pattern is saved")
	}
}
