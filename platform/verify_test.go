package platform_test

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/sign"
)

const statusPath = "/api/platform/notify/status"

// Each row changes a right call of the status API.
func TestOnlyARightCallIsServed(t *testing.T) {
	now := time.Now()
	rows := []struct {
		name   string
		change func(q url.Values)
		status int
		code   string
		words  []string
	}{
		{"right", func(q url.Values) {}, 200, "", nil},
		{"without sign_method", func(q url.Values) { q.Del("sign_method"); resign(q) }, 200, "", nil},
		{"unknown key", func(q url.Values) { q.Set("client_id", "nobody") }, 401, "unknown_key", []string{"client_id"}},
		{"no key", func(q url.Values) { q.Del("client_id") }, 401, "missing_client_id", []string{"client_id"}},
		{"empty key", func(q url.Values) { q.Set("client_id", "") }, 401, "missing_client_id", nil},
		{"no sign", func(q url.Values) { q.Del("sign") }, 401, "missing_sign", []string{"sign"}},
		{"no time", func(q url.Values) { q.Del("sign_time"); resign(q) }, 401, "missing_sign_time", []string{"sign_time"}},
		{"time is no number", func(q url.Values) { q.Set("sign_time", "soon"); resign(q) }, 401, "invalid_sign_time", []string{"soon"}},
		{"time beyond 64 bits", func(q url.Values) { q.Set("sign_time", repeat("9", 30)); resign(q) }, 401, "invalid_sign_time", nil},
		{"other method", func(q url.Values) { q.Set("sign_method", "sha256"); resign(q) }, 401, "invalid_sign_method", []string{"sha256", "md5"}},
		{"wrong sign", func(q url.Values) { q.Set("sign", repeat("A", 32)) }, 401, "invalid_sign", []string{"secret"}},
		{"lower case", func(q url.Values) { q.Set("sign", strings.ToLower(q.Get("sign"))) }, 401, "invalid_sign", []string{"upper case"}},
		{"changed parameter", func(q url.Values) { q.Set("topic", "x") }, 401, "invalid_sign", nil},
		{"sign twice", func(q url.Values) { q.Add("sign", q.Get("sign")) }, 400, "duplicate_parameter", []string{"sign"}},
		{"key twice", func(q url.Values) { q.Add("client_id", testKey); resign(q) }, 400, "duplicate_parameter", []string{"client_id"}},
		{"time twice", func(q url.Values) { q.Add("sign_time", "1"); resign(q) }, 400, "duplicate_parameter", []string{"sign_time"}},
		{"empty parameter name", func(q url.Values) { q.Set("", "v"); resign(q) }, 200, "", nil},
		{"old", func(q url.Values) { at(q, now.Add(-25*time.Hour-time.Minute)) }, 401, "sign_time_expired", []string{"clock", "25h0m0s"}},
		{"young", func(q url.Values) { at(q, now.Add(11*time.Minute)) }, 401, "sign_time_expired", nil},
		{"just in time", func(q url.Values) { at(q, now.Add(-24*time.Hour)) }, 200, "", nil},
		{"milliseconds", func(q url.Values) { q.Set("sign_time", strconv.FormatInt(now.UnixMilli(), 10)); resign(q) }, 401, "sign_time_expired", []string{"seconds"}},
		{"the smallest time", func(q url.Values) { q.Set("sign_time", "-9223372036854775808"); resign(q) }, 401, "sign_time_expired", nil},
		{"the largest time", func(q url.Values) { q.Set("sign_time", "9223372036854775807"); resign(q) }, 401, "sign_time_expired", nil},
	}
	e := newEnv(t, platform.Config{})
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			q := url.Values{}
			signed("GET", statusPath, nil, q, nil)
			row.change(q)
			r := e.get(statusPath + "?" + q.Encode())
			r.want(t, row.status, row.code)
			contains(t, r.body, row.words...)
			if strings.Contains(r.body, testSecret) {
				t.Errorf("the answer tells the secret: %s", r.body)
			}
			if r.header.Get("X-Request-Id") == "" || r.header.Get("Content-Type") != "application/json; charset=utf-8" {
				t.Errorf("header %v", r.header)
			}
		})
	}
}

func resign(q url.Values) {
	q.Set("sign", sign.Sign(testSecret, sign.Request{Method: "GET", Path: statusPath, Query: q}))
}

