package platform_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// queuesFound are the queues of an answer, as KEY/TOPIC, with why each needs attention.
func queuesFound(t *testing.T, r reply) (found []string, total int) {
	t.Helper()
	r.want(t, 200, "")
	var doc struct {
		Queues []struct {
			Key, Topic string
			Attention  []string
		}
		Total int
	}
	if err := json.Unmarshal(r.Result, &doc); err != nil {
		t.Fatal(err)
	}
	for _, q := range doc.Queues {
		found = append(found, fmt.Sprint(q.Key, "/", q.Topic, q.Attention))
	}
	return found, doc.Total
}

// twoDomains has a shop of the domain default and one of mars, with their admin keys.
func twoDomains(t *testing.T) *env {
	store := storeOf(platform.Key{ID: testKey, Secret: testSecret, App: "shop"}, opsKey,
		platform.Key{ID: "marskey1", Secret: "marssecretmarssecret", App: "mars"},
		platform.Key{ID: "marsroot", Secret: "marssecretmarssecret", App: "mars-ops", Admin: true})
	store.AddApp(platform.App{ID: "mars", Domain: "mars"}, platform.App{ID: "mars-ops", Domain: "mars"})
	return newEnv(t, platform.Config{Store: store, Queues: newQueues(memory.Config{})})
}

func TestTheQueuesOfADomainAreListedByWhatNeedsAttention(t *testing.T) {
	e := twoDomains(t)
	if err := e.p.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	write := func(topic string, n int) {
		for range n {
			e.write(topic, "hello world")
		}
	}
	write("deep", 3)
	write("full", 4)
	write("Calm", 0)
	if err := e.queues.Create(t.Context(), testKey, "Calm"); err != nil {
		t.Fatal(err)
	}
	ask(t, e.p, opsKey, "GET", "platform/queues/list").want(t, 200, "") // so that it is known what was dropped before
	if err := e.queues.SetLimits(t.Context(), testKey, "full", platform.QueueLimits{MaxMessages: 4, Overflow: platform.DropOldest}); err != nil {
		t.Fatal(err)
	}
	e.write("full", "one more")
	list := func(of platform.Key, pairs ...string) ([]string, int) {
		return queuesFound(t, ask(t, e.p, of, "GET", "platform/queues/list", pairs...))
	}
	full, deep := testKey+"/full[full no_consumer dropped]", testKey+"/deep[no_consumer]"
	for _, row := range []struct {
		pairs []string
		want  string
		total int
	}{
		{nil, full + " " + deep + " " + testKey + "/[] " + testKey + "/Calm[] opskey11/[]", 5},
		{[]string{"attention", "1"}, full + " " + deep, 2},
		{[]string{"limit", "1", "page", "2"}, deep, 5},
		{[]string{"page", "2"}, "", 5},
		{[]string{"search", "cALM"}, testKey + "/Calm[]", 1},
		{[]string{"app_id", "ops"}, "opskey11/[]", 1},
		{[]string{"sort", "name", "search", testKey}, testKey + "/[] " + testKey + "/Calm[] " + deep + " " + full, 4},
	} {
		if got, total := list(opsKey, row.pairs...); strings.Join(got, " ") != row.want || total != row.total {
			t.Errorf("%v: %d: %s, want %d: %s", row.pairs, total, strings.Join(got, " "), row.total, row.want)
		}
	}
	mars := platform.Key{ID: "marsroot", Secret: "marssecretmarssecret"}
	if got, total := list(mars); total != 2 {
		t.Errorf("of another domain: %v", got)
	}
	ask(t, e.p, opsKey, "GET", "platform/queues/list", "sort", "luck").want(t, 400, "invalid_parameter")
	ask(t, e.p, platform.Key{ID: testKey, Secret: testSecret}, "GET", "platform/queues/list").want(t, 403, "forbidden_admin")
}

