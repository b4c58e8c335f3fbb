package platform_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/apijson"
	busy "github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
)

func TestACallReachesTheBackendOfItsService(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	r := e.get(first(), "orders/item/a%2Fb", "page", "1")
	r.answered(t)
	_, req, _ := e.backend.got()
	if req.RequestURI != "/base/item/a%2Fb?page=1" {
		t.Errorf("the backend saw %s", req.RequestURI)
	}
	if arg := req.Header.Get("X-Api-Arg"); arg != "client_id="+testKey+"&product=shop" {
		t.Errorf("X-Api-Arg is %q", arg)
	}
	if id := req.Header.Get("X-Request-Id"); id == "" || id != r.header.Get("X-Request-Id") {
		t.Errorf("the backend has the request id %q, the caller %q", id, r.header.Get("X-Request-Id"))
	}
	e.as(first(), "POST", "/api/orders/add", url.Values{"b": {"2"}, "a": {"1"}}).answered(t)
	if _, req, body := e.backend.got(); body != "a=1&b=2" || req.Method != "POST" {
		t.Errorf("the backend saw %s %q", req.Method, body)
	}
}

// Whoever may not call gets no answer of the backend, and the backend no call.
func TestWhoMayCallWhat(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	store := e.store
	registry := platform.NewRegistry(store)
	must(t, registry.SaveApp(t.Context(), platform.App{ID: "far", Domain: "far"}))
	must(t, registry.SaveKey(t.Context(), platform.Key{ID: "farkey", Secret: "farsecret", App: "far"}))
	far := caller{"farkey", "farsecret", ""}
	for _, row := range []struct {
		name   string
		bound  []string // paths for the other app
		who    caller
		path   string
		status int
		code   string
	}{
		{"bound to all", nil, first(), "orders/list", 200, ""},
		{"bound to nothing", nil, second(), "orders/list", 403, "forbidden_api"},
		{"bound to nothing, and no such API", nil, second(), "orders/nothing", 403, "forbidden_api"},
		{"bound to nothing, and another method", nil, second(), "orders/add", 403, "forbidden_api"},
		{"bound to the method id", []string{"get"}, second(), "orders/item/7", 200, ""},
		{"bound to the path", []string{"item/{tid}"}, second(), "orders/item/7", 200, ""},
		{"bound to the path with a slash", []string{"/item/{tid}"}, second(), "orders/item/7", 200, ""},
		{"bound to another", []string{"list"}, second(), "orders/item/7", 403, "forbidden_api"},
		{"bound to what the path is called", []string{"item/7"}, second(), "orders/item/7", 403, "forbidden_api"},
		{"of another domain", nil, far, "orders/list", 404, "unknown_api"},
		{"no such API", nil, first(), "orders/nothing", 404, "unknown_api"},
		{"no such service", nil, first(), "nothing/list", 404, "unknown_api"},
		{"another method", nil, first(), "orders/add", 405, "method_not_allowed"},
		{"above the service", nil, first(), "orders/../platform/x", 400, "invalid_request"},
		{"above the service, escaped", nil, first(), "orders/%2e%2e/x", 400, "invalid_request"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, path := range row.bound {
				e.bind("other", "orders", path)
				defer e.unbind("other", "orders", path)
			}
			before, _, _ := e.backend.got()
			r := e.send(e.exactly(row.who, "GET", "/api/"+row.path))
			r.want(t, row.status, row.code)
			if after, _, _ := e.backend.got(); (after > before) != (row.status == 200) {
				t.Errorf("the backend got %d calls", after-before)
			}
		})
	}
	if allow := e.get(first(), "orders/add").header.Get("Allow"); allow != "POST, PUT" {
		t.Errorf("Allow is %q", allow)
	}
}

// exactly is a signed request whose path is sent as it is written.
func (e *gatewayEnv) exactly(c caller, method, path string) *http.Request {
	e.t.Helper()
	decoded, err := url.PathUnescape(path)
	must(e.t, err)
	query := url.Values{}
	signedBy(c.key, c.secret, e.now(), method, decoded, nil, query, nil)
	req, err := http.NewRequest(method, e.url, nil)
	must(e.t, err)
	req.URL.Path, req.URL.RawPath, req.URL.RawQuery = decoded, path, query.Encode()
	return req
}

