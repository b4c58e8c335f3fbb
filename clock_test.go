package prism

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// timed is a platform that checks the time of signatures on a clock that can
// be moved. It also serves as the local clock of its client.
type timed struct {
	mu            sync.Mutex // guards all
	server, local time.Time
	refusal       string
	tries         int
	silent        bool // sends no Date
}

func (p *timed) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries++
	signed, err := strconv.ParseInt(r.URL.Query().Get("sign_time"), 10, 64)
	if err != nil {
		return nil, err
	}
	date := p.server.UTC().Format(http.TimeFormat)
	if p.silent {
		date = ""
	}
	if away := p.server.Sub(time.Unix(signed, 0)).Abs(); away > 10*time.Minute {
		return reply(401, p.refusal, "Date", date), nil
	}
	return reply(200, `{"result":true,"error":null}`, "Date", date), nil
}

func (p *timed) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.local
}

func newTimed(t *testing.T, server, local time.Duration) (*timed, *Client) {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	p := &timed{server: noon.Add(server), local: noon.Add(local), refusal: `{"result":null,"error":{"code":"sign_time_expired","message":"m"}}`}
	c := newClient(t, "https://prism.test", over(p.RoundTrip), func(c *Config) { c.Retry.Tries = 1 })
	c.clock.now = p.now
	return p, c
}

func TestClockIsCorrectedBothWaysAndBack(t *testing.T) {
	p, c := newTimed(t, 0, 0)
	var book logBook
	c.log = newClient(t, "http://prism.test", book.into).log
	for i, step := range []struct {
		server, local time.Duration
		tries         int
		ahead         time.Duration
	}{
		{0, 0, 1, 0},
		{3 * time.Hour, 0, 2, 3 * time.Hour}, // the platform's clock goes ahead
		{0, time.Minute, 1, 3*time.Hour - 0},
		{-5 * time.Hour, 0, 2, -2*time.Hour - time.Minute}, // and back
		{0, -2*time.Hour - time.Minute, 2, 0},              // the local clock is put right
		{0, 0, 1, 0},
		{0, -24 * time.Hour, 2, 24 * time.Hour},
		{0, 48 * time.Hour, 2, -24 * time.Hour},
	} {
		p.server, p.local, p.tries = p.server.Add(step.server), p.local.Add(step.local), 0
		if _, err := c.WithToken("t").Get(background, "x", nil); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		if p.tries != step.tries || c.clock.correction() != step.ahead {
			t.Errorf("step %d: %d tries, clock ahead %v; want %d and %v", i, p.tries, c.clock.correction(), step.tries, step.ahead)
		}
	}
	wantMatch(t, book.String(), "level=INFO")
}

func TestTimeIsCorrectedOnceACall(t *testing.T) {
	p, c := newTimed(t, 3*time.Hour, 0)
	c.transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		p.server = p.server.Add(time.Hour) // it runs away
		return p.RoundTrip(r)
	})
	if _, err := c.Get(background, "x", nil); err == nil || p.tries != 2 {
		t.Errorf("got %v after %d tries, want an error after 2", err, p.tries)
	}
}

func TestClockIsNotBlamedForWhatItCannotHelp(t *testing.T) {
	p, c := newTimed(t, 3*time.Hour, 0)
	p.silent = true
	if _, err := c.Get(background, "x", nil); err == nil || p.tries != 1 {
		t.Errorf("without a Date: got %v after %d tries, want an error after 1", err, p.tries)
	}
	p, c = newTimed(t, 0, 0)
	c.transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		p.tries++
		return reply(401, p.refusal, "Date", p.server.UTC().Format(http.TimeFormat)), nil
	})
	if _, err := c.Get(background, "x", nil); err == nil || p.tries != 1 {
		t.Errorf("with equal clocks: got %v after %d tries, want an error after 1", err, p.tries)
	}
}

func TestHalfTheRoundTripIsNotTakenForSkew(t *testing.T) {
	p, c := newTimed(t, time.Hour, 0)
	c.transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		p.local, p.server = p.local.Add(2*time.Second), p.server.Add(2*time.Second)
		resp, err := p.RoundTrip(r)
		p.local, p.server = p.local.Add(2*time.Second), p.server.Add(2*time.Second)
		return resp, err
	})
	if _, err := c.Get(background, "x", nil); err != nil || c.clock.correction() != time.Hour {
		t.Errorf("clock ahead %v, %v", c.clock.correction(), err)
	}
}

