package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/files"
	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/platform"
)

func TestASecondBackupIsRefusedAtOnce(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := &service{log: slog.New(slog.DiscardHandler), t: &tool{err: new(buffer)}, serveCmd: &serveCmd{Serve: settings.Serve{Storage: settings.Storage{Data: data, Replicas: 1}}}}
	e, err := openEngine(t.Context(), &s.Storage, 0, platform.QueueBounds{}, s.log)
	if err != nil {
		t.Fatal(err)
	}
	s.engine = e
	if err := s.offerBackup(); err != nil {
		t.Fatal(err)
	}
	s.backing.Lock() // by a backup that is being made
	r := invocation{args: []string{"backup", "--data", data, "-"}}.run()
	r.want(t, exitRefused, "", "the platform that runs makes none: another backup of it is being made: try again when that has ended")
	s.backing.Unlock()
	if r := (invocation{args: []string{"backup", "--data", data, "-"}}).run(); r.status != exitDone || r.out == "" {
		t.Errorf("%+v", r)
	}
	r = invocation{args: []string{"backup", "--data", data, "-"}, out: &clogged{}}.run()
	r.want(t, exitRefused, "", "there is no backup: it cannot be written: broken pipe")
	if err := errors.Join(s.ends[0](), e.close()); err != nil {
		t.Error(err)
	}
}

func TestADirectoryWithALongPathIsBackedUpWhileItIsUsed(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere such a directory is refused at the start")
	}
	data := filepath.Join(t.TempDir(), strings.Repeat("long/", 40), "data")
	s := &service{log: slog.New(slog.DiscardHandler), t: &tool{err: new(buffer)}, serveCmd: &serveCmd{Serve: settings.Serve{Storage: settings.Storage{Data: data, Replicas: 1}}}}
	e, err := openEngine(t.Context(), &s.Storage, 0, platform.QueueBounds{}, s.log)
	if err != nil {
		t.Fatal(err)
	}
	s.engine = e
	if err := s.offerBackup(); err != nil {
		t.Fatal(err)
	}
	if r := (invocation{args: []string{"backup", "--data", data, "-"}}).run(); r.status != exitDone || r.out == "" {
		t.Errorf("%+v", r)
	}
	if err := errors.Join(s.ends[0](), e.close()); err != nil {
		t.Error(err)
	}
}

func TestWhatAKilledBackupLeftIsRemoved(t *testing.T) {
	name := filepath.Join(t.TempDir(), "prism.[1]backup")
	left, err := os.Create(name + ".new-1")
	if err != nil {
		t.Fatal(err)
	}
	left.Close() // as by the end of its process
	atWork, err := os.Create(name + ".new-2")
	if err != nil {
		t.Fatal(err)
	}
	defer atWork.Close()
	if locked, err := files.TryLock(atWork); !locked || err != nil {
		t.Fatal(locked, err)
	}
	if err := files.Replace(name, []byte("x")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil || len(entries) != 2 || entries[1].Name() != filepath.Base(atWork.Name()) {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestABackupIsNotHeldUpByAReaderThatStalls(t *testing.T) {
	gaveUp := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		out := &brisk{w, http.NewResponseController(w), 20 * time.Millisecond}
		var err error
		for err == nil {
			_, err = out.Write(make([]byte, 64<<10))
		}
		gaveUp <- err
	}))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if err := <-gaveUp; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("it ended with %v", err)
	}
}

// A platform that cannot finish a backup is told apart from one that makes none.
func TestABackupThatBreaksOffIsNone(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", backupSocket(dir))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	var got bytes.Buffer
	if err := fetchBackup(t.Context(), backupSocket(dir), &got); err == nil || !strings.Contains(err.Error(), "did not finish it; its log says why") {
		t.Errorf("%v", err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	<-served
}
