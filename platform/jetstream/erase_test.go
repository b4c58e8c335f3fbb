package jetstream

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	grown "github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
)

// eraseDir makes the test binary a process that replaces a record all the time.
const eraseDir = "PRISM_TEST_ERASE_DIR"

func eraseChild() {
	dir := os.Getenv(eraseDir)
	if dir == "" {
		return
	}
	if err := replaceForEver(dir); err != nil {
		fmt.Println("error", err)
	}
	os.Exit(1)
}

func replaceForEver(dir string) error {
	e, err := Open(context.Background(), Config{Dir: dir, eraseAfter: time.Nanosecond})
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		r, err := e.Store().Load(context.Background(), "key", "one")
		if err != nil && !errors.Is(err, platform.ErrNoRecord) {
			return err
		}
		if _, err = e.Store().Save(context.Background(), "key", "one", []byte(numbered(os.Getpid(), i)), r.Revision, 0); err != nil {
			return err
		}
		fmt.Println(numbered(os.Getpid(), i))
		if i%10 == 9 {
			if err := e.Store().Delete(context.Background(), "key", "one"); err != nil {
				return err
			}
		}
	}
}

func numbered(process, i int) string { return fmt.Sprintf("secret-%d-%d;", process, i) }

// found returns those texts that are in a file of dir, in clear or as base64.
func found(t *testing.T, dir string, texts ...string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return ignoreMissing(err)
		}
		content, err := os.ReadFile(name)
		for _, text := range texts {
			if bytes.Contains(content, []byte(text)) || bytes.Contains(content, []byte(base64.StdEncoding.EncodeToString([]byte(text)))) {
				all = append(all, text)
			}
		}
		return ignoreMissing(err)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// gone waits until none of the texts is in a file of dir.
func gone(t *testing.T, dir string, texts ...string) {
	t.Helper()
	for deadline := time.Now().Add(grown.Of(time.Minute)); ; time.Sleep(20 * time.Millisecond) {
		left := found(t, dir, texts...)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q is still in the files of the directory", left[0])
		}
	}
}

// save saves a record over what is there.
func save(t *testing.T, s *Store, id, value string, ttl time.Duration) {
	t.Helper()
	r, err := s.Load(t.Context(), "key", id)
	if err != nil && !errors.Is(err, platform.ErrNoRecord) {
		t.Fatal(err)
	}
	if _, err := s.Save(t.Context(), "key", id, []byte(value), r.Revision, ttl); err != nil {
		t.Fatal(err)
	}
}

func TestWhatWasReplacedOrDeletedIsGoneFromTheFiles(t *testing.T) {
	options := serverOptions(t)
	startedAt := startExternal(t, options).ClientURL()
	dir := t.TempDir()
	for name, c := range map[string]Config{
		"in a directory": {Dir: dir}, "without a sync each time": {Dir: t.TempDir(), SyncInterval: time.Minute}, "on a server": {URL: startedAt},
	} {
		t.Run(name, func(t *testing.T) {
			files := c.Dir
			if files == "" {
				files = options.StoreDir
			}
			e := open(t, c)
			s := e.Store()
			save(t, s, "one", "first secret", 0)
			save(t, s, "two", "another secret", 0)
			if len(found(t, files, "first secret")) == 0 {
				t.Fatal("it was never there")
			}
			save(t, s, "one", "second secret", 0)
			gone(t, files, "first secret")
			if err := s.Delete(t.Context(), "key", "one"); err != nil {
				t.Fatal(err)
			}
			gone(t, files, "first secret", "second secret")
			save(t, s, "one", "third secret", 0)
			all, err := s.List(t.Context(), "key")
			if err != nil || len(all) != 2 || string(all["one"].Value) != "third secret" || string(all["two"].Value) != "another secret" {
				t.Errorf("what is left is %v, %v", all, err)
			}
		})
	}
}

