package jetstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// published publishes messages with these bodies, for every queue of shop, and returns
// their IDs by body.
func published(t testing.TB, e *Engine, bodies ...string) map[string]platform.MessageID {
	t.Helper()
	must(t, e.Create(t.Context(), shop, ""))
	var ms []*platform.Message
	for _, body := range bodies {
		ms = append(ms, &platform.Message{Key: "order.new", ClientID: shop, Body: []byte(body), Time: time.Now()})
	}
	if routed, err := e.Publish(t.Context(), "", ms...); err != nil || len(routed) != len(ms) {
		t.Fatal(routed, err)
	}
	ids := make(map[string]platform.MessageID)
	for i, m := range ms {
		if ids[string(m.Body)] = m.ID; m.ID.IsZero() || i > 0 && (m.ID.Log != ms[0].ID.Log || m.ID.Number <= ms[i-1].ID.Number) {
			t.Fatalf("message %d has the ID %v", i, m.ID)
		}
	}
	return ids
}

// haveIDs checks that these messages are in the queue of topic, under their IDs.
func haveIDs(t testing.TB, e *Engine, topic string, want map[string]platform.MessageID) {
	t.Helper()
	found, err := e.Peek(t.Context(), shop, topic, platform.MessageID{}, 100)
	if err != nil || len(found) != len(want) {
		t.Fatalf("%q has %d messages, want %d; %v", topic, len(found), len(want), err)
	}
	for _, p := range found {
		if id := want[string(p.Message.Body)]; p.Message.ID != id {
			t.Errorf("in %q %q has the ID %v, want %v", topic, p.Message.Body, p.Message.ID, id)
		}
	}
}