func at(q url.Values, when time.Time) {
	signedBy(testKey, testSecret, when, "GET", statusPath, nil, q, nil)
}

func (e *env) get(target string) reply {
	e.t.Helper()
	req, err := http.NewRequest("GET", e.url+target, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	return e.send(req)
}

// The refusal shows the platform's clock as text, so that a person can set a clock by it,
// and in numbers, so that a program can.
func TestExpiredTimeShowsBothClocks(t *testing.T) {
	clock := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	e := newEnv(t, platform.Config{Now: func() time.Time { return clock }, SignWindow: time.Minute})
	q := url.Values{}
	at(q, clock.Add(-2*time.Minute))
	r := e.get(statusPath + "?" + q.Encode())
	r.want(t, 401, "sign_time_expired")
	contains(t, r.Error.Message, "2024-05-01T11:58:00Z", "2024-05-01T12:00:00Z")
	if r.Error.Data["server_time"] != float64(clock.Unix()) {
		t.Errorf("data %v", r.Error.Data)
	}
	if got := r.header.Get("Date"); got != "Wed, 01 May 2024 12:00:00 GMT" {
		t.Errorf("Date is %q", got)
	}
}

func TestTheWindowEndsAfterItsLastSecond(t *testing.T) {
	clock := time.Date(2024, 5, 1, 12, 0, 0, 999_000_000, time.UTC)
	for _, tt := range []struct {
		cfg          platform.Config
		past, future time.Duration
	}{
		{platform.Config{}, 25 * time.Hour, 10 * time.Minute},
		{platform.Config{SignWindow: time.Minute}, time.Minute, time.Minute},
		{platform.Config{SignWindowPast: time.Hour}, time.Hour, 10 * time.Minute},
		{platform.Config{SignWindow: time.Minute, SignWindowPast: time.Hour}, time.Hour, time.Minute},
	} {
		tt.cfg.Now = func() time.Time { return clock }
		e := newEnv(t, tt.cfg)
		for off, status := range map[time.Duration]int{-tt.past: 200, -tt.past - time.Second: 401, tt.future: 200, tt.future + time.Second: 401} {
			q := url.Values{}
			at(q, clock.Add(off))
			if r := e.get(statusPath + "?" + q.Encode()); r.status != status {
				t.Errorf("windows %v and %v, %v off: answered %d, want %d", tt.past, tt.future, off, r.status, status)
			}
		}
	}
}

func TestSystemParametersMayStandInQueryOrForm(t *testing.T) {
	e := newEnv(t, platform.Config{})
	const path = "/api/platform/notify/write"
	for _, place := range []string{"query", "form"} {
		t.Run(place, func(t *testing.T) {
			query, form := url.Values{}, url.Values{"data": {"a b+c&d=é;"}}
			if place == "query" {
				query.Set("sign_time", strconv.FormatInt(time.Now().Unix(), 10))
				query.Set("client_id", testKey)
				query.Set("sign", sign.Sign(testSecret, sign.Request{Method: "PUT", Path: path, Query: query, Form: form}))
			} else {
				signed("PUT", path, nil, query, form)
			}
			req, _ := http.NewRequest("PUT", e.url+path+"?"+query.Encode(), strings.NewReader(form.Encode()))
			req.Header.Set("Content-Type", "Application/X-WWW-Form-Urlencoded; charset=GBK")
			e.send(req).wantResult(t, "true")
		})
	}
}

// SDKs differ in which form of the path they sign.
func TestPathIsTriedDecodedAndAsSent(t *testing.T) {
	e := newEnv(t, platform.Config{})
	for _, path := range []string{"/api/订单/a b", "/api/%E8%AE%A2%E5%8D%95/a%20b"} {
		q := url.Values{}
		signed("GET", path, nil, q, nil)
		e.get("/api/%E8%AE%A2%E5%8D%95/a%20b?"+q.Encode()).want(t, 404, "unknown_api")
	}
}

func TestSecretModeIsForSafeWaysOnly(t *testing.T) {
	rows := []struct {
		name, peer, secret string
		allow              bool
		status             int
		code               string
	}{
		{"loopback", "127.0.0.1:1", testSecret, false, 200, ""},
		{"loopback v6", "[::1]:1", testSecret, false, 200, ""},
		{"mapped loopback", "[::ffff:127.0.0.1]:1", testSecret, false, 200, ""},
		{"network", "192.0.2.1:1", testSecret, false, 403, "secret_over_http"},
		{"network, wrong secret", "192.0.2.1:1", "x", false, 403, "secret_over_http"},
		{"network, allowed", "192.0.2.1:1", testSecret, true, 200, ""},
		{"unknown peer", "pipe", testSecret, false, 403, "secret_over_http"},
		{"wrong secret", "127.0.0.1:1", "x", false, 401, "invalid_secret"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			e := newEnv(t, platform.Config{AllowSecretOverHTTP: row.allow})
			q := url.Values{"client_id": {testKey}, "client_secret": {row.secret}}
			e.record("GET", statusPath+"?"+q.Encode(), row.peer).want(t, row.status, row.code)
			if row.secret == testSecret {
				e.record("GET", "https://x"+statusPath+"?"+q.Encode(), row.peer).want(t, 200, "") // over TLS always
			}
		})
	}
}

