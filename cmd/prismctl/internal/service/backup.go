package service

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/conns"
	"github.com/shopex/prism-go/cmd/prismctl/internal/engine"
)

// offerBackup serves the backup socket of --data until the end of s. Without
// one the platform works too.
func (s *service) offerBackup() error {
	if s.Data == "" {
		return nil
	}
	name, release, err := engine.BackupAddress(s.Data)
	if err != nil {
		return err
	}
	// The lock of the directory is ours, so a socket that is there is nobody's.
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		release()
		return fmt.Errorf("the socket for backups: %w", err)
	}
	l, err := net.Listen("unix", name)
	if err == nil {
		err = os.Chmod(name, 0o600)
	}
	if err != nil {
		release()
		s.notice("no backup can be made while this platform runs: %v", err)
		return nil
	}
	server, _ := conns.NewServer(http.HandlerFunc(s.backup), l, conns.Limit{}, s.log) // of this user only, so the listener is not bounded
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	s.ends = append(s.ends, func() error {
		defer release()
		err := server.Close() // which ends the context of a backup under way
		s.backing.Lock()
		return errors.Join(err, ignore(<-served, http.ErrServerClosed))
	})
	return nil
}

// backup answers with all that the engine has. Where it fails the connection is
// cut, so that nobody takes a part for the whole.
func (s *service) backup(w http.ResponseWriter, r *http.Request) {
	if !s.backing.TryLock() {
		http.Error(w, "another backup of it is being made: try again when that has ended", http.StatusConflict)
		return
	}
	defer s.backing.Unlock()
	w.Header().Set("Content-Type", "application/octet-stream")
	c := http.NewResponseController(w)
	_ = c.Flush() // the client learns that it has begun
	if err := s.engine.Backup(r.Context(), &brisk{w, c, stallTime}); err != nil {
		s.log.Error("the backup failed", "error", err)
		panic(http.ErrAbortHandler)
	}
}

// stallTime is how long one write of a backup may take. Meanwhile the engine keeps
// what it could remove.
const stallTime = 30 * time.Second

// A brisk writer gives up on a reader that stalls.
type brisk struct {
	w     io.Writer
	c     *http.ResponseController
	stall time.Duration
}

func (b *brisk) Write(p []byte) (int, error) {
	if err := b.c.SetWriteDeadline(time.Now().Add(b.stall)); err != nil {
		return 0, err
	}
	return b.w.Write(p)
}
