package platform_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/internal/calls"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// noted returns a record of a call of the domain default.
func noted(id string) *calls.Record {
	return &calls.Record{
		ID: id, At: time.Now(), Domain: "default", App: "shop", Key: "shopkey1", Service: "goods", API: "goods.query",
		Status: 200, Took: 5 * time.Millisecond, RemoteAddr: "192.0.2.7:50312",
		Caller:  calls.Side{Method: "GET", URL: "/api/goods/goods.query?page=1&sign=CANARY", Header: http.Header{"Authorization": {"Bearer CANARY"}}, Status: 200},
		Backend: calls.Side{Method: "GET", URL: "http://10.0.0.7/goods?page=1&sign=CANARY", Status: 200, AnswerHeader: http.Header{"Set-Cookie": {"CANARY"}}, AnswerBody: []byte(`{"token":"CANARY","中":1}`)},
	}
}

type callList struct {
	Calls []struct {
		ID, App, Key, Service, API, Method, Path, Code string
		Status                                         int
		Took                                           float64 `json:"took_ms"`
	}
	Cursor, Older string
}

func (l *callList) ids() string {
	var all []string
	for _, one := range l.Calls {
		all = append(all, one.ID)
	}
	return strings.Join(all, " ")
}

func result[T any](t testing.TB, r reply) (v T) {
	t.Helper()
	if err := json.Unmarshal(r.Result, &v); err != nil || r.status != 200 {
		t.Fatalf("answered %d %s: %v", r.status, r.body, err)
	}
	return v
}

// servesCalls is a platform that remembers calls.
func servesCalls(t testing.TB, cfg platform.Config) *platform.Platform {
	p := newPlatform(t, cfg)
	t.Cleanup(func() { p.Shutdown(context.Background()) })
	return p
}

func TestAnAdminKeySeesTheCallsOfItsDomain(t *testing.T) {
	p := servesCalls(t, platform.Config{})
	for i, status := range []int{200, 404, 502} {
		r := noted(fmt.Sprint("call", i))
		r.Status = status
		p.NoteCall(r)
	}
	alien := noted("alien")
	alien.Domain, alien.Key = "mars", "alienkey"
	p.NoteCall(alien)

	list := result[callList](t, ask(t, p, adminKey, "GET", "platform/calls/list"))
	if got := list.ids(); got != "call2 call1 call0" {
		t.Errorf("listed %q", got)
	}
	if first := list.Calls[2]; first.Path != "/api/goods/goods.query" || first.Took != 5 || first.Service != "goods" || first.Method != "GET" {
		t.Errorf("a call is %+v", first)
	}
	for _, tt := range []struct {
		params []string
		want   string
	}{
		{[]string{"failed", "1"}, "call2 call1"},
		{[]string{"limit", "1"}, "call2"},
		{[]string{"key", "shopkey1", "app_id", "shop", "service", "goods", "api", "goods.query"}, "call2 call1 call0"},
		{[]string{"key", "alienkey"}, ""},
		{[]string{"since", fmt.Sprint(time.Now().Add(time.Hour).Unix())}, ""},
	} {
		if got := result[callList](t, ask(t, p, adminKey, "GET", "platform/calls/list", tt.params...)); got.ids() != tt.want {
			t.Errorf("with %v %q are listed, want %q", tt.params, got.ids(), tt.want)
		}
	}
	ask(t, p, adminKey, "GET", "platform/calls/show", "id", "alien").want(t, 404, "unknown_call")
	ask(t, p, adminKey, "GET", "platform/calls/show").want(t, 400, "missing_parameter")
	ask(t, p, adminKey, "GET", "platform/calls/list", "limit", "100000").want(t, 400, "invalid_parameter")
	ask(t, p, shopKey, "GET", "platform/calls/list").want(t, 403, "forbidden_admin")
}