// carryAll makes the engine carry what was in the log.
func carryAll(t testing.TB, e *Engine, topic string) {
	t.Helper()
	end := e.known()
	deadline := time.Now().Add(time.Minute)
	for i := 0; e.firstNeeded() <= end; i++ {
		if time.Now().After(deadline) {
			t.Fatalf("the log still begins at %d", e.firstNeeded())
		}
		write(t, e, topic, fmt.Sprint(i))
		if _, err := e.Read(t.Context(), shop, topic, 1); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAMessageHasOneIDForItsWholeLife(t *testing.T) {
	for name, c := range map[string]Config{"a directory": {Dir: t.TempDir(), SyncInterval: time.Minute}, "servers": {URL: external(t)}} {
		t.Run(name, func(t *testing.T) {
			c.cleanAbove, c.CacheBytes = 1, 1
			e := open(t, c)
			ctx := t.Context()
			if err := errors.Join(e.Bind(ctx, shop, "copy", "#"), e.Create(ctx, shop, "busy")); err != nil {
				t.Fatal(err)
			}
			ids := published(t, e, "1", "2", "3")
			straight := &platform.Message{Body: []byte("straight")}
			if err := e.Write(ctx, shop, "copy", straight); err != nil || straight.ID.Log != ids["1"].Log {
				t.Fatal(straight.ID, err)
			}
			inCopy := map[string]platform.MessageID{"1": ids["1"], "2": ids["2"], "3": ids["3"], "straight": straight.ID}
			check := func(e *Engine) {
				t.Helper()
				haveIDs(t, e, "", ids)
				haveIDs(t, e, "copy", inCopy)
			}
			check(e)
			engines := []*Engine{e}
			if c.URL != "" {
				engines = append(engines, open(t, c))
			}
			for _, e := range engines {
				carryAll(t, e, "busy")
				check(e)
			}
			var text bytes.Buffer
			err := e.Backup(ctx, &text)
			for err != nil && strings.Contains(err.Error(), "begin the backup again") { // the other engine cleans still
				text.Reset()
				err = e.Backup(ctx, &text)
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, to := range []Config{{Dir: filepath.Join(t.TempDir(), "new"), Name: "other"}, {URL: external(t), Name: "restored"}} {
				if err := Restore(ctx, to, bytes.NewReader(text.Bytes())); err != nil {
					t.Fatal(err)
				}
				check(open(t, to))
			}
			for _, e := range engines {
				if err := e.Close(); err != nil {
					t.Fatal(err)
				}
			}
			e = open(t, c)
			check(e)
			leases, _ := fetchN(t, consume(t, e, ""), 3)
			for _, l := range leases {
				if l.Message.ID != ids[string(l.Message.Body)] {
					t.Errorf("fetched %q with the ID %v", l.Message.Body, l.Message.ID)
				}
			}
			messages, err := e.Read(ctx, shop, "copy", 9)
			if err != nil || len(messages) != len(inCopy) {
				t.Fatal(len(messages), err)
			}
			for _, m := range messages {
				if m.ID != inCopy[string(m.Body)] {
					t.Errorf("read %q with the ID %v", m.Body, m.ID)
				}
			}
		})
	}
}

func TestTwoLogsGiveDifferentIDs(t *testing.T) {
	one, other := open(t, Config{Dir: t.TempDir()}), open(t, Config{Dir: t.TempDir()})
	write(t, one, "", "x")
	write(t, other, "", "x")
	if one.log.Load() == other.log.Load() {
		t.Errorf("both have the Log %x", one.log.Load())
	}
	id := published(t, other, "y")["y"]
	if _, err := one.Peek(t.Context(), shop, "", id, 1); !errors.Is(err, platform.ErrUnknownMessage) {
		t.Errorf("an ID of another log: %v", err)
	}
}

// A stream of an earlier version has no Log in its metadata.
func TestALogOfAnEarlierVersionHasLastingIDsToo(t *testing.T) {
	url, clustered := external(t), ""
	if !testing.Short() {
		_, clustered = cluster(t)
	}
	for name, c := range map[string]Config{"a directory": {Dir: t.TempDir()}, "servers": {URL: url}, "a cluster": {URL: clustered, Replicas: 3}} {
		if c.Dir == "" && c.URL == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			makeOldLog(t, c)
			e := open(t, c)
			ids := published(t, e, "1", "2")
			engines := []*Engine{e}
			if c.URL != "" {
				engines = append(engines, open(t, c))
			}
			for _, e := range engines {
				haveIDs(t, e, "", ids)
				if err := e.Close(); err != nil {
					t.Fatal(err)
				}
			}
			e = open(t, c)
			haveIDs(t, e, "", ids)
			var text bytes.Buffer
			if err := e.Backup(t.Context(), &text); err != nil {
				t.Fatal(err)
			}
			to := Config{Dir: filepath.Join(t.TempDir(), "new"), Name: "other"}
			if err := Restore(t.Context(), to, &text); err != nil {
				t.Fatal(err)
			}
			haveIDs(t, open(t, to), "", ids)
		})
	}
}

// makeOldLog makes the stream as an earlier version did.
func makeOldLog(t testing.TB, c Config) {
	t.Helper()
	c.Logger = quiet(t)
	c, err := c.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(c)
	err = errors.Join(e.connect(), e.openJournal())
	if err == nil {
		old := e.journal.config(c.Replicas, 1, 0)
		old.Metadata = nil
		_, err = e.journal.js.CreateStream(t.Context(), old)
	}
	if err := errors.Join(err, e.shutDown()); err != nil {
		t.Fatal(err)
	}
}

func TestABackupOfAnEarlierVersionIsRestored(t *testing.T) {
	text := filled(t, Config{Dir: t.TempDir()})
	in := newBackupReader(bytes.NewReader(text))
	first, _, err := in.head()
	if err != nil {
		t.Fatal(err)
	}
	var old bytes.Buffer
	b := newBackup(&old)
	_, _ = b.w.WriteString(backupMagicOld)
	_, _ = b.w.Write([]byte{0, 0, 0, 0, 0, 0, 0, byte(first)})
	if err := in.each(func(kind byte, part []byte) error { b.part(kind, part); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := b.end(); err != nil {
		t.Fatal(err)
	}
	to := Config{Dir: filepath.Join(t.TempDir(), "to")}
	if err := Restore(t.Context(), to, &old); err != nil {
		t.Fatal(err)
	}
	goesOn(t, open(t, to))
}

// Each of them would make the log under another Log.
func TestEnginesThatOpenAtOnceGiveTheSameIDs(t *testing.T) {
	urls := map[string]string{"a server": external(t)}
	if !testing.Short() {
		_, urls["a cluster"] = cluster(t)
	}
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			const engines = 4
			var all [engines]*Engine
			var group sync.WaitGroup
			for i := range all {
				group.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					var err error
					if all[i], err = Open(ctx, Config{URL: url, Logger: quiet(t)}); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			for _, e := range all {
				if e == nil {
					continue
				}
				if e.log.Load() != all[0].log.Load() {
					t.Errorf("the Log is %x, and another engine's %x", e.log.Load(), all[0].log.Load())
				}
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// The committer may store it later, which sets the ID.
func TestAMessageWhoseCallerGaveUpIsNotTouchedAnyMore(t *testing.T) {
	e := open(t, Config{Dir: t.TempDir(), SyncInterval: time.Minute})
	must(t, e.Create(t.Context(), shop, ""))
	var group sync.WaitGroup
	for seed := range uint64(4) {
		group.Go(func() {
			random := rand.New(rand.NewPCG(seed, 0))
			for range 200 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(1000))*time.Microsecond)
				m := &platform.Message{Key: "order.new", ClientID: shop, Body: []byte("x")}
				var err error
				if random.IntN(2) == 0 {
					_, err = e.Publish(ctx, "", m)
				} else {
					err = e.Write(ctx, shop, "", m)
				}
				if (err == nil) == m.ID.IsZero() {
					t.Errorf("the ID is %v, and the error %v", m.ID, err)
				}
				m.ID = platform.MessageID{} // the race detector watches
				cancel()
			}
		})
	}
	group.Wait()
}

// An earlier program must say so, and not that the backup is damaged.
func TestABackupSaysWhichVersionWroteIt(t *testing.T) {
	newer := append([]byte("prism backup 3\n"), make([]byte, 100)...)
	if err := readBackup(bytes.NewReader(newer), nil); err == nil || errors.Is(err, errDamaged) || errors.Is(err, io.EOF) {
		t.Error(err)
	}
}
