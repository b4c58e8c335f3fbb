package platform_test

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

func TestQueueCallsTellTheWholeStory(t *testing.T) {
	e := newEnv(t, platform.Config{})
	e.call("GET", "platform/notify/queue/list", nil).wantResult(t, "[]")
	e.call("GET", "platform/notify/queue/create", url.Values{"topic": {"orders"}}).wantResult(t, "true")
	e.call("GET", "platform/notify/queue/list", nil).wantResult(t, `[{"topic":"orders"}]`)
	e.call("POST", "platform/notify/routing/set", url.Values{"topic": {"orders"}, "routing_key": {"order.#"}}).wantResult(t, "true")
	e.call("PUT", "platform/notify/write", url.Values{"data": {"one"}, "routing_key": {"order.new"}, "content_type": {"text/plain"}}).wantResult(t, "true")
	e.call("POST", "platform/notify/write", url.Values{"data": {"two"}, "topic": {"orders"}}).wantResult(t, "true")
	e.call("GET", "platform/notify/status", url.Values{"topic": {"orders"}}).wantResult(t,
		`{"Backing_queue_status":{"Len":2},"Messages":2,"Messages_ready":2,"Messages_unacknowledged":0,"Consumers":0,"Messages_limit":100000,"Bytes":25,"Bytes_limit":268435456,"Dropped":0,"Overflow":"default","Messages_parked":0,"Parked_dropped":0,"Published":2,"Unrouted":0}`)
	e.call("GET", "platform/notify/routing/list", url.Values{"topic": {"orders"}}).wantResult(t, `[{"routing_key":"order.#"}]`)
	e.call("POST", "platform/notify/routing/unset", url.Values{"topic": {"orders"}, "routing_key": {"order.#"}}).wantResult(t, "true")
	e.call("POST", "platform/notify/routing/unset", url.Values{"topic": {""}, "routing_key": {"#"}}).wantResult(t, "true")
	e.call("GET", "platform/notify/routing/list", nil).wantResult(t, "[]")

	read := messagesOf(t, e.call("GET", "platform/notify/read", url.Values{"topic": {"orders"}}))
	if len(read) != 1 || read[0]["body"] != "one" || read[0]["key"] != "order.new" || read[0]["type"] != "text/plain" ||
		read[0]["app"] != "shop" || read[0]["client_id"] != testKey || read[0]["tag"] != nil {
		t.Errorf("read %v", read)
	}
	e.call("POST", "platform/notify/purge", url.Values{"topic": {"orders"}}).wantResult(t, "true")
	if n := len(messagesOf(t, e.call("GET", "platform/notify/read", url.Values{"topic": {"orders"}, "num": {"10"}}))); n != 0 {
		t.Errorf("%d messages after purge", n)
	}
	e.call("GET", "platform/notify/queue/drop", url.Values{"topic": {"orders"}}).wantResult(t, "true")
	e.call("GET", "platform/notify/status", url.Values{"topic": {"orders"}}).want(t, 404, "unknown_topic")
}

