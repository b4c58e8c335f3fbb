package platform_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// parkedMessage is a message of the result of notify/queue/parked.
type parkedMessage struct {
	peekedMessage
	Attempts    int
	Reason      string
	ParkedBy    string `json:"parked_by"`
	ParkedSince int64  `json:"parked_since"`
}

func (e *env) parkedBy(key platform.Key, params ...string) (messages []parkedMessage) {
	e.t.Helper()
	r := e.ask(key, "GET", "notify/queue/parked", params...)
	r.want(e.t, 200, "")
	must(e.t, json.Unmarshal(r.Result, &messages))
	return messages
}

// fill writes messages into the default queue of shopKey, and returns their IDs.
func (e *env) fill(n int, key string) (ids []string) {
	e.t.Helper()
	for i := range n {
		m := &platform.Message{Key: key, Body: []byte(strconv.Itoa(i)), ContentType: "a/b", ClientID: erpKey.ID, App: "erp", Time: time.Unix(1400568648, 0)}
		must(e.t, e.queues.Write(e.t.Context(), shopKey.ID, "", m))
		ids = append(ids, m.ID.String())
	}
	return ids
}

// counts makes a call about parked messages of shopKey that must concern n of them.
func (e *env) counts(by platform.Key, call string, n int, params ...string) {
	e.t.Helper()
	if by.ID != shopKey.ID {
		params = append(params, "of", shopKey.ID)
	}
	e.ask(by, "POST", "notify/queue/"+call, params...).wantResult(e.t, fmt.Sprintf(`{"messages":%d}`, n))
}

func TestAMessageIsParkedAndPutBackAsItWas(t *testing.T) {
	for _, by := range []platform.Key{shopKey, adminKey} {
		t.Run(by.ID, func(t *testing.T) {
			seen, trace := newEvents()
			e := newBus(t, platform.Config{Trace: trace})
			e.use(shopKey)
			ids := e.fill(3, "order.new")
			before := peekedBy(t, e.ask(shopKey, "GET", "notify/peek"))
			e.counts(by, "park", 1, "id", ids[1], "reason", "no stock\n\xff")
			e.counts(by, "park", 0, "id", ids[1], "reason", "twice")
			if got := e.bodies(shopKey); got != "0 2" {
				t.Errorf("the queue has %q", got)
			}
			found := e.parkedBy(shopKey)
			if len(found) != 1 {
				t.Fatalf("parked are %+v", found)
			}
			want := before[1]
			want.State = "parked"
			if m := found[0]; fmt.Sprint(m.peekedMessage) != fmt.Sprint(want) || m.Reason != "no stock\n\uFFFD" || !strings.Contains(m.ParkedBy, " from ") || time.Since(time.Unix(m.ParkedSince, 0)) > patience {
				t.Errorf("parked is %+v, and was %+v", m, want)
			}
			if park := await[platform.ParkEvent](t, seen, 1); park.ID.String() != ids[1] || park.Key != shopKey.ID || park.Conn != 0 || park.By != found[0].ParkedBy || park.Reason != found[0].Reason {
				t.Errorf("told of %+v", park)
			}
			contains(t, e.ask(shopKey, "GET", "notify/status").body, `"Messages":2,`, `"Messages_parked":1,"Parked_dropped":0`)
			e.counts(by, "unpark", 1, "id", ids[1]+","+ids[0])
			if after := peekedBy(t, e.ask(shopKey, "GET", "notify/peek")); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("it came back as %+v, and was %+v", after, before)
			}
			e.counts(by, "park", 3, "id", strings.Join(ids, ","))
			e.counts(by, "discard", 2, "id", ids[0]+","+ids[2])
			if found := e.parkedBy(shopKey); len(found) != 1 || found[0].ID != ids[1] {
				t.Errorf("parked are %+v", found)
			}
			if s := e.p.Stats(); s.Parked != 4 {
				t.Errorf("counted %+v", s)
			}
		})
	}
}

