package service

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

	"github.com/shopex/prism-go/cmd/prismctl/internal/engine"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/platform"
)

// offered is a service that hands out backups of a directory, and how to end it.
func offered(t *testing.T, data string) *service {
	t.Helper()
	s := &service{log: slog.New(slog.DiscardHandler), Config: Config{Serve: &settings.Serve{Storage: settings.Storage{Data: data, Replicas: 1}}}}
	var err error
	if s.engine, err = engine.Open(t.Context(), &s.Storage, 0, platform.QueueBounds{}, s.log); err != nil {
		t.Fatal(err)
	}
	if err := s.offerBackup(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.ends[0](), s.engine.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestASecondBackupIsRefusedAtOnce(t *testing.T) {
	s := offered(t, filepath.Join(t.TempDir(), "data"))
	s.backing.Lock() // by a backup that is being made
	var got bytes.Buffer
	err := engine.Copy(t.Context(), &s.Storage, s.log, &got)
	if want := "the platform that runs makes none: another backup of it is being made: try again when that has ended"; err == nil || err.Error() != want || exit.Of(err) != exit.Refused || got.Len() > 0 {
		t.Errorf("%v, after %d bytes", err, got.Len())
	}
	s.backing.Unlock()
	if err := engine.Copy(t.Context(), &s.Storage, s.log, &got); err != nil || got.Len() == 0 {
		t.Errorf("%v, after %d bytes", err, got.Len())
	}
}

func TestADirectoryWithALongPathIsBackedUpWhileItIsUsed(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere such a directory is refused at the start")
	}
	s := offered(t, filepath.Join(t.TempDir(), strings.Repeat("long/", 40), "data"))
	var got bytes.Buffer
	if err := engine.Copy(t.Context(), &s.Storage, s.log, &got); err != nil || got.Len() == 0 {
		t.Errorf("%v, after %d bytes", err, got.Len())
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
