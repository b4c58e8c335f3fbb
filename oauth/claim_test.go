package oauth

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2"
)

// A slowStore is one on the network: each operation takes some time, and
// happens somewhere in it.
type slowStore struct {
	scs.Store
	most time.Duration
}

func (s slowStore) wait() { time.Sleep(rand.N(s.most)) }

func (s slowStore) Find(token string) ([]byte, bool, error) {
	s.wait()
	defer s.wait()
	return s.Store.Find(token)
}

func (s slowStore) Commit(token string, value []byte, expiry time.Time) error {
	s.wait()
	defer s.wait()
	return s.Store.Commit(token, value, expiry)
}

// processes makes n Logins with one store.
func processes(t *testing.T, n int, store scs.Store) []*Login {
	list := make([]*Login, n)
	for i := range list {
		list[i] = newLogin(t, "http://127.0.0.1:1/api", Config{CallbackURL: sampleBack, Sessions: managerOf(store)})
	}
	return list
}

func expiredToken() *Token {
	return &Token{AccessToken: "a", RefreshToken: "old", Issued: time.Now().Add(-time.Hour), Expiry: time.Now().Add(-time.Minute)}
}

func freshToken() *Token {
	return &Token{AccessToken: "b", RefreshToken: "new", Issued: time.Now(), Expiry: time.Now().Add(time.Hour)}
}

// However the reads and writes of many processes fall, one gets the claim, and
// all go on with what it got. A store that is too slow for a claim to hold
// costs time, and never a second refresh.
func TestClaimIsForOneProcessAtATime(t *testing.T) {
	for _, most := range []time.Duration{time.Millisecond, 40 * time.Millisecond, 90 * time.Millisecond, 200 * time.Millisecond} {
		for range 10 {
			synctest.Test(t, func(t *testing.T) { raceForClaim(t, slowStore{quietStore(), most}) })
		}
	}
}

func raceForClaim(t *testing.T, store slowStore) {
	logins := processes(t, 5, store)
	deadline := time.Now().Add(time.Hour)
	if err := logins[0].save(t.Context(), "h", &record{Token: expiredToken()}, deadline); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	granted, done := 0, 0
	var all sync.WaitGroup
	for _, l := range logins {
		all.Go(func() {
			time.Sleep(rand.N(400 * time.Millisecond))
			ctx, cancel := context.WithTimeout(t.Context(), 2*claimLife)
			defer cancel()
			rec, mine, err := l.claim(ctx, "h")
			if err != nil {
				return // not in time
			}
			if mine != "" {
				mu.Lock()
				granted++
				mu.Unlock()
				time.Sleep(rand.N(2 * time.Second))
				if err := l.replace(t.Context(), "h", freshToken(), deadline); err != nil {
					t.Error(err)
				}
				return
			}
			if rec.Token.AccessToken != "b" {
				t.Error("a process went on without the new token")
			}
			mu.Lock()
			done++
			mu.Unlock()
		})
	}
	all.Wait()
	if granted > 1 || store.most < claimWrite/4 && (granted != 1 || done != 4) {
		t.Errorf("%v a step: %d processes got the claim, %d the new token", store.most, granted, done)
	}
}

// A process whose write was on its way for long may have written over the claim
// of another, which has been granted meanwhile.
func TestClaimThatWasWrittenLateDoesNotHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := quietStore()
		quick := processes(t, 1, store)[0]
		late := processes(t, 1, commitAfter{store, claimWait + 100*time.Millisecond})[0]
		deadline := time.Now().Add(time.Hour)
		quick.save(t.Context(), "h", &record{Token: expiredToken()}, deadline)
		done := make(chan bool)
		go func() {
			rec, mine, err := late.claim(t.Context(), "h")
			done <- err == nil && mine == "" && rec.Token.AccessToken == "b"
		}()
		synctest.Wait()
		if _, mine, err := quick.claim(t.Context(), "h"); err != nil || mine == "" {
			t.Errorf("the quick one: %q %v", mine, err)
		}
		time.Sleep(2 * time.Second)
		quick.replace(t.Context(), "h", freshToken(), deadline)
		if !<-done {
			t.Error("the late one got a claim, too")
		}
	})
}

// commitAfter is a store whose writes are on their way for a while.
type commitAfter struct {
	scs.Store
	delay time.Duration
}

func (c commitAfter) Commit(token string, value []byte, expiry time.Time) error {
	time.Sleep(c.delay)
	return c.Store.Commit(token, value, expiry)
}

func TestClaimOfAProcessThatDiedRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := processes(t, 1, quietStore())[0]
		deadline := time.Now().Add(time.Hour)
		began := time.Now()
		l.save(t.Context(), "h", &record{expiredToken()}, deadline)
		l.put(t.Context(), l.id(claimKind, "h"), &lease{"someone's", began.Add(claimLife)}, deadline)
		_, mine, err := l.claim(t.Context(), "h")
		if took := time.Since(began); err != nil || mine == "" || took < claimLife || took > claimLife+time.Second {
			t.Errorf("after %v: %v %v", took, mine, err)
		}
	})
}

// While another process refreshes, a token that is still good is used.
func TestGoodTokenDoesNotWaitForAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := processes(t, 1, quietStore())[0]
		good := &Token{AccessToken: "a", RefreshToken: "old", Issued: time.Now().Add(-time.Hour), Expiry: time.Now().Add(30 * time.Second)}
		began := time.Now()
		l.save(t.Context(), "h", &record{good}, began.Add(time.Hour))
		l.put(t.Context(), l.id(claimKind, "h"), &lease{"someone's", began.Add(claimLife)}, began.Add(time.Hour))
		rec, mine, err := l.claim(t.Context(), "h")
		if err != nil || mine != "" || rec.Token.AccessToken != "a" || time.Since(began) > claimPoll {
			t.Errorf("after %v: %v %v", time.Since(began), mine, err)
		}
	})
}

func TestFailedRefreshGivesTheClaimBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := processes(t, 1, quietStore())[0]
		deadline := time.Now().Add(time.Hour)
		l.save(t.Context(), "h", &record{Token: expiredToken()}, deadline)
		for range 2 {
			began := time.Now()
			_, mine, err := l.claim(t.Context(), "h")
			if err != nil || mine == "" || time.Since(began) > claimWait {
				t.Fatalf("after %v: %v %v", time.Since(began), mine, err)
			}
			l.release(t.Context(), "h", mine)
		}
	})
}

// Another process may have claimed the token when the claim had run out.
func TestLateReleaseDoesNotTouchANewerClaim(t *testing.T) {
	l := processes(t, 1, quietStore())[0]
	newer := lease{"another's", time.Now().Add(claimLife)}
	l.put(t.Context(), l.id(claimKind, "h"), &newer, newer.Until)
	l.release(t.Context(), "h", "mine")
	if held, err := (timedLock{l}).lease(t.Context(), l.id(claimKind, "h")); err != nil || held.Holder != newer.Holder {
		t.Errorf("found %v: %v", held, err)
	}
}

func TestUserWhoLeftDuringARefreshStaysOut(t *testing.T) {
	l := processes(t, 1, quietStore())[0]
	if err := l.replace(t.Context(), "h", freshToken(), time.Now().Add(time.Hour)); err != errNobody {
		t.Errorf("got %v", err)
	}
	if rec, err := l.load(t.Context(), "h"); err != nil || rec != nil {
		t.Errorf("found %v: %v", rec, err)
	}
}