func TestParkedMessagesAreFoundByFilter(t *testing.T) {
	e := newBus(t, platform.Config{SignWindow: -1, Now: func() time.Time { return time.Now().Add(time.Hour) }})
	e.use(shopKey)
	for _, key := range []string{"order.new", "order.paid.now", "stock.low"} {
		ids := e.fill(40, key)
		e.counts(shopKey, "park", 40, "id", strings.Join(ids, ","), "reason", "cannot handle "+key+" %")
	}
	for _, row := range []struct {
		params []string
		want   int
	}{
		{nil, 10},
		{[]string{"num", "1000"}, 120},
		{[]string{"num", "1000", "routing_key", "order.*"}, 40},
		{[]string{"num", "1000", "routing_key", "order.#"}, 80},
		{[]string{"num", "1000", "routing_key", "#.low"}, 40},
		{[]string{"num", "1000", "routing_key", "order"}, 0},
		{[]string{"num", "50", "routing_key", "order.#"}, 50},
		{[]string{"num", "1000", "reason", "handle stock"}, 40},
		{[]string{"num", "1000", "reason", "%", "routing_key", "order.new"}, 40},
		{[]string{"num", "1000", "reason", "Handle"}, 0},
		{[]string{"num", "1000", "older", "3000"}, 120},
		{[]string{"num", "1000", "older", "4000"}, 0},
		{[]string{"num", "1000", "older", "0", "reason", "", "routing_key", ""}, 120},
	} {
		if found := e.parkedBy(shopKey, row.params...); len(found) != row.want {
			t.Errorf("%q finds %d messages, want %d", row.params, len(found), row.want)
		}
	}
	// Page by page, as a client goes through all of them.
	seen, after := 0, ""
	for {
		page := e.parkedBy(shopKey, "num", "7", "routing_key", "order.#", "after", after)
		if len(page) == 0 {
			break
		}
		seen, after = seen+len(page), page[len(page)-1].ID
	}
	if seen != 80 {
		t.Errorf("%d messages page by page, want 80", seen)
	}
}