func TestNothingIsLeftOfADeletedRecord(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir(), eraseAfter: time.Nanosecond}).Store()
	for i := range 20 {
		save(t, s, fmt.Sprint(i), "x", 0)
		if err := s.Delete(t.Context(), "key", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	within(t, func() bool {
		a, err := s.records.ask(t.Context(), "INFO", struct{}{})
		return err == nil && a.State.Count == 0
	})
}

// A start after an erasure of which nobody knows whether it was done makes the bucket
// anew.
func TestAnOrderlyEndLeavesNoErasureInDoubt(t *testing.T) {
	for round := range 20 {
		c := Config{Dir: t.TempDir(), eraseAfter: time.Nanosecond}
		e, err := Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 1 + round {
			save(t, e.Store(), "one", fmt.Sprint("value ", i), 0)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		c.Name = "prism"
		if needsRenewal(&c) {
			t.Fatalf("round %d: the next start makes the bucket anew", round)
		}
	}
}

func TestWhatWasReplacedIsGoneAfterKill9AndAStart(t *testing.T) {
	dir := t.TempDir()
	var old []string
	for range 5 {
		old = append(old, killedErasing(t, dir, 40)...)
	}
	e := open(t, Config{Dir: dir})
	r, err := e.Store().Load(t.Context(), "key", "one")
	if err != nil && !errors.Is(err, platform.ErrNoRecord) {
		t.Fatal(err)
	}
	old = slices.DeleteFunc(old, func(text string) bool { return text == string(r.Value) })
	if len(old) < 150 {
		t.Fatalf("%d secrets", len(old))
	}
	gone(t, dir, old...)
}

// killedErasing runs a child until it has saved n secrets, kills it, and returns them.
func killedErasing(t *testing.T, dir string, n int) (secrets []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), eraseDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "secret-") {
			t.Errorf("the child says %q", lines.Text())
		}
		if secrets = append(secrets, lines.Text()); len(secrets) == n {
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait()
	return secrets
}

// The server notes the removal first, and is killed before it writes the file anew.
func TestAnErasureThatWasCutShortIsFinished(t *testing.T) {
	c := Config{Dir: t.TempDir()}
	e := open(t, c)
	s := e.Store()
	save(t, s, "one", "first secret", 0)
	save(t, s, "two", "another secret", 0)
	save(t, s, "brief", "a brief one", time.Hour)
	r, err := s.Load(t.Context(), "key", "one")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.eraser.mark.begin(), s.records.remove(t.Context(), r.Revision, false)); err != nil {
		t.Fatal(err)
	}
	last, _, err := s.records.last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil || len(found(t, c.Dir, "first secret")) == 0 {
		t.Fatal("it was never there", err)
	}
	s = open(t, c).Store()
	gone(t, c.Dir, "first secret")
	for id, want := range map[string]string{"two": "another secret", "brief": "a brief one"} {
		if r, err := s.Load(t.Context(), "key", id); err != nil || string(r.Value) != want || r.Revision <= last {
			t.Errorf("%s is %q with revision %d, behind %d, %v", id, r.Value, r.Revision, last, err)
		}
	}
	if needsRenewal(&e.config) {
		t.Error("the next start would do it again")
	}
}

// asBefore makes a bucket as the version before did, and stores records in it.
func asBefore(t *testing.T, nc *nats.Conn, replicas int) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	_, err = js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "prism-records", Storage: jetstream.FileStorage, Replicas: replicas, LimitMarkerTTL: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	s := &Store{patience: time.Minute, records: &journal{nc: nc, js: js, stream: bucketStream("prism"), subject: bucketSubject("prism")}}
	for _, value := range []string{"first secret", "second secret"} {
		save(t, s, "one", value, 0)
		save(t, s, "two", value, 0)
		save(t, s, "brief", value, time.Hour)
	}
	save(t, s, "over", "x", time.Second)
	if err := s.Delete(t.Context(), "key", "two"); err != nil {
		t.Fatal(err)
	}
}

// isAsBefore checks what asBefore has stored.
func isAsBefore(t *testing.T, s *Store) {
	t.Helper()
	for _, id := range []string{"one", "brief"} {
		if r, err := s.Load(t.Context(), "key", id); err != nil || string(r.Value) != "second secret" {
			t.Errorf("%s is %q, %v", id, r.Value, err)
		}
	}
	if _, err := s.Load(t.Context(), "key", "two"); !errors.Is(err, platform.ErrNoRecord) {
		t.Errorf("a deleted record: %v", err)
	}
}

// before makes a directory as the version before has left it.
func before(t *testing.T) Config {
	t.Helper()
	c := Config{Dir: t.TempDir(), Name: "prism", Logger: quiet(t)}
	s, err := startServer(&c)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect("", nats.InProcessServer(s.current()))
	if err != nil {
		t.Fatal(err)
	}
	asBefore(t, nc, 1)
	nc.Close()
	if err := s.stop(); err != nil || len(found(t, c.Dir, "first secret")) == 0 {
		t.Fatal("it was never there", err)
	}
	return c
}