func TestWhatIsTakenBackIsRefusedAtTheNextCall(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	elsewhere := newEnv(t, platform.Config{Store: e.store, Now: e.now})
	call := func(path string) (here, there reply) {
		req := e.requestAs(first(), "GET", "/api/"+path, nil)
		other := req.Clone(t.Context())
		other.URL.Host = elsewhere.addr
		return e.send(req), e.send(other)
	}
	both := func(path string, status int, code string) {
		t.Helper()
		here, there := call(path)
		here.want(t, status, code)
		there.want(t, status, code)
	}
	both("orders/list", 200, "")
	e.unbind("shop", "orders", "*")
	both("orders/list", 403, "forbidden_api")
	e.bind("shop", "orders", "list")
	both("orders/list", 200, "")
	must(t, e.registry.DeleteApp(t.Context(), "shop"))
	both("orders/list", 401, "unknown_key")
}

func TestAServiceOffLineAnswersThoseWhoMayCallIt(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	e.update("orders", func(s *platform.Service) { s.Online = false })
	e.get(first(), "orders/list").want(t, 503, "api_offline")
	e.get(second(), "orders/list").want(t, 403, "forbidden_api")
	e.update("orders", func(s *platform.Service) { s.Online = true })
	e.get(first(), "orders/list").answered(t) // at once
}

// What another process changes counts within a second.
func TestChangesByOthersCountWithinASecond(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	e.get(first(), "orders/list").answered(t)
	e.update("orders", func(s *platform.Service) { s.Online = false })
	changed := time.Now()
	for e.get(first(), "orders/list").status == 200 {
		if time.Since(changed) > busy.Of(1500*time.Millisecond) {
			t.Fatal("a service that was taken off line answers after a second and a half")
		}
		time.Sleep(20 * time.Millisecond)
	}
	e.get(first(), "orders/list").want(t, 503, "api_offline")
	e.save("more", &apijson.Service{URL: "http://127.0.0.1:1/", Prefix: "more", Mode: apijson.Path, ParamName: "method"})
	e.bind("shop", "more", "*")
	e.get(first(), "more/of/it").answered(t) // what was not there is looked for again
	if _, req, _ := e.backend.got(); req.URL.Path != "/base/of/it" {
		t.Errorf("the backend saw %s", req.URL.Path)
	}
}

func TestAnAPIThatNeedsAUserGetsOne(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	login := e.logIn()
	token := e.tokens(login).Access
	e.get(first(), "orders/mine").want(t, 403, "user_required")
	e.get(first().bearing("no.token"), "orders/mine").want(t, 403, "user_required")
	e.get(first().bearing(token), "orders/mine").answered(t)
	_, req, _ := e.backend.got()
	user, err := url.ParseQuery(req.Header.Get("X-Api-Oauth"))
	if err != nil || user.Get("@id") != "7" {
		t.Errorf("the backend is told the user %q, %v", req.Header.Get("X-Api-Oauth"), err)
	}
	e.logOut(login)
	e.get(first().bearing(token), "orders/mine").want(t, 403, "user_required")
	e.get(first().bearing(token), "orders/list").answered(t)
	if _, req, _ := e.backend.got(); req.Header["X-Api-Oauth"] != nil {
		t.Errorf("the backend is told the user %q of a token that is dead", req.Header.Get("X-Api-Oauth"))
	}
}

func TestAParameterThatIsRequiredIsNamed(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	r := e.get(first(), "orders/exact")
	r.want(t, 400, "missing_parameter")
	r.mentions(t, "tid")
	e.get(first(), "orders/exact", "tid", "7").answered(t)
	e.as(first(), "POST", "/api/orders/exact", nil).want(t, 400, "missing_parameter")
	e.as(first(), "POST", "/api/orders/exact", url.Values{"tid": {"7"}}).answered(t)
	e.send(e.post(first(), "orders/exact", "application/json", strings.NewReader("{}"))).answered(t)
}