func TestCallsAreFollowedBehindACursor(t *testing.T) {
	p := servesCalls(t, platform.Config{})
	p.NoteCall(noted("one"))
	before := result[callList](t, ask(t, p, adminKey, "GET", "platform/calls/list"))
	if nothing := result[callList](t, ask(t, p, adminKey, "GET", "platform/calls/list", "after", before.Cursor)); len(nothing.Calls) > 0 {
		t.Errorf("behind the last call is %q", nothing.ids())
	}
	p.NoteCall(noted("two"))
	p.NoteCall(noted("three"))
	next := result[callList](t, ask(t, p, adminKey, "GET", "platform/calls/list", "after", before.Cursor, "limit", "1"))
	rest := result[callList](t, ask(t, p, adminKey, "GET", "platform/calls/list", "after", next.Cursor))
	if next.ids() != "two" || rest.ids() != "three" {
		t.Errorf("behind it are %q and %q", next.ids(), rest.ids())
	}
	if all := result[callList](t, ask(t, p, adminKey, "GET", "platform/calls/list", "after", "otherprocess-7")); all.ids() != "one two three" {
		t.Errorf("behind a cursor of another process are %q", all.ids())
	}
}

func TestACallIsShownWithBothSidesAndWithoutSecrets(t *testing.T) {
	p := servesCalls(t, platform.Config{})
	p.NoteCall(noted("one"))
	shown, listed := ask(t, p, adminKey, "GET", "platform/calls/show", "id", "one"), ask(t, p, adminKey, "GET", "platform/calls/list")
	for _, answer := range []string{shown.body, listed.body} {
		if strings.Contains(answer, "CANARY") {
			t.Errorf("a secret is shown: %s", answer)
		}
	}
	doc := result[struct {
		ID              string
		Caller, Backend struct {
			URL        string
			AnswerBody string      `json:"answer_body"`
			Header     http.Header `json:"header"`
		}
	}](t, shown)
	if doc.ID != "one" || doc.Caller.URL != "/api/goods/goods.query?page=1&sign=***" || doc.Backend.AnswerBody != `{"token":"***","中":1}` || doc.Caller.Header.Get("Authorization") != "***" {
		t.Errorf("shown %s", shown.body)
	}
}

type statsSeries struct {
	Name   string
	Points []struct{ Time, Calls, Refused, Limited, Failed int64 }
}

func statsOf(t testing.TB, p http.Handler, params ...string) (total string) {
	t.Helper()
	for _, s := range result[[]statsSeries](t, ask(t, p, adminKey, "GET", "platform/calls/stats", params...)) {
		total += s.Name
		for _, point := range s.Points {
			total += fmt.Sprintf(" %d/%d/%d/%d", point.Calls, point.Refused, point.Limited, point.Failed)
		}
		total += ";"
	}
	return total
}

func TestStatisticsTellOfAppsKeysAndAPIs(t *testing.T) {
	p := servesCalls(t, platform.Config{})
	for i, code := range []string{"", "rate_limited", "forbidden_api", "bad_gateway"} {
		r := noted(code)
		r.Status, r.Code = []int{200, 429, 403, 502}[i], code
		p.NoteCall(r)
	}
	path := noted("path")
	path.Service, path.API, path.AnyAPI = "old", "a/path/that/callers/choose", true
	p.NoteCall(path)
	for by, want := range map[string]string{
		"api": "goods/goods.query 4/1/1/1;old/* 1/0/0/0;",
		"app": "shop 5/1/1/1;",
		"key": "shopkey1 5/1/1/1;",
		"all": " 5/1/1/1;",
	} {
		if got := statsOf(t, p, "by", by); got != want {
			t.Errorf("by %s: %q, want %q", by, got, want)
		}
	}
	if got := statsOf(t, p, "name", "old/*", "bucket", "hour"); got != "old/* 1/0/0/0;" {
		t.Errorf("of one API: %q", got)
	}
	if got := statsOf(t, p, "to", fmt.Sprint(time.Now().Add(-2*time.Hour).Unix())); got != "" {
		t.Errorf("of earlier times: %q", got)
	}
	ask(t, p, adminKey, "GET", "platform/calls/stats", "by", "moon").want(t, 400, "invalid_parameter")
	if s := p.Stats(); s.Limited != 1 || s.ForwardFailed != 1 {
		t.Errorf("counted %+v", s)
	}
	if got := result[[]statsSeries](t, ask(t, p, alienAdmin, "GET", "platform/calls/stats")); len(got) > 0 {
		t.Errorf("another domain sees %v", got)
	}
}

func TestStatisticsSurviveARestart(t *testing.T) {
	store := provisionedStore()
	for round := range 3 {
		p := newPlatform(t, platform.Config{Store: store})
		if round > 0 {
			if got, want := statsOf(t, p), fmt.Sprintf("goods/goods.query %d/0/0/0;", round); got != want {
				t.Errorf("after %d starts, before a call: %q, want %q", round+1, got, want)
			}
		}
		p.NoteCall(noted("one"))
		p.Shutdown(t.Context())
	}
}