func TestAMemberSeesTheQueuesOfItsApps(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	m := member(t, p, adminKey, "ann@example.com", platform.DeveloperRole)
	ask(t, p, m, "POST", "platform/app/create", "id", "annshop", "name", "Ann").want(t, 200, "")
	ask(t, p, adminKey, "POST", "platform/manageapp/queue/consume", "app_id", "annshop", "routing_key", "order.#").want(t, 200, "")
	var key struct{ Key string }
	r := ask(t, p, m, "POST", "platform/key/create", "app_id", "annshop", "bindings", `["order.#"]`)
	if err := json.Unmarshal(r.Result, &key); err != nil || key.Key == "" {
		t.Fatal(err, r.body)
	}
	if got, total := queuesFound(t, ask(t, p, m, "GET", "platform/queues/list")); total != 1 || got[0] != key.Key+"/[]" {
		t.Errorf("got %v", got)
	}
	if _, total := queuesFound(t, ask(t, p, adminKey, "GET", "platform/queues/list")); total < 2 {
		t.Errorf("an admin key sees %d", total)
	}
	r = ask(t, p, m, "GET", "platform/queues/routes", "routing_key", "order.new")
	contains(t, string(r.Result), key.Key, `"app_id":"annshop"`)
	ask(t, p, m, "GET", "platform/queues/consumers", "of", adminKey.ID).want(t, 404, "unknown_key")
}

func TestRoutesSayWhoGetsARoutingKeyAndWhyOthersDoNot(t *testing.T) {
	e := twoDomains(t)
	if err := e.p.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.call("POST", "platform/notify/routing/set", pairsOf([]string{"topic", "orders", "routing_key", "order.*"})).want(t, 200, "")
	e.call("POST", "platform/notify/routing/set", pairsOf([]string{"topic", "stock", "routing_key", "stock.#"})).want(t, 200, "")
	ask(t, e.p, opsKey, "POST", "platform/notify/routing/set", "topic", "all", "routing_key", "#").want(t, 200, "")
	ask(t, e.p, opsKey, "POST", "platform/manageapp/queue/consume", "app_id", "ops", "routing_key", "stock.#").want(t, 200, "")
	r := ask(t, e.p, opsKey, "GET", "platform/queues/routes", "routing_key", "order.new")
	r.wantResult(t, `{"queues":[{"key":"`+testKey+`","app_id":"shop","topic":"","patterns":["#"],"gets":true},`+
		`{"key":"`+testKey+`","app_id":"shop","topic":"orders","patterns":["order.*"],"gets":true},`+
		`{"key":"opskey11","app_id":"ops","topic":"","patterns":["#"],"gets":false,"why":"may_not_listen"},`+
		`{"key":"opskey11","app_id":"ops","topic":"all","patterns":["#"],"gets":false,"why":"may_not_listen"}],"matched":4,"gets":2,"refused":""}`)
	ask(t, e.p, opsKey, "POST", "platform/manageapp/queue/publish", "app_id", "shop", "routing_key", "stock.#").want(t, 200, "")
	r = ask(t, e.p, opsKey, "GET", "platform/queues/routes", "routing_key", "order.new", "of", testKey)
	contains(t, string(r.Result), "may not publish")
	ask(t, e.p, opsKey, "GET", "platform/queues/routes").want(t, 400, "missing_parameter")
}

func TestTheConsumersOfAQueueAreShown(t *testing.T) {
	e := twoDomains(t)
	p := e.dial()
	p.consume("orders")
	e.write("orders", "hello world")
	p.next()
	var got []struct {
		RemoteAddr     string `json:"remote_addr"`
		Window         int
		Unacknowledged int
	}
	r := ask(t, e.p, opsKey, "GET", "platform/queues/consumers", "of", testKey, "topic", "orders")
	if err := json.Unmarshal(r.Result, &got); err != nil || len(got) != 1 || got[0].RemoteAddr == "" || got[0].Window == 0 || got[0].Unacknowledged != 1 {
		t.Errorf("got %s", r.body)
	}
	ask(t, e.p, opsKey, "GET", "platform/queues/consumers", "of", testKey).wantResult(t, "[]")
	ask(t, e.p, opsKey, "GET", "platform/queues/consumers", "of", testKey, "topic", "none").want(t, 404, "unknown_topic")
}