func TestALimitIsKeptForEachKeyAndAPI(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	must(t, e.registry.SaveKey(t.Context(), platform.Key{ID: "shopkey2", Secret: "secret", App: "shop"}))
	over := func(c caller, path string) {
		t.Helper()
		r := e.get(c, path)
		r.want(t, 429, "rate_limited")
		if wait := r.header.Get("Retry-After"); wait != "60" { // the clock stands at the beginning of a minute
			t.Errorf("Retry-After is %q", wait)
		}
	}
	twice := func(c caller, path string) {
		t.Helper()
		for range 2 {
			e.get(c, path).answered(t)
		}
		over(c, path)
	}
	twice(first(), "orders/limited")
	twice(caller{"shopkey2", "secret", ""}, "orders/limited")
	e.get(first(), "orders/list").answered(t)
	e.advance(time.Minute)
	twice(first(), "orders/limited")

	must(t, e.registry.BindAPI(t.Context(), "shop", platform.APIBinding{Service: "orders", Path: "list", Limit: apijson.Limit{Count: 2, Per: time.Minute}}))
	twice(first(), "orders/list")
	must(t, e.registry.BindAPI(t.Context(), "shop", platform.APIBinding{Service: "orders", Path: "*", Limit: apijson.Limit{Count: 1000, Per: time.Minute}}))
	e.get(first(), "orders/limited").answered(t) // the binding's counts in place of the file's
	over(first(), "orders/list")
}

func TestALimitWithoutAPIsCountsAllPaths(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	e.save("all", &apijson.Service{URL: "http://127.0.0.1:1/", Prefix: "all", Mode: apijson.Path, ParamName: "method"})
	must(t, e.registry.BindAPI(t.Context(), "shop", platform.APIBinding{Service: "all", Path: "*", Limit: apijson.Limit{Count: 2, Per: time.Minute}}))
	e.get(first(), "all/one").answered(t)
	e.get(first(), "all/two").answered(t)
	e.get(first(), "all/three").want(t, 429, "rate_limited")
}

func TestARefusalNamesWhatTheCallerMayMean(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	e.save("ordered", &apijson.Service{URL: "http://127.0.0.1:1/", Prefix: "ordera", Mode: apijson.Path, ParamName: "method"})
	for _, row := range []struct {
		who         caller
		path, meant string
	}{
		{first(), "order/list", "the prefix orders"},
		{first(), "ordres/list", "the prefix orders"},
		{first(), "orders/lst", "list"},
		{first(), "orders/itm/7", "item/{tid}"},
		{first(), "nothing/like/it", ""},
		{second(), "order/list", ""},
	} {
		r := e.get(row.who, row.path)
		r.want(t, 404, "unknown_api")
		_, meant, _ := strings.Cut(r.Error.Message, "did you mean ")
		if strings.TrimSuffix(meant, "?") != row.meant {
			t.Errorf("%s: %s", row.path, r.body)
		}
	}
}

func TestThePlatformsOwnRoutesAreItsOwn(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{Backend: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "of the embedder") })})
	must(t, e.registry.SaveService(t.Context(), platform.Service{ID: "n", File: apiFile("notif", "")}))
	e.get(first(), "platform/notify/status").want(t, 200, "")
	e.get(first(), "notify").want(t, 426, "upgrade_required")
	e.get(first(), "orders/list").answered(t)
	if r := e.get(first(), "elsewhere"); r.body != "of the embedder" {
		t.Errorf("what no service has got %s", r.body)
	}
	e.get(first(), "orders/nothing").want(t, 404, "unknown_api")
}

func TestTheSandboxHasItsOwnBase(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	e.as(first(), "GET", "/api-sandbox/orders/list", nil).want(t, 404, "unknown_api")
	sandbox := newBackend(t)
	e.update("orders", func(s *platform.Service) { s.Sandbox = sandbox.URL + "/test" })
	e.as(first(), "GET", "/api-sandbox/orders/list", nil).answered(t)
	if n, req, _ := sandbox.got(); n != 1 || req.URL.Path != "/test/list" {
		t.Errorf("the sandbox got %d calls, the last to %v", n, req)
	}
	e.as(first(), "GET", "/api-sandbox/platform/notify/status", nil).want(t, 404, "unknown_api")
	e.as(second(), "GET", "/api-sandbox/orders/list", nil).want(t, 403, "forbidden_api")
}

func TestOnlyARequestIDOfTheGatewaysFormIsPassedOn(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	for id, passed := range map[string]bool{
		"3mpm4wr76dtmejev": true, "3MPM4WR76DTMEJEV": false, "3mpm4wr76dtmeje1": false, "3mpm4wr76dtmeje": false, "": false, "3mpm4wr76dtmejevx": false,
	} {
		req := e.requestAs(first(), "GET", "/api/orders/list", nil)
		req.Header.Set("X-Request-Id", id)
		e.send(req).answered(t)
		_, got, _ := e.backend.got()
		if (got.Header.Get("X-Request-Id") == id) != passed || got.Header.Get("X-Request-Id") == "" {
			t.Errorf("%q: the backend got %q", id, got.Header.Get("X-Request-Id"))
		}
	}
}

