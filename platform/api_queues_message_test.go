package platform_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// A messageLife is the result of platform/queues/message.
type messageLife struct {
	Key, App string
	ClientID string `json:"client_id"`
	Time     int64
	Bytes    int
	Places   []struct{ State string }
	Events   []messageEvent
	Missed   int64
	Since    *time.Time `json:"events_since"`
}

type messageEvent struct {
	Time                            time.Time
	Event, Key, Topic, Code, Reason string
	Queues                          *int
	Conn                            uint64
	ConsumerID                      string `json:"consumer_id"`
	RemoteAddr                      string `json:"remote_addr"`
	Attempt, Status                 int
	Failed                          bool
	Missed                          int64
}

// told returns the events in a few words.
func (l *messageLife) told() string {
	var all []string
	for _, e := range l.Events {
		text := e.Event + " " + e.Key
		if e.Topic != "" {
			text += "/" + e.Topic
		}
		if e.Queues != nil {
			text += fmt.Sprint(" to ", *e.Queues)
		}
		if e.Attempt > 0 {
			text += fmt.Sprint(" ", e.Attempt)
		}
		if e.Status > 0 {
			text += fmt.Sprint(" ", e.Status)
		}
		if e.Reason != "" {
			text += " " + e.Reason
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func lifeOf(t testing.TB, p http.Handler, by platform.Key, id string) (l messageLife) {
	t.Helper()
	r := ask(t, p, by, "GET", "platform/queues/message", "id", id)
	r.want(t, http.StatusOK, "")
	if err := json.Unmarshal(r.Result, &l); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestTheLifeOfAMessageIsToldInItsOrderAndToNobodyElse(t *testing.T) {
	e := twoDomains(t)
	must(t, e.p.Reconcile(t.Context()))
	p := e.dial()
	p.consume("")
	before := time.Now().Truncate(time.Millisecond)
	p.publish("order.new", "CANARY-body")
	first := p.next()
	p.send(wire.AppendFail(nil, first.Tag, "no stock"))
	second := p.next()
	if second.ID != first.ID {
		t.Fatalf("%s came after %s", second.ID, first.ID)
	}
	p.ack(second.Tag)
	p.barrier()
	life := lifeOf(t, e.p, opsKey, first.ID)
	of := testKey
	want := fmt.Sprintf("publish %s to 2, deliver %s 1, fail %s 1 no stock, deliver %s 2, ack %s", of, of, of, of, of)
	if life.told() != want || len(life.Places) != 1 || life.Missed != 0 || life.Since == nil || life.Key != "order.new" || life.ClientID != testKey {
		t.Errorf("it is %s, with %+v; want %s", life.told(), life, want)
	}
	for i, event := range life.Events {
		if event.Conn == 0 || event.RemoteAddr == "" || event.Time.Before(before) || i > 0 && event.Time.Before(life.Events[i-1].Time) {
			t.Errorf("%+v", event)
		}
	}
	mars := platform.Key{ID: "marsroot", Secret: "marssecretmarssecret"}
	if r := ask(t, e.p, mars, "GET", "platform/queues/message", "id", first.ID); r.code() != "unknown_message" {
		t.Errorf("another domain sees %s", r.body)
	}
}

func TestAMessageThatIsNowhereAnyMoreHasALife(t *testing.T) {
	e := newEnv(t, platform.Config{Store: storeOf(platform.Key{ID: testKey, Secret: testSecret, App: "shop"}, opsKey), Queues: newQueues(memory.Config{Bindings: []platform.Binding{}})})
	write := func() string {
		r := e.call("POST", "platform/notify/write", pairsOf([]string{"topic", "orders", "routing_key", "order.new", "data", "hello"}))
		r.want(t, 200, "")
		return *r.ID
	}
	id := write()
	change := func(call string, pairs ...string) {
		e.call("POST", "platform/notify/queue/"+call, pairsOf(append([]string{"topic", "orders", "id", id}, pairs...))).wantResult(t, `{"messages":1}`)
	}
	change("park", "reason", "no stock")
	if life := lifeOf(t, e.p, opsKey, id); len(life.Places) != 1 || life.Places[0].State != "parked" {
		t.Errorf("parked it is in %+v", life.Places)
	}
	change("unpark")
	change("park")
	change("unpark")
	e.call("GET", "platform/notify/read", pairsOf([]string{"topic", "orders"})).want(t, 200, "")
	life := lifeOf(t, e.p, opsKey, id)
	want := strings.ReplaceAll("publish KEY/orders to 1, park KEY/orders no stock, unpark KEY/orders, park KEY/orders, unpark KEY/orders, read KEY/orders", "KEY", testKey)
	if life.told() != want || life.Places == nil || len(life.Places) > 0 || life.Bytes != 5 || life.Key != "order.new" || life.App != "shop" || time.Since(time.Unix(life.Time, 0)) > time.Hour {
		t.Errorf("it is %s, with %+v; want %s", life.told(), life, want)
	}
	id = write()
	change("park")
	other := "ffffffff-1"
	e.call("POST", "platform/notify/queue/discard", pairsOf([]string{"topic", "orders", "id", id + "," + other})).wantResult(t, `{"messages":1}`)
	if life := lifeOf(t, e.p, opsKey, id); !strings.HasSuffix(life.told(), "park "+testKey+"/orders") || life.Missed != 1 {
		t.Errorf("of what was discarded with others that are not there: %s, and %d more", life.told(), life.Missed)
	}
	ask(t, e.p, opsKey, "GET", "platform/queues/message", "id", other).want(t, http.StatusNotFound, "unknown_message")
}

// idIn returns the ID of the one message in an answer.
func idIn(t testing.TB, r reply) string {
	t.Helper()
	var texts []string
	var m struct{ ID string }
	if json.Unmarshal(r.Result, &texts) != nil || len(texts) != 1 || json.Unmarshal([]byte(texts[0]), &m) != nil || m.ID == "" {
		t.Fatalf("it is not one message: %s", r.body)
	}
	return m.ID
}

func TestTheLifeOfAMessageHasItsPushes(t *testing.T) {
	var posts int
	h := newWebhook(t, func(wire.Delivery) int {
		if posts++; posts == 1 {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	s := startPushing(t, platform.Config{})
	s.set(h)
	ask(t, s.p, shopKey, "POST", "platform/notify/write", "data", "hello").want(t, 200, "")
	id := h.wait(2)[1].ID
	await[platform.PushEvent](t, s.events, 2)
	life := lifeOf(t, s.p, adminKey, id)
	if got := life.told(); !strings.Contains(got, "push "+shopKey.ID+" 1 500") || !strings.HasSuffix(got, "push "+shopKey.ID+" 2 200") || life.Events[len(life.Events)-1].RemoteAddr == "" {
		t.Errorf("it is %s", got)
	}
}

func TestAMemberSeesOfALifeWhatItsOwnKeysDid(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	m, other := member(t, p, adminKey, "ann@example.com", platform.DeveloperRole), member(t, p, adminKey, "bob@example.com", platform.DeveloperRole)
	ask(t, p, m, "POST", "platform/app/create", "id", "annshop", "name", "Ann").want(t, 200, "")
	ask(t, p, adminKey, "POST", "platform/manageapp/queue/consume", "app_id", "annshop", "routing_key", "order.#").want(t, 200, "")
	var key struct{ Key, Secret string }
	must(t, json.Unmarshal(ask(t, p, m, "POST", "platform/key/create", "app_id", "annshop", "bindings", `["order.#"]`).Result, &key))
	ask(t, p, adminKey, "POST", "platform/notify/write", "routing_key", "order.new", "data", "hello").want(t, 200, "")
	id := idIn(t, ask(t, p, platform.Key{ID: key.Key, Secret: key.Secret}, "GET", "platform/notify/read"))
	if life := lifeOf(t, p, m, id); life.told() != "read "+key.Key || life.ClientID != adminKey.ID || life.Key != "order.new" {
		t.Errorf("its owner sees %s, and %+v", life.told(), life)
	}
	if life := lifeOf(t, p, adminKey, id); !strings.HasPrefix(life.told(), "publish "+adminKey.ID) || !strings.Contains(life.told(), ", read "+key.Key) {
		t.Errorf("an admin key sees %s", life.told())
	}
	ask(t, p, other, "GET", "platform/queues/message", "id", id).want(t, http.StatusNotFound, "unknown_message")
}

func TestNoLifeIsKeptWhereTheSettingSaysSo(t *testing.T) {
	p := newPlatform(t, platform.Config{KeepHistory: -1})
	ask(t, p, shopKey, "POST", "platform/notify/write", "data", "hello").want(t, 200, "")
	id := idIn(t, ask(t, p, shopKey, "GET", "platform/notify/read"))
	ask(t, p, adminKey, "GET", "platform/queues/message", "id", id).want(t, http.StatusNotFound, "unknown_message")
}
