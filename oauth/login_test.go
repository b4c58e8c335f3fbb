package oauth

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Cookies know no ports, so only the name keeps applications apart.
func TestApplicationsOnOneHostHaveCookiesOfTheirOwn(t *testing.T) {
	seen := map[string]string{}
	for _, back := range []string{"http://127.0.0.1:1/callback", "http://127.0.0.1:2/callback", "http://127.0.0.1:1/other", "https://127.0.0.1:1/callback"} {
		name := newLogin(t, "https://example.com/api", Config{CallbackURL: back}).sessions.Cookie.Name
		if other, taken := seen[name]; taken {
			t.Errorf("%s and %s share the cookie %s", back, other, name)
		}
		if strings.HasPrefix(name, "__Host-") != strings.HasPrefix(back, "https:") {
			t.Errorf("%s has the cookie %s", back, name)
		}
		if (&http.Cookie{Name: name, Value: "x"}).Valid() != nil {
			t.Errorf("%s is no name of a cookie", name)
		}
		seen[name] = back
	}
	again := newLogin(t, "https://example.com/api", Config{CallbackURL: "http://127.0.0.1:1/callback"})
	if seen[again.sessions.Cookie.Name] == "" {
		t.Error("the name changes from start to start, which logs everyone out")
	}
}

func TestSessionsInMemoryExpireAndAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		for i := range 1000 {
			m.Commit(fmt.Sprint("short", i), []byte{1}, time.Now().Add(time.Minute))
		}
		m.Commit("long", []byte{2}, time.Now().Add(time.Hour))
		time.Sleep(time.Minute)
		if _, found, _ := m.Find("short0"); !found {
			t.Error("expired before its time")
		}
		time.Sleep(time.Nanosecond)
		if _, found, _ := m.Find("short0"); found {
			t.Error("found after its time")
		}
		if long, found, _ := m.Find("long"); !found || long[0] != 2 {
			t.Errorf("found %v", long)
		}
		for i := range 2000 {
			m.Commit(fmt.Sprint("later", i), nil, time.Now())
			time.Sleep(time.Nanosecond)
		}
		if n := len(m.items); n > leastSweepAt+1 {
			t.Errorf("%d are still in memory, though one lives", n)
		}
		if v, found, _ := m.Find("long"); !found || v[0] != 2 {
			t.Error("the one that lives was dropped")
		}
	})
}

func TestSessionsInMemoryAreForgottenWhenDeletedOrClosed(t *testing.T) {
	l := newLogin(t, "https://example.com/api", Config{CallbackURL: sampleBack})
	store := l.sessions.Store
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			name := fmt.Sprint(i)
			store.Commit(name, []byte(name), time.Now().Add(time.Hour))
			if v, found, err := store.Find(name); !found || err != nil || string(v) != name {
				t.Errorf("%s: %q %v %v", name, v, found, err)
			}
			if i%2 == 0 {
				store.Delete(name)
			}
		})
	}
	all.Wait()
	if n := len(l.own.items); n != 25 {
		t.Errorf("%d are left", n)
	}
	l.Close()
	l.Close()
	if _, found, _ := store.Find("1"); found {
		t.Error("there is a session after Close")
	}
}

func TestManagerThatNewMadeWorksAsThatOfSCS(t *testing.T) {
	sessions := newLogin(t, "https://example.com/api", Config{CallbackURL: sampleBack}).sessions
	ctx, err := sessions.Load(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	sessions.Put(ctx, "name", "joe")
	token, expiry, err := sessions.Commit(ctx)
	if err != nil || time.Until(expiry) > 24*time.Hour || time.Until(expiry) < 23*time.Hour {
		t.Fatalf("until %v: %v", expiry, err)
	}
	again, err := sessions.Load(t.Context(), token)
	if err != nil || sessions.GetString(again, "name") != "joe" {
		t.Errorf("the session is of %q: %v", sessions.GetString(again, "name"), err)
	}
}

func TestCloseLeavesAGivenManagerAlone(t *testing.T) {
	sessions := quietSessions()
	l := newLogin(t, "https://example.com/api", Config{CallbackURL: sampleBack, Sessions: sessions})
	sessions.Store.Commit("t", []byte{1}, time.Now().Add(time.Hour))
	l.Close()
	if _, found, _ := sessions.Store.Find("t"); !found {
		t.Error("it lost a session")
	}
}
