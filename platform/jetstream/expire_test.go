package jetstream

import (
	"context"
	"testing"
	"time"

	busy "github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
)

// No consumer takes them, and they are removed from the log too.
func TestMessagesThatBecomeTooOldGoByThemselves(t *testing.T) {
	c := Config{Dir: t.TempDir(), QueueBounds: platform.QueueBounds{MaxAge: 2 * time.Second}}
	e := open(t, c)
	const n = 2 * expireAtOnce
	m := &platform.Message{Body: make([]byte, 10), Time: time.Now()}
	for range n {
		if err := e.Write(t.Context(), shop, "", m); err != nil {
			t.Fatal(err)
		}
	}
	young := &platform.Message{Body: []byte("young"), Time: time.Now().Add(time.Hour)}
	if err := e.Write(t.Context(), shop, "", young); err != nil {
		t.Fatal(err)
	}
	awaitStatus(t, e, platform.QueueStatus{Ready: 1, Bytes: 5})
	within(t, func() bool { return e.Expired() == n }) // counted just after the removal
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open(t, c)
	awaitStatus(t, e, platform.QueueStatus{Ready: 1, Bytes: 5})
}

// After a restart only the wall clock shows how long no engine ran, and it may be
// hours ahead.
func TestAWallClockThatIsAheadAtTheStartRemovesNothing(t *testing.T) {
	c := Config{Dir: t.TempDir(), SyncInterval: time.Minute}
	e := open(t, c)
	m := &platform.Message{Body: []byte("x"), Time: time.Now().Add(-2 * time.Hour)}
	for range 3 {
		if err := e.Write(t.Context(), shop, "", m); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	c.MaxAge = time.Hour
	e = open(t, c)
	messages, err := e.Read(t.Context(), shop, "", 10)
	if err != nil || len(messages) != 3 || e.Expired() != 0 {
		t.Errorf("%d messages, %d removed, %v", len(messages), e.Expired(), err)
	}
}

// awaitStatus waits for the status of the default queue.
func awaitStatus(t testing.TB, e *Engine, want platform.QueueStatus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), busy.Of(30*time.Second))
	defer cancel()
	for tick := time.Tick(10 * time.Millisecond); ; {
		got, err := e.counts(ctx, shop, "")
		if err != nil {
			t.Fatal(err)
		}
		if got == want {
			return
		}
		select {
		case <-tick:
		case <-ctx.Done():
			t.Fatalf("%+v, want %+v", got, want)
		}
	}
}