func TestTheLogSaysWhatBecameOfACall(t *testing.T) {
	var log lockedBuffer
	e := newGatewayEnv(t, platform.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	e.update("orders", func(s *platform.Service) { s.Backend = "http://127.0.0.1:1/?token=hidden" }) // where nothing listens
	req := e.requestAs(first(), "GET", "/api/orders/list", nil)
	req.Header.Set("X-Request-Id", "3mpm4wr76dtmejev")
	r := e.send(req)
	r.want(t, 502, "bad_gateway")
	for _, words := range []string{"service=orders", "api=list", "phase=dial", "reason=", "status=502", "caller_request_id=3mpm4wr76dtmejev", "request_id=" + r.header.Get("X-Request-Id")} {
		if !strings.Contains(log.String(), words) {
			t.Errorf("%q is not in the log: %s", words, log.String())
		}
	}
	for _, words := range []string{"hidden", testSecret, "sign="} {
		if strings.Contains(log.String(), words) || strings.Contains(r.body, words) {
			t.Errorf("%q is in the log or in the answer: %s %s", words, log.String(), r.body)
		}
	}
	if strings.Contains(r.body, "127.0.0.1") {
		t.Errorf("the answer shows the address: %s", r.body)
	}
}

func TestABackendThatIsTooSlowIsGivenUpAfterItsTime(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	e.backend.answers(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	began := time.Now()
	e.get(first(), "orders/quick").want(t, 504, "backend_timeout")
	if took := time.Since(began); took < 900*time.Millisecond || took > busy.Of(3*time.Second) {
		t.Errorf("after %v", took)
	}
	if n, _, _ := e.backend.got(); n != 1 {
		t.Errorf("the backend got %d calls", n)
	}
}

func TestHalfAnAnswerLooksLikeHalfAnAnswer(t *testing.T) {
	var log lockedBuffer
	e := newGatewayEnv(t, platform.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	e.backend.answers(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half of it")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	resp, err := e.client.Do(e.requestAs(first(), "GET", "/api/orders/list", nil))
	must(t, err)
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("%q looks whole", body)
	}
	if !strings.Contains(log.String(), "code=bad_gateway") {
		t.Errorf("the log says %s", log.String())
	}
}

// While the store fails, the services that were there are used; a call needs its key, so
// only those of the services are left out here.
func TestServicesAreKnownWhileTheStoreFails(t *testing.T) {
	store := &serviceStore{Store: twoKeys()}
	e := newGatewayEnv(t, platform.Config{Store: store})
	store.fail = true
	e.get(first(), "orders/list").want(t, 503, "unavailable")
	store.fail = false
	e.get(first(), "orders/list").answered(t)
	store.fail = true
	e.get(first(), "orders/list").answered(t)
	e.get(first(), "nothing/list").want(t, 404, "unknown_api")
	time.Sleep(1100 * time.Millisecond) // until the note would be looked at
	e.get(first(), "orders/list").answered(t)
}

type serviceStore struct {
	platform.Store
	fail bool
}

func (s *serviceStore) Load(ctx context.Context, kind, id string) (platform.Record, error) {
	switch kind {
	case "note", "service", "prefixes", "file":
		if s.fail {
			return platform.Record{}, fmt.Errorf("%w: it was told to fail", platform.ErrUnavailable)
		}
	}
	return s.Store.Load(ctx, kind, id)
}

func TestAnAnswerIsPassedOnAsItIs(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	e.backend.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/csv")
		w.Header().Set("X-Request-Id", "of-the-backend")
		w.Header().Set("Date", "Mon, 01 Jan 2001 00:00:00 GMT")
		w.Header().Add("Set-Cookie", "a=1")
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "a;b")
	})
	r := e.get(first(), "orders/list")
	if r.status != http.StatusTeapot || r.body != "a;b" || r.header.Get("Content-Type") != "text/csv" || r.header.Get("Set-Cookie") != "a=1" {
		t.Errorf("got %d %q %v", r.status, r.body, r.header)
	}
	if ids := r.header["X-Request-Id"]; len(ids) != 1 || ids[0] != "of-the-backend" {
		t.Errorf("X-Request-Id is %q", ids)
	}
	if dates := r.header["Date"]; len(dates) != 1 || strings.Contains(dates[0], "2001") {
		t.Errorf("Date is %q", dates)
	}
}

