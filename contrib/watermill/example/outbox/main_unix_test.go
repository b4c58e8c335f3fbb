//go:build unix

package main

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/prismtest"
)

// postgres starts a PostgreSQL of its own and returns its address, or "" where there is
// none.
func postgres(t *testing.T) string {
	t.Helper()
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
		if len(found) == 0 {
			t.Log("!!! WITHOUT POSTGRESQL: the outbox is not tried; install postgresql")
			return ""
		}
		initdb = found[len(found)-1]
	}
	if initdb, err = filepath.EvalSymlinks(initdb); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "pg") // not t.TempDir, which only its owner may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	as := unprivileged(t, dir)
	data := filepath.Join(dir, "data")
	prepare := exec.Command(initdb, "-D", data, "-U", "shop", "-A", "trust", "-N", "--no-instructions", "-E", "UTF8", "--locale=C")
	prepare.SysProcAttr, prepare.Dir = as, dir
	if out, err := prepare.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	server := exec.Command(filepath.Join(filepath.Dir(initdb), "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off")
	log := &readiness{ready: make(chan struct{})}
	server.SysProcAttr, server.Dir, server.Stderr = as, dir, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = server.Wait(); close(ended) }()
	t.Cleanup(func() { _ = server.Process.Signal(syscall.SIGINT); <-ended })
	select {
	case <-log.ready:
	case <-ended:
		t.Fatalf("postgres: %s", log)
	}
	return "host=" + dir + " user=shop dbname=postgres sslmode=disable"
}

// readiness is the log of a database, and tells when that can be used.
type readiness struct {
	mu    sync.Mutex
	text  bytes.Buffer
	ready chan struct{}
	told  bool
}

func (r *readiness) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text.Write(p)
	if !r.told && strings.Contains(r.text.String(), "ready to accept connections") {
		r.told = true
		close(r.ready)
	}
	return len(p), nil
}

func (r *readiness) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// unprivileged returns how to start a process that may own dir: PostgreSQL refuses root.
func unprivileged(t *testing.T, dir string) *syscall.SysProcAttr {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	gid, _ := strconv.Atoi(nobody.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

func TestWhatIsCommittedIsPublishedAndNothingElse(t *testing.T) {
	address := postgres(t)
	if address == "" {
		return
	}
	db, err := sql.Open("postgres", address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	srv := prismtest.NewServerConfig(t, prismtest.Config{Patience: patience.Of(30 * time.Second)})
	if err := prepare(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := order(cancelled, db, "never ordered"); err == nil {
		t.Error("an order whose context has ended was stored")
	}
	if _, err := db.Exec("CREATE FUNCTION no() RETURNS trigger AS $$ BEGIN RAISE 'sold out'; END $$ LANGUAGE plpgsql; " +
		"CREATE CONSTRAINT TRIGGER no AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.what = 'sold out') EXECUTE FUNCTION no()"); err != nil {
		t.Fatal(err)
	}
	if err := order(t.Context(), db, "sold out"); err == nil || !strings.Contains(err.Error(), "sold out") {
		t.Errorf("the commit that fails returned %v", err)
	}
	if err := order(t.Context(), db, "three teapots"); err != nil {
		t.Fatal(err)
	}
	var id string
	if err := db.QueryRow("SELECT id FROM orders").Scan(&id); err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- forward(ctx, db, srv.Client()) }()
	if m := srv.WaitPublished(1)[0].Message; string(m.Body) != `{"id":`+id+`}` || m.Key != "order.new" {
		t.Errorf("published %s: %s", m.Key, m.Body)
	}
	if err := order(t.Context(), db, "a cup"); err != nil { // while it runs
		t.Fatal(err)
	}
	srv.WaitPublished(2)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := len(srv.Published()); n != 2 {
		t.Errorf("%d messages were published, want 2", n)
	}
}
