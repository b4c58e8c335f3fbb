package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	nats "github.com/nats-io/nats-server/v2/server"
)

// A server is JetStream inside this process. Nothing can dial it.
type server struct {
	config  *Config
	lock    *os.File
	failure failure
	disk    disk
	lost    atomic.Pointer[error] // set when nothing can be stored any more

	mu      sync.Mutex
	running *nats.Server
}

func startServer(c *Config) (*server, error) {
	lock, err := c.held, error(nil)
	if lock == nil {
		if lock, err = claimDir(c); err != nil {
			return nil, err
		}
	}
	s := &server{config: c, lock: lock}
	if s.running, err = runServer(c); err != nil {
		return nil, errors.Join(err, s.unlock())
	}
	s.watchDisk()
	return s, nil
}

// claimDir makes the directory unless it exists, checks it, and locks it until the
// file is closed.
func claimDir(c *Config) (*os.File, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("jetstream: data directory: %w", err)
	}
	if err := checkLinks(c.Dir); err != nil {
		return nil, err
	}
	lock, err := lockDir(c.Dir)
	if err != nil {
		return nil, err
	}
	if err := checkDir(c); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// unlock unlocks the directory, unless the caller brought the lock.
func (s *server) unlock() error {
	if s.config.held != nil {
		return nil
	}
	return s.lock.Close()
}

func runServer(c *Config) (*nats.Server, error) {
	s, err := nats.NewServer(&nats.Options{
		ServerName: "prism",
		DontListen: true,
		NoSigs:     true,
		JetStream:  true,
		StoreDir:   c.Dir,
		MaxPayload: 8 << 20,
		// The disk is the limit, and not the free space at the start.
		JetStreamMaxStore: math.MaxInt64 / 2,
		// An interval of zero would mean the server's default.
		SyncAlways:   c.SyncInterval <= 0,
		SyncInterval: c.SyncInterval,
	})
	if err != nil {
		return nil, fmt.Errorf("jetstream: the server cannot be made: %w", err)
	}
	heard := &serverLog{log: c.Logger}
	s.SetLoggerV2(heard, false, false, false)
	s.Start()
	if s.ReadyForConnections(time.Minute) && s.JetStreamEnabled() {
		return s, nil
	}
	s.Shutdown()
	s.WaitForShutdown()
	return nil, fmt.Errorf("jetstream: the server does not start on %s: %s", c.Dir, heard.last())
}

func (s *server) current() *nats.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running
}

// InProcessConn connects to the server that runs at present.
func (s *server) InProcessConn() (net.Conn, error) { return s.current().InProcessConn() }

// stop ends the server and unlocks the directory. It returns when everything is
// written.
func (s *server) stop() error {
	s.halt()
	return s.unlock()
}

func (s *server) halt() {
	running := s.current()
	running.Shutdown()
	running.WaitForShutdown()
}

// A serverLog passes the log of the server to slog. Notices of the server have the
// level debug.
type serverLog struct {
	log *slog.Logger
	bad atomic.Pointer[string] // the last error
}

func (l *serverLog) last() string {
	if text := l.bad.Load(); text != nil {
		return *text
	}
	return "it did not say why"
}

func (l *serverLog) logf(level slog.Level, format string, args []any) {
	text := fmt.Sprintf(format, args...)
	if level >= slog.LevelError {
		l.bad.Store(&text)
	}
	l.log.Log(context.Background(), level, "jetstream server: "+text)
}

func (l *serverLog) Noticef(format string, args ...any) { l.logf(slog.LevelDebug, format, args) }
func (l *serverLog) Warnf(format string, args ...any)   { l.logf(slog.LevelWarn, format, args) }
func (l *serverLog) Errorf(format string, args ...any)  { l.logf(slog.LevelError, format, args) }
func (l *serverLog) Fatalf(format string, args ...any)  { l.logf(slog.LevelError, format, args) }
func (l *serverLog) Debugf(format string, args ...any)  { l.logf(slog.LevelDebug, format, args) }
func (l *serverLog) Tracef(format string, args ...any)  { l.logf(slog.LevelDebug, format, args) }