func TestADirectoryOfTheVersionBeforeHasItsRecordsAndNothingElse(t *testing.T) {
	for name, interrupted := range map[string]func(*testing.T, *Config){
		"at once": func(*testing.T, *Config) {},
		"saved":   func(t *testing.T, c *Config) { must(t, c.saveRecords(t.Context())) },
		"removed": func(t *testing.T, c *Config) {
			must(t, errors.Join(c.saveRecords(t.Context()), os.RemoveAll(bucketDir(c))))
		},
		"half made": func(t *testing.T, c *Config) {
			must(t, errors.Join(c.saveRecords(t.Context()), os.RemoveAll(bucketDir(c)),
				c.withStore(t.Context(), 1, func(s *Store) error {
					save(t, s, "one", "second secret", 0)
					return nil
				})))
		},
		"half saved": func(t *testing.T, c *Config) {
			must(t, os.WriteFile(savedFile(c)+".new", []byte("first secret"), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := before(t)
			full, err := c.withDefaults()
			must(t, err)
			interrupted(t, &full)
			for range 2 {
				e := open(t, c)
				isAsBefore(t, e.Store())
				gone(t, c.Dir, "first secret")
				save(t, e.Store(), "one", "third secret", 0)
				save(t, e.Store(), "one", "second secret", 0)
				gone(t, c.Dir, "third secret")
				must(t, e.Close())
			}
		})
	}
}

// Servers are shared, so what they have is not replaced.
func TestServersOfTheVersionBeforeGoOn(t *testing.T) {
	url := external(t)
	nc, err := nats.Connect(url)
	must(t, err)
	defer nc.Close()
	asBefore(t, nc, 1)
	s := open(t, Config{URL: url}).Store()
	isAsBefore(t, s)
	save(t, s, "one", "third secret", 0)
	must(t, s.Delete(t.Context(), "key", "brief"))
	all, err := s.List(t.Context(), "key")
	delete(all, "over")
	if err != nil || len(all) != 1 || string(all["one"].Value) != "third secret" {
		t.Errorf("it has %v, %v", all, err)
	}
}

// An old value that is not erased yet must not be there again.
func TestARecordThatEndsIsNotReplacedByAnOlderOne(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir(), eraseAfter: time.Hour}).Store()
	save(t, s, "shorter", "old", time.Hour)
	save(t, s, "shorter", "new", 2*time.Second)
	save(t, s, "again", "old", time.Hour)
	must(t, s.Delete(t.Context(), "key", "again"))
	save(t, s, "again", "new", 2*time.Second)
	save(t, s, "endless", "old", 0)
	save(t, s, "endless", "new", 2*time.Second)
	save(t, s, "endless again", "old", 0)
	must(t, s.Delete(t.Context(), "key", "endless again"))
	save(t, s, "endless again", "new", 2*time.Second)
	all := []string{"shorter", "again", "endless", "endless again"}
	for _, id := range all {
		if r, err := s.Load(t.Context(), "key", id); err != nil || string(r.Value) != "new" {
			t.Errorf("%s is %q, %v", id, r.Value, err)
		}
	}
	for _, id := range all {
		within(t, func() bool {
			r, err := s.Load(t.Context(), "key", id)
			if err == nil && string(r.Value) != "new" {
				t.Fatalf("%s is %q again", id, r.Value)
			}
			return errors.Is(err, platform.ErrNoRecord)
		})
	}
	for range 3 {
		time.Sleep(time.Second) // an old one would be there again some time after the new one
		if all, err := s.List(t.Context(), "key"); err != nil || len(all) > 0 {
			t.Fatalf("there is %v, %v", all, err)
		}
	}
	save(t, s, "shorter", "newest", 0)
}

// Servers say in three ways that another engine was faster.
func TestWhatAnotherEngineHasRemovedIsGone(t *testing.T) {
	o := serverOptions(t)
	o.JetStream = false
	nc, err := nats.Connect(startExternal(t, o).ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	answer := make(chan string, 1)
	if _, err := nc.Subscribe("$JS.API.STREAM.MSG.DELETE.log", func(m *nats.Msg) { m.Respond([]byte(<-answer)) }); err != nil {
		t.Fatal(err)
	}
	j := &journal{nc: nc, stream: "log"}
	for text, want := range map[string]error{
		`{"success":true}`: nil,
		`{"error":{"code":404,"err_code":10037,"description":"no message found"}}`:      errNoRecord,
		`{"error":{"code":400,"err_code":10043,"description":"sequence 7 not found"}}`:  errNoRecord,
		`{"error":{"code":500,"err_code":10057,"description":"no message found"}}`:      errNoRecord,
		`{"error":{"code":500,"err_code":10057,"description":"no space left on disk"}}`: platform.ErrUnavailable,
	} {
		answer <- text
		if err := j.remove(t.Context(), 7, true); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}
