// Package service serves a platform by the settings in force: to callers, to
// operators and to backups, until it is asked to end.
package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/engine"
	"github.com/shopex/prism-go/cmd/prismctl/internal/seed"
	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/console"
)

// A Config is what Run serves, and what it may use of the process.
type Config struct {
	*settings.Serve // in force

	Key, SecretFile string // that the command line gives, or ""

	Level slog.Level               // of the log
	Log   io.Writer                // gets the log; may stall
	Lines io.Writer                // takes lines of JSON after the announcement; nil: it is for people
	Env   func(name string) string // the environment

	// Notice says something to the operator, beside the log.
	Notice func(to io.Writer, format string, args ...any)

	// Announce is called once, when connections are accepted.
	Announce func(*Announcement) error
}

// A service is one run of serve, over an engine that is open.
type service struct {
	Config
	log    *slog.Logger
	logged *logQueue // that log writes to, and Log is
	engine *engine.Engine

	registry      *platform.Registry
	users         platform.Users // registry, or what is elsewhere
	listener      net.Listener
	adminListener net.Listener // nil without --admin-listen
	host          *host        // nil until it serves
	metrics       *metrics
	console       *console.Console           // nil without one
	admin         *adminServer               // nil without --admin-listen
	ends          []func() error             // what runs beside the host, in the order in which it began
	access        atomic.Pointer[accessFile] // nil without one
	backing       sync.Mutex                 // held by the backup under way
}

// Run serves until ctx ends.
func Run(ctx context.Context, cfg Config) error {
	logged := newLogQueue(cfg.Log, cfg.lostLine, nil)
	defer logged.close()
	cfg.Log = logged
	s := &service{Config: cfg, log: cfg.logTo(logged, cfg.Level), logged: logged}
	chosen, err := seed.Chosen(cfg.Key, cfg.SecretFile, cfg.Env)
	if err != nil {
		return err
	}
	limitMemory(s.log)
	stop := onHangup(s.hungUp) // without this SIGHUP would end the process
	defer stop()
	bounds := s.queueBounds()
	bounds.OnDrop = s.warnOfDrops
	if s.engine, err = engine.Open(ctx, &s.Storage, s.Syncing, bounds, s.log); err != nil {
		return unlessAsked(ctx, err)
	}
	err = errors.Join(s.run(ctx, chosen), s.engine.Close())
	s.log.Info("ended")
	return unlessAsked(ctx, err)
}