// messagesOf unwraps the strings that hold the messages of notify/read.
func messagesOf(t *testing.T, r reply) []map[string]any {
	t.Helper()
	r.want(t, 200, "")
	var texts []string
	if err := json.Unmarshal(r.Result, &texts); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	messages := make([]map[string]any, len(texts))
	for i, text := range texts {
		if err := json.Unmarshal([]byte(text), &messages[i]); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	return messages
}

func TestQueueCallsRefuseWithTheParametersName(t *testing.T) {
	rows := []struct {
		name, method, api string
		params            url.Values
		status            int
		code              string
		words             []string
	}{
		{"write without data", "POST", "write", url.Values{"topic": {"x"}}, 400, "missing_parameter", []string{"data"}},
		{"write data twice", "POST", "write", url.Values{"data": {"a", "b"}}, 400, "invalid_parameter", []string{"data", "more than once"}},
		{"write too much", "POST", "write", url.Values{"data": {repeat("x", 1<<20+1)}}, 413, "message_too_large", []string{"1048576"}},
		{"write two lines as a key", "POST", "write", url.Values{"data": {"a"}, "routing_key": {"k\nl"}}, 400, "invalid_parameter", []string{"routing_key", "line break"}},
		{"write two lines as a label", "POST", "write", url.Values{"data": {"a"}, "topic": {"t"}, "routing_key": {"k\r"}}, 400, "invalid_parameter", []string{"routing_key", "line break"}},
		{"write two lines as a type", "POST", "write", url.Values{"data": {"a"}, "content_type": {"a/b\r\nX: y"}}, 400, "invalid_parameter", []string{"content_type", "line break"}},
		{"write at no time", "POST", "write", url.Values{"data": {"a"}, "topic": {"t"}, "time": {"noon"}}, 400, "invalid_parameter", []string{"time", "Unix"}},
		{"write before time", "POST", "write", url.Values{"data": {"a"}, "topic": {"t"}, "time": {"0"}}, 400, "invalid_parameter", []string{"time", "Unix"}},
		{"write with a long key", "POST", "write", url.Values{"data": {"a"}, "routing_key": {repeat("k", 257)}}, 400, "invalid_parameter", []string{"routing_key", "256"}},
		{"write with a long type", "POST", "write", url.Values{"data": {"a"}, "content_type": {repeat("k", 257)}}, 400, "invalid_parameter", []string{"content_type"}},
		{"write to a long topic", "POST", "write", url.Values{"data": {"a"}, "topic": {repeat("k", 257)}}, 400, "invalid_parameter", []string{"topic"}},
		{"write by GET", "GET", "write", url.Values{"data": {"a"}}, 405, "method_not_allowed", []string{"POST", "PUT"}},
		{"read a word", "GET", "read", url.Values{"num": {"many"}}, 400, "invalid_parameter", []string{"num", "1000"}},
		{"read nothing", "GET", "read", url.Values{"num": {"0"}}, 400, "invalid_parameter", []string{"num"}},
		{"read too much", "GET", "read", url.Values{"num": {"1001"}}, 400, "invalid_parameter", []string{"num"}},
		{"read unknown", "GET", "read", url.Values{"topic": {"nix"}}, 404, "unknown_topic", []string{"nix"}},
		{"purge unknown", "POST", "purge", url.Values{"topic": {"nix"}}, 404, "unknown_topic", nil},
		{"purge by GET", "GET", "purge", nil, 405, "method_not_allowed", nil},
		{"create nothing", "GET", "queue/create", nil, 400, "missing_parameter", []string{"topic"}},
		{"create by POST", "POST", "queue/create", nil, 405, "method_not_allowed", []string{"GET"}},
		{"drop nothing", "GET", "queue/drop", nil, 400, "missing_parameter", []string{"topic"}},
		{"drop unknown", "GET", "queue/drop", url.Values{"topic": {"nix"}}, 404, "unknown_topic", nil},
		{"bind nothing", "POST", "routing/set", url.Values{"routing_key": {"#"}}, 400, "missing_parameter", []string{"topic"}},
		{"bind to nothing", "POST", "routing/set", url.Values{"topic": {"x"}}, 400, "missing_parameter", []string{"routing_key"}},
		{"unbind nothing", "POST", "routing/unset", url.Values{"routing_key": {"#"}}, 400, "missing_parameter", []string{"topic"}},
		{"unbind from nothing", "POST", "routing/unset", url.Values{"topic": {""}}, 400, "missing_parameter", []string{"routing_key"}},
		{"unbind an unknown topic", "POST", "routing/unset", url.Values{"topic": {"nix"}, "routing_key": {"#"}}, 404, "unknown_topic", []string{"nix"}},
		{"unbind what is not bound", "POST", "routing/unset", url.Values{"topic": {""}, "routing_key": {"a.#"}}, 404, "unknown_binding", []string{"default queue", "a.#"}},
		{"unbind by GET", "GET", "routing/unset", nil, 405, "method_not_allowed", nil},
		{"list bindings of an unknown topic", "GET", "routing/list", url.Values{"topic": {"nix"}}, 404, "unknown_topic", nil},
		{"unknown API", "GET", "queue/rename", nil, 404, "unknown_api", nil},
	}
	e := newEnv(t, platform.Config{})
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r := e.call(row.method, "platform/notify/"+row.api, row.params)
			r.want(t, row.status, row.code)
			contains(t, r.Error.Message, row.words...)
			if row.status == 405 && r.header.Get("Allow") == "" {
				t.Error("no Allow")
			}
		})
	}
	e.call("GET", "platform/notify/queue/list", nil).wantResult(t, "[]")
}

func TestWhatIsWrittenToATopicKeepsItsKeyTypeAndTime(t *testing.T) {
	e := newEnv(t, platform.Config{})
	future := time.Now().Add(time.Hour).Unix()
	for _, at := range []string{"1700000000", strconv.FormatInt(future, 10)} {
		e.call("POST", "platform/notify/write", url.Values{
			"topic": {"failed"}, "data": {"x"}, "routing_key": {"order.new"}, "content_type": {"text/csv"}, "time": {at},
		}).wantResult(t, "true")
	}
	if n := e.status("").Ready; n != 0 {
		t.Errorf("%d were routed", n)
	}
	read := messagesOf(t, e.call("GET", "platform/notify/read", url.Values{"topic": {"failed"}, "num": {"2"}}))
	for i, m := range read {
		if m["key"] != "order.new" || m["type"] != "text/csv" || m["client_id"] != testKey || m["app"] != "shop" {
			t.Errorf("read %v", m)
		}
		if at := int64(m["time"].(float64)); i == 0 && at != 1700000000 || at >= future {
			t.Errorf("message %d is of %d", i, at)
		}
	}
}