func TestLargeParkedMessagesComeInAnswersWithABound(t *testing.T) {
	e := newBus(t, platform.Config{Limits: platform.Limits{ReadBytes: 1 << 20, MaxBody: 300 << 10}})
	e.use(shopKey)
	const count = 12
	for i := range count {
		m := &platform.Message{Key: "large", Body: []byte(strconv.Itoa(i) + repeat("x", 250<<10))}
		must(t, e.queues.Write(t.Context(), shopKey.ID, "", m))
		e.counts(shopKey, "park", 1, "id", m.ID.String())
	}
	seen, after := 0, ""
	for seen < count {
		r := e.ask(shopKey, "GET", "notify/queue/parked", "num", "1000", "after", after, "routing_key", "large")
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

func TestPurgingLeavesWhatIsParkedUnlessAsked(t *testing.T) {
	e := newBus(t, platform.Config{})
	e.use(shopKey)
	ids := e.fill(1500, "a")
	for i := 0; i < 1200; i += 600 {
		e.counts(shopKey, "park", 600, "id", strings.Join(ids[i:i+600], ","))
	}
	status := func() platform.QueueStatus {
		s, err := e.queues.Status(t.Context(), shopKey.ID, "")
		must(t, err)
		return s
	}
	e.ask(shopKey, "POST", "notify/purge").wantResult(t, "true")
	if s := status(); s.Ready != 0 || s.Parked != 1200 {
		t.Errorf("after purging: %+v", s)
	}
	e.ask(shopKey, "POST", "notify/purge", "parked", "yes").want(t, 400, "invalid_parameter")
	e.ask(shopKey, "POST", "notify/purge", "parked", "1").wantResult(t, "true")
	if s := status(); s.Parked != 0 || s.ParkedDropped != 0 {
		t.Errorf("after purging with parked: %+v", s)
	}
}

func TestTheHolderSetsHowOftenAMessageIsTried(t *testing.T) {
	e := newBus(t, platform.Config{})
	e.use(shopKey)
	limit := func(params ...string) reply {
		return e.ask(shopKey, "POST", "notify/queue/limit", params...)
	}
	contains(t, limit("max_attempts", "5", "max_messages", "7").body, `"max_messages":7,`, `"max_attempts":5`)
	contains(t, limit("overflow", "drop-oldest").body, `"max_messages":7,`, `"overflow":"drop-oldest"`, `"max_attempts":5`)
	contains(t, limit().body, `"max_attempts":5`)
	contains(t, e.ask(shopKey, "GET", "notify/status").body, `"Max_attempts":5`)
	for _, wrong := range []string{"-1", "65536", "many", ""} {
		r := limit("max_attempts", wrong)
		r.want(t, 400, "invalid_parameter")
		contains(t, r.Error.Message, "max_attempts", "65535", "0")
	}
	contains(t, limit("max_attempts", "0").body, `"max_attempts":0`)
	if body := e.ask(shopKey, "GET", "notify/status").body; strings.Contains(body, "Max_attempts") {
		t.Errorf("a queue that tries for ever has the status %s", body)
	}
}

func TestACallAboutParkedMessagesThatIsWrongSaysWhatToDo(t *testing.T) {
	e := newBus(t, platform.Config{})
	e.use(shopKey)
	id := e.fill(1, "a")[0]
	for _, row := range []struct {
		method, call string
		params       []string
		code, words  string
	}{
		{"POST", "park", nil, "missing_parameter", "id"},
		{"POST", "unpark", []string{"id", ""}, "missing_parameter", "id"},
		{"POST", "discard", []string{"topic", "nix"}, "missing_parameter", "id"},
		{"POST", "discard", []string{"id", id + ",nonsense"}, "invalid_parameter", "nonsense"},
		{"POST", "discard", []string{"id", id + ","}, "invalid_parameter", "9b4d1e00-1a2b3c"},
		{"POST", "unpark", []string{"id", strings.Repeat(id+",", 1000) + id}, "invalid_parameter", "1000"},
		{"POST", "park", []string{"id", id, "topic", "nix"}, "unknown_topic", "nix"},
		{"POST", "unpark", []string{"id", id, "topic", "nix"}, "unknown_topic", "nix"},
		{"POST", "discard", []string{"id", id, "topic", "nix"}, "unknown_topic", "nix"},
		{"GET", "parked", []string{"topic", "nix"}, "unknown_topic", "nix"},
		{"GET", "parked", []string{"num", "0"}, "invalid_parameter", "num"},
		{"GET", "parked", []string{"after", "x"}, "invalid_parameter", "after"},
		{"GET", "parked", []string{"older", "1h"}, "invalid_parameter", "seconds"},
		{"GET", "parked", []string{"older", "-1"}, "invalid_parameter", "seconds"},
		{"GET", "parked", []string{"older", "99999999999999999"}, "invalid_parameter", "seconds"},
		{"GET", "parked", []string{"reason", strings.Repeat("x", 1025)}, "invalid_parameter", "1024"},
		{"GET", "parked", []string{"routing_key", strings.Repeat("x", 300)}, "invalid_parameter", "routing_key"},
		{"GET", "parked", []string{"routing_key", "ord*"}, "invalid_parameter", "wildcard"},
		{"GET", "park", []string{"id", id}, "method_not_allowed", "POST"},
	} {
		r := e.ask(shopKey, row.method, "notify/queue/"+row.call, row.params...)
		if r.code() != row.code || !strings.Contains(r.Error.Message, row.words) {
			t.Errorf("%s %.80q is answered with %s", row.call, row.params, r.body)
		}
	}
	// IDs of messages that are not parked there change nothing.
	for _, call := range []string{"unpark", "discard"} {
		e.counts(shopKey, call, 0, "id", id+",ffffffff-1")
	}
	if found := e.parkedBy(shopKey, "after", "00000000-ffffffff"); len(found) != 0 || e.bodies(shopKey) != "0" {
		t.Errorf("parked are %+v", found)
	}
}

// Whoever repeats a parameter means something that no call does.
func TestACallAboutParkedMessagesTakesEachParameterOnce(t *testing.T) {
	e := newEnv(t, platform.Config{})
	for call, params := range map[string]url.Values{"park": {"id": {"a", "b"}}, "unpark": {"id": {"a", "b"}}, "discard": {"id": {"a", "b"}}} {
		r := e.call("POST", "platform/notify/queue/"+call, params)
		if r.status != 400 {
			t.Errorf("%s is answered with %s", call, r.body)
		}
	}
}
