package jetstream

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// filled returns a backup of an engine with messages of "one" in the default
// queue, the first of them acknowledged and the second held, and with records.
func filled(t *testing.T, c Config) []byte {
	t.Helper()
	e := open(t, c)
	ctx := t.Context()
	must(t, e.Create(ctx, "one", ""))
	for i := range 100 {
		if _, err := e.Publish(ctx, "", &platform.Message{ClientID: "one", Key: "order.new", Body: fmt.Appendf(nil, "%d\xff", i), Time: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	consumer, err := e.Consume(ctx, "one", "", "test")
	if err != nil {
		t.Fatal(err)
	}
	leases, err := consumer.Fetch(ctx, 2, math.MaxInt)
	if err != nil || len(leases) != 2 {
		t.Fatal(len(leases), err)
	}
	registry := platform.NewRegistry(e.Store())
	_, early := e.Store().Save(ctx, "session", "abc", []byte("x"), 0, time.Hour)
	_, gone := e.Store().Save(ctx, "session", "gone", []byte("x"), 0, time.Hour)
	err = errors.Join(consumer.Ack(ctx, leases[0].ID), e.Bind(ctx, "one", "orders", "order.*"), e.Bind(ctx, "one", "orders", "#"), e.Unbind(ctx, "one", "orders", "#"), e.Create(ctx, "one", "dropped"), e.Drop(ctx, "one", "dropped"),
		registry.SaveApp(ctx, platform.App{ID: "shop"}), registry.SaveKey(ctx, platform.Key{ID: "buwb2lii", Secret: "ucr72ygfutspqeuu6s36", App: "shop"}),
		early, gone, e.Store().Delete(ctx, "session", "gone"))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := e.Backup(ctx, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// goesOn checks that an engine has what filled has made, and works on.
func goesOn(t *testing.T, e *Engine) {
	t.Helper()
	ctx := t.Context()
	if topics, err := e.List(ctx, "one"); err != nil || len(topics) != 1 || topics[0] != "orders" {
		t.Errorf("topics %v, %v", topics, err)
	}
	if patterns, err := e.Bindings(ctx, "one", "orders"); err != nil || len(patterns) != 1 || patterns[0].Pattern != "order.*" {
		t.Errorf("bindings %v, %v", patterns, err)
	}
	if _, err := e.Publish(ctx, "", &platform.Message{ClientID: "one", Key: "order.new", Body: []byte("100\xff")}); err != nil {
		t.Fatal(err)
	}
	within(t, func() bool { // on servers, leases come back when their engine was silent for AckWait
		s, err := e.Status(ctx, "one", "")
		return err == nil && s.Ready == 100
	})
	messages, err := e.Read(ctx, "one", "", 200)
	if err != nil || len(messages) != 100 {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	for i, m := range messages {
		if want := fmt.Sprintf("%d\xff", i+1); string(m.Body) != want || m.Key != "order.new" {
			t.Errorf("message %d is %q of %s, want %q", i, m.Body, m.Key, want)
		}
	}
	if s, err := e.Status(ctx, "one", "orders"); err != nil || s.Ready != 1 {
		t.Errorf("the bound queue: %+v, %v", s, err)
	}
	registry := platform.NewRegistry(e.Store())
	if key, err := registry.Key(ctx, "buwb2lii"); err != nil || key.App != "shop" {
		t.Errorf("the key: %v", err)
	}
	if _, err := e.Store().Load(ctx, "session", "abc"); err != nil {
		t.Errorf("the session: %v", err)
	}
	if _, err := e.Store().Load(ctx, "session", "gone"); !errors.Is(err, platform.ErrNoRecord) {
		t.Errorf("a deleted record: %v", err)
	}
}

func TestABackupGoesOnElsewhere(t *testing.T) {
	for name, from := range map[string]Config{"from a directory": {Dir: t.TempDir()}, "from servers": {URL: external(t)}} {
		text := filled(t, from)
		for name2, to := range map[string]Config{"to a directory": {Dir: filepath.Join(t.TempDir(), "new", "data")}, "to servers": {URL: external(t), AckWait: time.Second}} {
			t.Run(name+" "+name2, func(t *testing.T) {
				if err := Restore(t.Context(), to, bytes.NewReader(text)); err != nil {
					t.Fatal(err)
				}
				goesOn(t, open(t, to))
				if err := Restore(t.Context(), to, bytes.NewReader(text)); !errors.Is(err, ErrNotEmpty) {
					t.Errorf("restoring once more: %v", err)
				}
			})
		}
	}
}

func TestABackupOfACleanedLogGoesOn(t *testing.T) {
	dir := t.TempDir()
	e := open(t, Config{Dir: dir, SyncInterval: time.Minute, cleanAbove: 1})
	ctx := t.Context()
	for range 5000 {
		if err := e.Write(ctx, "one", "t", &platform.Message{Body: []byte("x")}); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Read(ctx, "one", "t", 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Write(ctx, "one", "t", &platform.Message{Body: []byte("last")}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := e.Backup(ctx, &b); err != nil {
		t.Fatal(err)
	}
	to := Config{Dir: filepath.Join(t.TempDir(), "data")}
	if err := Restore(ctx, to, &b); err != nil {
		t.Fatal(err)
	}
	if m, err := open(t, to).Read(ctx, "one", "t", 10); err != nil || len(m) != 1 || string(m[0].Body) != "last" {
		t.Errorf("%d messages, %v", len(m), err)
	}
}

func TestABackupThatIsNotWholeLeavesNothing(t *testing.T) {
	text := filled(t, Config{Dir: t.TempDir()})
	parent := t.TempDir()
	refused := func(what string, text []byte) {
		t.Helper()
		if err := Restore(t.Context(), Config{Dir: filepath.Join(parent, "data")}, bytes.NewReader(text)); err == nil {
			t.Errorf("%s was restored", what)
		}
		if entries, _ := os.ReadDir(parent); len(entries) > 0 {
			t.Errorf("%s left %v", what, entries)
		}
	}
	for n := 0; n < len(text); n += 97 {
		refused(fmt.Sprintf("a backup of %d bytes of %d", n, len(text)), text[:n])
		changed := bytes.Clone(text)
		changed[n] ^= 1
		refused(fmt.Sprintf("a backup with a changed byte %d", n), changed)
	}
	refused("a backup with a tail", append(bytes.Clone(text), 'x'))
}

func TestABackupIsRestoredIntoTheDirectoryItself(t *testing.T) {
	text := filled(t, Config{Dir: t.TempDir()})
	for name, prepare := range map[string]func(t *testing.T, dir string) string{
		"an empty directory":   func(_ *testing.T, dir string) string { return dir },
		"the working one":      func(t *testing.T, dir string) string { t.Chdir(dir); return "." },
		"one by a link":        func(t *testing.T, dir string) string { return linkTo(t, dir) },
		"the root of a volume": func(t *testing.T, dir string) string { makeDir(t, filepath.Join(dir, lostAndFound)); return dir },
		"one in a directory that cannot be written to": func(t *testing.T, dir string) string {
			inside := filepath.Join(dir, "data")
			makeDir(t, inside)
			if err := os.Chmod(dir, 0o500); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
			return inside
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := prepare(t, t.TempDir())
			before, err := os.Stat(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := Restore(t.Context(), Config{Dir: dir}, bytes.NewReader(text)); err != nil {
				t.Fatal(err)
			}
			if after, err := os.Stat(dir); err != nil || !os.SameFile(before, after) {
				t.Errorf("it is another directory now, %v", err)
			}
			goesOn(t, open(t, Config{Dir: dir}))
		})
	}
}

func makeDir(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
}

func linkTo(t *testing.T, dir string) string {
	t.Helper()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Skip(err) // as on Windows
	}
	return link
}

func TestADirectoryThatIsNotWhollyRestoredIsRefused(t *testing.T) {
	text := filled(t, Config{Dir: t.TempDir()})
	dir := t.TempDir()
	s, err := claimTarget(dir) // as a Restore that is killed then
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Config{Dir: dir, Logger: quiet(t)})
	if !errors.Is(err, ErrHalfRestored) || !strings.Contains(err.Error(), "delete what is in it and restore again") {
		t.Errorf("opening: %v", err)
	}
	if err := Restore(t.Context(), Config{Dir: dir}, bytes.NewReader(text)); !errors.Is(err, ErrHalfRestored) {
		t.Errorf("restoring: %v", err)
	}
	if err := s.clear(); err != nil {
		t.Fatal(err)
	}
	if err := Restore(t.Context(), Config{Dir: dir}, bytes.NewReader(text)); err != nil {
		t.Error(err)
	}
}

func TestARestoreThatFailsRemovesWhatItMade(t *testing.T) {
	text := filled(t, Config{Dir: t.TempDir()})
	parent := t.TempDir()
	there := filepath.Join(parent, "there")
	makeDir(t, there)
	makeDir(t, filepath.Join(there, lostAndFound))
	ended, end := context.WithCancel(t.Context())
	end()
	for _, dir := range []string{there, filepath.Join(parent, "a", "b")} {
		if err := Restore(ended, Config{Dir: dir, Logger: quiet(t)}, bytes.NewReader(text)); err == nil {
			t.Errorf("%s was restored to", dir)
		}
	}
	if left, err := filepath.Glob(filepath.Join(parent, "*")); err != nil || len(left) != 1 {
		t.Errorf("there are %v, %v", left, err)
	}
	if left, err := os.ReadDir(there); err != nil || len(left) != 1 {
		t.Errorf("there are %v, %v", left, err)
	}
}

func FuzzBackup(f *testing.F) {
	f.Add([]byte(backupMagicOld + "\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Add([]byte(backupMagic + "\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02"))
	f.Add([]byte(backupMagicOld + "\x00\x00\x00\x00\x00\x00\x00\x01R\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04k.61\x01v"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := readBackup(bytes.NewReader(text), nil); err == nil && len(text) < len(backupMagic)+8+5+32 {
			t.Errorf("%q is too short to be whole", text)
		}
	})
}

// A right checksum does not make a log that an engine can read.
func TestALogThatCannotBeReadIsNotRestored(t *testing.T) {
	b := &backup{sum: sha256.New()}
	var text bytes.Buffer
	b.w = bufio.NewWriter(io.MultiWriter(&text, b.sum))
	b.head(1, 2)
	b.part(partLog, []byte("no record"))
	b.w.Flush()
	b.part(partEnd, b.sum.Sum(nil))
	b.w.Flush()
	to := filepath.Join(t.TempDir(), "data")
	if err := Restore(t.Context(), Config{Dir: to}, &text); !errors.Is(err, errBroken) {
		t.Error(err)
	}
	if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something is left: %v", err)
	}
}

// Servers do not know whether a restore has come to its end.
func TestServersThatAreNotWhollyRestoredAreRefused(t *testing.T) {
	c := Config{URL: external(t), Logger: quiet(t)}
	text := filled(t, Config{Dir: t.TempDir()})
	ctx, cancel := context.WithCancel(t.Context())
	full, err := c.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	half := newEngine(full)
	if err := errors.Join(half.connect(), half.openJournal()); err != nil {
		t.Fatal(err)
	}
	defer half.shutDown()
	s := &restorer{ctx: ctx, e: half, mark: "m"}
	if err := s.begin(1, 2); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), c); !errors.Is(err, ErrHalfRestored) {
		t.Errorf("opening: %v", err)
	}
	if err := Restore(t.Context(), c, bytes.NewReader(text)); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("restoring beside it: %v", err)
	}
	cancel() // as by Ctrl-C
	if err := s.undo(); err != nil {
		t.Fatal(err)
	}
	if err := Restore(t.Context(), c, bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	goesOn(t, open(t, c))
}

// made returns a backup of parts, with a right checksum.
func made(parts ...[]byte) []byte {
	b := &backup{sum: sha256.New()}
	var text bytes.Buffer
	b.w = bufio.NewWriter(io.MultiWriter(&text, b.sum))
	b.head(1, 2)
	for _, part := range parts {
		b.part(part[0], part[1:])
	}
	b.w.Flush()
	b.part(partEnd, b.sum.Sum(nil))
	b.w.Flush()
	return text.Bytes()
}

func savedPart(name string) []byte {
	part := append([]byte{partRecord}, make([]byte, 8)...)
	part = binary.BigEndian.AppendUint16(part, uint16(len(name)))
	return append(append(part, name...), format)
}

func TestAHostileBackupIsRefusedBeforeItCostsMemory(t *testing.T) {
	facts := append([]byte{partLog, format}, make([]byte, 16)...)
	few := len(facts)
	for len(facts) < 12<<20 {
		facts = append(facts, byte(factPurge), 0, 0, 0, 0, 0, 0, 0)
	}
	numbers := slices.Clone(facts[:few])
	numbers = append(numbers, byte(factAck), 0, 0, 0, 0, 0)
	numbers = binary.AppendUvarint(numbers, 12<<20)
	numbers = append(append(numbers, make([]byte, 12<<20)...), 0)
	for name, part := range map[string][]byte{
		"facts": facts, "numbers": numbers, "large": append(slices.Clone(facts), make([]byte, 60<<20)...),
		"kind": savedPart(">.61"), "kind with a star": savedPart("*.61"), "kind with NUL": savedPart("a\x00b.61"), "kind with a blank": savedPart("a b.61"),
	} {
		text := made(part)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := readBackup(bytes.NewReader(text), nil)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: it can be restored", name)
		}
		if cost := after.TotalAlloc - before.TotalAlloc; cost > 200<<20 {
			t.Errorf("%s: it costs %d MiB", name, cost>>20)
		}
	}
	if err := readBackup(bytes.NewReader(made(savedPart("key.61"))), nil); err != nil {
		t.Errorf("a good one: %v", err)
	}
}

func TestARestoreThatIsKilledLeavesNoSecretsInTheTemporaryFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there a file that is open keeps its name")
	}
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	text := filled(t, Config{Dir: t.TempDir()})
	looked := false
	r := io.MultiReader(bytes.NewReader(text[:len(text)/2]), readerFunc(func([]byte) (int, error) {
		left, err := os.ReadDir(folder)
		if len(left) != 0 || err != nil {
			t.Errorf("while it reads there are %v, %v", left, err)
		}
		looked = true
		return 0, io.EOF
	}), bytes.NewReader(text[len(text)/2:]))
	if err := Restore(t.Context(), Config{Dir: filepath.Join(t.TempDir(), "to"), Logger: quiet(t)}, r); err != nil || !looked {
		t.Errorf("%v, looked %v", err, looked)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestASymbolicLinkInTheDirectoryIsNotFollowed(t *testing.T) {
	for _, name := range []string{"lock", "room", "version.new", "jetstream"} {
		dir, target := t.TempDir(), filepath.Join(t.TempDir(), "target")
		if err := os.WriteFile(target, []byte("theirs"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
		if e, err := Open(t.Context(), Config{Dir: dir, Logger: quiet(t)}); err == nil || !strings.Contains(err.Error(), "symbolic link") {
			t.Errorf("%s: %v", name, err)
			if err == nil {
				e.Close()
			}
		}
		if text, err := os.ReadFile(target); err != nil || string(text) != "theirs" {
			t.Errorf("%s: the target has %q, %v", name, text, err)
		}
	}
	real := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(real, link); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	open(t, Config{Dir: link})
}

// A sync for each record would make restores slow.
func TestManySmallRecordsAreRestoredTogether(t *testing.T) {
	from := t.TempDir()
	e := open(t, Config{Dir: from, SyncInterval: time.Minute, QueueBounds: platform.QueueBounds{MaxMessages: -1}})
	const n = 20_000
	var publishing sync.WaitGroup
	for range 8 {
		publishing.Go(func() {
			for range n / 8 {
				if err := e.Write(t.Context(), shop, "orders", &platform.Message{Body: []byte("x")}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	publishing.Wait()
	var text bytes.Buffer
	if err := e.Backup(t.Context(), &text); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "to")
	if err := Restore(t.Context(), Config{Dir: to, Logger: quiet(t)}, &text); err != nil {
		t.Fatal(err)
	}
	if s, err := open(t, Config{Dir: to}).Status(t.Context(), shop, "orders"); err != nil || s.Ready != n {
		t.Errorf("%+v, %v", s, err)
	}
}
