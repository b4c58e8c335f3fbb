package platform

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"
)

var noon = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

func newGuard() *loginGuard {
	g := &loginGuard{}
	g.init(OAuth{}.withDefaults())
	return g
}

// fail lets attempts fail until one is refused, and returns how many it took.
func (g *loginGuard) fail(login, address func(i int) string) int {
	for i := 0; ; i++ {
		a, _ := g.begin(noon, login(i), address(i), "")
		if a == nil {
			return i
		}
		a.end(true)
	}
}

func always(s string) func(int) string { return func(int) string { return s } }

func ever(prefix string) func(int) string {
	return func(i int) string { return fmt.Sprint(prefix, i) }
}

func TestGuessesAreLimitedFromEverySide(t *testing.T) {
	for _, row := range []struct {
		name           string
		login, address func(int) string
		want           int
	}{
		{"one login from one address", always("ann"), always("192.0.2.1"), 5},
		{"one login from anywhere", always("ann"), ever("192.0.2."), 50},
		{"any login from one address", ever("user"), always("192.0.2.1"), 100},
		{"one login in many spellings", func(i int) string { return []string{"ann", "ANN", " Ann", "aNn\t"}[i%4] }, always("192.0.2.1"), 5},
	} {
		if got := newGuard().fail(row.login, row.address); got != row.want {
			t.Errorf("%s: %d attempts, want %d", row.name, got, row.want)
		}
	}
}

func TestALockedLoginLeavesOthersAlone(t *testing.T) {
	g := newGuard()
	g.fail(always("ann"), always("192.0.2.1"))
	for _, other := range [][2]string{{"ann", "192.0.2.2"}, {"bob", "192.0.2.1"}} {
		if a, _ := g.begin(noon, other[0], other[1], ""); a == nil {
			t.Errorf("%v is refused", other)
		}
	}
}

// After the limit there is one attempt each step, and not none until a window is over.
func TestARefusedAttemptProlongsNothing(t *testing.T) {
	g := newGuard()
	g.fail(always("ann"), always("192.0.2.1"))
	for minute := range 3 * 5 {
		a, wait := g.begin(noon.Add(time.Duration(minute)*time.Minute), "ann", "192.0.2.1", "")
		if left := time.Duration(3-minute%3) * time.Minute; minute > 0 && minute%3 == 0 {
			if a == nil {
				t.Fatalf("after %d minutes: refused for %v", minute, wait)
			}
			a.end(true)
		} else if a != nil || wait != left {
			t.Fatalf("after %d minutes: %v, wait %v, want %v", minute, a, wait, left)
		}
	}
}

func TestOneLoginUnderAttackFromEverywhereIsNotLockedForLong(t *testing.T) {
	g := newGuard()
	g.fail(always("ann"), ever("192.0.2."))
	_, wait := g.begin(noon, "ann", "198.51.100.1", "")
	if wait <= 0 || wait > 20*time.Second {
		t.Errorf("ann has to wait %v", wait)
	}
	if a, _ := g.begin(noon.Add(wait), "ann", "198.51.100.1", ""); a == nil {
		t.Error("refused after that")
	}
}

// And a known device gives whoever has it no more guesses than an address has.
func TestAKnownDeviceHasACountOfItsOwn(t *testing.T) {
	g := newGuard()
	g.fail(always("ann"), ever("192.0.2."))
	for i := range 6 {
		a, _ := g.begin(noon, "ann", fmt.Sprint("192.0.2.", i), "device")
		if (a != nil) != (i < 5) {
			t.Errorf("attempt %d: %v", i, a)
		}
		if a != nil {
			a.end(true)
		}
	}
	if a, _ := g.begin(noon, "ann", "192.0.2.1", "other device"); a == nil {
		t.Error("another device is refused")
	}
}

func TestAForgivenAttemptLeavesNoTrace(t *testing.T) {
	g := newGuard()
	for range 1000 {
		a, _ := g.begin(noon, "ann", "192.0.2.1", "")
		if a == nil {
			t.Fatal("refused")
		}
		a.end(false)
	}
	for i := range g.limits {
		if n := len(g.limits[i].tallies); n != 0 {
			t.Errorf("table %d has %d tallies", i, n)
		}
	}
}

