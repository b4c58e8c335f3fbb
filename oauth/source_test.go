package oauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go"
)

// A rotator gives a new pair of tokens for the last one that it gave, and ends
// the login when an older one comes.
type rotator struct {
	t        testing.TB
	answered atomic.Int64
	mu       sync.Mutex // guards all below
	current  int
	life     int // seconds
	fail     int // the status of the answers, unless it is zero
}

func (p *rotator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered.Add(1)
	switch {
	case p.fail != 0:
		w.WriteHeader(p.fail)
	case r.PostFormValue("refresh_token") != fmt.Sprintf("refresh-%d", p.current):
		p.t.Errorf("an old refresh token was presented: %s", r.PostFormValue("refresh_token"))
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"error":"invalid_grant"}`)
	default:
		p.current++
		fmt.Fprintf(w, `{"access_token":"access-%d","refresh_token":"refresh-%[1]d","expires_in":%d}`, p.current, p.life)
	}
}

func (p *rotator) failWith(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = status
}

// manualClock is moved by the test.
type manualClock struct{ ahead atomic.Int64 }

func (c *manualClock) now() time.Time          { return localTime.Add(time.Duration(c.ahead.Load())) }
func (c *manualClock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

func newRotator(t testing.TB, onToken func(context.Context, *Token)) (*rotator, *Login, *manualClock) {
	p, clock := &rotator{t: t, life: 3600}, &manualClock{}
	server := newOther(t, p.ServeHTTP)
	client, err := prism.New(prism.Config{Server: server.URL, Key: sampleKey, Secret: sampleSecret, Retry: prism.Retry{Tries: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	l, err := New(client, Config{CallbackURL: sampleBack, Now: clock.now, OnToken: onToken})
	if err != nil {
		t.Fatal(err)
	}
	return p, l, clock
}

func firstToken() *Token {
	return &Token{AccessToken: "access-0", RefreshToken: "refresh-0", SessionID: "session", Issued: localTime, Expiry: localTime.Add(time.Hour), Data: map[string]any{"@id": "42"}}
}

func TestSourceRefreshesOnceForAllWhoWait(t *testing.T) {
	var kept atomic.Pointer[Token]
	p, l, clock := newRotator(t, func(_ context.Context, t *Token) { kept.Store(t) })
	source := l.TokenSource(t.Context(), firstToken())
	for round := range 4 {
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				got, err := source.Token()
				if err != nil || got.AccessToken != fmt.Sprintf("access-%d", round) {
					t.Errorf("round %d: %v, %v", round, got, err)
					return
				}
				if round > 0 && kept.Load().RefreshToken != got.RefreshToken {
					t.Errorf("round %d: a token was given before it was kept", round)
				}
			})
		}
		all.Wait()
		if n := p.answered.Load(); n != int64(round) {
			t.Fatalf("round %d: %d refreshes", round, n)
		}
		clock.advance(59 * time.Minute)
	}
	if last := kept.Load(); last.SessionID != "session" || last.User().ID != "42" {
		t.Errorf("what the answer left out is lost: %+v", last.User())
	}
}

func TestSourceGivesAGoodTokenWhileThePlatformIsAway(t *testing.T) {
	p, l, clock := newRotator(t, nil)
	source := l.TokenSource(t.Context(), firstToken())
	p.failWith(http.StatusBadGateway)
	clock.advance(59 * time.Minute)
	for range 10 {
		if got, err := source.Token(); err != nil || got.AccessToken != "access-0" {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	if n := p.answered.Load(); n != 1 {
		t.Errorf("a platform in trouble was asked %d times at once", n)
	}
	clock.advance(pause)
	source.Token()
	if n := p.answered.Load(); n != 2 {
		t.Errorf("asked %d times after the pause", n)
	}
	clock.advance(time.Minute)
	if got, err := source.Token(); err == nil || errors.Is(err, ErrLoginRequired) {
		t.Errorf("an expired token is given: %v, %v", got, err)
	}
	p.failWith(0)
	if got, err := source.Token(); err != nil || got.AccessToken != "access-1" {
		t.Errorf("when it is back: %v, %v", got, err)
	}
}

func TestSourceTakesARefusalForFinal(t *testing.T) {
	o := newOther(t, says(400, `{"error":"invalid_grant","error_description":"over"}`))
	clock := &manualClock{}
	l := newLogin(t, o.URL, Config{CallbackURL: sampleBack, Now: clock.now})
	source := l.TokenSource(t.Context(), firstToken())
	clock.advance(59 * time.Minute)
	for range 3 {
		_, err := source.Token()
		checkRefused(t, err, "invalid_grant")
	}
	if o.count() != 1 {
		t.Errorf("the refresh token was presented %d times", o.count())
	}
}

func TestSourceWithoutARefreshTokenGivesItsTokenToTheEnd(t *testing.T) {
	o := newOther(t, says(500, ""))
	clock := &manualClock{}
	l := newLogin(t, o.URL, Config{CallbackURL: sampleBack, Now: clock.now})
	token := firstToken()
	token.RefreshToken = ""
	source := l.TokenSource(t.Context(), token)
	clock.advance(time.Hour - 1)
	if got, err := source.Token(); err != nil || got.AccessToken != "access-0" {
		t.Errorf("got %v, %v", got, err)
	}
	clock.advance(1)
	if _, err := source.Token(); !errors.Is(err, ErrLoginRequired) {
		t.Errorf("at the end: %v", err)
	}
	if _, err := l.TokenSource(t.Context(), nil).Token(); !errors.Is(err, ErrLoginRequired) {
		t.Errorf("without a token: %v", err)
	}
	if o.count() != 0 {
		t.Errorf("asked %v", o.asked)
	}
}

func TestSourceBeginsNoRefreshAfterItsContext(t *testing.T) {
	p, l, clock := newRotator(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	source := l.TokenSource(ctx, firstToken())
	cancel()
	clock.advance(time.Hour)
	if _, err := source.Token(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := p.answered.Load(); n != 0 {
		t.Errorf("%d refreshes", n)
	}
}

// The platform has rotated the token already when the context ends.
func TestRefreshThatHasBegunOutlivesItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := newOther(t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		io.WriteString(w, `{"access_token":"access-1","refresh_token":"refresh-1","expires_in":3600}`)
	})
	clock := &manualClock{}
	kept := ""
	l := newLogin(t, o.URL, Config{CallbackURL: sampleBack, Now: clock.now, OnToken: func(ctx context.Context, t *Token) {
		if ctx.Err() == nil { // or it could not be stored
			kept = t.RefreshToken
		}
	}})
	source := l.TokenSource(ctx, firstToken())
	clock.advance(time.Hour)
	got, err := source.Token()
	if err != nil || got.RefreshToken != "refresh-1" || kept != "refresh-1" {
		t.Errorf("got %v, %v, kept %q", got, err, kept)
	}
}

func TestTokenGivenToASourceMayBeUsedOn(t *testing.T) {
	p, l, clock := newRotator(t, nil)
	token := firstToken()
	source := l.TokenSource(t.Context(), token)
	*token = Token{}
	clock.advance(time.Hour)
	if got, err := source.Token(); err != nil || got.AccessToken != "access-1" || p.answered.Load() != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}
