//go:build unix

package postgres

import (
	"bytes"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
)

// Start starts a PostgreSQL of its own and returns its address for lib/pq, or "" where none
// is installed. It ends with the test.
func Start(t testing.TB) string {
	t.Helper()
	initdb := find(t)
	if initdb == "" {
		t.Log("!!! WITHOUT POSTGRESQL: what needs it is not tried; install postgresql")
		return ""
	}
	dir, err := os.MkdirTemp("", "pg") // not t.TempDir, which only its owner may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	as := Unprivileged(t, dir)
	data := filepath.Join(dir, "data")
	prepare := exec.Command(initdb, "-D", data, "-U", "shop", "-A", "trust", "-N", "--no-instructions", "-E", "UTF8", "--locale=C")
	prepare.SysProcAttr, prepare.Dir = as, dir
	if out, err := prepare.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	server := exec.Command(filepath.Join(filepath.Dir(initdb), "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off")
	server.SysProcAttr, server.Dir = as, dir
	Run(t, server, "ready to accept connections", syscall.SIGINT)
	return "host=" + dir + " user=shop dbname=postgres sslmode=disable"
}

// find returns the path of initdb, "" if there is none. Debian has it outside of PATH.
func find(t testing.TB) string {
	t.Helper()
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
		if len(found) == 0 {
			return ""
		}
		initdb = found[len(found)-1]
	}
	if initdb, err = filepath.EvalSymlinks(initdb); err != nil {
		t.Fatal(err)
	}
	return initdb
}

// Run starts a server and returns when its log has a text. It fails the test if the server
// ends before that, and gives it the signal end when the test ends.
func Run(t testing.TB, server *exec.Cmd, ready string, end os.Signal) {
	t.Helper()
	log := &log{text: []byte(ready), found: make(chan struct{})}
	server.Stderr = log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = server.Wait(); close(ended) }()
	t.Cleanup(func() { _ = server.Process.Signal(end); <-ended })
	select {
	case <-log.found:
	case <-ended:
		t.Fatalf("%s: %v\n%s", server.Path, server.ProcessState, log.all.Bytes())
	}
}

// A log is that of a server. It closes found when it has a text.
type log struct {
	text  []byte
	all   bytes.Buffer // written by one goroutine, which has ended when it is read
	once  sync.Once
	found chan struct{}
}

func (l *log) Write(p []byte) (int, error) {
	l.all.Write(p)
	if bytes.Contains(l.all.Bytes(), l.text) {
		l.once.Do(func() { close(l.found) })
	}
	return len(p), nil
}

// Unprivileged returns how to start a process that may own dir, which databases want: they
// refuse to run as root.
func Unprivileged(t testing.TB, dir string) *syscall.SysProcAttr {
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