// An attempt from before does not take failures back that came after it.
func TestAnOldAttemptForgivesOnlyItself(t *testing.T) {
	g := newGuard()
	old, _ := g.begin(noon, "ann", "192.0.2.1", "")
	later := noon.Add(time.Hour)
	for range 5 {
		g.begin(later, "ann", "192.0.2.1", "")
	}
	old.end(false)
	if a, _ := g.begin(later, "ann", "192.0.2.1", ""); a != nil {
		t.Error("a sixth attempt is let through")
	}
}

// Whoever fills the tables with names does not get a login out of them that
// is under attack.
func TestTheTablesAreBoundedAndKeepWhatMatters(t *testing.T) {
	g := newGuard()
	g.fail(always("ann"), always("192.0.2.1"))
	l := &g.limits[0]
	for i := range maxTallies - len(l.tallies) { // quicker than to drop as many
		l.put(tallyNames(fmt.Sprint(i), "", "")[0], &tally{failures: 1, since: noon}, noon, g.window)
	}
	for i := range 20 {
		g.begin(noon, fmt.Sprint("flood", i), fmt.Sprint("198.51.100.", i), "")
	}
	if len(l.tallies) != maxTallies {
		t.Errorf("the table has %d tallies, want %d", len(l.tallies), maxTallies)
	}
	if a, _ := g.begin(noon, "ann", "192.0.2.1", ""); a != nil {
		t.Error("the attacked login was forgotten")
	}
}

func TestWhoeverWaitsForTheirTurnMayGiveUp(t *testing.T) {
	g := newGuard()
	for range cap(g.checking) {
		if err := g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.enter(ctx); err != context.Canceled {
		t.Errorf("got %v", err)
	}
	g.leave()
	if err := g.enter(t.Context()); err != nil {
		t.Errorf("a free place was not given: %v", err)
	}
}

func TestASubscriberCountsAsOneAddress(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.1":            "192.0.2.1",
		"::ffff:192.0.2.1":     "192.0.2.1",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2::1":      "2001:db8:1:2::/64",
		"2001:db8:1:3::1":      "2001:db8:1:3::/64",
		"fe80::1%eth0":         "fe80::/64",
		"@":                    "@",
		"":                     "",
		"somewhere.example":    "somewhere.example",
		"::1":                  "::/64",
		"127.0.0.1":            "127.0.0.1",
	} {
		p := &Platform{}
		c, err := p.callerOf(&http.Request{RemoteAddr: ip})
		if got := c.group(); got != want || err != nil {
			t.Errorf("%q: got %q, want %q", ip, got, want)
		}
	}
}

// Tallies whose time is over must not push out those that count.
func TestForgottenFailuresMakeRoom(t *testing.T) {
	g, now := newGuard(), noon
	for i := range maxTallies {
		for range 2 {
			if a, _ := g.begin(now, "user"+fmt.Sprint(i), "10.0.0."+fmt.Sprint(i), ""); a == nil {
				t.Fatal("refused")
			}
		}
	}
	now = now.Add(24 * time.Hour)
	let := 0
	for i := range 500 {
		if a, _ := g.begin(now, "ann", "192.0.2.1", ""); a != nil {
			let++
		}
		g.begin(now, "nobody"+fmt.Sprint(i), "198.51.100."+fmt.Sprint(i), "")
	}
	if let > 5 {
		t.Errorf("%d guesses at one login from one address were let through, want 5", let)
	}
}

func TestALimitDoesNotOutlastItsWindowWhenTheClockGoesBack(t *testing.T) {
	g, now := newGuard(), noon
	for range 5 {
		g.begin(now, "ann", "192.0.2.1", "")
	}
	now = now.Add(-48 * time.Hour) // it had been wrong
	if a, wait := g.begin(now, "ann", "192.0.2.1", ""); a == nil && wait > 15*time.Minute {
		t.Errorf("ann has to wait %v", wait)
	}
}

// Attempts that are still being checked are no failures yet.
func TestManyRightLoginsAtOnceWaitForAMoment(t *testing.T) {
	g, now := newGuard(), noon
	for range 5 {
		g.begin(now, "ann", "192.0.2.1", "")
	}
	a, wait := g.begin(now, "ann", "192.0.2.1", "")
	if a != nil || wait > time.Minute {
		t.Errorf("with no failure at all, ann has to wait %v", wait)
	}
}
