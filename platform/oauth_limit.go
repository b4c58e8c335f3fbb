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

// A loginGuard bounds how fast passwords can be guessed, and how much of the
// machine that takes.
type loginGuard struct {
	checking chan struct{} // has room for the passwords that are checked at a time
	window   time.Duration

	mu     sync.Mutex // guards the tables
	limits [3]limit
}

// A limit bounds the failures under each name in one table.
type limit struct {
	failures int
	tallies  map[[sha256.Size]byte]*tally
}

type tally struct {
	failures int       // with those that are not decided yet
	checking int       // these
	until    time.Time // then it is forgotten
}

// maxTallies bounds a table. Whoever wants to push a name out of it has to
// get as many other names as far.
const maxTallies = 1 << 14

// The failures that are allowed under a login alone and under an address
// alone, as multiples of those of one login from one address: with the first
// anybody can lock anybody out, and behind an address there may be many people.
const perLogin, perAddress = 10, 20

func (g *loginGuard) init(o OAuth) {
	g.checking = make(chan struct{}, runtime.GOMAXPROCS(0))
	g.window = o.LoginWindow
	for i, multiple := range []int{1, perLogin, perAddress} {
		g.limits[i] = limit{failures: multiple * o.LoginFailures, tallies: make(map[[sha256.Size]byte]*tally)}
	}
}

// An attempt to log in, counted as a failure until it turns out to be none.
type attempt struct {
	guard   *loginGuard
	names   [3][sha256.Size]byte
	tallies [3]*tally
}

// begin counts an attempt before its outcome is known, so that those at the
// same time do not outrun the limits. When one of them is reached nothing is
// counted, and wait is for how long it stays so.
func (g *loginGuard) begin(now time.Time, login, address string) (a *attempt, wait time.Duration) {
	a = &attempt{guard: g, names: tallyNames(login, address)}
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.limits {
		t := g.limits[i].tallies[a.names[i]]
		if t == nil || !now.Before(t.until) {
			t = &tally{until: now.Add(g.window)}
		}
		if t.until.Sub(now) > g.window { // the clock was set back
			t.until = now.Add(g.window)
		}
		if t.failures >= g.limits[i].failures {
			wait = max(wait, t.wait(now, g.limits[i].failures))
		}
		a.tallies[i] = t
	}
	if wait > 0 {
		return nil, wait
	}
	for i, t := range a.tallies {
		t.failures++
		t.checking++
		g.limits[i].put(a.names[i], t, now)
	}
	return a, 0
}

// wait returns how long a full tally stays so. It takes but a moment when some
// of it may turn out to be no failures.
func (t *tally) wait(now time.Time, limit int) time.Duration {
	if t.failures-t.checking < limit {
		return time.Second
	}
	return t.until.Sub(now)
}

// tallyNames lets logins count as one that some Users takes for one.
func tallyNames(login, address string) [3][sha256.Size]byte {
	login = strings.ToLower(strings.TrimSpace(login))
	return [3][sha256.Size]byte{
		sha256.Sum256([]byte(address + " " + login)),
		sha256.Sum256([]byte(login)),
		sha256.Sum256([]byte(address)),
	}
}

func (l *limit) put(name [sha256.Size]byte, t *tally, now time.Time) {
	if _, known := l.tallies[name]; !known && len(l.tallies) >= maxTallies {
		l.drop(now)
	}
	l.tallies[name] = t
}

// drop makes room by removing the tallies whose time is over or, if there are
// none, the one that matters least: that with the fewest failures, of several
// the oldest.
func (l *limit) drop(now time.Time) {
	maps.DeleteFunc(l.tallies, func(_ [sha256.Size]byte, t *tally) bool { return !now.Before(t.until) })
	if len(l.tallies) < maxTallies {
		return
	}
	var least *tally
	var name [sha256.Size]byte
	for n, t := range l.tallies {
		if least == nil || t.failures < least.failures || t.failures == least.failures && t.until.Before(least.until) {
			least, name = t, n
		}
	}
	delete(l.tallies, name)
}

// end decides an attempt, and takes it back if it was no wrong guess.
func (a *attempt) end(failed bool) {
	a.guard.mu.Lock()
	defer a.guard.mu.Unlock()
	for i, t := range a.tallies {
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

// enter waits until a password may be checked; leave ends that. Checking one
// is slow on purpose, so many at a time would leave no processor for others.
func (g *loginGuard) enter(ctx context.Context) error {
	select {
	case g.checking <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *loginGuard) leave() { <-g.checking }
