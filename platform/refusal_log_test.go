package platform_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/platform"
)

// A logged is a slog.Handler that keeps each line as text, from a level on.
type logged struct {
	level slog.Level
	mu    sync.Mutex
	lines []string
}

func (l *logged) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level }
func (l *logged) WithAttrs([]slog.Attr) slog.Handler               { return l }
func (l *logged) WithGroup(string) slog.Handler                    { return l }

func (l *logged) Handle(_ context.Context, r slog.Record) error {
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool { line += " " + a.String(); return true })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return nil
}

// with returns the lines that have all of these words.
func (l *logged) with(words ...string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
lines:
	for _, line := range l.lines {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue lines
			}
		}
		found = append(found, line)
	}
	return found
}

func TestAMillionRefusalsAreAFewLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logged{}
		refusals := platform.NewRefusals(slog.New(log))
		const all, keys = 1_000_000, 1000
		first := 0
		for i := range all {
			if refusals.First(fmt.Sprint("key", i%keys), "invalid_sign") {
				first++
			}
			if i%(all/100) == 0 {
				time.Sleep(100 * time.Millisecond) // ten seconds in all
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if lines := first + len(log.lines); lines > 4*256+4 {
			t.Errorf("%d refusals are %d lines", all, lines)
		}
		told := first
		for _, line := range log.lines {
			var n int
			if _, counted, ok := strings.Cut(line, "calls="); ok {
				fmt.Sscan(counted, &n)
			}
			told += n
		}
		if told != all {
			t.Errorf("the log tells of %d, of %d", told, all)
		}
	})
}

func TestTheLogCountsWhatIsRefusedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logged{}
		refusals := platform.NewRefusals(slog.New(log))
		for _, want := range []bool{true, false, false} {
			if got := refusals.First("shop", "invalid_sign"); got != want {
				t.Errorf("a line: %v, want %v", got, want)
			}
		}
		if !refusals.First("shop", "rate_limited") || !refusals.First("other", "invalid_sign") {
			t.Error("another reason or another key has no line")
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(log.lines) != 1 || log.lines[0] != "INFO more calls refused calls=2 key=shop code=invalid_sign in=10s" {
			t.Errorf("then %q", log.lines)
		}
		if !refusals.First("shop", "invalid_sign") {
			t.Error("later there is no line")
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(log.lines) != 1 {
			t.Errorf("at last %q", log.lines)
		}
	})
}

func TestALogOfLevelInfoHasRefusalsAndChannelsAndNothingElse(t *testing.T) {
	log := &logged{}
	e := newEnv(t, platform.Config{Logger: slog.New(log)})
	ask(t, e.p, platform.Key{ID: testKey, Secret: testSecret}, "GET", "platform/notify/status").want(t, 200, "")
	for range 3 {
		ask(t, e.p, platform.Key{ID: testKey, Secret: "CANARY"}, "GET", "platform/notify/status").want(t, 401, "invalid_sign")
	}
	ask(t, e.p, platform.Key{ID: "CANARY", Secret: "CANARY"}, "GET", "platform/notify/status").want(t, 401, "unknown_key")
	p := e.dial()
	p.publish("order.new", "CANARY")
	p.barrier()
	end(t, e.p)
	for _, want := range [][]string{
		{"INFO call refused", "key=" + testKey, "address=192.0.2.1", "code=invalid_sign", "status=401"},
		{"INFO call refused", "key= ", "address=192.0.2.1", "code=unknown_key"},
		{"INFO more calls refused calls=2 key=" + testKey + " code=invalid_sign"},
		{"INFO connected", "key=" + testKey}, {"INFO disconnected", "key=" + testKey},
	} {
		if found := log.with(want...); len(found) != 1 {
			t.Errorf("%q is %d times in the log", want, len(found))
		}
	}
	if len(log.lines) != 5 || len(log.with("CANARY")) > 0 {
		t.Errorf("the log is\n%s", strings.Join(log.lines, "\n"))
	}
}

func TestALogOfLevelDebugHasCallsPublishesDeliveriesAndAcks(t *testing.T) {
	log := &logged{level: slog.LevelDebug}
	e := newEnv(t, platform.Config{Logger: slog.New(log)})
	ask(t, e.p, platform.Key{ID: testKey, Secret: testSecret}, "GET", "platform/notify/status").want(t, 200, "")
	p := e.dial()
	p.publish("order.new", "CANARY")
	p.consume("")
	p.ack(p.next().Tag)
	p.barrier()
	end(t, e.p)
	for _, want := range [][]string{
		{"DEBUG call ", "path=/api/platform/notify/status", "status=200"},
		{"DEBUG publish ", "key=" + testKey, "routing_key=order.new", "bytes=6", "queues=1", "id="},
		{"DEBUG deliver ", "publisher=" + testKey, "tag=1", "attempt=1"},
		{"DEBUG ack ", "routing_key=order.new", "tag=1"},
	} {
		if found := log.with(want...); len(found) != 1 {
			t.Errorf("%q is %d times in the log:\n%s", want, len(found), strings.Join(log.lines, "\n"))
		}
	}
	if found := log.with("CANARY"); len(found) > 0 {
		t.Errorf("the log has %q", found)
	}
}
