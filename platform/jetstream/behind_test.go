package jetstream

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	nats "github.com/nats-io/nats-server/v2/server"

	"github.com/shopex/prism-go/platform"
)

// oneBehind opens two engines on a server whose log has the messages "first" and
// "second", and much garbage behind them. The engine behind only knows what it has asked
// for. The head of the log stays until the test removes it.
func oneBehind(t *testing.T, c Config) (s *nats.Server, behind, ahead *Engine) {
	t.Helper()
	s = startExternal(t, serverOptions(t))
	c.URL, c.AckWait = s.ClientURL(), time.Hour // as the engine behind sends no heartbeats
	filler := open(t, c)
	write(t, filler, "", "first", "second")
	for range 20 {
		write(t, filler, "busy", "x")
		if _, err := filler.Read(t.Context(), shop, "busy", 1); err != nil {
			t.Fatal(err)
		}
	}
	must(t, filler.Close())
	c.cleanAbove = 1
	ahead, behind = open(t, c), openDeaf(t, c)
	ahead.headMu.RLock()
	t.Cleanup(ahead.headMu.RUnlock)
	return s, behind, ahead
}

// openDeaf opens an engine that does nothing by itself and does not hear what others write.
func openDeaf(t *testing.T, c Config) *Engine {
	t.Helper()
	c, err := c.withDefaults()
	must(t, err)
	e := newEngine(c)
	t.Cleanup(func() { must(t, e.shutDown()) })
	must(t, e.connect())
	must(t, e.openJournal())
	must(t, e.make(t.Context()))
	must(t, e.load(t.Context()))
	e.group.Go(e.committer)
	return e
}

// clean has an engine carry all that is live, and removes the log up to the end that
// the engine behind knows, or further so that this one cannot follow any more.
func clean(t *testing.T, behind, ahead *Engine, further bool) {
	t.Helper()
	known := behind.known()
	carryAll(t, ahead, "busy")
	carryAll(t, ahead, "busy")
	behind.emptyCache()
	first := known + 1
	if further {
		first = ahead.firstNeeded()
	}
	if ahead.firstNeeded() <= known+1 || behind.known() != known {
		t.Fatalf("the log is needed from number %d on, and the engine behind has gone from %d to %d", ahead.firstNeeded(), known, behind.known())
	}
	if err := ahead.journal.purge(t.Context(), first); err != nil {
		t.Fatal(err)
	}
}

// The other engine moves the messages and removes their old records, while this one has
// not applied that.
func TestAMessageThatAnotherEngineMovesIsFound(t *testing.T) {
	for name, further := range map[string]bool{"and the log can be followed": false, "and the log has to be read anew": true} {
		t.Run("peeking "+name, func(t *testing.T) {
			_, behind, ahead := oneBehind(t, Config{})
			queue, seen, err := behind.look(t.Context(), shop, "", platform.MessageID{}, 9)
			must(t, err)
			clean(t, behind, ahead, further)
			var got []string
			found, err := behind.peeked(t.Context(), queue, seen)
			for _, p := range found {
				got = append(got, string(p.Message.Body))
			}
			if err != nil || !slices.Equal(got, []string{"first", "second"}) {
				t.Errorf("got %q, %v", got, err)
			}
		})
		t.Run("fetching "+name, func(t *testing.T) {
			_, behind, ahead := oneBehind(t, Config{})
			c := consume(t, behind, "").(*consumer)
			items, err := c.lease(t.Context(), 2, math.MaxInt)
			must(t, err)
			clean(t, behind, ahead, further)
			var got []string
			_, facts, err := behind.messages(t.Context(), c.queue, items)
			for _, f := range facts {
				got = append(got, string(f.message.Body))
			}
			if err != nil || !slices.Equal(got, []string{"first", "second"}) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// The record was moved, or not: only the log can tell.
func TestNoRecordIsCalledMissingWhileJetStreamIsAway(t *testing.T) {
	s, behind, ahead := oneBehind(t, Config{})
	queue, seen, err := behind.look(t.Context(), shop, "", platform.MessageID{}, 1)
	must(t, err)
	clean(t, behind, ahead, false)
	_, read, _ := behind.cachedOrReading(seen[0].item.seq)
	if _, _, read.err = behind.readRecord(t.Context(), seen[0].item.seq); !errors.Is(read.err, errNoRecord) {
		t.Fatal(read.err)
	}
	close(read.done) // the next caller gets this, as if it had asked just before the server went
	s.Shutdown()
	behind.config.Patience = 200 * time.Millisecond
	if found, err := behind.peeked(t.Context(), queue, seen); !errors.Is(err, platform.ErrUnavailable) {
		t.Errorf("%d messages, %v", len(found), err)
	}
}

// A warning about a sound log would send an operator to look for what is not lost.
func TestNoWarningOfRecordsThatAnotherEngineHasCarried(t *testing.T) {
	_, behind, ahead := oneBehind(t, Config{})
	clean(t, behind, ahead, false)
	var log bytes.Buffer
	behind.config.Logger = slog.New(slog.NewTextHandler(&log, nil))
	write(t, behind, "", "third", "fourth") // a cleaning is tried every other time
	must(t, behind.shutDown())
	if strings.Contains(log.String(), "could not be read") {
		t.Errorf("the engine says\n%s", &log)
	}
}