// record asks the handler itself, as if from peer.
func (e *env) record(method, target, peer string) reply {
	e.t.Helper()
	req := httptest.NewRequest(method, target, nil)
	req.RemoteAddr = peer
	rec := httptest.NewRecorder()
	e.p.ServeHTTP(rec, req)
	return readReply(e.t, rec.Result())
}

// Python sends client_secret beside its signature over https.
func TestSignAndSecretTogetherNeedOneToBeRight(t *testing.T) {
	rows := []struct {
		name, peer   string
		sign, secret bool
		status       int
		code         string
	}{
		{"both right", "127.0.0.1:1", true, true, 200, ""},
		{"sign right", "127.0.0.1:1", true, false, 200, ""},
		{"secret right", "127.0.0.1:1", false, true, 200, ""},
		{"both wrong", "127.0.0.1:1", false, false, 401, "invalid_sign"},
		{"secret right, not allowed", "192.0.2.1:1", false, true, 401, "invalid_sign"},
	}
	e := newEnv(t, platform.Config{})
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			q := url.Values{"client_secret": {"wrong"}}
			if row.secret {
				q.Set("client_secret", testSecret)
			}
			signed("GET", statusPath, nil, q, nil)
			if !row.sign {
				q.Set("sign", repeat("0", 32))
			}
			e.record("GET", statusPath+"?"+q.Encode(), row.peer).want(t, row.status, row.code)
		})
	}
}