// A store that hangs holds each call no longer than its caller waits, and all together no
// longer than one.
func TestAHangingStoreIsWaitedForOnceByAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &hangingStore{Store: twoKeys()}
		registry := platform.NewRegistry(store)
		must(t, registry.SaveService(t.Context(), platform.Service{ID: "orders", File: ordersAPIs().Format(), Online: true, Created: time.Now()}))
		must(t, registry.BindAPI(t.Context(), "shop", platform.APIBinding{Service: "orders", Path: "*"}))
		p := newPlatform(t, platform.Config{Store: store})
		defer func() { must(t, p.Shutdown(t.Context())) }()
		key := platform.Key{ID: testKey, Secret: testSecret}
		together := func(path string, within time.Duration) (statuses map[int]int, took time.Duration) {
			began, answers := time.Now(), make(chan int)
			for range 20 {
				go func() {
					ctx, cancel := context.WithTimeout(t.Context(), within)
					defer cancel()
					answers <- serve(t, p, signedRequest(key, "GET", path).WithContext(ctx)).status
				}()
			}
			statuses = map[int]int{}
			for range 20 {
				statuses[<-answers]++
			}
			return statuses, time.Since(began)
		}
		store.hangs.Store(true)
		if got, took := together("orders/nothing", time.Second); got[499] != 20 || took != time.Second {
			t.Errorf("callers that wait for a second: %v after %v", got, took)
		}
		if got, took := together("orders/nothing", time.Hour); got[503] != 20 || took > 30*time.Second {
			t.Errorf("no services known: %v after %v", got, took)
		}
		store.hangs.Store(false)
		if got, _ := together("orders/nothing", time.Hour); got[404] != 20 {
			t.Errorf("the store works: %v", got)
		}
		store.hangs.Store(true)
		loads := store.loads.Load()
		if got, took := together("orders/nothing", time.Hour); got[404] != 20 || took > 2*time.Second {
			t.Errorf("services known: %v after %v", got, took)
		}
		if n := store.loads.Load() - loads; n > 2 {
			t.Errorf("the store was asked %d times", n)
		}
	})
}

type hangingStore struct {
	platform.Store
	hangs atomic.Bool
	loads atomic.Int32 // of notes
}

func (s *hangingStore) Load(ctx context.Context, kind, id string) (platform.Record, error) {
	if kind == "note" {
		s.loads.Add(1)
		if s.hangs.Load() {
			<-ctx.Done()
			return platform.Record{}, ctx.Err()
		}
	}
	return s.Store.Load(ctx, kind, id)
}

// What was saved before a call counts for it, though the services are being read for another
// one that came earlier.
func TestAServiceIsFoundWhileOthersAreLookedFor(t *testing.T) {
	store := &pausedStore{Store: twoKeys(), reading: make(chan struct{}), goOn: make(chan struct{})}
	e := newGatewayEnv(t, platform.Config{Store: store})
	goOn := sync.OnceFunc(func() { close(store.goOn) })
	defer goOn() // or a failure keeps the server from closing
	e.get(first(), "orders/list").answered(t)
	store.slow.Store(true)
	early := make(chan struct{})
	req := e.requestAs(first(), "GET", "/api/more/early", nil)
	go func() {
		defer close(early)
		if resp, err := e.client.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	awaited(t, "the read", store.reading)
	e.save("more", &apijson.Service{URL: "http://127.0.0.1:1/", Prefix: "more", Mode: apijson.Path, ParamName: "method"})
	e.bind("shop", "more", "*")
	go goOn()
	e.get(first(), "more/late").answered(t)
	awaited(t, "the early call", early)
}

// A pausedStore says when a note has been read for the first time, and then waits.
type pausedStore struct {
	platform.Store
	slow          atomic.Bool
	reading, goOn chan struct{}
}

func (s *pausedStore) Load(ctx context.Context, kind, id string) (platform.Record, error) {
	rec, err := s.Store.Load(ctx, kind, id)
	if kind == "note" && s.slow.CompareAndSwap(true, false) {
		close(s.reading)
		<-s.goOn
	}
	return rec, err
}
