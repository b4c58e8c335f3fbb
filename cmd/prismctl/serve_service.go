package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/files"
	"github.com/shopex/prism-go/cmd/prismctl/internal/secrets"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/platform"
)

// A service is one run of serve, over an engine that is open.
type service struct {
	*serveCmd
	t      *tool
	log    *slog.Logger
	logged *logQueue // that log writes to
	engine *engine

	registry      *platform.Registry
	listener      net.Listener
	adminListener net.Listener // nil without --admin-listen
	host          *host        // nil until it serves
	metrics       *metrics
	admin         *adminServer               // nil without --admin-listen
	ends          []func() error             // what runs beside the host, in the order in which it began
	access        atomic.Pointer[accessFile] // nil without one
	backing       sync.Mutex                 // held by the backup under way
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
	key, visitor, err := s.seed(context.WithoutCancel(ctx), chosen)
	if err != nil {
		return err
	}
	s.metrics = newMetrics(s.engine)
	s.metrics.cert, s.metrics.access, s.metrics.logged = cert, access, s.logged
	if s.host, err = serveSecure(s.listener, cert, s.connLimit(), s.config(access)); err != nil {
		return err
	}
	s.metrics.watch(s.host.platform)
	s.metrics.conns.Store(s.host.conns)
	s.administer()
	s.ends = append(s.ends, (&filling{queues: s.engine.queues, log: s.log}).start())
	s.warn()
	s.log.Info("listening", "url", s.host.url, "admin", s.admin.address(), "version", prism.Version, "messages", cmp.Or(s.Where(), "in memory"))
	if err := s.announce(key, visitor); err != nil {
		return err
	}
	s.notifyUnit(unitReady)
	return nil
}

// seed brings what was given into the records, and makes what has to be there.
func (s *service) seed(ctx context.Context, chosen platform.Key) (shownKey, newcomer, error) {
	s.registry = platform.NewRegistry(s.engine.store)
	seeder := &seeder{store: s.engine.store, registry: s.registry, lists: s.Lists, from: s.Whose, notice: s.t.notice}
	admin, err := s.adminKey()
	if err != nil {
		return admin, newcomer{}, err
	}
	if err := seeder.users(ctx); err != nil { // whose files may be wrong, before a key is made
		return admin, newcomer{}, err
	}
	key, err := seeder.keys(ctx, chosen, admin)
	if err != nil {
		return key, newcomer{}, err
	}
	if err := errors.Join(seeder.forgetOwnSecret(ctx), seeder.takeAway(ctx)); err != nil {
		return key, newcomer{}, err
	}
	if err := seeder.nameUngiven(ctx, key.id); err != nil {
		return key, newcomer{}, err
	}
	visitor, err := seeder.newcomer(ctx, s.AdminKey != "" || len(s.Lists.Keys) > 0)
	return key, visitor, err
}

// adminKey is that of --admin-key, or the zero value.
func (s *service) adminKey() (shownKey, error) {
	key := shownKey{id: s.AdminKey, file: s.AdminSecretFile}
	if key.id == "" {
		return key, nil
	}
	var err error
	if key.secret, err = secrets.Of(s.AdminSecretFile, s.t.env, "PRISM_ADMIN_SECRET"); err != nil {
		return key, fmt.Errorf("%s: %w", s.From["admin-key"], err)
	}
	if key.secret == "" {
		return key, exit.Usagef("%s: there is no secret: set PRISM_ADMIN_SECRET or give --admin-secret-file", s.From["admin-key"])
	}
	return key, nil
}

// listen takes the addresses. Who calls there waits until they are served.
func (s *service) listen() (err error) {
	if s.listener, err = s.take(s.Listen); err != nil {
		return fmt.Errorf("cannot listen: %w\nChoose another address by --listen; port 0 is any free one", err)
	}
	if s.AdminListen == "" {
		return nil
	}
	if s.adminListener, err = s.take(s.AdminListen); err != nil {
		return fmt.Errorf("cannot listen for health and metrics: %w\nChoose another address by --admin-listen", err)
	}
	return nil
}

// take listens at an address until the end of s, or of the server there.
func (s *service) take(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	s.ends = append(s.ends, func() error { return ignore(l.Close(), net.ErrClosed) })
	return l, nil
}

func (s *service) config(access *accessLog) platform.Config {
	cfg := platform.Config{
		Store:      s.engine.store,
		Users:      s.registry,
		Queues:     s.engine.queues,
		SignWindow: s.SignWindow,
		OAuth:      platform.OAuth{SessionLife: s.SessionLife},

		ReservedApps: []string{firstApp, adminApp},
		Logger:       s.log,
		Explain:      onLoopback(s.listener.Addr()),
		Limits:       s.Limits.Platform(),
		Trace: &platform.Trace{
			Call: func(c platform.Call, o platform.Outcome) {
				access.call(c, o)
				s.metrics.call(c, o)
			},
			Disconnect: access.disconnect,
			Publish:    s.metrics.publish,
		},
	}
	cfg.TrustedProxies, _ = s.Proxies() // checked with the settings
	cfg.PublicURL, _ = s.Public()
	if cfg.SignWindow == 0 {
		cfg.SignWindow = platform.AnyAge // zero would be the default
	}
	return cfg
}

