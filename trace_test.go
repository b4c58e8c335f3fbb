package prism

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

type stage struct{}

// tracing returns a Trace that notes what it is told, one line for each call of a function.
func tracing(lines *[]string) *Trace {
	note := func(ctx context.Context, format string, args ...any) context.Context {
		above, _ := ctx.Value(stage{}).(string)
		*lines = append(*lines, above+fmt.Sprintf(format, args...))
		return ctx
	}
	return &Trace{
		CallStart: func(ctx context.Context, i CallStartInfo) context.Context {
			return context.WithValue(note(ctx, "call %s %s", i.Method, i.Path), stage{}, "call: ")
		},
		TryStart: func(ctx context.Context, i TryStartInfo) context.Context {
			i.Header.Set("Traceparent", fmt.Sprint("try-", i.Number))
			i.Header.Set("X-Api-Trace", "signed")
			i.Header.Set("Tracestate", "a=1,\tb=2 ")
			i.Header.Set("Baggage", "a=1\n")
			i.Header.Set("Content-Type", "refused")
			i.Header.Set("X-Own", "the call has it")
			return context.WithValue(note(ctx, "try %d %s %v", i.Number, i.Path, i.Upgrade), stage{}, "try: ")
		},
		TryDone: func(ctx context.Context, i TryDoneInfo) {
			note(ctx, "tried %d %d %s %q %v", i.Number, i.Status, i.Proto, i.RequestID, i.Err)
		},
		Repeat:   func(ctx context.Context, i RepeatInfo) { note(ctx, "repeat %d %v", i.Number, i.Err) },
		CallDone: func(ctx context.Context, i CallDoneInfo) { note(ctx, "called %d %q %v", i.Status, i.RequestID, i.Err) },
	}
}

func quickly(c *Config) { c.Retry.Min, c.Retry.Max = 1, 1 }

func TestATraceSeesEachTryOfACall(t *testing.T) {
	number := 0
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		number++
		w.Header().Set("X-Request-Id", fmt.Sprint("r", number))
		if number == 1 {
			w.WriteHeader(429)
			return
		}
		ok(w, r)
	})
	var lines []string
	c := newClient(t, srv.URL, quickly, func(c *Config) { c.Trace = tracing(&lines) })
	if _, err := c.Do(background, Call{Path: "/shop?id=7", Header: http.Header{"X-Own": {"mine"}}}); err != nil {
		t.Fatal(err)
	}
	refused := `prism: GET shop: too many requests (HTTP 429, request r1)`
	want := []string{
		"call GET shop",
		"call: try 1 shop false", `try: tried 1 429 HTTP/1.1 "r1" ` + refused, "call: repeat 1 " + refused,
		"call: try 2 shop false", `try: tried 2 200 HTTP/1.1 "r2" <nil>`,
		`call: called 200 "r2" <nil>`,
	}
	if !slices.Equal(lines, want) {
		t.Errorf("the trace saw\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	for i, r := range srv.requests() {
		if got := r.Header.Get("Tracestate"); got != "a=1,\tb=2" {
			t.Errorf("try %d came with Tracestate %q", i+1, got)
		}
		if got := r.Header.Get("Traceparent"); got != fmt.Sprint("try-", i+1) || r.Header.Get("X-Api-Trace") != "signed" || !r.Verified {
			t.Errorf("try %d came with Traceparent %q, X-Api-Trace %q, verified: %v", i+1, got, r.Header.Get("X-Api-Trace"), r.Verified)
		}
		if r.Header.Get("Content-Type") != "" || r.Header["Baggage"] != nil || !slices.Equal(r.Header["X-Own"], []string{"mine"}) {
			t.Errorf("the trace changed a header of the call: %v", r.Header)
		}
	}
	if usualHeader.Get("Traceparent") != "" {
		t.Error("the header that all requests share has changed")
	}
}

func TestATraceIsShownNoSecret(t *testing.T) {
	const token = "token-of-a-user"
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", testSecret)
		w.WriteHeader(400)
		fmt.Fprintf(w, `{"result":null,"error":{"code":"no","message":"%s %s %s"}}`, r.URL.Query().Get("sign"), testSecret, token)
	})
	var lines []string
	c := newClient(t, srv.URL, func(c *Config) { c.Trace = tracing(&lines) }).WithToken(token)
	if _, err := c.Get(background, "of/"+token, nil); err == nil {
		t.Fatal("no error")
	}
	all := strings.Join(lines, "\n")
	for _, secret := range []string{testSecret, token, srv.only(t).Query.Get("sign")} {
		if strings.Contains(all, secret) {
			t.Errorf("the trace was shown %q:\n%s", secret, all)
		}
	}
	wantMatch(t, all, "call GET of/***")
}