// unlessAsked returns nil for what failed because a signal has ended ctx: to end
// is what was asked for, also when nothing is served yet.
func unlessAsked(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// run serves until ctx ends, and lets what is under way finish.
func (s *service) run(ctx context.Context, chosen platform.Key) (err error) {
	defer func() {
		for _, end := range slices.Backward(s.ends) {
			err = errors.Join(err, end())
		}
	}()
	if err := s.begin(ctx, chosen); err != nil {
		if s.host != nil {
			err = errors.Join(err, s.stop())
		}
		return err
	}
	select {
	case <-s.host.ended:
		err = fmt.Errorf("serving ended: %w", s.host.failure)
	case <-ctx.Done():
		s.drain()
	}
	return errors.Join(err, s.stop())
}

// drain goes on serving for --drain-delay, while /readyz tells those who send
// calls here that this is about to end.
func (s *service) drain() {
	s.log.Info("asked to end: draining", "delay", s.DrainDelay, "within", s.Drain)
	s.metrics.draining.Store(true)
	s.notifyUnit(unitStopping)
	timer := time.NewTimer(s.DrainDelay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.host.ended:
	}
}

// begin returns when all is served and announced. Whatever can fail comes before
// the seed: a password that it makes is known only when it is announced.
func (s *service) begin(ctx context.Context, chosen platform.Key) error {
	cert, err := s.certificate()
	if err != nil {
		return err
	}
	access, err := s.openAccessLog()
	if err != nil {
		return err
	}
	if err := s.listen(); err != nil {
		return err
	}
	if err := s.offerBackup(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.registry = platform.NewRegistry(s.engine.Store)
	if err := s.openUsers(ctx); err != nil {
		return err
	}
	services, err := s.services(ctx)
	if err != nil {
		return err
	}
	planted := seed.Config{
		Settings: s.Serve, Chosen: chosen, Store: s.engine.Store, Registry: s.registry, Env: s.Env, Notice: s.notice, Logger: s.log,
	}
	key, visitor, err := seed.Plant(context.WithoutCancel(ctx), planted)
	if err != nil {
		return err
	}
	if err := seed.Services(context.WithoutCancel(ctx), planted, services, key.ID); err != nil {
		return err
	}
	s.metrics = newMetrics(s.engine)
	s.metrics.cert, s.metrics.access, s.metrics.logged = cert, access, s.logged
	if s.host, err = serveSecure(ctx, s.listener, cert, s.connLimit(), s.config(access), s.aroundPlatform); err != nil {
		return err
	}
	s.metrics.watch(s.host.platform)
	s.metrics.conns.Store(s.host.conns)
	s.administer()
	s.ends = append(s.ends, (&filling{queues: s.engine.Queues, log: s.log}).start())
	s.warn()
	s.log.Info("listening", "url", s.host.url, "admin", s.admin.address(), "version", prism.Version, "messages", cmp.Or(s.Where(), "in memory"))
	if err := s.announce(key, visitor); err != nil {
		return err
	}
	s.notifyUnit(unitReady)
	return nil
}

func (s *service) config(access *accessLog) platform.Config {
	cfg := platform.Config{
		Store:      s.engine.Store,
		Users:      s.users,
		Queues:     s.engine.Queues,
		SignWindow: s.SignWindow, SignWindowPast: s.SignWindowPast, RefuseReplays: s.RefuseReplays,
		OAuth:       platform.OAuth{SessionLife: s.SessionLife},
		KeepHistory: s.KeepHistory,

		ReservedApps: []string{seed.FirstApp, seed.AdminApp},
		Version:      prism.Version,
		Logger:       s.log,
		Explain:      onLoopback(s.listener.Addr()),
		PushPrivate:  s.PushPrivate,
		PushLoopback: s.PushLoopback || s.amongItself(),
		Limits:       s.Limits.Platform(),
		Gateway:      s.Gateway.Platform(s.Nats != ""),
		Trace: &platform.Trace{
			Call: func(c platform.Call, o platform.Outcome) {
				access.call(c, o)
				s.metrics.call(c, o)
			},
			Disconnect: access.disconnect,
			Publish:    s.metrics.publish,
		},
	}
	cfg.Gateway.Loopback = cfg.Gateway.Loopback || s.amongItself()
	cfg.TrustedProxies, _ = s.Proxies() // checked with the settings
	cfg.PublicURL, _ = s.Public()
	for _, window := range []*time.Duration{&cfg.SignWindow, &cfg.SignWindowPast} {
		if *window == 0 {
			*window = platform.AnyAge // zero would be the default
		}
	}
	if s.KeepHistory == 0 {
		cfg.KeepHistory = -1 // zero would be the default
	}
	if s.ErrorCodes != "auto" {
		cfg.ErrorCodes = platform.ErrorCodes(s.ErrorCodes)
	}
	return cfg
}

// amongItself reports whether only programs of this machine reach the platform. With a proxy
// in front anybody may, wherever it listens.
func (s *service) amongItself() bool {
	return onLoopback(s.listener.Addr()) && s.PublicURL == "" && len(s.TrustedProxies) == 0
}

// stop ends the platform within --drain. What had to be cut is no failure of the
// command.
func (s *service) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.Drain)
	defer cancel()
	if err := s.host.stop(ctx); err != nil {
		s.notice("not everyone had left after %v and was cut off: %v", s.Drain, err)
	}
	return nil
}
