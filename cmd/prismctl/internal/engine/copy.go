package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/jetstream"
)

// Copy writes all that is kept to w. A directory that is in use is copied by
// the platform that uses it.
func Copy(ctx context.Context, s *settings.Storage, log *slog.Logger, w io.Writer) error {
	if s.Data != "" {
		_, err := os.Stat(filepath.Join(s.Data, "lock"))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("no platform has worked on %s: %w", s.Data, err)
		}
		if err != nil {
			return fmt.Errorf("%s cannot be read: %w", s.Data, err)
		}
	}
	e, err := Open(ctx, s, 0, platform.QueueBounds{}, log)
	if errors.Is(err, jetstream.ErrInUse) {
		socket, release, err := BackupAddress(s.Data)
		if err != nil {
			return err
		}
		defer release()
		return fetchBackup(ctx, socket, w)
	}
	if err != nil {
		return err
	}
	err = e.Backup(ctx, w)
	if err != nil {
		err = &refusal{err, withoutPackage(err)}
	}
	return errors.Join(err, e.Close())
}

// fetchBackup copies what the platform at a socket hands out.
func fetchBackup(ctx context.Context, socket string, w io.Writer) error {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://prismctl/", nil)
	if err != nil {
		return err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("the directory is in use, and who uses it hands out no backup: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("the platform that runs makes none: %s", bytes.TrimSpace(why))
	}
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("the platform that runs did not finish it; its log says why: %w", err)
	}
	return nil
}