func TestRefusedTimeIsRecognised(t *testing.T) {
	for _, row := range []struct {
		e    Error
		want bool
	}{
		{Error{Status: 401, Code: "sign_time_expired"}, true},
		{Error{Status: 200, Code: "sign_time_expired"}, true},
		{Error{Status: 401, Code: "sign_time_invalid"}, true},
		{Error{Status: 403, Message: "Timestamp too old"}, true},
		{Error{Status: 401, Code: "e7", Message: "sign_time is out of range"}, true},
		{Error{Status: 401, Code: "invalid_sign", Message: "string to sign: ... sign_time%3D1 ..."}, false},
		{Error{Status: 401, Code: "unknown_key", Message: "at timestamp 5"}, false},
		{Error{Status: 401, Message: "who are you?"}, false},
		{Error{Status: 400, Message: "timestamp is not a parameter"}, false},
		{Error{Status: 200, Code: "x", Message: "timestamp is missing"}, false},
	} {
		if got := refusedTime(&row.e); got != row.want {
			t.Errorf("%+v: got %v", row.e, got)
		}
	}
}

func TestEachTryIsSignedForItsOwnTime(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	var all []url.Values
	c := newClient(t, "http://prism.test", over(func(r *http.Request) (*http.Response, error) {
		all = append(all, r.URL.Query())
		now = now.Add(time.Second)
		return reply(429, ""), nil
	}), func(c *Config) { c.Retry = Retry{Tries: 4, Max: 1} })
	c.clock.now = func() time.Time { return now }
	c.Get(background, "x", Params{"a": 1})
	if len(all) != 4 {
		t.Fatalf("%d tries, want 4", len(all))
	}
	signs := map[string]bool{}
	for i, q := range all {
		if want := fmt.Sprint(1767355200 + i); q.Get("sign_time") != want || len(q["sign_time"]) != 1 || q.Get("a") != "1" {
			t.Errorf("try %d: %v, want sign_time %s once", i, q, want)
		}
		signs[q.Get("sign")] = true
	}
	if len(signs) != 4 {
		t.Errorf("%d different signatures", len(signs))
	}
}

func TestADateOfAnotherAgeIsToldAndNotTaken(t *testing.T) {
	c := newClient(t, "https://prism.test", over(func(r *http.Request) (*http.Response, error) {
		return reply(401, `{"result":null,"error":{"code":"sign_time_expired"}}`, "Date", "Mon, 01 Jan 0001 00:00:00 GMT"), nil
	}))
	_, err := c.Get(background, "x", nil)
	if err == nil || !strings.Contains(err.Error(), "clock") {
		t.Errorf("got %v", err)
	}
}

func TestNobodyOnTheWayHasSignaturesMadeForLater(t *testing.T) {
	for _, tt := range []struct {
		server string
		ahead  time.Duration
		taken  bool
	}{
		{"https://prism.test", 23 * time.Hour, true},
		{"https://prism.test", 25 * time.Hour, false},
		{"https://prism.test", -10 * 365 * 24 * time.Hour, false},
		{"http://prism.test", time.Hour, false},
		{"http://127.0.0.1:8080", 10 * 365 * 24 * time.Hour, true}, // a platform in a test, whose clock is moved
		{"http://localhost:8080", time.Hour, true},
	} {
		p, c := newTimed(t, tt.ahead, 0)
		base, err := url.Parse(tt.server)
		if err != nil {
			t.Fatal(err)
		}
		c.base = *base
		_, err = c.Get(background, "x", nil)
		if taken := p.tries == 2 && err == nil; taken != tt.taken {
			t.Errorf("%s, %v ahead: taken %v, %v", tt.server, tt.ahead, taken, err)
		}
		if !tt.taken && (!strings.Contains(err.Error(), "2026-01-02T12:00:00Z") || !strings.Contains(err.Error(), "https only") || c.clock.correction() != 0) {
			t.Error(err)
		}
	}
}