func (s *service) warn() {
	if !onLoopback(s.listener.Addr()) && s.TLSCert == "" {
		s.t.notice("WARNING: other machines can reach %s, and there is no TLS: everyone on the way can read the messages, the tokens and the passwords.\nGive --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy that ends TLS.", s.listener.Addr())
	}
	if s.SignWindow == 0 {
		s.t.notice("WARNING: signatures of any age are accepted, so recorded calls can be repeated.")
	}
	s.warnOfDirectory()
	if s.Syncing > 0 {
		s.t.notice("WARNING: with --sync %v, a power failure may take the messages that were confirmed in the last %v.", s.Syncing, s.Syncing)
	}
}

// stop ends the platform within --drain. What had to be cut is no failure of the
// command.
func (s *service) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.Drain)
	defer cancel()
	if err := s.host.stop(ctx); err != nil {
		s.t.notice("not everyone had left after %v and was cut off: %v", s.Drain, err)
	}
	return nil
}

// An announcement is the first line of output, for programs.
type announcement struct {
	URL    string `json:"url"`
	Key    string `json:"key"`
	Secret string `json:"secret,omitempty"` // not that of a file, or of an earlier start
	newcomer
	AdminURL string `json:"admin_url,omitempty"`
}

func (s *service) announce(key shownKey, visitor newcomer) error {
	url, adminURL := s.host.url, s.admin.address()
	if key.file != "" || key.old { // what is printed at each start stays in the logs
		key.secret = ""
	}
	if s.t.Output == asJSON {
		return s.t.printJSON(announcement{url, key.id, key.secret, visitor, adminURL})
	}
	admin := ""
	if adminURL != "" {
		admin = "\nIts health and metrics are at " + adminURL
	}
	return s.t.println(`A platform is ready at %s
%s Ctrl-C ends it.%s

In another terminal, paste

    export PRISM_URL=%s
%s
and try

    prismctl publish order.new 'hello world'
    prismctl queue status
    prismctl consume
    prismctl login

%s`, url, s.lasting(), admin, words.Quoted(url), key.exports(), visitor.introduction())
}

// lasting says where the messages are.
func (s *service) lasting() string {
	if where := s.Where(); where != "" {
		return "Its messages are in " + where + " and stay."
	}
	return "Its messages live in memory and end with it."
}

// exports are the lines of a shell by which clients find the key.
func (k shownKey) exports() string {
	if k.id == "" {
		return "    export PRISM_KEY=... PRISM_SECRET=...\n"
	}
	lines := "    export PRISM_KEY=" + words.Quoted(k.id) + "\n    export PRISM_SECRET="
	switch {
	case k.file != "":
		return lines + `"$(cat ` + words.Quoted(k.file) + `)"` + "\n"
	case k.secret == "":
		return lines + "...\n\nwith the secret that the first start has shown; \"prismctl key rotate\" gives the key a new one,\n"
	}
	return lines + words.Quoted(k.secret) + "\n"
}

// openAccessLog returns what writes a line for each call, or nil.
func (s *service) openAccessLog() (*accessLog, error) {
	switch {
	case s.AccessLog == "":
		return nil, nil
	case s.AccessLog == "-" && s.t.Output != asJSON:
		return nil, exit.Usagef("%s: standard output tells people how to begin: give --output json too, or a file", s.From["access-log"])
	case s.AccessLog == "-":
		access := newAccessLog(s.t.out, s.log)
		s.ends = append(s.ends, func() error { access.queue.close(); return nil })
		return access, nil
	}
	f, err := openAccessFile(s.AccessLog)
	if err != nil {
		return nil, err
	}
	s.access.Store(f)
	access := newAccessLog(f, s.log)
	s.ends = append(s.ends, func() error {
		access.queue.close()
		return f.close()
	})
	return access, nil
}

// hungUp is called for each SIGHUP, at any time.
func (s *service) hungUp() {
	f := s.access.Load()
	if f == nil {
		return
	}
	if err := f.reopen(); err != nil {
		s.log.Error("the access log could not be opened again, and goes on in the old file", "error", err)
	}
}

// certificate returns that of --tls-cert, or nil.
func (s *service) certificate() (*certificate, error) {
	if s.TLSCert == "" {
		return nil, nil
	}
	cert, err := newCertificate(s.TLSCert, s.TLSKey, s.log, time.Now)
	if err != nil {
		return nil, exit.Usagef("%s: %w", cmp.Or(s.From["tls-cert"], "tls-cert"), err)
	}
	return cert, nil
}

// warnOfDirectory says when others may look into --data or change what is there.
func (s *service) warnOfDirectory() {
	info, err := os.Stat(s.Data)
	if s.Data == "" || err != nil {
		return
	}
	if open := files.OpenTo(info); open != "" {
		s.t.notice("WARNING: the directory %s may be %s by other users of this machine (mode %04o): run \"chmod g-w,o-rwx %s\".",
			words.Shown(s.Data), open, info.Mode().Perm(), words.Quoted(s.Data))
	}
}