// A process that is killed loses what it has not saved, and the one that takes its place
// goes on.
func TestStatisticsAreSavedWithinFiveMinutesAndAddedUpOverProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := provisionedStore()
		shared := platform.Gateway{Shared: true}
		a, b := servesCalls(t, platform.Config{Store: store, Gateway: shared}), servesCalls(t, platform.Config{Store: store, Gateway: shared})
		a.NoteCall(noted("one"))
		time.Sleep(time.Second)
		b.NoteCall(noted("two"))
		b.NoteCall(noted("three"))
		time.Sleep(6 * time.Minute)
		for name, p := range map[string]*platform.Platform{"one": a, "the other": b, "a new one": newPlatform(t, platform.Config{Store: store, Gateway: shared})} {
			if got := statsOf(t, p); got != "goods/goods.query 3/0/0/0;" {
				t.Errorf("%s tells %q", name, got)
			}
		}
		a.Shutdown(t.Context())
		next := servesCalls(t, platform.Config{Store: store, Gateway: shared})
		next.NoteCall(noted("four"))
		time.Sleep(6 * time.Minute)
		for name, p := range map[string]*platform.Platform{"the one left": b, "the one in its place": next} {
			if got := statsOf(t, p); got != "goods/goods.query 4/0/0/0;" {
				t.Errorf("after a restart %s tells %q", name, got)
			}
		}
	})
}

// However many keys and APIs there are, what is kept and saved of them is bounded, and
// no call is lost in silence.
func TestAFloodOfKeysAndAPIsIsCountedWithinABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := provisionedStore()
		p := newPlatform(t, platform.Config{Store: store, Gateway: platform.Gateway{KeepCalls: -1}})
		const apis, keys, domains = 10_000, 1000, 10
		rec := noted("one")
		for i := range apis {
			rec.Key, rec.API = fmt.Sprint("key", i%keys), fmt.Sprint("api", i)
			p.NoteCall(rec)
		}
		for i := range domains {
			rec.Domain = fmt.Sprint("domain", i)
			p.NoteCall(rec)
		}
		synctest.Wait()
		must(t, p.Shutdown(t.Context()))
		saved, err := store.List(t.Context(), "callStats")
		must(t, err)
		size := 0
		for _, record := range saved {
			size += len(record.Value)
		}
		if len(saved) > 460 || size > 460*1000 { // of one minute and one hour each
			t.Errorf("%d records of %d bytes are saved", len(saved), size)
		}
		next := newPlatform(t, platform.Config{Store: store})
		for by, least := range map[string]int{"app": 1, "key": 100, "api": 100} {
			total, own, other := int64(0), 0, false
			for _, s := range result[[]statsSeries](t, ask(t, next, adminKey, "GET", "platform/calls/stats", "by", by)) {
				if s.Name == "(other)" {
					other = true
				} else {
					own++
				}
				for _, point := range s.Points {
					total += point.Calls
				}
			}
			if total != apis || own < least || other != (by != "app") {
				t.Errorf("by %s %d calls are counted, for %d with statistics of their own; (other) is told: %v", by, total, own, other)
			}
		}
		if n := p.Stats().Uncounted; n == 0 || n > 3*domains {
			t.Errorf("%d are not counted, of %d domains", n, domains)
		}
	})
}

func TestStatisticsAreKeptWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &outage{Store: provisionedStore()}
		p := newPlatform(t, platform.Config{Store: store})
		store.out.Store(true)
		p.NoteCall(noted("one"))
		time.Sleep(10 * time.Minute)
		store.out.Store(false)
		p.NoteCall(noted("two"))
		p.Shutdown(t.Context())
		if got := statsOf(t, newPlatform(t, platform.Config{Store: store})); got != "goods/goods.query 2/0/0/0;" {
			t.Errorf("saved %q", got)
		}
	})
}

func BenchmarkNoteCall(b *testing.B) {
	p := servesCalls(b, platform.Config{Store: &memory.Store{}})
	r := noted("one")
	b.ReportAllocs()
	for b.Loop() {
		p.NoteCall(r)
	}
}
