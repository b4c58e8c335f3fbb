package oauth

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/prismtest"
)

func TestProcessesWithAClaimerRefreshAtOnceAndOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *prismtest.Server) {
		store := newMemory()
		s := newShop(t, srv, func(c *Config) { c.CheckEvery, c.Sessions = CheckNever, managerOf(store) })
		shops := []*shop{s}
		for range 7 {
			shops = append(shops, newProcess(t, s, managerOf(store)))
		}
		browser := s.signedIn(joe)
		for round := 1; round <= 3; round++ {
			s.advance(2 * time.Hour)
			began := time.Now()
			bodies := make(chan string, 5*len(shops))
			var all sync.WaitGroup
			for _, each := range shops {
				all.Go(func() { each.together(browser, 5, bodies) })
			}
			all.Wait()
			if took := time.Since(began); took > 2*claimPoll {
				t.Errorf("round %d took %v", round, took)
			}
			for range cap(bodies) {
				if got := <-bodies; got != "joe at /x" {
					t.Fatalf("round %d: a request got %q", round, got)
				}
			}
			if n := s.refreshes(); n != round {
				t.Errorf("round %d: %d refreshes", round, n)
			}
		}
		for _, each := range shops {
			each.wantReasons()
		}
	})
}

func TestClaimerGrantsOneOfManyProcesses(t *testing.T) {
	store := newMemory()
	var arrived, answered sync.WaitGroup // all claim at the same time
	var logins []*Login
	for range 50 {
		arrived.Add(1)
		answered.Add(1)
		gated := &hookedClaims{memory: store, before: func() error { arrived.Done(); arrived.Wait(); return nil }, after: answered.Done}
		logins = append(logins, processes(t, 1, gated)...)
	}
	deadline := time.Now().Add(time.Hour)
	if err := logins[0].save(t.Context(), "h", &record{Token: expiredToken()}, deadline); err != nil {
		t.Fatal(err)
	}
	var granted atomic.Int32
	var all sync.WaitGroup
	for _, l := range logins {
		all.Go(func() {
			rec, holder, err := l.claim(t.Context(), "h")
			switch {
			case err != nil:
				t.Error(err)
			case holder == "" && rec.Token.AccessToken != "b":
				t.Error("a process went on without the new token")
			case holder != "":
				granted.Add(1)
				answered.Wait() // nobody may have got a claim meanwhile
				if err := l.replace(t.Context(), "h", freshToken(), deadline); err != nil {
					t.Error(err)
				}
				l.release(t.Context(), "h", holder)
			}
		})
	}
	all.Wait()
	if n := granted.Load(); n != 1 {
		t.Errorf("%d processes got the claim", n)
	}
}

// Another process has refreshed the token between the first look and the claim.
func TestClaimerReadsTheTokenAgainUnderTheClaim(t *testing.T) {
	store := &hookedClaims{memory: newMemory()}
	l := processes(t, 1, store)[0]
	deadline := time.Now().Add(time.Hour)
	l.save(t.Context(), "h", &record{Token: expiredToken()}, deadline)
	store.before = func() error { return l.save(t.Context(), "h", &record{Token: freshToken()}, deadline) }
	rec, holder, err := l.claim(t.Context(), "h")
	if err != nil || holder != "" || rec.Token.AccessToken != "b" {
		t.Errorf("got %v %q %v", rec, holder, err)
	}
	if free, err := store.memory.Claim(t.Context(), l.id(claimKind, "h"), "another", time.Minute); err != nil || !free {
		t.Errorf("the claim was not released: %v", err)
	}
}

func TestCrashOfAClaimantDelaysOnlyExpiredTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		list := processes(t, 3, store)
		began := time.Now()
		deadline := began.Add(time.Hour)
		list[0].save(t.Context(), "h", &record{Token: expiredToken()}, deadline)
		if _, holder, err := list[0].claim(t.Context(), "h"); err != nil || holder == "" {
			t.Fatalf("%q %v", holder, err) // and is never heard of again
		}
		var granted atomic.Int32
		var all sync.WaitGroup
		for _, l := range list[1:] {
			all.Go(func() {
				_, holder, err := l.claim(t.Context(), "h")
				if took := time.Since(began); err != nil || took < claimLife || took > claimLife+3*claimPoll {
					t.Errorf("after %v: %v", took, err)
				}
				if holder != "" {
					granted.Add(1)
					l.replace(t.Context(), "h", freshToken(), deadline)
				}
			})
		}
		all.Wait()
		if n := granted.Load(); n != 1 {
			t.Errorf("%d processes took over", n)
		}

		good := &Token{AccessToken: "a", RefreshToken: "old", Issued: time.Now().Add(-time.Hour), Expiry: time.Now().Add(30 * time.Second)}
		list[1].save(t.Context(), "g", &record{Token: good}, deadline)
		store.Claim(t.Context(), list[1].id(claimKind, "g"), "dead", claimLife)
		began = time.Now()
		rec, holder, err := list[1].claim(t.Context(), "g")
		if err != nil || holder != "" || rec.Token.AccessToken != "a" || time.Since(began) > claimPoll {
			t.Errorf("a good token: after %v: %q %v", time.Since(began), holder, err)
		}
	})
}

// The claim could end before the refresh does, and another process begin its own.
func TestClaimThatCameLateIsReleasedAndNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &hookedClaims{memory: newMemory()}
		l := processes(t, 1, store)[0]
		l.save(t.Context(), "h", &record{Token: expiredToken()}, time.Now().Add(time.Hour))
		delay := claimLife - renewTime + time.Second
		store.before = func() error { return sleep(t.Context(), delay) }
		began := time.Now()
		_, holder, err := l.claim(t.Context(), "h")
		if took := time.Since(began); err != nil || holder == "" || took <= delay || took > delay+time.Second {
			t.Errorf("after %v: %q %v", took, holder, err)
		}
	})
}

func TestClaimThatFailsIsNotUsed(t *testing.T) {
	store := &hookedClaims{memory: newMemory(), before: func() error { return errStore }}
	l := processes(t, 1, store)[0]
	l.save(t.Context(), "h", &record{Token: expiredToken()}, time.Now().Add(time.Hour))
	_, holder, err := l.claim(t.Context(), "h")
	if holder != "" || reasonOf(err) != ReasonStoreFailed || !errors.Is(err, errStore) {
		t.Errorf("%q %v", holder, err)
	}
}

// hookedClaims does something before and after its first claim, and fails if the
// former does.
type hookedClaims struct {
	*memory
	before func() error
	after  func()
}

func (h *hookedClaims) Claim(ctx context.Context, id, holder string, life time.Duration) (bool, error) {
	if before := h.before; before != nil {
		h.before = nil
		if err := before(); err != nil {
			return false, err
		}
		if h.after != nil {
			defer h.after()
		}
	}
	return h.memory.Claim(ctx, id, holder, life)
}

func TestClaimInMemoryEndsByItsHolderOrItsLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		claim := func(holder string, want bool) {
			t.Helper()
			if got, err := m.Claim(t.Context(), "id", holder, time.Second); err != nil || got != want {
				t.Errorf("%s got %v %v", holder, got, err)
			}
		}
		claim("a", true)
		claim("b", false)
		m.Release(t.Context(), "id", "b")
		claim("b", false)
		m.Release(t.Context(), "id", "a")
		claim("b", true)
		time.Sleep(time.Second + 1)
		claim("c", true)
		m.Release(t.Context(), "id", "b")
		claim("d", false)
		if _, found, _ := m.Find("id"); found {
			t.Error("a claim is found as a session")
		}
	})
}