func TestATraceSeesHandshakes(t *testing.T) {
	srv := newServer(t, answer(403, ""))
	var lines []string
	c := newClient(t, srv.URL, func(c *Config) { c.Trace = tracing(&lines) })
	if _, err := c.Upgrade(background, "channel", nil); err == nil {
		t.Fatal("no error")
	}
	all := strings.Join(lines, "\n")
	wantMatch(t, all, "try 1 channel true")
	wantMatch(t, all, "try: tried 1 403 HTTP/1.1")
	if got := srv.only(t).Header.Get("Traceparent"); got != "try-1" {
		t.Errorf("the handshake came with Traceparent %q", got)
	}
}

func TestATraceWithoutFunctionsIsNone(t *testing.T) {
	srv := newServer(t, ok)
	c := newClient(t, srv.URL, func(c *Config) { c.Trace = new(Trace) })
	if _, err := c.Get(background, "shop", nil); err != nil {
		t.Error(err)
	}
}

func TestNoTraceCostsNoAllocation(t *testing.T) {
	c := newClient(t, "http://127.0.0.1")
	r, err := c.prepare(Call{Path: "shop"}, false)
	if err != nil {
		t.Fatal(err)
	}
	o := outcome{}
	if n := testing.AllocsPerRun(100, func() {
		ctx, r := c.startTry(background, r, 1)
		c.endTry(ctx, &o, 1)
		c.traceRepeat(ctx, &o, 1, 0)
		_ = c.awaitTurn(ctx, r, nil)
		_ = discreet(ctx)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Over HTTP/2 the path with its query is a header, and net/http tells a ClientTrace of it.
func TestAClientTraceIsToldNoSignature(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(ok))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	told := map[string][]string{}
	watched := httptrace.WithClientTrace(background, &httptrace.ClientTrace{
		WroteHeaderField: func(name string, values []string) { told[strings.ToLower(name)] = slices.Clone(values) },
	})
	c := newClient(t, srv.URL, func(c *Config) { c.HTTPClient = srv.Client() })
	if _, err := c.WithToken("token-of-a-user").Get(watched, "shop", Params{"id": 7}); err != nil {
		t.Fatal(err)
	}
	if got := told[":path"]; !slices.Equal(got, []string{"/api/shop"}) {
		t.Errorf("it was told the path %q", got)
	}
	if got := told["authorization"]; !slices.Equal(got, []string{"***"}) {
		t.Errorf("it was told the token %q", got)
	}
}

// limiter counts how often it is asked, and refuses from the given time on.
type limiter struct {
	asked, refuseAt int
	wait            func(context.Context) error
}

func (l *limiter) Wait(ctx context.Context) error {
	if l.asked++; l.asked == l.refuseAt {
		return l.wait(ctx)
	}
	return nil
}

func TestTheLimiterIsAskedBeforeEachTry(t *testing.T) {
	n := 0
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; n < 3 {
			w.WriteHeader(429)
			return
		}
		ok(w, r)
	})
	l := new(limiter)
	c := newClient(t, srv.URL, quickly, func(c *Config) { c.Limiter = l })
	if _, err := c.Get(background, "shop", nil); err != nil || l.asked != 3 {
		t.Errorf("asked %d times, %v; want 3", l.asked, err)
	}
}

func TestACallThatTheLimiterRefusesIsNotSent(t *testing.T) {
	srv := newServer(t, answer(429, ""))
	full := fmt.Errorf("would exceed the deadline")
	for at, sent := range map[int]int{1: 0, 2: 1} {
		before := len(srv.requests())
		l := &limiter{refuseAt: at, wait: func(context.Context) error { return full }}
		res, err := newClient(t, srv.URL, quickly, func(c *Config) { c.Limiter = l }).Get(background, "shop", nil)
		if got := len(srv.requests()) - before; got != sent || (res != nil) != (sent > 0) {
			t.Errorf("refused at %d: %d requests were sent, answer %v", at, got, res)
		}
		wantMatch(t, fmt.Sprint(err), full.Error()+" while waiting for Config.Limiter")
	}
}

func TestWaitingForTheLimiterEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(background)
	l := &limiter{refuseAt: 1, wait: func(ctx context.Context) error {
		cancel(fmt.Errorf("enough"))
		<-ctx.Done()
		return fmt.Errorf("the limiter's own words")
	}}
	_, err := newClient(t, "http://127.0.0.1:1", func(c *Config) { c.Limiter = l }).Get(ctx, "shop", nil)
	wantMatch(t, fmt.Sprint(err), "not sent: context canceled: enough while waiting")
}

// The wait for a turn among ten thousand calls may be longer than Retry.Within.
func TestWaitingForTheFirstTurnIsNoTimeOfTheRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &limiter{refuseAt: 1, wait: func(context.Context) error { time.Sleep(time.Hour); return nil }}
		n := 0
		c := newClient(t, "http://127.0.0.1", over(func(*http.Request) (*http.Response, error) {
			if n++; n == 1 {
				return reply(429, ""), nil
			}
			return reply(200, `{"result":true,"error":null}`), nil
		}), func(c *Config) { c.Limiter = l })
		if _, err := c.Get(background, "shop", nil); err != nil || n != 2 {
			t.Errorf("%d tries, %v; want 2", n, err)
		}
	})
}