func TestFullQueueIsRefusedAndKeepsWhatItHas(t *testing.T) {
	e := newEnv(t, platform.Config{Queues: newQueues(memory.Config{MaxMessages: 1})})
	e.call("POST", "platform/notify/write", url.Values{"data": {"a"}}).wantResult(t, "true")
	for _, params := range []url.Values{{"data": {"b"}}, {"data": {"b"}, "routing_key": {"k"}}} {
		r := e.call("POST", "platform/notify/write", params)
		r.want(t, 429, "queue_full")
		if r.header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After is %q", r.header.Get("Retry-After"))
		}
	}
	if s := e.status(""); s.Ready != 1 {
		t.Errorf("%d messages", s.Ready)
	}
}

func TestTooManyTopicsAreForbidden(t *testing.T) {
	e := newEnv(t, platform.Config{Queues: newQueues(memory.Config{MaxTopics: 1})})
	e.call("GET", "platform/notify/queue/create", url.Values{"topic": {"a"}}).wantResult(t, "true")
	e.call("GET", "platform/notify/queue/create", url.Values{"topic": {"b"}}).want(t, 403, "too_many_topics")
}

func TestTooManyBindingsAreForbidden(t *testing.T) {
	e := newEnv(t, platform.Config{Queues: newQueues(memory.Config{MaxBindings: 1})})
	for _, pattern := range []string{"a.#", "b.#"} {
		e.call("POST", "platform/notify/routing/set", url.Values{"topic": {""}, "routing_key": {pattern}})
	}
	e.call("POST", "platform/notify/routing/set", url.Values{"topic": {""}, "routing_key": {"c.#"}}).want(t, 403, "too_many_bindings")
}

// A read must not remove more than a client can take.
func TestReadEndsEarlyOnLargeMessages(t *testing.T) {
	e := newEnv(t, platform.Config{})
	for range 12 {
		e.write("", repeat("x", 1<<20))
	}
	got := len(messagesOf(t, e.call("GET", "platform/notify/read", url.Values{"num": {"1000"}})))
	if got < 1 || got > 5 {
		t.Errorf("read %d messages of 1 MiB", got)
	}
	if s := e.status(""); s.Ready != 12-got {
		t.Errorf("%d left after reading %d of 12", s.Ready, got)
	}
}

func TestReadKeepsManySmallMessagesInOrder(t *testing.T) {
	e := newEnv(t, platform.Config{})
	for i := range 1000 {
		e.write("", string(rune('a'+i%26)))
	}
	messages := messagesOf(t, e.call("GET", "platform/notify/read", url.Values{"num": {"999"}}))
	if len(messages) != 999 || e.status("").Ready != 1 {
		t.Fatalf("read %d", len(messages))
	}
	for i, m := range messages {
		if m["body"] != string(rune('a'+i%26)) {
			t.Fatalf("message %d is %v", i, m)
		}
	}
}

func TestReadSurvivesAnyBody(t *testing.T) {
	for name, body := range map[string]string{
		"quotes": `say "hi" \ back`, "controls": "\x00\x01\n\r\t\x1f", "chinese": "订单", "line separators": "\u2028<&>", "astral": "😀", "empty": "",
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t, platform.Config{})
			e.write("", body)
			if m := messagesOf(t, e.call("GET", "platform/notify/read", nil)); m[0]["body"] != body {
				t.Errorf("read %q, want %q", m[0]["body"], body)
			}
		})
	}
	e := newEnv(t, platform.Config{})
	e.write("", "\xff\xfe")
	if m := messagesOf(t, e.call("GET", "platform/notify/read", nil)); m[0]["body"] != "��" {
		t.Errorf("bytes that are no UTF-8 read as %q", m[0]["body"])
	}
}

func TestKeysDoNotShareQueues(t *testing.T) {
	e := newEnv(t, platform.Config{})
	e.write("", "mine")
	const path = "/api/platform/notify/read"
	q := url.Values{}
	signedBy("otherkey", "othersecretothersecr", time.Now(), "GET", path, nil, q, nil)
	e.get(path+"?"+q.Encode()).wantResult(t, "[]")
	if s := e.status(""); s.Ready != 1 {
		t.Errorf("%d messages left", s.Ready)
	}
}

func TestEnvelopeIsThatOfThePlatform(t *testing.T) {
	e := newEnv(t, platform.Config{})
	if got := e.call("POST", "platform/notify/purge", nil).body; strings.TrimSpace(got) != `{"result":true,"error":null}` {
		t.Errorf("success is %s", got)
	}
	got := e.call("POST", "platform/notify/write", nil).body
	if strings.TrimSpace(got) != `{"result":null,"error":{"code":"missing_parameter","prism_code":"0040005","message":"the parameter data is missing"}}` {
		t.Errorf("failure is %s", got)
	}
}