func TestExplainShowsWhatThePlatformSigned(t *testing.T) {
	e := newEnv(t, platform.Config{Explain: true})
	form := url.Values{"data": {"100% (ok)!"}, "client_secret": {"guess"}}
	signed("POST", "/api/x", nil, url.Values{}, form)
	form.Set("sign", repeat("A", 32))
	req, _ := http.NewRequest("POST", e.url+"/api/x", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer topsecrettoken")
	r := e.send(req)
	r.want(t, 401, "invalid_sign")
	text, _ := r.Error.Data["string_to_sign"].(string)
	contains(t, text, "***&POST&%2Fapi%2Fx&Authorization%3D***&&", "data%3D100%25%20%28ok%29%21", "client_secret%3D***", "&***")
	contains(t, r.Error.Message, text)
	for _, secret := range []string{testSecret, "guess", "topsecrettoken"} {
		if strings.Contains(r.body, secret) {
			t.Errorf("the explanation tells %q: %s", secret, r.body)
		}
	}
	if right := sign.Sign(testSecret, sign.Request{Method: "POST", Path: "/api/x", Header: req.Header, Form: form}); strings.Contains(r.body, right) {
		t.Error("the explanation tells the right signature")
	}
}

func TestWithoutExplainARefusalShowsNoParameters(t *testing.T) {
	e := newEnv(t, platform.Config{})
	q := url.Values{"topic": {"private"}}
	signed("GET", statusPath, nil, q, nil)
	q.Set("sign", repeat("A", 32))
	if r := e.get(statusPath + "?" + q.Encode()); strings.Contains(r.body, "private") || r.Error.Data != nil {
		t.Errorf("answered %s", r.body)
	}
}

// A call that needs no user is served whatever its token is.
func TestUnknownTokenIsServed(t *testing.T) {
	e := newEnv(t, platform.Config{})
	for _, token := range []string{"Bearer 72jte6shi2q7da22bo2al2jn", "72jte6shi2q7da22bo2al2jn"} {
		header := http.Header{"Authorization": {token}, "X-Api-Foo": {"bar"}}
		q := url.Values{}
		signed("GET", statusPath, header, q, nil)
		req, _ := http.NewRequest("GET", e.url+statusPath+"?"+q.Encode(), nil)
		req.Header = header
		e.send(req).want(t, 200, "")
	}
}

type failingStore struct{ platform.Store }

func (failingStore) Load(context.Context, string, string) (platform.Record, error) {
	return platform.Record{}, errors.New("disk 7 in rack 3 is on fire")
}

func TestFailureInsideTellsNothingOfTheInside(t *testing.T) {
	e := newEnv(t, platform.Config{Store: failingStore{}, Queues: newQueues(memory.Config{})})
	r := e.call("GET", "platform/notify/status", nil)
	r.want(t, 500, "internal_error")
	contains(t, r.Error.Message, r.header.Get("X-Request-Id"))
	if strings.Contains(r.body, "rack") {
		t.Errorf("answered %s", r.body)
	}
}

func TestPathsOutsideTheBaseAreUnknown(t *testing.T) {
	e := newEnv(t, platform.Config{})
	for _, path := range []string{"/", "/favicon.ico", "/api", "/api/", "/apix/platform/notify/status", "/api-other/platform/notify/status"} {
		r := e.get(path)
		r.want(t, 404, "unknown_api")
		contains(t, r.Error.Message, "/api/")
	}
}

func TestBasePathCanBeChosen(t *testing.T) {
	for base, path := range map[string]string{"": "/api/x", "/v2/": "/v2/x", "/": "/x", "/a/b": "/a/b/x"} {
		var api string
		e := newEnv(t, platform.Config{BasePath: base, Override: func(c platform.Call) http.Handler { api = c.API; return nil }})
		q := url.Values{}
		signed("GET", path, nil, q, nil)
		e.get(path+"?"+q.Encode()).want(t, 404, "unknown_api")
		if api != "x" {
			t.Errorf("base %q: the API of %s is %q", base, path, api)
		}
	}
}

func TestARefusalIsExplainedByWhatTheClientDid(t *testing.T) {
	var log lockedBuffer
	e := newEnv(t, platform.Config{Explain: true, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	q := url.Values{"topic": {"it's (ok)!"}}
	signed("GET", "/platform/notify/status", nil, q, nil) // without the base path
	r := e.get(statusPath + "?" + q.Encode())
	r.want(t, 401, "invalid_sign")
	if causes := fmt.Sprint(r.Error.Data["causes"]); causes != "[path-without-base]" {
		t.Errorf("causes %s", causes)
	}
	explanation, _ := r.Error.Data["explanation"].(string)
	contains(t, explanation, "the client signs the path without its base", "Part 3 of 7 (path) differs at character 4")
	contains(t, r.Error.Message, explanation)
	contains(t, log.String(), "causes=path-without-base")

	form := "topic=a&client_id=" + testKey + "&sign_time=" + q.Get("sign_time") // in the order in which it is signed
	text := testSecret + "&POST&" + strings.ReplaceAll(url.QueryEscape("/api/x")+"&&&"+url.QueryEscape(form), "+", "%20") + "&" + testSecret
	req, _ := http.NewRequest("POST", e.url+"/api/x", strings.NewReader(form+"&sign="+fmt.Sprintf("%X", md5.Sum([]byte(text)))))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if causes := fmt.Sprint(e.send(req).Error.Data["causes"]); causes != "[unsorted]" {
		t.Errorf("causes of a form %s", causes)
	}
	if strings.Contains(log.String(), testSecret) {
		t.Error("the log has the secret")
	}
}

func TestALogNamesTheCausesThoughTheCallerIsNotTold(t *testing.T) {
	var log lockedBuffer
	e := newEnv(t, platform.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	q := url.Values{}
	signed("GET", "/platform/notify/status", nil, q, nil)
	r := e.get(statusPath + "?" + q.Encode())
	r.want(t, 401, "invalid_sign")
	contains(t, log.String(), "causes=path-without-base")
	if strings.Contains(r.body, "path-without-base") {
		t.Errorf("answered %s", r.body)
	}
}
