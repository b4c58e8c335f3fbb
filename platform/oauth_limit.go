package platform

import (
	"context"
	"crypto/sha256"
	"maps"
	"runtime"
	"strings"
	"sync"
	"time"
)

// A loginGuard bounds how fast passwords can be guessed, and how much processor time
// that takes.
type loginGuard struct {
	checking chan struct{} // a semaphore: how many passwords are checked at a time
	window   time.Duration

	mu     sync.Mutex // guards the tables
	limits [3]limit
}

// A limit bounds the failures of each name in one table. After the number of failures,
// one more is allowed each step, so that a name is never locked for long.
type limit struct {
	failures int
	step     time.Duration
	tallies  map[[sha256.Size]byte]*tally
}

type tally struct {
	failures int       // including the attempts that are not decided yet
	checking int       // the attempts that are not decided yet
	since    time.Time // when a failure was last subtracted
}

// maxTallies bounds a table. To evict a name from it, an attacker has to fail as often
// with as many other names.
const maxTallies = 1 << 14

// The failures that are allowed for a login alone and for an address alone, as multiples
// of those for one login from one address. The first is larger because anybody can lock
// a user out with it, the second because many people may share an address.
const perLogin, perAddress = 10, 20

func (g *loginGuard) init(o OAuth) {
	g.checking = make(chan struct{}, runtime.GOMAXPROCS(0))
	g.window = o.LoginWindow
	for i, multiple := range []int{1, perLogin, perAddress} {
		failures := multiple * o.LoginFailures
		g.limits[i] = limit{failures: failures, step: max(1, g.window/time.Duration(failures)), tallies: make(map[[sha256.Size]byte]*tally)}
	}
}

// An attempt to log in is counted as a failure until it has succeeded.
type attempt struct {
	guard   *loginGuard
	names   [][sha256.Size]byte // one for each of the first tables
	tallies [3]*tally
}

// begin counts an attempt before its outcome is known, so that concurrent attempts do
// not exceed the limits. If a limit is reached, it counts nothing and returns how long to
// wait. An attempt on a known device is counted for the device alone.
func (g *loginGuard) begin(now time.Time, login, address, device string) (a *attempt, wait time.Duration) {
	a = &attempt{guard: g, names: tallyNames(login, address, device)}
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, name := range a.names {
		l := &g.limits[i]
		t := l.tallies[name]
		if t == nil || now.Sub(t.since) >= g.window {
			t = &tally{since: now}
		}
		t.forget(now, l.step)
		if t.failures >= l.failures {
			wait = max(wait, t.wait(now, l))
		}
		a.tallies[i] = t
	}
	if wait > 0 {
		return nil, wait
	}
	for i, name := range a.names {
		a.tallies[i].failures++
		a.tallies[i].checking++
		g.limits[i].put(name, a.tallies[i], now, g.window)
	}
	return a, 0
}

// forget subtracts one failure for each step that has passed.
func (t *tally) forget(now time.Time, step time.Duration) {
	steps := now.Sub(t.since) / step
	t.failures = max(t.checking, t.failures-int(max(0, steps)))
	t.since = t.since.Add(steps * step)
	if t.failures == 0 || now.Before(t.since) { // the clock was set back
		t.since = now
	}
}

// wait returns how long a tally stays at its limit. It is short if some of the attempts
// are not decided yet.
func (t *tally) wait(now time.Time, l *limit) time.Duration {
	if t.failures-t.checking < l.failures {
		return min(time.Second, l.step)
	}
	return t.since.Add(l.step).Sub(now)
}

// sameLogin maps logins that Users may treat as the same to one name.
func sameLogin(login string) string { return strings.ToLower(strings.TrimSpace(login)) }

func tallyNames(login, address, device string) [][sha256.Size]byte {
	login = sameLogin(login)
	if device != "" {
		return [][sha256.Size]byte{sha256.Sum256([]byte("device " + device + " " + login))}
	}
	return [][sha256.Size]byte{
		sha256.Sum256([]byte(address + " " + login)),
		sha256.Sum256([]byte(login)),
		sha256.Sum256([]byte(address)),
	}
}

func (l *limit) put(name [sha256.Size]byte, t *tally, now time.Time, window time.Duration) {
	if _, known := l.tallies[name]; !known && len(l.tallies) >= maxTallies {
		l.evict(now, window)
	}
	l.tallies[name] = t
}

// evict removes the tallies that have expired or, if there are none, the oldest of those
// with the fewest failures.
func (l *limit) evict(now time.Time, window time.Duration) {
	maps.DeleteFunc(l.tallies, func(_ [sha256.Size]byte, t *tally) bool { return now.Sub(t.since) >= window })
	if len(l.tallies) < maxTallies {
		return
	}
	var least *tally
	var name [sha256.Size]byte
	for n, t := range l.tallies {
		if least == nil || t.failures < least.failures || t.failures == least.failures && t.since.Before(least.since) {
			least, name = t, n
		}
	}
	delete(l.tallies, name)
}

// end decides an attempt, and subtracts it unless the password was wrong.
func (a *attempt) end(failed bool) {
	a.guard.mu.Lock()
	defer a.guard.mu.Unlock()
	for i := range a.names {
		t := a.tallies[i]
		t.checking--
		if failed {
			continue
		}
		tallies := a.guard.limits[i].tallies
		if t.failures--; t.failures == 0 && tallies[a.names[i]] == t {
			delete(tallies, a.names[i])
		}
	}
}

// enter waits until a password may be checked, and leave must be called after that.
// Checking is slow on purpose, so many checks at a time would block everything else.
func (g *loginGuard) enter(ctx context.Context) error {
	select {
	case g.checking <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *loginGuard) leave() { <-g.checking }
